/**
 * Simulates the operator with faults, seed by seed.
 *
 *     SEEDS=FROM-TO [VERBOSE=1] node test/simulation/main.ts
 *
 * The last line is `N passed, N failed`, and the exit status is 1 when anything
 * failed. VERBOSE shows the whole timeline of each seed.
 */
import { Report } from './report.ts';
import { runSeed, type SeedResult } from './run-seed.ts';
import { runSeeds } from './run-seeds.ts';

const SHOWN_FAILURES = 20;

async function main(): Promise<number> {
  const seeds = parseSeeds(process.env['SEEDS'] ?? '1-5000');
  if (!seeds) {
    process.stderr.write('SEEDS must be FROM-TO, two numbers, such as SEEDS=1-5000\n');
    return 2;
  }
  const report = new Report();
  if (process.env['VERBOSE'] === '1') await showSeeds(seeds, (result) => report.add(result));
  else await runSeeds(seeds, (result) => report.add(result));
  report.lines().forEach(print);
  const failures = report.failures.toSorted((a, b) => a.seed - b.seed);
  for (const { seed, complaints } of failures.slice(0, SHOWN_FAILURES))
    print(
      `seed ${String(seed)}: ${complaints[0] ?? ''}   (SEEDS=${String(seed)}-${String(seed)} VERBOSE=1 shows it)`,
    );
  if (failures.length > SHOWN_FAILURES) print(`and ${String(failures.length - SHOWN_FAILURES)} more`);
  const failed = failures.length + report.gaps.length;
  print(`${String(report.passed)} passed, ${String(failed)} failed`);
  return failed > 0 ? 1 : 0;
}

function parseSeeds(text: string): readonly [number, number] | undefined {
  const [, from, to] = /^(\d+)-(\d+)$/.exec(text) ?? [];
  return from === undefined || to === undefined || Number(to) < Number(from)
    ? undefined
    : [Number(from), Number(to)];
}

async function showSeeds(
  [from, to]: readonly [number, number],
  told: (result: SeedResult) => void,
): Promise<void> {
  for (let seed = from; seed <= to; seed += 1) {
    print(`seed ${String(seed)}`);
    told(await runSeed(seed, (time, line) => print(`${(time / 1000).toFixed(3).padStart(10)}  ${line}`)));
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exitCode = await main();
