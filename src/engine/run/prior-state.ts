import type { HostProgress } from '../../crds/observed/host-progress.ts';
import type { Plan } from '../../planner/plan.ts';
import type { Claim, HostFacts } from '../view.ts';

/**
 * Whether a new claim finds the host closed by somebody else. A host that still has our mark was closed by an earlier
 * claim that somebody removed. `known` is the state that the earlier claim had found, as its run recorded it.
 */
export function foundClosed(
  { closedToNewWork, hasMaintenanceMark }: Pick<HostFacts, 'closedToNewWork' | 'hasMaintenanceMark'>,
  known: boolean | undefined,
): boolean {
  return closedToNewWork && !(hasMaintenanceMark && known === false);
}

/**
 * Whether a claim in flight can still be accepted. It cannot if the host no longer has the state that the claim says it
 * found: the host has changed since, and is judged again.
 */
export function mayArrive(
  facts: Pick<HostFacts, 'closedToNewWork' | 'hasMaintenanceMark' | 'spoiltClaim'>,
  { closedToNewWorkBefore }: Claim,
): boolean {
  return (
    facts.spoiltClaim === undefined && foundClosed(facts, closedToNewWorkBefore) === closedToNewWorkBefore
  );
}

/** Whether the instances on a host are stopped for this outage, and started again at its end. */
export function stopsInstances({ actions }: Plan, { level }: Pick<HostProgress, 'level'>): boolean {
  return actions.defaultInstanceAction === 'stop-start' && level === 'away';
}
