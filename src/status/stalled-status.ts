import { updateConditions, type Reason } from '../crds/conditions.ts';
import type { PatchStrategyStatus } from '../crds/patch-strategy-status.ts';
import { LONGEST_TEXT, statusText } from '../crds/status-text.ts';
import { runOf } from './codec.ts';
import { conditionsFor } from './conditions.ts';

/**
 * What the status of a strategy says while its kind is outdated: in this version's words first, then in those that every
 * version of the kind accepts.
 */
export function outdatedStatuses(
  before: PatchStrategyStatus,
  message: string,
  generation: number,
  now: string,
): readonly Pick<PatchStrategyStatus, 'conditions'>[] {
  const { conditions = [] } = stalledStatus(before, 'KindsOutdated', message, generation, now);
  const oldest = conditions
    .filter(({ type }) => type !== 'ForeignUncordon')
    .map((each) => (each.reason === 'KindsOutdated' ? { ...each, reason: 'PausedAtStage' as const } : each));
  return [{ conditions }, { conditions: oldest }];
}

/**
 * What the status of a strategy says whose namespace no pool allows. Nobody has read its spec or its status.
 * @param allowed the namespaces that some pool allows
 */
export function unservedStatus(
  namespace: string,
  allowed: readonly string[],
  generation: number,
  now: string,
): PatchStrategyStatus {
  const message =
    `metadata.namespace is "${namespace}", which rule allowedNamespaces of no HostPool admits; ` +
    `make the strategy in ${statusText(allowed.join(', '), 300)}, or ask the administrator to add ${namespace} to a pool`;
  return stalledStatus({}, 'NotPermitted', message, generation, now);
}

/** The status of a strategy that cannot continue; the fields of its run stay unchanged. */
export function stalledStatus(
  before: PatchStrategyStatus,
  reason: Reason,
  message: string,
  generation: number,
  now: string,
): PatchStrategyStatus {
  const shown = statusText(message, LONGEST_TEXT);
  const wish = conditionsFor(reason, shown, { stalled: true }, runOf(before)?.hosts);
  const conditions = updateConditions(before.conditions ?? [], wish, generation, now);
  return { ...before, observedGeneration: generation, message: shown, conditions };
}
