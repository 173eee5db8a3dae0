/** Which hosts belong to a pool, for every adapter. Pure. */
import { DEFAULT_POOL } from '../crds/names.ts';
import type { Claim } from '../engine/view.ts';
import type { Labels } from '../planner/labels.ts';
import type { HostName } from '../planner/facts.ts';
import { memberOf } from '../planner/pool-membership.ts';
import type { MarkedHost, Scope } from './port.ts';

export type PoolMembership = ReturnType<typeof memberOf>;

/**
 * A claimed host stays in the pool of its claim, whatever its labels and the pools say meanwhile. What other pools
 * keep from `default` is no overlap: it has what no other pool selects.
 */
export function membershipOf(
  { labels, claim }: { readonly labels: Labels; readonly claim: Claim | undefined },
  scope: Scope,
): PoolMembership {
  if (claim) return claim.pool === scope.pool ? 'member' : 'not-selected';
  const standing = memberOf(labels, scope);
  return standing === 'kept-by-other' && scope.pool === DEFAULT_POOL ? 'not-selected' : standing;
}

/** The hosts that some run has closed and may be working on. */
export function claimedAway(marked: readonly Pick<MarkedHost, 'host' | 'claim'>[]): ReadonlySet<HostName> {
  return new Set(marked.filter(({ claim }) => claim?.level === 'away').map(({ host }) => host));
}
