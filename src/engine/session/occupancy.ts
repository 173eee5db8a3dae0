/** The room on the compute hosts of a session, as they are observed. Pure. */
import type { Facts, HostName } from '../../planner/hosts/facts.ts';
import type { Labels } from '../../planner/hosts/labels.ts';
import type { Pass } from '../pass.ts';
import type { InstanceFacts, View } from '../view.ts';
import { computeHosts, type SessionHost, type SessionProgress } from './session-state.ts';

export type Occupied = {
  readonly host: SessionHost;
  readonly labels: Labels;
  readonly instances: readonly InstanceFacts[];
  readonly capacity: number;
  readonly free: number;
};

/**
 * The compute hosts in their order, without those that the session goes on without; undefined while it is not known what
 * runs on one of them.
 */
export function occupancy(
  session: Pick<SessionProgress, 'hosts'>,
  pass: Pick<Pass, 'run' | 'turn'>,
): readonly Occupied[] | undefined {
  const present = computeHosts(session).filter(({ name }) => !isLeftOut(pass, name));
  const found = present.map((host): Occupied | undefined => {
    const { instances, capacity: known, facts = {} } = pass.turn.view.host(host.name) ?? {};
    if (!instances) return undefined;
    const used = instances.reduce((sum, { size = 0 }) => sum + size, 0);
    // A host of unknown size counts as full.
    const capacity = known ?? used;
    return { host, labels: labelsIn(facts), instances, capacity, free: capacity - used };
  });
  return found.every((each) => each !== undefined) ? found : undefined;
}

const LABEL = 'labels.';

function labelsIn(facts: Facts): Labels {
  const labels = Object.entries(facts).filter(([fact]) => fact.startsWith(LABEL));
  return Object.fromEntries(labels.map(([fact, value]) => [fact.slice(LABEL.length), value]));
}

/** The hosts without instances that are still to be maintained. */
export function emptyHosts(hosts: readonly Occupied[]): readonly Occupied[] {
  return hosts.filter(({ host, instances }) => !host.maintained && instances.length === 0);
}

/** The free room on all hosts together. */
export function freeRoom(hosts: readonly Occupied[]): number {
  return hosts.reduce((sum, { free }) => sum + free, 0);
}

/** Whether the free room is as large as the largest host: then one can be emptied by moves alone (fenix.md §6, 2). */
export function hasRoomForOne(hosts: readonly Occupied[]): boolean {
  return freeRoom(hosts) >= Math.max(...hosts.map(({ capacity }) => capacity));
}

/**
 * The host to empty first: one without floating addresses, with the most room, then with the fewest instances, the last of
 * equal ones; the last host if each has such an address (fenix.md §6, 4).
 */
export function easiestToEmpty(hosts: readonly Occupied[]): Occupied | undefined {
  const movable = hosts.filter(({ instances }) => !instances.some(({ floatingAddress }) => floatingAddress));
  if (movable.length === 0) return hosts.at(-1);
  return movable.reduce((best, each) => (isEasier(best, each) ? best : each));
}

/** Whether a host is strictly easier to empty than a later one. */
function isEasier(host: Occupied, later: Occupied): boolean {
  if (host.free !== later.free) return host.free > later.free;
  return host.instances.length < later.instances.length;
}

/** The instances on these hosts, by the project that owns them, in the order of the projects' names. */
export function byProject(
  hosts: readonly { readonly instances: readonly InstanceFacts[] }[],
): ReadonlyMap<string, readonly InstanceFacts[]> {
  const all = hosts.flatMap(({ instances }) => instances);
  const projects = [...new Set(all.map(projectOf))].toSorted();
  return new Map(projects.map((id) => [id, all.filter((each) => projectOf(each) === id)]));
}

/** The owner of an instance: its project, or the namespace of a pod. */
export function projectOf({ project, namespace }: InstanceFacts): string {
  return project ?? namespace;
}

/** Whether a session goes on without a host: it has left the cluster or the pool, or a request skips it. */
export function isLeftOut({ run, turn }: Pick<Pass, 'run' | 'turn'>, host: HostName): boolean {
  return turn.view.host(host)?.isMember !== true || run.skipped.some(({ name }) => name === host);
}

/** The observed instances of one host; undefined while they are not known. */
export function instancesOn(view: Pick<View, 'host'>, host: HostName): readonly InstanceFacts[] | undefined {
  return view.host(host)?.instances;
}
