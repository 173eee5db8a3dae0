/**
 * The checks of the inner loop, those that need no server: lint, formatting,
 * types, unit tests, the contract on the simulated adapter, and some seeds.
 *
 *     node scripts/test-quick.ts
 *
 * The last line is `N passed, N failed`, by checks, and the exit status is 1
 * when anything failed. A check's output is shown when it has failed.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { COMPILE_CACHE } from './testing/compile-cache.ts';
import { ROOT } from './testing/suites.ts';
import { print, printTable } from './testing/tables.ts';

const SEEDS = '1-300';
const MODULES = join(ROOT, 'node_modules');
const ESLINT = join(MODULES, 'eslint', 'bin', 'eslint.js');
const DEPENDENCY_CRUISER = join(MODULES, 'dependency-cruiser', 'bin', 'dependency-cruiser.mjs');
const PRETTIER = join(MODULES, 'prettier', 'bin', 'prettier.cjs');
const TSC = join(MODULES, 'typescript7', 'bin', 'tsc');
const VITEST = join(MODULES, 'vitest', 'vitest.mjs');
/**
 * Files that have not changed are not checked again. A rule that asks for the types of another file may then judge by
 * those of its last check; `make lint` and CI check everything anew.
 */
const cachedIn = (folder: string): readonly string[] => [
  ...['--cache', '--cache-strategy', 'content'],
  ...['--cache-location', join(MODULES, '.cache', folder)],
];
const PROJECTS = ['--project=unit', '--project=contract'];

type Check = {
  readonly name: string;
  /** The arguments of node. */
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
};

/** In the order they begin; all of them at once would only wait for each other. */
const LANES: readonly (readonly Check[])[] = [
  [
    { name: 'lint', command: [ESLINT, ...cachedIn('test-quick-eslint'), '.'] },
    { name: 'import circles', command: [DEPENDENCY_CRUISER, 'src', '--output-type', 'err'] },
    {
      name: 'formatting',
      command: [PRETTIER, '--check', '--log-level', 'warn', ...cachedIn('test-quick-prettier'), '.'],
    },
    {
      name: `seeds ${SEEDS}`,
      command: [join('test', 'simulation', 'main.ts')],
      environment: { SEEDS },
    },
  ],
  [
    { name: 'types', command: [TSC, '-p', 'tsconfig.json'] },
    {
      name: 'unit, contract',
      command: [VITEST, 'run', ...PROJECTS, 'test/unit/', 'test/contract/simulated.test.ts'],
    },
  ],
];

type Ended = { readonly name: string; readonly passed: boolean; readonly seconds: number };

async function main(): Promise<number> {
  const started = performance.now();
  const ended = (await Promise.all(LANES.map(runLane))).flat();
  const rows = ended.map(({ name, passed, seconds }) => [name, passed ? 'ok' : 'failed', seconds.toFixed(0)]);
  print('');
  printTable(
    ['check', 'result', 'seconds'],
    [...rows, ['by the clock', '', ((performance.now() - started) / 1000).toFixed(0)]],
  );
  const failed = ended.filter(({ passed }) => !passed);
  for (const { name } of failed) print(`failed: ${name}, see above`);
  print(`${String(ended.length - failed.length)} passed, ${String(failed.length)} failed`);
  return failed.length > 0 ? 1 : 0;
}

async function runLane(checks: readonly Check[]): Promise<readonly Ended[]> {
  const ended: Ended[] = [];
  for (const check of checks) ended.push(await run(check));
  return ended;
}

async function run({ name, command, environment = {} }: Check): Promise<Ended> {
  const started = performance.now();
  const child = spawn(process.execPath, command, {
    cwd: ROOT,
    env: { ...process.env, ...COMPILE_CACHE, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject).once('close', resolve);
  const [output, complaints, code] = await Promise.all([text(child.stdout), text(child.stderr), promise]);
  const passed = code === 0;
  print(`${name}: ${passed ? 'ok' : 'failed'}`);
  if (!passed) print(`${output}${complaints}`);
  return { name, passed, seconds: (performance.now() - started) / 1000 };
}

process.exitCode = await main();
