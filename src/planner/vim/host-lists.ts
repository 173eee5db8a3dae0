/** The lists of hosts that are taken together (starlingx-vim.md §7.3, §7.5). Each list becomes a stage. */
import { firstFit, type Constraint } from '../first-fit.ts';
import { chunks, singly } from '../lists.ts';
import { isA, type Fleet } from './fleet.ts';
import type { Host, Platform } from './inventory.ts';
import type { ApplyType } from './request.ts';

type Taken = Exclude<ApplyType, 'ignore'>;

/** A parallel list has at most one member of each storage replication group; its size has no limit. */
export function storageLists<H extends Host>(
  hosts: readonly H[],
  applyType: Taken,
  platform: Platform,
): H[][] {
  if (applyType === 'serial') return singly(hosts);
  const groups = replication(platform);
  return firstFit(hosts, ({ name }) => groups.get(name) ?? []);
}

/** First the controllers that are also workers, one at a time; then hosts without instances; then the others. */
export function workerLists<H extends Host>(
  hosts: readonly H[],
  limits: { readonly applyType: Taken; readonly atOnce: number; readonly reboot: boolean },
  fleet: Fleet,
  platform: Platform,
): H[][] {
  const { applyType, atOnce, reboot } = limits;
  const controllers = hosts.filter((host) => isA('controller', host));
  const others = hosts.filter((host) => !isA('controller', host));
  const empty = others.filter((host) => fleet.instancesOn(host).length === 0);
  const occupied = others.filter((host) => fleet.instancesOn(host).length > 0);
  if (applyType === 'serial') return singly([...controllers, ...empty, ...occupied]);
  if (!reboot) return [...singly(controllers), ...chunks(others, atOnce)];
  return [
    ...singly(controllers),
    ...chunks(empty, atOnce),
    ...firstFit(occupied, constraints(atOnce, fleet, platform)),
  ];
}

/** The constraints on a list by a host with instances: the size of the list, server groups and host aggregates. */
function constraints(
  atOnce: number,
  fleet: Fleet,
  platform: Platform,
): (host: Host) => readonly Constraint[] {
  const size: Constraint = { atMost: atOnce };
  const groups = antiAffinity(platform);
  const aggregates = aggregateLimits(atOnce, fleet, platform);
  return ({ name }) => [size, ...(groups.get(name) ?? []), ...(aggregates.get(name) ?? [])];
}

const APART = ['anti-affinity', 'anti-affinity-best-effort'];

/** By host: the anti-affinity groups of its instances, in any state. */
function antiAffinity({ instances, instanceGroups }: Platform): ConstraintsByHost {
  const hostOf = new Map<string, string>();
  for (const { uuid, host } of instances) hostOf.set(uuid, host);
  const groups = new Map<string, Constraint[]>();
  for (const { policies, memberUuids } of instanceGroups) {
    if (!policies.some((policy) => APART.includes(policy))) continue;
    const constraint: Constraint = { atMost: 1 };
    for (const uuid of memberUuids) concern(groups, hostOf.get(uuid), constraint);
  }
  return groups;
}

/**
 * By host: its aggregates. A list may take a share of an aggregate: the parallel limit divided by the number of all
 * workers in the inventory, at most half and at least one host. Members that are no hosts count as well.
 */
function aggregateLimits(atOnce: number, fleet: Fleet, { hostAggregates }: Platform): ConstraintsByHost {
  // Divided first, as in the original: 49 hosts at 2 of 49 give 1, not 2.
  const ratio = Math.min(atOnce / fleet.size('worker'), 0.5);
  const aggregates = new Map<string, Constraint[]>();
  for (const { hostNames } of hostAggregates) {
    const constraint: Constraint = { atMost: Math.max(1, Math.floor(hostNames.length * ratio)) };
    for (const name of hostNames) concern(aggregates, name, constraint);
  }
  return aggregates;
}

/** By host: its storage replication groups. */
function replication({ hostGroups }: Platform): ConstraintsByHost {
  const groups = new Map<string, Constraint[]>();
  for (const { policies, memberNames } of hostGroups) {
    if (!policies.includes('storage-replication')) continue;
    const constraint: Constraint = { atMost: 1 };
    for (const name of memberNames) concern(groups, name, constraint);
  }
  return groups;
}

type ConstraintsByHost = ReadonlyMap<string, readonly Constraint[]>;

/** Adds a constraint to a host once: callers add one constraint to all its hosts before they add the next. */
function concern(byHost: Map<string, Constraint[]>, host: string | undefined, constraint: Constraint): void {
  if (host === undefined) return;
  const known = byHost.get(host);
  if (!known) byHost.set(host, [constraint]);
  else if (known.at(-1) !== constraint) known.push(constraint);
}
