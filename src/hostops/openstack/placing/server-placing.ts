/** Looks for places for servers that leave their hosts at the same time. Pure. */
import type { Server, ServerGroup } from '../../../openstack/compute-answers.ts';
import type { HostRoom } from '../../../openstack/placement.ts';
import type { HostName } from '../../../planner/hosts/facts.ts';
import { indexOf, type CloudScene, type SurveyIndex } from './cloud-scene.ts';
import { boundsOf, type Bound } from './server-bounds.ts';
import { amountText, freeOf, hasRoom, needsOf, needsText, without, type Amounts } from './server-needs.ts';

/** Where a server may go. */
export type Place = {
  /** Such as `any host`, or `a host of zone az1, without another of group db`. */
  readonly words: string;
  /** How many hosts in service are such a place and have room, were it the only one to move. */
  readonly hosts: number;
};

export type Unplaced = {
  /** Whether it finds no place even if it is the only one to move. */
  readonly alone: boolean;
  /** Comes after the name of the server. */
  readonly why: string;
  readonly remedy: string;
};

export type Placed = { readonly place: Place; readonly unplaced: Unplaced | undefined };

type Seeker = {
  readonly server: Server;
  readonly needs: Amounts;
  readonly bounds: readonly Bound[];
  /** The targets that its bounds admit, and those of them that have room for it. */
  readonly admitted: readonly HostName[];
  readonly roomy: readonly HostName[];
};

/**
 * Gives each server one of the targets, by the server's id. The same servers and targets get the same places, in any
 * order.
 *
 * No target gets more than it has room for, or a server that its group forbids there. Those with the fewest places are
 * placed first, and the larger of them before the smaller. A server that finds none might find one in another order of
 * all: this is a forecast.
 */
export function placing(
  servers: readonly Server[],
  targets: readonly HostName[],
  scene: CloudScene,
): ReadonlyMap<string, Placed> {
  const taken = new Taken(scene, targets);
  const seekers = servers.map((server) => seekerOf(server, taken));
  const placed = new Map<string, Placed>();
  for (const seeker of seekers.toSorted(mostBoundFirst)) {
    const { server, roomy } = seeker;
    const place = { words: wordsOf(seeker), hosts: roomy.length };
    const unplaced = roomy.length === 0 ? alone(seeker, taken) : taken.give(seeker);
    placed.set(server.id, { place, unplaced });
  }
  return placed;
}

function seekerOf(server: Server, taken: Taken): Seeker {
  const needs = needsOf(server);
  const bounds = taken.boundsOf(server);
  const admitted = taken.targets.filter((host) => bounds.every(({ admits }) => admits(host)));
  return { server, needs, bounds, admitted, roomy: admitted.filter((host) => taken.hasRoom(host, needs)) };
}

function mostBoundFirst(a: Seeker, b: Seeker): number {
  const size = ({ needs }: Seeker): number => needs['MEMORY_MB'] ?? 0;
  return a.roomy.length - b.roomy.length || size(b) - size(a) || (a.server.id < b.server.id ? -1 : 1);
}

function wordsOf({ bounds }: Pick<Seeker, 'bounds'>): string {
  return bounds.length === 0 ? 'any host' : `a host ${bounds.map(({ words }) => words).join(', ')}`;
}

/** Why no target would take a server. */
function alone({ bounds, admitted, needs }: Seeker, taken: Taken): Unplaced {
  if (taken.targets.length === 0)
    return {
      alone: true,
      why: 'has nowhere to go: no other host is in service',
      remedy: 'enable other hosts',
    };
  if (admitted.length > 0) return withoutRoom(needs, admitted, taken);
  let left = taken.targets;
  for (const { admits, none, remedy } of bounds) {
    left = left.filter((host) => admits(host));
    if (left.length === 0) return { alone: true, why: none, remedy };
  }
  throw new Error('a bound that admits no host is among the bounds'); // or else a host was admitted
}

