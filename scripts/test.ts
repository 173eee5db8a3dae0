/**
 * Runs the test suites one after another and adds up what they report.
 *
 *     node scripts/test.ts [SUITE...] [-- VITEST ARGUMENTS]
 *
 * The last line is `N passed, N failed` and the exit status is 1 when anything
 * failed. What is no failing test and still no success counts as one failure:
 * a file that does not load, a suite that crashes, one that runs no test.
 *
 * A new suite: a row in SUITES and a project in vitest.config.ts.
 */
import { spawn } from 'node:child_process';
import { existsSync, globSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { CONTROL_PLANE } from '../test/support/controlplane/binaries.ts';
import { goBinaries, type GoBuild } from '../test/support/controlplane/go-binaries.ts';
import { JUDGE } from '../test/support/controlplane/judge.ts';
import { TOOLS } from '../test/support/controlplane/tool-binaries.ts';

/** A suite, and the programs in Go that it runs. */
type Suite = { readonly name: string; readonly shareMinutes: number; readonly needs: readonly Programs[] };

/** Built from Go modules once per machine; found in the cache afterwards. */
type Programs = { readonly build: GoBuild; readonly shareMinutes: number };
const CONTROL_PLANE_PROGRAMS: Programs = { build: CONTROL_PLANE, shareMinutes: 7 };
const JUDGE_PROGRAM: Programs = { build: JUDGE, shareMinutes: 2 };
const TOOL_PROGRAMS: Programs = { build: TOOLS, shareMinutes: 4 };

/** In the order they run. The share is what a suite may take before the table warns about it. */
const SUITES: readonly Suite[] = [
  { name: 'unit', shareMinutes: 1, needs: [] },
  { name: 'simulation', shareMinutes: 3, needs: [] },
  { name: 'standin', shareMinutes: 1, needs: [CONTROL_PLANE_PROGRAMS] },
  { name: 'contract', shareMinutes: 0.5, needs: [CONTROL_PLANE_PROGRAMS] },
  { name: 'integration', shareMinutes: 7, needs: [CONTROL_PLANE_PROGRAMS] },
  { name: 'e2e', shareMinutes: 10, needs: [CONTROL_PLANE_PROGRAMS] },
  { name: 'gitops', shareMinutes: 2, needs: [CONTROL_PLANE_PROGRAMS, JUDGE_PROGRAM] },
  { name: 'chart', shareMinutes: 3, needs: [CONTROL_PLANE_PROGRAMS, TOOL_PROGRAMS] },
  { name: 'run-wide', shareMinutes: 0.1, needs: [] }, // last: judges by what the others did
];
/** For everything together on a machine with empty caches. */
const TOTAL_SHARE_MINUTES = 40;

const ROOT = join(import.meta.dirname, '..');
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number };
type Row = Counts & {
  readonly name: string;
  readonly minutes: number;
  readonly shareMinutes: number;
  /** Whether it is a build, which has no tests to count. */
  readonly built?: boolean;
  /** Why this row is no success although no test may have failed. */
  readonly trouble?: string;
  /** The tests that failed, and files that did not even load, each with the first line of what it says. */
  readonly failures?: readonly string[];
};

/** The part of vitest's JSON report that counts here. */
const reportSchema = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.enum(['passed', 'failed']),
      message: z.string().default(''),
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          status: z.string(),
          failureMessages: z.array(z.string()).nullish(),
        }),
      ),
    }),
  ),
});

type Exit = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly interrupted: boolean;
};

async function main(): Promise<number> {
  const { names, vitestArguments } = parseArguments(process.argv.slice(2));
  const keptFolder = await mkdtemp(join(tmpdir(), 'careen-kept-'));
  try {
    const rows = await runAll(selectSuites(names), { vitestArguments, ...(await keptFolders(keptFolder)) });
    printSummary(rows);
    return rows.some(({ failed }) => failed > 0) ? 1 : 0;
  } finally {
    await rm(keptFolder, { recursive: true, force: true });
  }
}

async function keptFolders(parent: string): Promise<Pick<Run, 'auditFolder' | 'logFolder'>> {
  const [auditFolder, logFolder] = [join(parent, 'audit'), join(parent, 'log')];
  for (const folder of [auditFolder, logFolder]) await mkdir(folder);
  return { auditFolder, logFolder };
}

function parseArguments(given: readonly string[]): {
  names: readonly string[];
  vitestArguments: readonly string[];
} {
  const end = given.indexOf('--');
  return end < 0
    ? { names: given, vitestArguments: [] }
    : { names: given.slice(0, end), vitestArguments: given.slice(end + 1) };
}

