/** The holder of the Lease by which the operator's replicas agree on a leader: a pod, and a process of that pod. */

import { objectName } from './schema/schema.ts';

/** A pod's name has no underscore in it. */
const SEPARATOR = '_';

/** The identity that the process `id` of this pod writes into the Lease. */
export function leaderIdentity(podName: string, id: string): string {
  return `${podName}${SEPARATOR}${id}`;
}

/** The pod of a holder; undefined when nobody holds the Lease, or something that is no pod. */
export function podOfLeader(identity: string): string | undefined {
  return objectName().safeParse(identity.split(SEPARATOR)[0]).data;
}
