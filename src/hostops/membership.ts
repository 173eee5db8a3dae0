/** Decides which hosts belong to a pool, for the adapters whose hosts have labels. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { DEFAULT_POOL } from '../crds/names.ts';
import type { LabelSelector } from '../crds/spec/label-selector.ts';
import type { Claim } from '../engine/view.ts';
import type { HostName } from '../planner/hosts/facts.ts';
import { hasAll, meetsAll, type Labels } from '../planner/hosts/labels.ts';
import type { MarkedHost, Provider, Scope } from './port.ts';

/**
 * `kept-by-other`: the pool selects the host, but a pool with precedence has it. Such an overlap must be resolved.
 */
export type PoolMembership = 'member' | 'kept-by-other' | 'not-selected';

/**
 * A claimed host stays in the pool of its claim, even when its labels or the pools change. `default` overlaps with no
 * pool: it has the hosts that no other pool selects.
 * @param host one of the source that the provider names: a node for `kubernetes`, a host of its cloud for `openstack`
 */
export function membershipOf(
  host: { readonly labels: Labels; readonly claim: Claim | undefined },
  { pool, provider, before }: Pick<Scope, 'pool' | 'provider' | 'before'>,
): PoolMembership {
  const { labels, claim } = host;
  if (claim) return claim.pool === pool ? 'member' : 'not-selected';
  if (!selects(provider, labels)) return 'not-selected';
  if (!before.some((other) => mayShareHosts(other, provider) && selects(other, labels))) return 'member';
  return pool === DEFAULT_POOL ? 'not-selected' : 'kept-by-other';
}

/** Whether a provider selects the hosts of its source that have these labels. */
export function selects(provider: Provider, labels: Labels): boolean {
  const selection = selectionOf(provider);
  if (!selection) return false;
  const { selector, exclude } = selection;
  return hasAll(labels, selector) && !exclude.some((each) => meetsAll(each, labels));
}

/** Whether a provider selects every host of its source. */
export function selectsAll(provider: Provider): boolean {
  const selection = selectionOf(provider);
  return (
    selection !== undefined && Object.keys(selection.selector).length === 0 && selection.exclude.length === 0
  );
}

/**
 * Whether a host of one provider may be a host of the other. A pool that leaves its region to `clouds.yaml` may be in any
 * region of the cloud: too few hosts in a pool do no harm, and a host in two pools would count against the wrong limit.
 */
export function mayShareHosts(one: Provider, other: Provider): boolean {
  if (one.kubernetes && other.kubernetes) return true;
  if (!one.openstack || !other.openstack) return false;
  const [a, b] = [one.openstack, other.openstack];
  const hasSameRegion = a.region === undefined || b.region === undefined || a.region === b.region;
  return isDeepStrictEqual(a.identityRef, b.identityRef) && hasSameRegion;
}

type Selection = { readonly selector: Labels; readonly exclude: readonly LabelSelector[] };

/** Undefined for a provider without a source, which the API server refuses. */
function selectionOf({ kubernetes, openstack }: Provider): Selection | undefined {
  if (kubernetes) return { selector: kubernetes.nodeSelector, exclude: kubernetes.exclude ?? [] };
  if (openstack) return { selector: openstack.hostSelector, exclude: openstack.exclude ?? [] };
  return undefined;
}

/** The hosts that runs have closed to new work, with the claims of these. */
export function closedByRuns(
  marked: readonly Pick<MarkedHost, 'host' | 'claim'>[],
): ReadonlyMap<HostName, Claim> {
  return new Map(
    marked.flatMap(({ host, claim }) => (claim?.level === 'closed' ? [[host, claim] as const] : [])),
  );
}

/** The hosts that a run has taken out of service and may be working on. */
export function claimedAway(marked: readonly Pick<MarkedHost, 'host' | 'claim'>[]): ReadonlySet<HostName> {
  return new Set(marked.filter(({ claim }) => claim?.level === 'away').map(({ host }) => host));
}
