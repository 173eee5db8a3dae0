/** Decides which hosts belong to a pool, for the adapters whose hosts have labels. Pure. */
import { DEFAULT_POOL } from '../crds/names.ts';
import type { Claim } from '../engine/view.ts';
import type { HostName } from '../planner/hosts/facts.ts';
import { hasAll, type Labels } from '../planner/hosts/labels.ts';
import { meetsAll } from './label-selector.ts';
import type { MarkedHost, Provider, Scope } from './port.ts';

/**
 * `kept-by-other`: the pool selects the host, but a pool with precedence has it. Such an overlap must be resolved.
 */
export type PoolMembership = 'member' | 'kept-by-other' | 'not-selected';

/**
 * A claimed host stays in the pool of its claim, even when its labels or the pools change. `default` overlaps with no
 * pool: it has the hosts that no other pool selects.
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

/** Whether a provider selects hosts with these labels. */
export function selects({ kubernetes: { nodeSelector, exclude = [] } }: Provider, labels: Labels): boolean {
  return hasAll(labels, nodeSelector) && !exclude.some((selector) => meetsAll(selector, labels));
}

/** Whether a provider selects every host there is. */
export function selectsAll({ kubernetes: { nodeSelector, exclude = [] } }: Provider): boolean {
  return Object.keys(nodeSelector).length === 0 && exclude.length === 0;
}

/** The hosts that a run has closed and may be working on. */
export function claimedAway(marked: readonly Pick<MarkedHost, 'host' | 'claim'>[]): ReadonlySet<HostName> {
  return new Set(marked.filter(({ claim }) => claim?.level === 'away').map(({ host }) => host));
}
