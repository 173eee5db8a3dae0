import { updateConditions, type Reason } from '../../crds/observed/conditions.ts';
import type { StrategyStatus } from '../../crds/observed/strategy-status.ts';
import { LONGEST_TEXT, statusText } from '../../crds/text/status-text.ts';
import { runOf } from '../stored/codec.ts';
import { conditionsFor } from './conditions.ts';

/**
 * What the status of a strategy says while its kind is outdated: in this version's words first, then in those that every
 * version of the kind accepts.
 */
export function outdatedStatuses(
  before: StrategyStatus,
  message: string,
  generation: number,
  now: string,
): readonly Pick<StrategyStatus, 'state' | 'stages' | 'completionPercentage' | 'conditions'>[] {
  const { conditions = [] } = stalledStatus(before, 'KindsOutdated', message, generation, now);
  const oldest = conditions
    .filter(({ type }) => type !== 'ForeignUncordon')
    .map((each) => (each.reason === 'KindsOutdated' ? { ...each, reason: 'PausedAtStage' as const } : each));
  const shown = before.state === undefined ? NO_PLAN : {};
  return [
    { ...shown, conditions },
    { ...shown, conditions: oldest },
  ];
}

/**
 * What the status of a strategy says whose namespace no pool allows. Nobody has read its spec or its status.
 * @param allowed the namespaces that some pool allows
 * @param hasState whether its status may hold a state already, which then stays
 */
export function unservedStatus(
  namespace: string,
  allowed: readonly string[],
  generation: number,
  now: string,
  hasState: boolean,
): StrategyStatus {
  const message =
    `metadata.namespace is "${namespace}", which rule allowedNamespaces of no HostPool admits; ` +
    `make the strategy in ${statusText(allowed.join(', '), 300)}, or ask the administrator to add ${namespace} to a pool`;
  const {
    observedGeneration,
    message: shown,
    conditions,
  } = stalledStatus({}, 'NotPermitted', message, generation, now);
  return { ...(hasState ? {} : NO_PLAN), observedGeneration, message: shown, conditions };
}

/** The status of a strategy that cannot continue; the fields of its run stay unchanged. */
export function stalledStatus(
  before: StrategyStatus,
  reason: Reason,
  message: string,
  generation: number,
  now: string,
): StrategyStatus {
  const shown = statusText(message, LONGEST_TEXT);
  const wish = conditionsFor(reason, shown, { stalled: true }, runOf(before)?.hosts);
  const conditions = updateConditions(before.conditions ?? [], wish, generation, now);
  return { ...NO_PLAN, ...before, observedGeneration: generation, message: shown, conditions };
}

/** What a status shows besides its message as long as there is no plan. The VIM builds a strategy as soon as it exists. */
export const NO_PLAN = {
  state: 'building',
  stages: '0/0',
  completionPercentage: 0,
} as const satisfies StrategyStatus;
