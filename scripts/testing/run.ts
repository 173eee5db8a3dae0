/** Runs suites by vitest, one turn of them at a time, and says what came of each. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMPILE_CACHE } from './compile-cache.ts';
import { REPORT_VARIABLE, reportSchema, type FileReport } from './report.ts';
import { isWhole, ROOT, turnsOf, type Programs, type Suite } from './suites.ts';
import type { Row } from './summary.ts';
import { print } from './tables.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export type Run = {
  readonly vitestArguments: readonly string[];
  /** Where the API servers of all suites note what the operator asked of them. */
  readonly auditFolder: string;
  /** Where all operators' output is kept. */
  readonly logFolder: string;
};

export type Results = {
  readonly rows: readonly Row[];
  readonly files: readonly FileReport[];
  /** What the turns took by the clock: without the builds. */
  readonly minutes: number;
};

type Exit = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly interrupted: boolean;
};

/** Runs the suites in their turns, and builds before each what it needs. */
export async function runAll(suites: readonly Suite[], run: Run): Promise<Results> {
  const rows: Row[] = [];
  const files: FileReport[] = [];
  let minutes = 0;
  for (const turn of turnsOf(suites)) {
    const ready = await readySuites(turn, rows);
    if (ready.length === 0) continue;
    const env = environment(run, suites, rows);
    const result = await runTurn(ready, run.vitestArguments, env);
    rows.push(...result.rows);
    files.push(...result.files);
    minutes += result.minutes;
    if (result.interrupted) return { rows, files, minutes };
  }
  const ran = rows.some(({ passed, failed }) => passed + failed > 0);
  if (!ran) rows.push(failure({ name: 'all suites', shareMinutes: 0 }, 'no test ran'));
  return { rows, files, minutes };
}

/** For test/support/audit/audit.ts and kept-output.ts; COMPLETE says that all tests ran before this turn, and none failed. */
function environment(
  { auditFolder, logFolder, vitestArguments }: Run,
  suites: readonly Suite[],
  before: readonly Row[],
): NodeJS.ProcessEnv {
  const whole = isWhole(suites) && vitestArguments.length === 0;
  const complete = whole && before.every(({ failed, trouble }) => failed === 0 && !trouble);
  const kept = { CAREEN_AUDIT_DIR: auditFolder, CAREEN_LOG_DIR: logFolder };
  return complete ? { ...kept, CAREEN_AUDIT_COMPLETE: 'yes' } : kept;
}

/** Builds what the suites need and was not built before; those that lack something get a row that says so. */
async function readySuites(suites: readonly Suite[], rows: Row[]): Promise<readonly Suite[]> {
  const ready: Suite[] = [];
  for (const suite of suites) {
    const lacking = await lackingBuilds(suite, rows);
    if (lacking.length === 0) ready.push(suite);
    else rows.push(failure(suite, `not run: ${lacking.join(' and ')} failed`));
  }
  return ready;
}

async function lackingBuilds({ needs }: Suite, rows: Row[]): Promise<readonly string[]> {
  const lacking: string[] = [];
  for (const programs of needs) {
    const name = `${programs.name} build`;
    let row = rows.find((each) => each.name === name);
    if (!row) rows.push((row = await buildRow(name, programs)));
    if (row.trouble) lacking.push(name);
  }
  return lacking;
}

async function buildRow(name: string, { build, shareMinutes }: Programs): Promise<Row> {
  print(`\n=== ${name} ===`);
  const started = performance.now();
  const row = { name, shareMinutes, passed: 0, failed: 0, skipped: [], built: true };
  try {
    print(await build());
    return { ...row, minutes: minutesSince(started) };
  } catch (error) {
    print(error instanceof Error ? error.message : String(error));
    return { ...row, minutes: minutesSince(started), trouble: 'failed, see above' };
  }
}

async function runTurn(
  suites: readonly Suite[],
  vitestArguments: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Results & { readonly interrupted: boolean }> {
  const names = suites.map(({ name }) => name);
  print(`\n=== ${names.join(', ')} ===`);
  const started = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'careen-test-'));
  try {
    const reportFile = join(folder, 'report.json');
    const exit = await vitest(names, vitestArguments, { ...env, [REPORT_VARIABLE]: reportFile });
    const files = await readReport(reportFile);
    const { interrupted } = exit;
    const hasFailures = files.some(({ failed }) => failed > 0);
    const trouble = hasFailures && !interrupted ? undefined : troubleOf(exit);
    const mayBeNone = vitestArguments.length > 0 || trouble !== undefined;
    const rows = suites.map((suite) => rowOf(suite, files, mayBeNone));
    if (trouble) rows.push(failure({ name: names.join(', '), shareMinutes: 0 }, trouble));
    return { rows, files, minutes: minutesSince(started), interrupted };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Runs projects of vitest.config.ts. A signal meanwhile ends vitest, not this
 * process: the table with what has run so far is still printed.
 */
async function vitest(
  projects: readonly string[],
  further: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Exit> {
  const reporters = ['--reporter=default', `--reporter=${join(import.meta.dirname, 'reporter.ts')}`];
  // A filter may leave nothing of a suite; rowOf() decides whether that is right.
  const filtered = further.length > 0 ? ['--passWithNoTests', ...further] : [];
  const program = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const command = [program, 'run', ...projects.map((name) => `--project=${name}`), ...reporters, ...filtered];

  const child = spawn(process.execPath, command, {
    cwd: ROOT,
    env: { ...process.env, ...COMPILE_CACHE, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  let interrupted = false;
  const interrupt = (): void => {
    interrupted = true;
    child.kill('SIGTERM');
  };
  for (const signal of SIGNALS) process.on(signal, interrupt);
  try {
    const { promise, resolve, reject } = Promise.withResolvers<number | null>();
    child.once('error', reject).once('close', resolve);
    const code = await promise;
    return { code, signal: child.signalCode, interrupted };
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupt);
  }
}

async function readReport(path: string): Promise<readonly FileReport[]> {
  return existsSync(path) ? reportSchema.parse(JSON.parse(await readFile(path, 'utf8'))) : [];
}

/** What the files of a suite add up to; without `mayBeNone` there must be tests. */
function rowOf({ name, shareMinutes }: Suite, all: readonly FileReport[], mayBeNone: boolean): Row {
  const files = all.filter(({ suite }) => suite === name);
  const sum = (count: (file: FileReport) => number): number =>
    files.reduce((total, file) => total + count(file), 0);
  const row = {
    ...{ name, shareMinutes },
    passed: sum(({ passed }) => passed),
    failed: sum(({ failed }) => failed),
    skipped: files.flatMap(({ skipped }) => skipped),
    minutes: sum(({ seconds }) => seconds) / 60,
    failures: files.flatMap(({ failures }) => failures),
  };
  if (row.passed + row.failed > 0 || mayBeNone) return row;
  return { ...row, failed: 1, trouble: 'no test ran' };
}

/** Why vitest's end is no success although no test may have failed. */
function troubleOf({ code, signal, interrupted }: Exit): string | undefined {
  if (interrupted) return 'vitest ended with an interrupt';
  return code === 0 ? undefined : `vitest ended with ${signal ?? `status ${String(code)}`}`;
}

function failure({ name, shareMinutes }: Pick<Row, 'name' | 'shareMinutes'>, trouble: string): Row {
  return { name, shareMinutes, passed: 0, failed: 1, skipped: [], minutes: 0, trouble };
}

function minutesSince(started: number): number {
  return (performance.now() - started) / 60_000;
}
