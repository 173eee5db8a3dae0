import type { HostName } from '../../planner/hosts/facts.ts';
import { Fleet } from '../fleet.ts';
import type { HostState } from '../host-state.ts';
import type { Scope } from '../port.ts';
import { hostState } from './simulated-host-state.ts';
import type { SimulatedWorld } from './simulated-world.ts';

type Known = { readonly fleet: Fleet; readonly hosts: Map<HostName, HostState>; seenChanges: number };

/** The sums over the pools of a world. Each is brought up to date by the changes since it was last asked for. */
export class SimulatedFleets {
  readonly #world: SimulatedWorld;
  readonly #known = new WeakMap<Scope, Known>();

  constructor(world: SimulatedWorld) {
    this.#world = world;
  }

  of(scope: Scope): Fleet {
    const known = this.#known.get(scope) ?? this.#newFor(scope);
    const { changes } = this.#world;
    for (; known.seenChanges < changes.length; known.seenChanges += 1)
      this.#learn(known, changes[known.seenChanges] ?? '');
    return known.fleet;
  }

  #newFor(scope: Scope): Known {
    const states = [...this.#world.hosts.values()].map(hostState);
    const known = {
      fleet: new Fleet(scope, states),
      hosts: new Map(states.map((state) => [state.name, state])),
      seenChanges: this.#world.changes.length,
    };
    this.#known.set(scope, known);
    return known;
  }

  #learn({ fleet, hosts }: Known, name: HostName): void {
    const host = this.#world.hosts.get(name);
    const before = hosts.get(name);
    const after = host && hostState(host);
    if (before === after) return;
    fleet.change(before, after);
    if (after) hosts.set(name, after);
    else hosts.delete(name);
  }
}
