import { expect } from 'vitest';
import { Report } from './report.ts';
import { runSeeds } from './run-seeds.ts';

/** Expects that each of the seeds keeps every invariant, and that every fault occurred often enough among them. */
export async function expectInvariants(seeds: readonly [number, number]): Promise<void> {
  const report = new Report();
  await runSeeds(seeds, (result) => report.add(result));
  process.stdout.write(`${report.lines().join('\n')}\n`);
  expect(
    report.failures.map(({ seed, complaints }) => `seed ${String(seed)}: ${String(complaints[0])}`),
  ).toEqual([]);
  expect(report.gaps).toEqual([]);
  expect(report.passed).toBe(seeds[1] - seeds[0] + 1);
}
