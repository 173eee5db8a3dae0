import { updateConditions, type Reason } from '../crds/conditions.ts';
import type { PatchStrategyStatus } from '../crds/patch-strategy-status.ts';
import { runOf } from './codec.ts';
import { conditionsFor } from './conditions.ts';

/** The status of a strategy that cannot continue; the fields of its run stay unchanged. */
export function stalledStatus(
  before: PatchStrategyStatus,
  reason: Reason,
  message: string,
  generation: number,
  now: string,
): PatchStrategyStatus {
  const wish = conditionsFor(reason, message, { stalled: true }, runOf(before)?.hosts);
  const conditions = updateConditions(before.conditions ?? [], wish, generation, now);
  return { ...before, observedGeneration: generation, message, conditions };
}
