import type { HeldBack } from '../../engine/turn.ts';
import type { RunRecord } from './codec.ts';

/** Why nothing further may begin: the order pins another plan. Undefined when it pins none, or the current one. */
export function pinnedElsewhere(
  pinned: string | undefined,
  { planDigest, change }: Pick<RunRecord, 'planDigest' | 'change'>,
): string | undefined {
  if (pinned === undefined || pinned === planDigest) return undefined;
  return (
    `execution.plan is ${pinned}, the plan is now ${planDigest}: review it, then set execution.plan to its digest` +
    (change === undefined ? '' : `; differs from the last plan: ${change}`)
  );
}

/** An order that pins another plan holds the run back. */
export function heldByPin(message: string): HeldBack {
  return { reason: 'OtherPlanPinned', message };
}
