/**
 * Simulates the operator with faults, seed by seed.
 *
 *     [SEEDS=FROM-TO] [VERBOSE=1] [WORLD=nodes|cloud|sessions] node test/simulation/main.ts
 *
 * Without SEEDS the range follows from the date, so that every run tries new seeds.
 * The last line is `N passed, N failed`, and the exit status is 1 when anything
 * failed. VERBOSE shows the whole timeline of each seed. WORLD runs only a part of each seed.
 */
import { Report } from './report.ts';
import { runSeed, WORLDS, type SeedResult } from './run-seed.ts';
import { hasBroken, runSeeds } from './run-seeds.ts';
import { seedsOfMinute } from './seed-range.ts';

const SHOWN_FAILURES = 20;
const SHOWN_LINES = 10;

const worlds = WORLDS.filter((each) => (process.env['WORLD'] || each) === each);

async function main(): Promise<number> {
  const given = process.env['SEEDS'];
  const seeds = given ? parseSeeds(given) : seedsOfMinute(Date.now());
  if (!seeds) {
    process.stderr.write('SEEDS must be FROM-TO, two numbers, such as SEEDS=1-5000\n');
    return 2;
  }
  const range = seeds.join('-');
  print(`seeds ${range}; the same again: make simulate SEEDS=${range}`);
  const report = new Report();
  if (process.env['VERBOSE'] === '1') await showSeeds(seeds, (result) => report.add(result));
  else await runSeeds(seeds, (result) => report.add(result), { workerData: { worlds } });
  report.lines().forEach(print);
  const failures = report.failures.toSorted((a, b) => a.seed - b.seed);
  for (const failure of failures.slice(0, SHOWN_FAILURES)) {
    const { seed, complaints } = failure;
    print(`seed ${String(seed)}: ${complaints[0] ?? ''}`);
    const again = `make simulate SEEDS=${String(seed)}-${String(seed)} VERBOSE=1`;
    if (hasBroken(failure)) {
      print(`  ${again} shows it up to the error`);
      continue;
    }
    print(`  ${again} shows it whole; its last lines:`);
    for (const line of await lastLinesOf(seed)) print(`  ${line}`);
  }
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
  onResult: (result: SeedResult) => void,
): Promise<void> {
  for (let seed = from; seed <= to; seed += 1) {
    print(`seed ${String(seed)}`);
    onResult(await runSeed(seed, (time, line) => print(timelineLine(time, line)), worlds));
  }
}

/** The last lines of a seed's timeline. It runs the seed again: passing seeds keep no lines. */
async function lastLinesOf(seed: number): Promise<readonly string[]> {
  const lines: string[] = [];
  const keep = (time: number, line: string): void => {
    lines.push(timelineLine(time, line));
    if (lines.length > SHOWN_LINES) lines.shift();
  };
  await runSeed(seed, keep, worlds);
  return lines;
}

function timelineLine(time: number, line: string): string {
  return `${(time / 1000).toFixed(3).padStart(10)}  ${line}`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exitCode = await main();
