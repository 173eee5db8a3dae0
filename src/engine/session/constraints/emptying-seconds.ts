/** How long a host may take to be emptied under the constraints of its instances. Pure. */
import type { HostName } from '../../../planner/hosts/facts.ts';
import type { Standing } from '../workflow.ts';
import { constraintOf, groupsOf, isMember, type Constraints } from './constraints.ts';

/** How long one move may take (fenix.md §6). */
const MOVE_SECONDS = 180;

/**
 * At most: instance after instance, and for each round of a group the time to get ready and to recover. All instances of the
 * session count, because what runs on the host may change until it is closed.
 */
export function emptyingSeconds({ hosts, constraints }: Standing, host: HostName): number {
  if (!constraints) return 0;
  const all = hosts.flatMap(({ instances }) => instances.map(({ uid }) => uid));
  const own = hosts.find((each) => each.host.name === host)?.instances.map(({ uid }) => uid) ?? [];
  const lead = Math.max(0, ...all.map((uid) => leadSeconds(constraints, uid)));
  const groups = all.flatMap((uid) => groupsOf(constraints, uid).map(([, group]) => group));
  const recovery = Math.max(0, ...groups.map(({ recoverySeconds }) => recoverySeconds));
  return own.length * MOVE_SECONDS + (roundsOn(own, constraints) + 1) * (lead + recovery);
}

function leadSeconds(constraints: Constraints, uid: string): number {
  const found = constraintOf(constraints, uid);
  return typeof found === 'string' ? 0 : found.leadTimeSeconds;
}

/** How many rounds the group with the most needs. */
function roundsOn(uids: readonly string[], constraints: Constraints): number {
  const keys = new Set(uids.flatMap((uid) => groupsOf(constraints, uid).map(([key]) => key)));
  const rounds = [...keys].map((key) => {
    const { maxImpactedMembers = 1, maxInstancesPerHost } = constraints.groups.get(key) ?? {};
    const atOnce = maxInstancesPerHost === undefined ? maxImpactedMembers : 1;
    return Math.ceil(uids.filter((uid) => isMember(constraints, uid, key)).length / atOnce);
  });
  return Math.max(1, ...rounds);
}
