/**
 * Which hosts are taken together (starlingx-vim.md §7.3, §7.5). Each list
 * becomes a stage.
 */
import { firstFit, type Constraint } from './first-fit.ts';
import { isA, type Fleet } from './fleet.ts';
import type { Host, Platform } from './inventory.ts';
import type { ApplyType } from './request.ts';

/** Parallel: no two members of a storage replication group together, and no bound on the size. */
export function storageLists<H extends Host>(
  hosts: readonly H[],
  applyType: ApplyType,
  { hostGroups }: Platform,
): H[][] {
  if (applyType === 'ignore') return [];
  if (applyType === 'serial') return singly(hosts);
  const replicated = hostGroups.filter(({ policies }) => policies.includes('storage-replication'));
  const groups = constraintsByMember(
    replicated,
    ({ memberNames }) => memberNames,
    () => 1,
  );
  return firstFit(hosts, ({ name }) => groups.get(name) ?? []);
}

/** Controllers that are workers first and one at a time; then hosts without instances; then the others. */
export function workerLists<H extends Host>(
  hosts: readonly H[],
  limits: { readonly applyType: ApplyType; readonly atOnce: number; readonly reboot: boolean },
  fleet: Fleet,
  platform: Platform,
): H[][] {
  const { applyType, atOnce, reboot } = limits;
  if (applyType === 'ignore') return [];
  const controllers = hosts.filter((host) => isA('controller', host));
  const others = hosts.filter((host) => !isA('controller', host));
  const empty = others.filter((host) => fleet.instancesOn(host).length === 0);
  const occupied = others.filter((host) => fleet.instancesOn(host).length > 0);
  if (applyType === 'serial') return singly([...controllers, ...empty, ...occupied]);
  if (!reboot) return [...singly(controllers), ...pieces(others, atOnce)];
  return [
    ...singly(controllers),
    ...pieces(empty, atOnce),
    ...firstFit(occupied, constraints(atOnce, fleet, platform)),
  ];
}

/** What of a host with instances a list must respect: its size, server groups and host aggregates. */
function constraints(atOnce: number, fleet: Fleet, platform: Platform): (host: Host) => Iterable<Constraint> {
  const size: Constraint = { atMost: atOnce };
  const groups = antiAffinity(platform);
  const aggregates = aggregateLimits(atOnce, fleet, platform);
  return (host) => [size, ...(groups.get(host.name) ?? []), ...(aggregates.get(host.name) ?? [])];
}

const APART = ['anti-affinity', 'anti-affinity-best-effort'];

/** By host: the anti-affine groups of the instances on it, in whatever state they are. */
function antiAffinity({ instances, instanceGroups }: Platform): Map<string, Set<Constraint>> {
  const hostOf = new Map(instances.map(({ uuid, host }) => [uuid, host]));
  const apart = instanceGroups.filter(({ policies }) => policies.some((policy) => APART.includes(policy)));
  const hostsOf = ({ memberUuids }: { readonly memberUuids: readonly string[] }): string[] =>
    memberUuids.flatMap((uuid) => hostOf.get(uuid) ?? []);
  return constraintsByMember(apart, hostsOf, () => 1);
}

/**
 * By host: the aggregates it is in. Each list may take the share of an
 * aggregate that the parallel limit is of all workers in the inventory, at
 * most half and at least one host. Members that are no hosts count as well.
 */
function aggregateLimits(
  atOnce: number,
  fleet: Fleet,
  { hostAggregates }: Platform,
): Map<string, Set<Constraint>> {
  // Divided first, as in the original: 49 hosts at 2 of 49 give 1, not 2.
  const ratio = Math.min(atOnce / fleet.size('worker'), 0.5);
  return constraintsByMember(
    hostAggregates,
    ({ hostNames }) => hostNames,
    ({ hostNames }) => Math.max(1, Math.floor(hostNames.length * ratio)),
  );
}

function constraintsByMember<G>(
  groups: readonly G[],
  membersOf: (group: G) => readonly string[],
  limitOf: (group: G) => number,
): Map<string, Set<Constraint>> {
  const byMember = new Map<string, Set<Constraint>>();
  for (const group of groups) {
    const constraint: Constraint = { atMost: limitOf(group) };
    for (const member of membersOf(group)) {
      const known = byMember.get(member);
      if (known) known.add(constraint);
      else byMember.set(member, new Set([constraint]));
    }
  }
  return byMember;
}

function singly<T>(items: readonly T[]): T[][] {
  return items.map((item) => [item]);
}

function pieces<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}
