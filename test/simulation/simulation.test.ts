import { describe, expect, it } from 'vitest';
import { BUGS } from './bugs/catalogue.ts';
import { withBug } from './bugs/plant.ts';
import { expectInvariants } from './expect-invariants.ts';
import type { SeedResult } from './run-seed.ts';
import { runSeeds } from './run-seeds.ts';

/** So many that each kind of fault, and each crash in each step, has to come (report.ts); test/long has more. */
const SEEDS = [1, 1_000] as const;

describe('the simulated operator', () => {
  it('comes to the same end whenever a seed is run', async () => {
    const results: SeedResult[] = [];
    for (let round = 0; round < 2; round += 1) await runSeeds([7, 12], (result) => results.push(result));
    const [first, second] = [results.slice(0, 6), results.slice(6)].map((each) =>
      each.toSorted((a, b) => a.seed - b.seed),
    );
    expect(second).toEqual(first);
  });

  it(`keeps every invariant over ${String(SEEDS[1])} seeds, in which everything went wrong often enough`, async () => {
    await expectInvariants(SEEDS);
  });
});

describe('the planted bugs', () => {
  it.each(BUGS)('$name: its place is there', (bug) => {
    expect(withBug(bug)).toContain(bug.instead);
  });
});
