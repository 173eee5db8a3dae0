import type { PatchStrategyStatus } from '../crds/patch-strategy-status.ts';
import type { StrategyState } from '../crds/vocabulary.ts';
import type { Outcomes } from '../engine/outcomes.ts';
import type { Instant } from '../engine/view.ts';

/** What of a strategy is counted. */
export type StrategyFacts = {
  readonly state: StrategyState;
  /** Whether a failure stopped it. */
  readonly stopped: boolean;
  /** The pods that cannot leave their host now, and since when the first of them. */
  readonly blocked?: { readonly pods: number; readonly since: Instant };
};

export function strategyFacts(
  { state = 'building', conditions = [] }: PatchStrategyStatus,
  outcomes: Pick<Outcomes, 'blockedEvictions'>,
  now: Instant,
): StrategyFacts {
  const stopped = conditions.some(({ type, status }) => type === 'Stalled' && status === 'True');
  const blocked = outcomes.blockedEvictions(now);
  return { state, stopped, ...(blocked ? { blocked } : {}) };
}
