import type { Scope } from '../../hostops/port.ts';
import { selectorsOfOlderPools, type PoolSelection } from '../../planner/pool-membership.ts';
import type { HostPool } from '../../resources/careen-api.ts';
import { hostPoolSpec } from '../../crds/host-pool.ts';

type KnownPool = PoolSelection & { readonly uid: string; readonly generation: number };

/** What is known of all pools, for the one thing that takes all of them: which hosts a pool has. */
export class Pools {
  readonly #pools = new Map<string, KnownPool>();
  readonly #moved: () => void;

  /** `moved` is called when hosts may have moved from or to other pools. */
  constructor(moved: () => void) {
    this.#moved = moved;
  }

  /** Takes a pool in. */
  set({ metadata: { name, uid, generation, creationTimestamp }, spec }: HostPool): void {
    const nodeSelector = spec.provider.kubernetes.nodeSelector;
    const before = this.#pools.get(name);
    this.#pools.set(name, { name, uid, generation, createdAt: creationTimestamp, nodeSelector });
    if (before?.uid !== uid || JSON.stringify(before.nodeSelector) !== JSON.stringify(nodeSelector))
      this.#moved();
  }

  delete(name: string): void {
    if (this.#pools.delete(name)) this.#moved();
  }

  /** Whether the spec of that generation was taken in. */
  knows(name: string, { uid, generation }: { readonly uid?: string; readonly generation?: number }): boolean {
    const known = this.#pools.get(name);
    return known !== undefined && known.uid === uid && known.generation === generation;
  }

  get names(): readonly string[] {
    return [...this.#pools.keys()];
  }

  /** The hosts that a pool means. */
  scopeOf(pool: HostPool): Scope {
    this.set(pool);
    const { name, creationTimestamp: createdAt } = pool.metadata;
    const { nodeSelector } = pool.spec.provider.kubernetes;
    const before = selectorsOfOlderPools({ name, createdAt, nodeSelector }, [...this.#pools.values()]);
    return { pool: name, nodeSelector, before, roles: pool.spec.roles };
  }
}

/** Stands in for a pool that is gone, so that hosts that are out of service can still be given back. */
export function fallbackScope(pool: string): Scope {
  const { roles } = hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable: 1 });
  return { pool, nodeSelector: {}, before: [], roles };
}
