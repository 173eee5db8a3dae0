import type { Effect, Outcome } from '../../engine/effect.ts';
import type { SessionProgress } from '../../engine/session/session-state.ts';
import type { Fence, Scope } from '../../hostops/port.ts';
import type { SimulatedWorld } from '../../hostops/simulated/simulated-world.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { RehearsalOps, type Treatment } from './rehearsal-ops.ts';

const MOVE_MILLISECONDS = 60_000;
const NO_ROOM_RETRY_MILLISECONDS = 5_000;

/** The hosts of a session: an instance that is asked to leave its host moves to the open one with the fewest. */
export class MovingOps extends RehearsalOps {
  readonly #world: SimulatedWorld;
  /** The hosts that take no instances. */
  readonly #others: ReadonlySet<HostName>;

  constructor(
    world: SimulatedWorld,
    treat: (effect: Effect) => Treatment,
    { hosts }: Pick<SessionProgress, 'hosts'>,
  ) {
    super(world, treat);
    this.#world = world;
    this.#others = new Set(hosts.filter(({ type }) => type !== 'compute').map(({ name }) => name));
  }

  override async perform(scope: Scope, effect: Effect, fence: Fence, signal: AbortSignal): Promise<Outcome> {
    if (effect.kind !== 'evict') return super.perform(scope, effect, fence, signal);
    signal.throwIfAborted();
    const instance = this.#world.pods.get(effect.instance.uid);
    if (!instance || instance.leaving || instance.host !== effect.host) return { kind: 'already' };
    const target = this.#roomBeside(instance.host);
    if (target === undefined) {
      const retryAt = this.#world.now + NO_ROOM_RETRY_MILLISECONDS;
      return { kind: 'blocked', reason: `no host has room for ${instance.name}`, retryAt };
    }
    this.#world.migratePod(instance.uid, target, MOVE_MILLISECONDS, () => undefined);
    return { kind: 'accepted' };
  }

  #roomBeside(source: HostName): HostName | undefined {
    const { hosts, pods } = this.#world;
    const rooms = [...hosts.values()]
      .filter(({ name, closedToNewWork }) => name !== source && !closedToNewWork && !this.#others.has(name))
      .map(({ name, capacity = 0 }) => {
        const there = [...pods.values()].filter((pod) => (pod.movingTo ?? pod.host) === name);
        return { name, free: capacity - there.length };
      })
      .filter(({ free }) => free > 0);
    return rooms.toSorted((a, b) => b.free - a.free)[0]?.name;
  }
}