function withoutRoom(needs: Amounts, admitted: readonly HostName[], taken: Taken): Unplaced {
  const remedy = `make room on ${admitted.length === 1 ? (admitted[0] ?? '') : 'one of the hosts that may take it'}, or add a host`;
  for (const [name, amount] of Object.entries(needs)) {
    const most = Math.max(...admitted.map((host) => taken.free(host, name)));
    if (most < amount) {
      const rest = `no host that may take it has more than ${amountText(name, Math.max(most, 0))} free`;
      return { alone: true, why: `needs ${amountText(name, amount)}, and ${rest}`, remedy };
    }
  }
  return {
    alone: true,
    why: `needs ${needsText(needs)}, and no host that may take it has all that free`,
    remedy,
  };
}

/** What is left of the targets while they fill up. */
class Taken {
  readonly targets: readonly HostName[];
  readonly #scene: CloudScene;
  readonly #index: SurveyIndex;
  readonly #free = new Map<HostName, HostRoom['free']>();
  /** By group and host, how many members have come. */
  readonly #come = new Map<string, number>();
  readonly #there: ReadonlyMap<string, readonly string[]>;

  constructor(scene: CloudScene, targets: readonly HostName[]) {
    this.targets = targets.toSorted();
    this.#scene = scene;
    this.#index = indexOf(scene.survey);
    const members = [...this.#index.groupOf].flatMap(([server, { id }]) => {
      const host = this.#index.hostOf.get(server);
      return host === undefined ? [] : [{ key: keyOf(id, host), server }];
    });
    this.#there = new Map(
      [...Map.groupBy(members, ({ key }) => key)].map(([key, all]) => [key, all.map(({ server }) => server)]),
    );
  }

  boundsOf(server: Server): readonly Bound[] {
    const { hostOf, groupOf, roomOf, metadataOf } = this.#index;
    return boundsOf(server, {
      zoneOf: (host) => this.#scene.hosts.get(host)?.labels['zone'],
      traitsOf: (host) => roomOf(host)?.traits,
      metadataOf,
      hostOf: (id) => hostOf.get(id),
      groupOf: (id) => groupOf.get(id),
      othersOn: (host, group, id) => this.#othersOn(host, group, id),
    });
  }

  free(host: HostName, name: string): number {
    const free = this.#freeOn(host);
    return free ? freeOf(name, free) : Infinity;
  }

  hasRoom(host: HostName, needs: Amounts): boolean {
    const free = this.#freeOn(host);
    return free === undefined || hasRoom(needs, free);
  }

  /** Gives the fullest place that is left; returns why there is none. */
  give({ server, needs, bounds, roomy }: Seeker): Unplaced | undefined {
    const fullest = this.#fullest(
      roomy.filter((host) => bounds.every(({ admits }) => admits(host)) && this.hasRoom(host, needs)),
    );
    if (fullest === undefined) {
      const where = wordsOf({ bounds });
      return {
        alone: false,
        why: `finds no place once the others are placed: it needs ${needsText(needs)} on ${where}`,
        remedy: 'make room, or take fewer hosts out of service at once',
      };
    }
    const free = this.#freeOn(fullest);
    if (free) this.#free.set(fullest, without(needs, free));
    const group = this.#index.groupOf.get(server.id);
    if (group) {
      const key = keyOf(group.id, fullest);
      this.#come.set(key, (this.#come.get(key) ?? 0) + 1);
    }
    return undefined;
  }

  /** The one with the least memory left; of equals the first by name. */
  #fullest(hosts: readonly HostName[]): HostName | undefined {
    let [fullest] = hosts;
    let least = Infinity;
    for (const host of hosts) {
      const memory = this.free(host, 'MEMORY_MB');
      if (memory >= least) continue;
      fullest = host;
      least = memory;
    }
    return fullest;
  }

  #freeOn(host: HostName): HostRoom['free'] | undefined {
    return this.#free.get(host) ?? this.#index.roomOf(host)?.free;
  }

  #othersOn(host: HostName, { id }: ServerGroup, server: string): number {
    const key = keyOf(id, host);
    const there = this.#there.get(key)?.filter((each) => each !== server).length ?? 0;
    return there + (this.#come.get(key) ?? 0);
  }
}

function keyOf(group: string, host: HostName): string {
  return `${group}/${host}`;
}
