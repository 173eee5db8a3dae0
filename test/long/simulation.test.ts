import { it } from 'vitest';
import { expectInvariants } from '../simulation/expect-invariants.ts';

/** So many that each kind of fault, and each crash in each step, has to come often enough (report.ts). */
const SEEDS = [1, 5_000] as const;

it(`the simulated operator keeps every invariant over ${String(SEEDS[1])} seeds, in which everything went wrong often enough`, async () => {
  await expectInvariants(SEEDS);
});
