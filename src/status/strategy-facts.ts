import type { StrategyStatus } from '../crds/observed/strategy-status.ts';
import type { StrategyState } from '../crds/vocabulary.ts';
import type { Outcomes } from '../engine/outcomes.ts';
import type { Instant } from '../engine/view.ts';

/** The facts about a strategy for the metrics: its state, and how many pods cannot leave their host since when. */
export function strategyFacts(
  { state = 'building', conditions = [] }: StrategyStatus,
  outcomes: Pick<Outcomes, 'blockedEvictions'>,
  now: Instant,
): {
  readonly state: StrategyState;
  readonly stopped: boolean;
  readonly blocked?: { readonly pods: number; readonly since: Instant };
} {
  const stopped = conditions.some(({ type, status }) => type === 'Stalled' && status === 'True');
  const blocked = outcomes.blockedEvictions(now);
  return { state, stopped, ...(blocked ? { blocked } : {}) };
}
