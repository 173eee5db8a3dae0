/** What each project can give up in SCALE_IN so that a host can be emptied, while its groups keep enough members. Pure. */
import type { InstanceFacts } from '../../view.ts';
import { easiestToEmpty, freeRoom, projectOf, type Occupied } from '../occupancy.ts';
import type { Share } from '../session-state.ts';
import { groupsOf, type Constraints } from './constraints.ts';

/**
 * The shares by project. Hosts are worked on one after another, so room for one host is all that is useful. No group is asked
 * for more members than may be affected at once. A project may give up others than those named.
 */
export function sharesOf(hosts: readonly Occupied[], constraints: Constraints): ReadonlyMap<string, Share> {
  const wanted = roomWanted(hosts);
  const taken = new Map<string, number>();
  const shares = new Map<string, Share>();
  let room = 0;
  for (const instance of inOrderOfUse(hosts)) {
    const { uid, size = 0 } = instance;
    const groups = groupsOf(constraints, uid);
    const isSpare = groups.every(
      ([key, { maxImpactedMembers }]) => (taken.get(key) ?? 0) < maxImpactedMembers,
    );
    if (room >= wanted || size === 0 || !isSpare) continue;
    room += size;
    for (const [key] of groups) taken.set(key, (taken.get(key) ?? 0) + 1);
    const { vcpus, instances } = shares.get(projectOf(instance)) ?? { vcpus: 0, instances: [] };
    shares.set(projectOf(instance), { vcpus: vcpus + size, instances: [...instances, uid] });
  }
  return shares;
}

/** The room that is missing for one host; where there is enough, and scattered, what runs on the host that is emptied next. */
function roomWanted(hosts: readonly Occupied[]): number {
  const missing = Math.max(0, ...hosts.map(({ capacity }) => capacity)) - freeRoom(hosts);
  if (missing > 0) return missing;
  const next = easiestToEmpty(hosts);
  return next ? next.capacity - next.free : 0;
}

/** The instances of the host that is emptied next come first, then the large ones. */
function inOrderOfUse(hosts: readonly Occupied[]): readonly InstanceFacts[] {
  const next = easiestToEmpty(hosts);
  const bySize = ({ size: a = 0 }: InstanceFacts, { size: b = 0 }: InstanceFacts): number => b - a;
  const others = hosts.filter((each) => each !== next).flatMap(({ instances }) => instances);
  return [...(next?.instances.toSorted(bySize) ?? []), ...others.toSorted(bySize)];
}
