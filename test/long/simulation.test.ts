import { it } from 'vitest';
import { expectInvariants } from '../simulation/expect-invariants.ts';

/** Enough seeds for each kind of fault, and for each crash in each step, to occur often enough (report.ts). */
const SEEDS = [1, 5_000] as const;

it(`the simulated operator keeps every invariant over ${String(SEEDS[1])} seeds with enough faults of every kind`, async () => {
  await expectInvariants(SEEDS);
});
