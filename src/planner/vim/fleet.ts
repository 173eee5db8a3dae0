import type { Host, Instance, Inventory, Personality } from './inventory.ts';

/** The inventory with indexes: a read takes as long in a large fleet as in a small one. */
export class Fleet {
  readonly #instances: ReadonlyMap<string, readonly Instance[]>;
  readonly #sizes: ReadonlyMap<Personality, number>;
  readonly #computeInstalled: boolean;

  constructor({ hosts, instances, openstackInstalled }: Inventory) {
    this.#instances = Map.groupBy(instances, ({ host }) => host);
    this.#sizes = sizes(hosts);
    this.#computeInstalled = openstackInstalled;
  }

  /** Instances in any state, in table order. */
  instancesOn({ name }: Host): readonly Instance[] {
    return this.#instances.get(name) ?? [];
  }

  /** The hosts with a configured compute service. */
  computeHosts<H extends Host>(hosts: readonly H[]): H[] {
    return this.#computeInstalled ? hosts.filter(({ openstackCompute }) => openstackCompute) : [];
  }

  /** The number of hosts in the inventory with this personality, in any state. */
  size(personality: Personality): number {
    return this.#sizes.get(personality) ?? 0;
  }
}

export function isA(personality: Personality, host: Host): boolean {
  return host.personality.includes(personality);
}

function sizes(hosts: readonly Host[]): Map<Personality, number> {
  const counts = new Map<Personality, number>();
  for (const { personality } of hosts)
    for (const each of new Set(personality)) counts.set(each, (counts.get(each) ?? 0) + 1);
  return counts;
}
