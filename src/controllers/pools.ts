import type { Scope } from '../hostops/port.ts';
import { heldBack, type PoolSelection } from '../planner/pool-membership.ts';
import type { HostPool } from './careen-api.ts';
import { hostPoolSpec } from '../crds/host-pool.ts';

/** What is known of all pools, for the one thing that takes all of them: which hosts a pool has. */
export class Pools {
  readonly #pools = new Map<string, PoolSelection & { readonly uid: string }>();

  /** Takes a pool in. Says whether that may have moved hosts from or to other pools. */
  set({ metadata: { name, uid, creationTimestamp }, spec }: HostPool): boolean {
    const nodeSelector = spec.provider.kubernetes.nodeSelector;
    const before = this.#pools.get(name);
    this.#pools.set(name, { name, uid, createdAt: creationTimestamp, nodeSelector });
    return before?.uid !== uid || JSON.stringify(before.nodeSelector) !== JSON.stringify(nodeSelector);
  }

  delete(name: string): boolean {
    return this.#pools.delete(name);
  }

  get names(): readonly string[] {
    return [...this.#pools.keys()];
  }

  /** The hosts that a pool means. */
  scopeOf(pool: HostPool): Scope {
    this.set(pool);
    const { name, creationTimestamp: createdAt } = pool.metadata;
    const { nodeSelector } = pool.spec.provider.kubernetes;
    const before = heldBack({ name, createdAt, nodeSelector }, [...this.#pools.values()]);
    return { pool: name, nodeSelector, before, roles: pool.spec.roles };
  }
}

/** Stands in for a pool that is gone, so that hosts that are out of service can still be given back. */
export function everyNode(pool: string): Scope {
  const { roles } = hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable: 1 });
  return { pool, nodeSelector: {}, before: [], roles };
}
