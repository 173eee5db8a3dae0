/**
 * The inventory, checked and indexed: what planning asks of it takes the same
 * time in a large fleet as in a small one.
 */
import { InputError, type InputProblem } from './input-error.ts';
import type { Host, Instance, Personality, Platform } from './inventory.ts';

export class Fleet {
  readonly #instances: ReadonlyMap<string, readonly Instance[]>;
  readonly #sizes: ReadonlyMap<Personality, number>;
  readonly #computeInstalled: boolean;

  /** @throws InputError when names repeat or an instance is on an unknown host */
  constructor(inventory: Inventory) {
    const problems = [...repeatedNames(inventory), ...homelessInstances(inventory)];
    if (problems.length > 0) throw new InputError(problems);
    this.#instances = Map.groupBy(inventory.instances, ({ host }) => host);
    this.#sizes = sizes(inventory.hosts);
    this.#computeInstalled = inventory.openstackInstalled;
  }

  /** Instances in any state, in table order. */
  instancesOn({ name }: Host): readonly Instance[] {
    return this.#instances.get(name) ?? [];
  }

  /** Those of the hosts that have the compute service configured. */
  computeHosts<H extends Host>(hosts: readonly H[]): H[] {
    return this.#computeInstalled ? hosts.filter(({ openstackCompute }) => openstackCompute) : [];
  }

  /** How many hosts of the inventory have this personality, whatever their state. */
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

type Inventory = Platform & { readonly hosts: readonly Host[] };

/**
 * What the VIM's tables are keyed by. Instances and their groups have uuids,
 * and their owners may call several of them the same.
 */
function repeatedNames({
  hosts,
  instances,
  instanceGroups,
  hostGroups,
  hostAggregates,
}: Inventory): InputProblem[] {
  return [
    ...repeated(
      'hosts',
      'name',
      hosts.map(({ name }) => name),
    ),
    ...repeated(
      'hosts',
      'uuid',
      hosts.map(({ uuid }) => uuid),
    ),
    ...repeated(
      'instances',
      'uuid',
      instances.map(({ uuid }) => uuid),
    ),
    ...repeated(
      'instanceGroups',
      'uuid',
      instanceGroups.map(({ uuid }) => uuid),
    ),
    ...repeated(
      'hostGroups',
      'name',
      hostGroups.map(({ name }) => name),
    ),
    ...repeated(
      'hostAggregates',
      'name',
      hostAggregates.map(({ name }) => name),
    ),
  ];
}

function repeated(table: string, key: 'name' | 'uuid', values: readonly string[]): InputProblem[] {
  const seen = new Set<string>();
  return values.flatMap((value, index) => {
    if (!seen.has(value)) {
      seen.add(value);
      return [];
    }
    const remedy = `an earlier entry has the same ${key}; remove one or give it another`;
    return [{ code: 'duplicate-name' as const, path: ['inputs', table, index, key], value, remedy }];
  });
}

function homelessInstances({ hosts, instances }: Inventory): InputProblem[] {
  const known = new Set(hosts.map(({ name }) => name));
  return instances.flatMap(({ name, host }, index) => {
    if (known.has(host)) return [];
    const remedy = `no such host; add it to the hosts, or remove instance ${name}`;
    return [
      { code: 'unknown-host' as const, path: ['inputs', 'instances', index, 'host'], value: host, remedy },
    ];
  });
}
