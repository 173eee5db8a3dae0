/** The cloud of a recorded session in memory: its hosts and servers, and where its scheduler puts a server that moves. */
import type { Effect, Outcome } from '../../../engine/effect.ts';
import { SimulatedHostOps } from '../../../hostops/simulated/simulated-host-ops.ts';
import { SimulatedWorld } from '../../../hostops/simulated/simulated-world.ts';
import type { Fence, Scope } from '../../../hostops/port.ts';
import type { HostName } from '../../../planner/hosts/facts.ts';
import type { SimulatedPod } from '../../../hostops/simulated/simulated-objects.ts';
import type { RecordedSession } from './recorded-session.ts';
import type { TraceEvent } from './trace.ts';

const NO_ROOM_RETRY_MILLISECONDS = 5000;
const TIMES = { jobMilliseconds: 1000 };

type CloudEvent = Extract<TraceEvent, { kind: 'moving' | 'move' | 'called-off' }>;

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
  readonly #recorded: RecordedSession;
  readonly #tell: (event: CloudEvent) => void;

  /** @param tell is told of each move at its begin and at its end */
  constructor(world: SimulatedWorld, recorded: RecordedSession, tell: (event: CloudEvent) => void) {
    super(world);
    this.#world = world;
    this.#recorded = recorded;
    this.#tell = tell;
  }

  override async perform(scope: Scope, effect: Effect, fence: Fence, signal: AbortSignal): Promise<Outcome> {
    if (effect.kind === 'call-off') {
      const { name = '' } = this.#world.pods.get(effect.instance.uid) ?? {};
      this.#tell({ kind: 'called-off', instance: name, at: this.#world.now });
    }
    if (effect.kind !== 'evict') return super.perform(scope, effect, fence, signal);
    signal.throwIfAborted();
    const server = this.#world.pods.get(effect.instance.uid);
    if (!server || server.leaving || server.host !== effect.host) return { kind: 'already' };
    const target = this.#targetFor(server, effect.notTo);
    if (target === undefined) {
      const retryAt = this.#world.now + NO_ROOM_RETRY_MILLISECONDS;
      return { kind: 'blocked', reason: `no host has room for ${server.name}`, retryAt };
    }
    const move = { instance: server.name, source: server.host, target };
    this.#tell({ kind: 'moving', ...move, at: this.#world.now });
    this.#world.migratePod(server.uid, target, this.#recorded.world.moveSeconds * 1000, () =>
      this.#tell({ kind: 'move', ...move, at: this.#world.now }),
    );
    return { kind: 'accepted' };
  }

  /** Where the recorded scheduler put it, if that host is open and has room; else the open host with the most room. */
  #targetFor(
    { name: instance, host: source, size = 0 }: SimulatedPod,
    notTo: readonly HostName[] = [],
  ): HostName | undefined {
    const rooms = hostsWithRoom(this.#world, source, size).filter(({ name }) => !notTo.includes(name));
    const recorded = this.#recorded.trace.find(
      ({ move }) => move?.instance === instance && move.source === source,
    );
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
