/**
 * What will happen to the servers of hosts that go out of service together: how each leaves, and to what kind of place.
 * The run decides by the same rules (next-move.ts), and Nova's scheduler has the last word. Pure.
 */
import type { InstanceFacts } from '../../../engine/view.ts';
import type { Server } from '../../../openstack/compute-answers.ts';
import type { PlacementForecast } from '../../../planner/findings/situation.ts';
import type { HostName, SeedServer } from '../../../planner/hosts/facts.ts';
import { memoizeByObject } from '../../../planner/memoize-by-object.ts';
import { indexOf, takesServers, type CloudScene } from './cloud-scene.ts';
import { apartGroups } from '../leaving/against-stop.ts';
import type { NextMove } from '../leaving/next-move.ts';
import { isStill } from '../leaving/next-stop.ts';
import { placing, type Place, type Unplaced } from './server-placing.ts';
import {
  instancesOn,
  nameOf,
  nextOf,
  serversThere,
  type LeavingPolicy,
  type MoveLimits,
  type Moves,
  type ServersOnHost,
} from '../leaving/servers-on-host.ts';

export type Operation = {
  readonly server: Server;
  readonly host: HostName;
  /** How it leaves. One that waits is asked to leave after that. */
  readonly next: NextMove;
  /** Where it may go; undefined for one that looks for no place. */
  readonly place: Place | undefined;
  /** Why it finds no place; undefined for one that finds one, or looks for none. */
  readonly unplaced: Unplaced | undefined;
};

/**
 * Computed once for each scene, policy and set of hosts, because findings are looked at again and again.
 * @param away the hosts that go out of service together, in the order of the result
 */
export function operationsOn(
  away: readonly HostName[],
  scene: CloudScene,
  policy: LeavingPolicy,
  now: number,
): readonly Operation[] {
  const known = operationsIn(scene);
  const { coldMigration, evacuation, stops } = policy;
  const key = JSON.stringify([away, coldMigration, evacuation, stops]);
  const operations = known.get(key) ?? operationsAnew(away, scene, policy, now);
  known.set(key, operations);
  return operations;
}

const operationsIn = memoizeByObject<CloudScene, Map<string, readonly Operation[]>>(() => new Map());

function operationsAnew(
  away: readonly HostName[],
  scene: CloudScene,
  policy: LeavingPolicy,
  now: number,
): readonly Operation[] {
  const moves = movesBefore(scene);
  const leaving = away.flatMap((host) => {
    const { hostIsUp, servers, readAt } = serversBefore(host, scene);
    return serversThere(servers).flatMap((server) => {
      const next = nextOf({ server, readAt, host, hostIsUp, moves, policy, now });
      return next ? [{ server, host, next }] : [];
    });
  });
  const targets = [...scene.hosts.values()].filter(takesServers).map(({ name }) => name);
  const stay = new Set(targets).difference(new Set(away));
  const seeking = policy.stops ? [] : leaving.filter(({ next }) => seeksPlace(next));
  const placed = placing(
    seeking.map(({ server }) => server),
    [...stay],
    scene,
  );
  return leaving.map((each) => {
    const { place, unplaced } = placed.get(each.server.id) ?? {};
    return { ...each, place, unplaced };
  });
}

function seeksPlace({ kind }: NextMove): boolean {
  return kind === 'live-migrate' || kind === 'cold-migrate' || kind === 'evacuate' || kind === 'wait';
}

/** The servers that keep a host from being empty, at the survey. */
export function instancesBefore(
  host: HostName,
  scene: CloudScene,
  limits: MoveLimits,
  now: number,
): readonly InstanceFacts[] {
  return instancesOn(serversBefore(host, scene), movesBefore(scene), limits, now);
}

/** The groups of which a host has members that stand in for others, at the survey. */
export function apartBefore(host: HostName, scene: CloudScene): readonly string[] {
  return apartGroups(serversBefore(host, scene).servers, scene.survey.groups);
}

/** The servers on a host as a plan sees them, at the survey. One that is stored on disk does not run. */
export function seedServers(host: HostName, scene: CloudScene): readonly SeedServer[] {
  const { groupOf } = indexOf(scene.survey);
  return serversThere(serversBefore(host, scene).servers).map((server) => {
    const group = groupOf.get(server.id);
    const policies = group?.policy === undefined ? [] : [group.policy];
    return {
      ...{ uid: server.id, name: nameOf(server).name, stopped: isStill(server) },
      ...(group ? { group: { uid: group.id, name: group.name, policies } } : {}),
    };
  });
}

/** The operations as findings need them. */
export function placementOn(
  away: readonly HostName[],
  scene: CloudScene,
  policy: LeavingPolicy,
  now: number,
): PlacementForecast {
  const operations = operationsOn(away, scene, policy, now);
  const { rooms } = scene.survey;
  return {
    seeking: operations.filter(({ place }) => place !== undefined).length,
    unplaced: operations.flatMap(({ server, host, unplaced }) =>
      unplaced ? [{ host, ...nameOf(server), ...unplaced }] : [],
    ),
    roomUnknown: rooms.kind === 'unknown' ? rooms.why : undefined,
  };
}

function serversBefore(host: HostName, { survey, hosts }: CloudScene): ServersOnHost {
  const servers = indexOf(survey).serversOn.get(host) ?? [];
  return { host, hostIsUp: hosts.get(host)?.ready === true, servers, readAt: survey.readAt };
}

/** The moves at the survey, before Careen has asked any server to leave. */
function movesBefore({ survey: { migrations, groups, sharing } }: CloudScene): Moves {
  const nothing = { queuedAt: new Map(), faults: new Map(), lost: new Map(), setOff: new Set<string>() };
  return { migrations, groups, sharing, ...nothing };
}
