/** Where an instance may arrive, as far as its groups bound how many members share a host. Pure. */
import type { HostName } from '../../../planner/hosts/facts.ts';
import type { View } from '../../view.ts';
import { instancesOn } from '../occupancy.ts';
import { computeHosts } from '../session-state.ts';
import type { Groups } from './affected.ts';
import { groupsOf, isMember } from './constraints.ts';

/** The hosts of the session that must not take an instance: they have as many members of one of its groups as they may. */
export function fullHosts({ session, view, constraints }: Groups, uid: string): readonly HostName[] {
  const bounded = groupsOf(constraints, uid).filter(([, { maxInstancesPerHost }]) => maxInstancesPerHost);
  if (bounded.length === 0) return [];
  return computeHosts(session)
    .map(({ name }) => name)
    .filter((host) =>
      bounded.some(([key, { maxInstancesPerHost = Infinity }]) => {
        const others = (instancesOn(view, host) ?? []).filter((each) => each.uid !== uid);
        return others.filter((each) => isMember(constraints, each.uid, key)).length >= maxInstancesPerHost;
      }),
    );
}

/**
 * Why no host may take an instance that leaves this one; comes after its name. Undefined where one may, or where hosts that
 * are not of the session could.
 */
export function againstEveryHost(
  groups: Groups & { readonly view: Pick<View, 'host' | 'fleet'> },
  uid: string,
  from: HostName,
): string | undefined {
  const { session, view, constraints } = groups;
  const full = fullHosts(groups, uid);
  if (full.length === 0 || view.fleet.total > session.hosts.length) return undefined;
  const open = computeHosts(session).filter(({ name }) => {
    const facts = view.host(name);
    return name !== from && facts?.ready === true && !facts.closedToNewWork;
  });
  if (open.some(({ name }) => !full.includes(name))) return undefined;
  const names = groupsOf(constraints, uid).map(([, { name }]) => name);
  return `can be moved to no host: every open one has as many members of group ${names.join(' or ')} as it may`;
}