/** The suites of these names, or all that exist; tests that no suite would run are an error. */
function selectSuites(names: readonly string[]): readonly Suite[] {
  const known = SUITES.map(({ name }) => name);
  const stray = globSync('test/**/*.test.ts', { cwd: ROOT }).filter(
    (file) => !known.includes(file.split('/')[1] ?? ''),
  );
  if (stray.length > 0) throw new UsageError(`no suite in scripts/test.ts runs ${stray.join(', ')}`);

  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new UsageError(`there is no suite ${unknown.join(', ')}; the suites are ${known.join(', ')}`);

  const missing = SUITES.filter((suite) => !exists(suite)).map(({ name }) => name);
  const missed = names.filter((name) => missing.includes(name));
  if (missed.length > 0) throw new UsageError(`test/${missed.join(', test/')} has no tests yet`);

  if (missing.length > 0 && names.length === 0)
    print(`Left out, with no folder below test/: ${missing.join(', ')}`);
  return SUITES.filter((suite) => exists(suite) && (names.length === 0 || names.includes(suite.name)));
}

/** Git keeps no empty folders, so an empty one is none. */
function exists({ name }: Suite): boolean {
  const folder = join(ROOT, 'test', name);
  return existsSync(folder) && readdirSync(folder).length > 0;
}

type Run = {
  readonly vitestArguments: readonly string[];
  /** Where the API servers of all suites note what the operator asked of them. */
  readonly auditFolder: string;
  /** Where all operators' output is kept. */
  readonly logFolder: string;
};

async function runAll(suites: readonly Suite[], run: Run): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const suite of suites) {
    const lacking = await lackingBuilds(suite, rows);
    if (lacking.length > 0) {
      rows.push(failure(suite, `not run: ${lacking.join(' and ')} failed`));
      continue;
    }
    const { row, interrupted } = await runSuite(suite, run, environment(run, suites, rows));
    rows.push(row);
    if (interrupted) return rows;
  }
  const ran = rows.some(({ passed, failed }) => passed + failed > 0);
  return ran ? rows : [...rows, failure({ name: 'all suites', shareMinutes: 0 }, 'no test ran')];
}

/** For test/support/audit/audit.ts and kept-output.ts; COMPLETE says that all tests ran before this suite, and none failed. */
function environment(
  { auditFolder, logFolder, vitestArguments }: Run,
  suites: readonly Suite[],
  before: readonly Row[],
): NodeJS.ProcessEnv {
  const whole = suites.length === SUITES.length && vitestArguments.length === 0;
  const complete = whole && before.every(({ failed, trouble }) => failed === 0 && !trouble);
  const kept = { CAREEN_AUDIT_DIR: auditFolder, CAREEN_LOG_DIR: logFolder };
  return complete ? { ...kept, CAREEN_AUDIT_COMPLETE: 'yes' } : kept;
}

function failure({ name, shareMinutes }: Pick<Row, 'name' | 'shareMinutes'>, trouble: string): Row {
  return { name, shareMinutes, passed: 0, failed: 1, skipped: 0, minutes: 0, trouble };
}

/** Builds what a suite needs and what was not built before; says which of it failed. */
async function lackingBuilds({ needs }: Suite, rows: Row[]): Promise<string[]> {
  const lacking: string[] = [];
  for (const programs of needs) {
    const name = `${programs.build.name} build`;
    let row = rows.find((each) => each.name === name);
    if (!row) rows.push((row = await buildRow(name, programs)));
    if (row.trouble) lacking.push(name);
  }
  return lacking;
}

async function buildRow(name: string, { build, shareMinutes }: Programs): Promise<Row> {
  print(`\n=== ${name} ===`);
  const started = performance.now();
  const row = { name, shareMinutes, passed: 0, failed: 0, skipped: 0, built: true };
  try {
    print(await goBinaries(build));
    return { ...row, minutes: minutesSince(started) };
  } catch (error) {
    print(error instanceof Error ? error.message : String(error));
    return { ...row, minutes: minutesSince(started), trouble: 'failed, see above' };
  }
}

