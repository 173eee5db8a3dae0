/** The hosts of a fleet file, as findings need them. Pure. */
import type { HostPoolSpec } from '../../crds/host-pool.ts';
import { factsOf, seedOf } from '../../hostops/kubernetes/node-facts.ts';
import type { HostState } from '../../planner/findings/situation.ts';
import type { FleetHost } from '../files/fleet-file.ts';

export function hostStateOf(host: FleetHost, roles: HostPoolSpec['roles']): HostState {
  const { ready, closedToNewWork, outOfServiceTaints, claimedBy, spoiltClaim, pods } = host;
  return {
    ...seedOf({ ...host, facts: factsOf(host.labels, host.nodeInfo) }, roles),
    unwell: unwellBecause(host),
    outOfService: closedToNewWork || !ready || outOfServiceTaints.length > 0,
    ...{ closedToNewWork, claimedBy, spoiltClaim, instances: pods },
    ...(closedToNewWork && !claimedBy ? { closedByOthers: true } : {}),
    ...(ready ? {} : { isDown: true }),
  };
}

/**
 * The faults of a host that no run has claimed. No plan is built while a host has one. A host that joins the cluster has
 * none, until it has been Ready once.
 */
export function unwellBecause({ claimedBy, alarms, ready, wasReady }: FleetHost): readonly string[] {
  if (claimedBy || !wasReady) return [];
  return alarms.length > 0 || ready ? alarms : ['is not Ready'];
}
