/** Who holds the Lease by which the operator's replicas agree on a leader: a pod, and which process of it. */

/** A pod's name has no underscore in it. */
const SEPARATOR = '_';

/** As the process `id` of this pod writes it into the Lease. */
export function leaderIdentity(podName: string, id: string): string {
  return `${podName}${SEPARATOR}${id}`;
}

/** The pod of a holder; undefined when nobody holds the Lease. */
export function podOfLeader(identity: string): string | undefined {
  return identity.split(SEPARATOR)[0] || undefined;
}
