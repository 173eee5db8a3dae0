import type { PatchStrategyStatus } from '../../crds/patch-strategy-status.ts';
import type { StrategyFacts } from '../../telemetry/metrics.ts';
import type { Outcomes } from '../../engine/outcomes.ts';

/** What of a strategy is counted. */
export function strategyFacts(
  { state = 'building', conditions = [] }: PatchStrategyStatus,
  outcomes: Outcomes,
  now: number,
): StrategyFacts {
  const stopped = conditions.some(({ type, status }) => type === 'Stalled' && status === 'True');
  const blocked = outcomes.blockedEvictions(now);
  return { state, stopped, ...(blocked ? { blocked } : {}) };
}
