import { DEFAULT_POOL } from '../crds/names.ts';

/** A pool, as far as it decides which of two has a host that both select. */
export type PoolAge = {
  readonly name: string;
  /** RFC 3339, UTC, as the API server writes it: whole seconds. */
  readonly createdAt: string;
};

/**
 * The pools that take precedence over this one, the first first. A host belongs to one pool at most: of those that select
 * it, to the first. `default` comes last, so it has what no other pool selects; of the others the older comes first.
 * @param pools may hold the pool itself, too, in any order
 */
export function poolsBefore<Pool extends PoolAge>(pool: PoolAge, pools: readonly Pool[]): Pool[] {
  return pools.filter((other) => precedence(other, pool) < 0).toSorted(precedence);
}

/** Negative when the first takes precedence over the second. */
function precedence(a: PoolAge, b: PoolAge): number {
  return (
    Number(a.name === DEFAULT_POOL) - Number(b.name === DEFAULT_POOL) ||
    compare(a.createdAt, b.createdAt) ||
    compare(a.name, b.name)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
