/** How a strategy stands, from its conditions. Pure. */
import type { ConditionType } from '../../crds/observed/conditions.ts';
import type { StoredStrategy } from '../cluster/kinds.ts';

/**
 * done: all that was ordered. working: it continues by itself. waits: a person has to do something.
 * failed: it cannot continue until somebody corrects something.
 */
export type Standing = 'done' | 'working' | 'waits' | 'failed';

/** A strategy, as far as it is shown. */
export type Seen = Pick<
  StoredStrategy,
  'kind' | 'metadata' | 'spec' | 'status' | 'unreadable' | 'replacedStatus'
>;

export function standingOf(strategy: Seen): Standing {
  if (isDeleted(strategy) || !isObserved(strategy)) return 'working';
  if (holds(strategy, 'Stalled')) return 'failed';
  if (holds(strategy, 'Ready')) return 'done';
  if (isUncordoned(strategy)) return 'waits';
  return holds(strategy, 'Reconciling') ? 'working' : 'waits';
}

/** Whether the operator has seen the strategy as it is now. */
export function isObserved({ metadata, status }: Seen): boolean {
  return status.conditions !== undefined && metadata.generation <= (status.observedGeneration ?? -1);
}

export function isDeleted({ metadata }: Seen): boolean {
  return metadata.deletionTimestamp !== undefined;
}

/** Whether a run stands still because somebody uncordoned one of its hosts. */
export function isUncordoned(strategy: Seen): boolean {
  return strategy.spec.onForeignUncordon === 'pause' && holds(strategy, 'ForeignUncordon');
}

export function holds({ status: { conditions = [] } }: Seen, wanted: ConditionType): boolean {
  return conditions.some(({ type, status }) => type === wanted && status === 'True');
}

/** The reason of `Ready`: why the strategy is where it is. */
export function reasonOf({ status: { conditions = [] } }: Seen): string | undefined {
  return conditions.find(({ type }) => type === 'Ready')?.reason;
}

/** Whether the order pins another plan than the present one. */
export function pinnedElsewhere({ spec, status }: Seen): boolean {
  const { plan } = spec.execution;
  return plan !== undefined && plan !== status.run?.planDigest;
}
