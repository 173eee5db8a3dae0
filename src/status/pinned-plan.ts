import type { RunRecord } from './codec.ts';

/** Why nothing further may begin when the order names a plan, and it is not the one that there is now. */
export function pinnedElsewhere(
  pinned: string | undefined,
  { planDigest, change }: Pick<RunRecord, 'planDigest' | 'change'>,
): string | undefined {
  if (pinned === undefined || pinned === planDigest) return undefined;
  return (
    `execution.plan is ${pinned}, the plan is now ${planDigest}: review it, then set execution.plan to its digest` +
    (change === undefined ? '' : `; other than before: ${change}`)
  );
}
