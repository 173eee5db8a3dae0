import { DEFAULT_POOL } from '../../crds/names.ts';

/** The part of a pool that decides its precedence over another pool. */
export type PoolAge = {
  readonly name: string;
  /** RFC 3339, UTC, in whole seconds, as the API server writes it. */
  readonly createdAt: string;
};

/**
 * The pools that take precedence over this one, in order of precedence. A host belongs to at most one pool: the first
 * one that selects it. `default` comes last, so it has the hosts that no other pool selects. Among the others, an older
 * pool comes first.
 * @param pools in any order; they may include the pool itself
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
