import { memoizeByObject } from '../../planner/memoize-by-object.ts';
import type { HostState } from '../host-state.ts';
import { factsOf } from './simulated-facts.ts';
import type { SimulatedHost } from './simulated-objects.ts';

/** A simulated host as other adapters keep theirs. */
export const hostState = memoizeByObject((host: SimulatedHost): HostState => {
  const { name, uid, joinedAt, closedToNewWork, ready, wasReady, bootId, labels, taints, conditions } = host;
  const { capacity } = host;
  const { claim, spoiltClaim, hasMaintenanceMark, leftLocked, leftLockedBy } = host;
  return {
    ...{ name, uid, joinedAt, closedToNewWork, ready, wasReady, bootId, labels, taints, conditions },
    ...{ claim, spoiltClaim, hasMaintenanceMark },
    ...(capacity === undefined ? {} : { capacity }),
    revision: String(host.revision),
    facts: factsOf(host),
    notReady: ready ? undefined : 'is not Ready',
    leftLocked: leftLocked !== undefined,
    leftLockedBy: leftLocked === undefined ? undefined : leftLockedBy,
  };
});
