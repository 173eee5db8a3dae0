import { isDeepStrictEqual } from 'node:util';
import { hostPoolSpec, type Permit } from '../../crds/host-pool.ts';
import { ownerKey, type OwnerName } from '../../crds/owner-ref.ts';
import type { Provider, Scope } from '../../hostops/port.ts';
import { poolsBefore, type PoolAge } from '../../planner/hosts/pool-precedence.ts';
import type { HostPool } from '../../resources/careen-api.ts';

type KnownPool = PoolAge & {
  readonly uid: string;
  readonly generation: number;
  readonly provider: Provider;
  readonly allowedNamespaces: readonly string[];
  /** The keys of the owners whose runs hold permits. */
  readonly owners: ReadonlySet<string>;
  readonly permits: readonly Permit[];
};

export type PoolsOptions = {
  /** Called when hosts may have moved between pools, or a namespace may use another one. */
  readonly moved: () => void;
  /** Called with the name of a pool when permits that were known are gone: others may get them now. */
  readonly freed?: (pool: string) => void;
};

/** All known pools. The hosts of one pool depend on the others: the first pool that selects a host has it. */
export class Pools {
  readonly #pools = new Map<string, KnownPool>();
  /** The last known providers of pools whose hosts are no nodes; the pools themselves may be gone. */
  readonly #clouds = new Map<string, Provider>();
  readonly #options: PoolsOptions;

  constructor(options: PoolsOptions) {
    this.#options = options;
  }

  /** Adds a pool, or replaces what was known of it. */
  set({
    metadata: { name, uid, generation, creationTimestamp: createdAt },
    spec: { provider, allowedNamespaces },
    status: { runs = [], permits = [] },
  }: HostPool): void {
    const before = this.#pools.get(name);
    // Passes that read an unchanged pool get the same list.
    const isFreed = before && before.permits !== permits && !isPartOf(before.permits, permits);
    const owners = new Set(runs.map(({ owner }) => ownerKey(owner)));
    const known = { name, uid, generation, createdAt, provider, allowedNamespaces, owners, permits };
    this.#pools.set(name, known);
    if (provider.openstack) this.#clouds.set(name, provider);
    else this.#clouds.delete(name);
    if (before?.uid !== uid || !isDeepStrictEqual(admission(before), admission(known))) this.#options.moved();
    else if (isFreed) this.#options.freed?.(name);
  }

  delete(name: string): void {
    if (this.#pools.delete(name)) this.#options.moved();
  }

  /** Whether the spec of that generation is known. */
  knows(name: string, { uid, generation }: { readonly uid?: string; readonly generation?: number }): boolean {
    const known = this.#pools.get(name);
    return known !== undefined && known.uid === uid && known.generation === generation;
  }

  /**
   * Whether a strategy has anything to do with Careen: some pool allows its namespace, or has granted permits to its run.
   * While there is no pool, nobody has said yet which namespaces may.
   */
  serves({ namespace, ...owner }: OwnerName): boolean {
    const key = ownerKey({ namespace, ...owner });
    if (this.#pools.size === 0) return true;
    return [...this.#pools.values()].some(
      ({ allowedNamespaces, owners }) => allowedNamespaces.includes(namespace) || owners.has(key),
    );
  }

  /** The namespaces that some pool allows, sorted. */
  get allowedNamespaces(): readonly string[] {
    return [...new Set([...this.#pools.values()].flatMap((pool) => pool.allowedNamespaces))].toSorted();
  }

  get names(): readonly string[] {
    return [...this.#pools.keys()];
  }

  /** The scope that selects the hosts of a pool, as far as the other pools are known. */
  scopeOf(pool: HostPool): Scope {
    const { name, creationTimestamp: createdAt } = pool.metadata;
    const before = poolsBefore({ name, createdAt }, [...this.#pools.values()]);
    const { provider, roles, health } = pool.spec;
    return { pool: name, provider, before: before.map((each) => each.provider), roles, health };
  }

  /**
   * The scope of a pool that is gone: hosts that are out of service can still be released. A pool that this process has
   * never seen counts as one of nodes. Its hosts in a cloud are released when it is made again.
   */
  scopeOfMissing(pool: string): Scope {
    const source = this.#clouds.get(pool) ?? { kubernetes: {} };
    const { provider, roles, health } = hostPoolSpec.parse({ provider: source, maxUnavailable: 1 });
    return { pool, provider, before: [], roles, health };
  }
}

function isPartOf(permits: readonly Permit[], all: readonly Permit[]): boolean {
  const kept = new Set(all.map(({ host, run }) => `${host}/${run}`));
  return permits.every(({ host, run }) => kept.has(`${host}/${run}`));
}

function admission({
  provider,
  allowedNamespaces,
}: KnownPool): Pick<KnownPool, 'provider' | 'allowedNamespaces'> {
  return { provider, allowedNamespaces };
}
