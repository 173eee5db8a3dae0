/** Which hosts belong to a pool, for the adapters whose hosts have labels. Pure. */
import { DEFAULT_POOL } from '../crds/names.ts';
import type { Claim } from '../engine/view.ts';
import type { HostName } from '../planner/facts.ts';
import { hasAll, type Labels } from '../planner/labels.ts';
import type { MarkedHost, Provider, Scope } from './port.ts';

/**
 * `kept-by-other`: the pool selects the host, and a pool that takes precedence has it: an overlap that has to be mended.
 */
export type PoolMembership = 'member' | 'kept-by-other' | 'not-selected';

/**
 * A claimed host stays in the pool of its claim, whatever its labels and the pools say meanwhile. What other pools
 * keep from `default` is no overlap: it has what no other pool selects.
 */
export function membershipOf(
  { labels, claim }: { readonly labels: Labels; readonly claim: Claim | undefined },
  { pool, provider, before }: Pick<Scope, 'pool' | 'provider' | 'before'>,
): PoolMembership {
  if (claim) return claim.pool === pool ? 'member' : 'not-selected';
  if (!selects(provider, labels)) return 'not-selected';
  if (!before.some((other) => selects(other, labels))) return 'member';
  return pool === DEFAULT_POOL ? 'not-selected' : 'kept-by-other';
}

/** Whether a provider means hosts with these labels. */
export function selects({ kubernetes: { nodeSelector } }: Provider, labels: Labels): boolean {
  return hasAll(labels, nodeSelector);
}

/** The hosts that some run has closed and may be working on. */
export function claimedAway(marked: readonly Pick<MarkedHost, 'host' | 'claim'>[]): ReadonlySet<HostName> {
  return new Set(marked.filter(({ claim }) => claim?.level === 'away').map(({ host }) => host));
}