async function runSuite(
  suite: Suite,
  { vitestArguments }: Run,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly row: Row; readonly interrupted: boolean }> {
  print(`\n=== ${suite.name} ===`);
  const started = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'careen-test-'));
  try {
    const reportFile = join(folder, 'report.json');
    const exit = await vitest(suite.name, reportFile, vitestArguments, env);
    const judged = judge(await readReport(reportFile), exit, vitestArguments.length > 0);
    return { row: { ...suite, ...judged, minutes: minutesSince(started) }, interrupted: exit.interrupted };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Runs one project of vitest.config.ts. A signal meanwhile ends vitest, not
 * this process: the table with what has run so far is still printed.
 */
async function vitest(
  project: string,
  reportFile: string,
  further: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Exit> {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
  // A filter may leave nothing of a suite; judge() decides whether that is right.
  const filtered = further.length > 0 ? ['--passWithNoTests', ...further] : [];
  const program = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const command = [program, 'run', '--project', project, ...reporters, ...filtered];

  const child = spawn(process.execPath, command, {
    cwd: ROOT,
    env: { ...process.env, ...env },
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

type Report = z.infer<typeof reportSchema>;

async function readReport(path: string): Promise<Report | undefined> {
  if (!existsSync(path)) return undefined;
  return reportSchema.parse(JSON.parse(await readFile(path, 'utf8')));
}

/** What a suite's report and its process' end add up to; `filtered` when it was asked for only some of its tests. */
function judge(
  report: Report | undefined,
  exit: Exit,
  filtered: boolean,
): Counts & Pick<Row, 'trouble' | 'failures'> {
  const brokenFiles = report?.testResults.filter(isBroken).length ?? 0;
  const passed = report?.numPassedTests ?? 0;
  const failed = (report?.numFailedTests ?? 0) + brokenFiles;
  const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);

  if (failed > 0) return { passed, failed, skipped, failures: report?.testResults.flatMap(failuresOf) ?? [] };
  if (exit.code !== 0 || exit.interrupted) {
    return { passed, failed: 1, skipped, trouble: `vitest ended with ${ending(exit)}` };
  }
  if (!report) return { passed, failed: 1, skipped, trouble: 'vitest wrote no report' };
  if (passed === 0 && !filtered) return { passed, failed: 1, skipped, trouble: 'no test ran' };
  return { passed, failed, skipped };
}

/** A file that failed without a failed test: it did not load, its hooks threw, or its worker died. */
function isBroken({ status, assertionResults }: Report['testResults'][number]): boolean {
  return status === 'failed' && !assertionResults.some((test) => test.status === 'failed');
}

function failuresOf(file: Report['testResults'][number]): string[] {
  const of = relative(ROOT, file.name);
  const [firstLine = ''] = file.message.split('\n');
  if (isBroken(file)) return [`${of}: ${firstLine}`];
  return file.assertionResults
    .filter(({ status }) => status === 'failed')
    .map(
      ({ fullName, failureMessages }) => `${of}: ${fullName}: ${failureMessages?.[0]?.split('\n')[0] ?? ''}`,
    );
}

function ending({ code, signal, interrupted }: Exit): string {
  if (interrupted) return 'an interrupt';
  return signal ?? `status ${String(code)}`;
}

function printSummary(rows: readonly Row[]): void {
  const total = rows.reduce<Row>(
    (sum, row) => ({
      ...sum,
      passed: sum.passed + row.passed,
      failed: sum.failed + row.failed,
      skipped: sum.skipped + row.skipped,
      minutes: sum.minutes + row.minutes,
    }),
    { name: 'total', passed: 0, failed: 0, skipped: 0, minutes: 0, shareMinutes: TOTAL_SHARE_MINUTES },
  );
  print('');
  for (const line of table(
    ['suite', 'passed', 'failed', 'skipped', 'minutes', 'share'],
    [...rows, total].map(cells),
  ))
    print(line);
  for (const { name, minutes, shareMinutes } of [...rows, total]) {
    const taken = minutes.toFixed(1);
    if (Number(taken) > shareMinutes)
      print(`warning: ${name} took ${taken} minutes, its share is ${shareMinutes.toFixed(1)}`);
  }
  for (const { name, trouble, failures = [] } of rows) {
    if (trouble) print(`failed: ${name}: ${trouble}`);
    for (const failure of failures) print(`failed: ${failure}`);
  }
  const skips = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
  print(`${total.passed} passed, ${total.failed} failed${skips}`);
}

function cells({ name, built, passed, failed, skipped, minutes, shareMinutes }: Row): readonly string[] {
  const counts = [passed, failed, skipped].map((count) => (built ? '' : String(count)));
  return [name, ...counts, minutes.toFixed(1), shareMinutes.toFixed(1)];
}

/** The first column to the left, the numbers to the right. */
function table(header: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
}

function minutesSince(started: number): number {
  return (performance.now() - started) / 60_000;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

class UsageError extends Error {
  override readonly name = 'UsageError';
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
