/** Which hosts belong to a pool, for every adapter. Pure. */
import type { Claim } from '../engine/view.ts';
import { memberOf, type Membership } from '../planner/pool-membership.ts';
import type { Labels } from './label-selector.ts';
import type { Scope } from './port.ts';

/** A claimed host stays in the pool of its claim, whatever its labels and the pools say meanwhile. */
export function membershipOf(
  { labels, claim }: { readonly labels: Labels; readonly claim: Claim | undefined },
  scope: Scope,
): Membership {
  if (claim) return claim.pool === scope.pool ? 'member' : 'not-selected';
  return memberOf(labels, scope);
}
