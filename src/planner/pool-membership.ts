/**
 * Which pool has a host. A host belongs to one pool at most: of those that select
 * it, to the one that takes precedence. `default` comes last, so it has what no
 * other pool selects; of the others the older comes first.
 */
import { DEFAULT_POOL } from '../crds/names.ts';
import { hasAll, type Labels } from './labels.ts';

export type PoolSelection = {
  readonly name: string;
  /** RFC 3339, UTC, as the API server writes it: whole seconds. */
  readonly createdAt: string;
  readonly nodeSelector: Labels;
};

/** What decides about each host whether a pool has it. */
export type Membership = {
  readonly nodeSelector: Labels;
  /** The selectors of the pools that take precedence. */
  readonly before: readonly Labels[];
};

/** The selectors of the pools that take precedence over this one, the first first. `pools` may hold it too, in any order. */
export function selectorsOfOlderPools(pool: PoolSelection, pools: readonly PoolSelection[]): Labels[] {
  return pools
    .filter((other) => precedence(other, pool) < 0)
    .toSorted(precedence)
    .map(({ nodeSelector }) => nodeSelector);
}

/**
 * Whether a pool has the host with these labels. `kept-by-other`: it selects the
 * host, but a pool that takes precedence has it; for `default` that is as it
 * should be, for every other pool it is an overlap to be mended.
 */
export function memberOf(
  labels: Labels,
  { nodeSelector, before }: Membership,
): 'member' | 'kept-by-other' | 'not-selected' {
  if (!hasAll(labels, nodeSelector)) return 'not-selected';
  return before.some((other) => hasAll(labels, other)) ? 'kept-by-other' : 'member';
}

/** The pool that has the host with these labels; undefined when none selects it. */
export function poolWith<Pool extends PoolSelection>(
  labels: Labels,
  pools: readonly Pool[],
): Pool | undefined {
  return pools.filter(({ nodeSelector }) => hasAll(labels, nodeSelector)).toSorted(precedence)[0];
}

/** Negative when the first takes precedence over the second. */
function precedence(a: PoolSelection, b: PoolSelection): number {
  return (
    Number(a.name === DEFAULT_POOL) - Number(b.name === DEFAULT_POOL) ||
    compare(a.createdAt, b.createdAt) ||
    compare(a.name, b.name)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
