/** The cloud of a recorded session in memory: its hosts and servers, and where its scheduler puts a server that moves. */
import type { Effect, Outcome } from '../../../engine/effect.ts';
import { SimulatedHostOps } from '../../../hostops/simulated/simulated-host-ops.ts';
import { SimulatedWorld } from '../../../hostops/simulated/simulated-world.ts';
import type { Fence, Scope } from '../../../hostops/port.ts';
import type { HostName } from '../../../planner/hosts/facts.ts';
import type { RecordedSession } from './recorded-session.ts';

const MOVE_MILLISECONDS = 1000;
const NO_ROOM_RETRY_MILLISECONDS = 5000;
const TIMES = { jobMilliseconds: 1000 };

type Moved = { readonly instance: string; readonly source: HostName; readonly target: HostName };

/** The hosts and servers of the recording. A plug-in that failed there fails here. */
export function cloudOf(
  { world: recorded, trace, create }: RecordedSession,
  idOfAction: (index: number) => string,
): SimulatedWorld {
  const world = new SimulatedWorld({}, TIMES);
  const failures = trace.flatMap(({ actionPlugin }) =>
    actionPlugin?.state.includes('FAILED') === true ? [actionPlugin] : [],
  );
  for (const name of [...recorded.computeHosts, ...recorded.controllerHosts]) {
    const own = failures.filter(({ host }) => host === name);
    const idOf = (plugin: string): string =>
      idOfAction(create.actions.findIndex((each) => each.plugin === plugin));
    const jobs = Object.fromEntries(own.map(({ plugin }) => [idOf(plugin), { exitCode: 1 }]));
    const room = recorded.computeHosts.includes(name) ? { capacity: recorded.capacityPerHost } : {};
    world.addHost({ name, ...room, jobs });
  }
  for (const { id, host, project, size, floatingIp } of recorded.instances)
    world.addPod({ name: id, host, project, size, floatingAddress: floatingIp });
  return world;
}

/** The adapter to that cloud: what is asked to leave its host moves to another one. */
export class SimulatedCloudOps extends SimulatedHostOps {
  readonly #world: SimulatedWorld;
  readonly #moves: RecordedSession['trace'];
  readonly #moved: (move: Moved) => void;

  /** @param moved is told of each move at its end */
  constructor(world: SimulatedWorld, trace: RecordedSession['trace'], moved: (move: Moved) => void) {
    super(world);
    this.#world = world;
    this.#moves = trace;
    this.#moved = moved;
  }

  override async perform(scope: Scope, effect: Effect, fence: Fence, signal: AbortSignal): Promise<Outcome> {
    if (effect.kind !== 'evict') return super.perform(scope, effect, fence, signal);
    signal.throwIfAborted();
    const server = this.#world.pods.get(effect.instance.uid);
    if (!server || server.leaving || server.host !== effect.host) return { kind: 'already' };
    const target = this.#targetFor(server.name, server.host, server.size ?? 0);
    if (target === undefined) {
      const retryAt = this.#world.now + NO_ROOM_RETRY_MILLISECONDS;
      return { kind: 'blocked', reason: `no host has room for ${server.name}`, retryAt };
    }
    const move = { instance: server.name, source: server.host, target };
    this.#world.migratePod(server.uid, target, MOVE_MILLISECONDS, () => this.#moved(move));
    return { kind: 'accepted' };
  }

  /** Where the recorded scheduler put it, if that host is open and has room; else the open host with the most room. */
  #targetFor(instance: string, source: HostName, size: number): HostName | undefined {
    const rooms = hostsWithRoom(this.#world, source, size);
    const recorded = this.#moves.find(({ move }) => move?.instance === instance && move.source === source);
    const same = rooms.find(({ name }) => name === recorded?.move?.target);
    return (same ?? rooms[0])?.name;
  }
}

/** The open hosts with room for a server of this size that leaves its host, the one with the most room first. */
export function hostsWithRoom(
  world: SimulatedWorld,
  source: HostName,
  size: number,
): readonly { readonly name: HostName; readonly free: number }[] {
  return [...world.hosts.values()]
    .filter(({ name, closedToNewWork }) => name !== source && !closedToNewWork)
    .flatMap(({ name, capacity }) =>
      capacity === undefined ? [] : [{ name, free: capacity - used(world, name) }],
    )
    .filter(({ free }) => free >= size)
    .toSorted((a, b) => b.free - a.free);
}

/** What the servers take of a host that are on it, or on their way to it. */
function used(world: SimulatedWorld, host: HostName): number {
  const there = [...world.pods.values()].filter((pod) => pod.host === host || pod.movingTo === host);
  return there.reduce((sum, { size = 0 }) => sum + size, 0);
}
