/** Which claims and permits of a pool the active runs back. Pure: the caller reads the owners. */
import type { HostPoolStatus, Permit } from '../../crds/host-pool.ts';
import type { OwnerName } from '../../crds/owner-ref.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { Claim } from '../view.ts';

/** A run that its owner still has, with the facts that back its permits and claims. */
export type ActiveRun = {
  readonly owner: OwnerName;
  /** The hosts whose outage the run has recorded as open. */
  readonly open: ReadonlySet<HostName>;
  /** Whether it may record further outages: a permit may then precede its record. */
  readonly underWay: boolean;
  /** How many of its open hosts have failed and are kept. */
  readonly failed: number;
};

/**
 * By the id of the run. `owner gone`: its owner was read and does not exist any more. Undefined: its owner exists and
 * does not have the run. A run without an entry is unknown, for
 * example because this version does not have the kind of its owner: its permits and claims must stay.
 */
export type ActiveRuns = ReadonlyMap<string, ActiveRun | 'owner gone' | undefined>;

/**
 * Whether a claim is backed: its run is unknown, or is active and has recorded the host, or is under way with a permit
 * for the host.
 */
export function isBacked(
  host: HostName,
  { run }: Claim,
  permits: readonly Permit[],
  active: ActiveRuns,
): boolean {
  if (!active.has(run)) return true;
  const found = active.get(run);
  if (!isActive(found)) return false;
  return found.open.has(host) || (found.underWay && hasPermit(host, run, permits));
}

/**
 * Whether work may have begun on a host whose run is lost, although no Job of it is known: the Jobs of an owner that is
 * gone are deleted with it. Such a run still has its permit; a claim that arrived late has none.
 */
export function mayHaveBegun(
  host: HostName,
  { run }: Claim,
  permits: readonly Permit[],
  active: ActiveRuns,
): boolean {
  return hasPermit(host, run, permits) && active.get(run) === 'owner gone';
}

/**
 * Whether nothing but the claim itself speaks of its run: its owner does not exist, and the pool has no permit of it. A
 * kubelet may have written such a claim, so its word opens no host.
 */
export function isUnknown(
  host: HostName,
  { run }: Claim,
  permits: readonly Permit[],
  active: ActiveRuns,
): boolean {
  return active.get(run) === 'owner gone' && !hasPermit(host, run, permits);
}

function hasPermit(host: HostName, run: string, permits: readonly Permit[]): boolean {
  return permits.some((permit) => permit.host === host && permit.run === run);
}

function isActive(run: ActiveRun | 'owner gone' | undefined): run is ActiveRun {
  return run !== undefined && run !== 'owner gone';
}

/**
 * The permits that stay:
 * - permits of a run that is unknown, or that got its first permit after the active runs were read;
 * - permits of a host that the run has recorded, or that still carries its claim;
 * - permits of a host that exists, while the run is under way.
 */
export function keptPermits(
  { permits = [] }: HostPoolStatus,
  active: ActiveRuns,
  claimed: ReadonlySet<string>,
  exists: (host: HostName) => boolean,
): readonly Permit[] {
  return permits.filter(({ host, run }) => {
    if (!active.has(run)) return true;
    const found = active.get(run);
    if (claimed.has(claimKey(host, run))) return true;
    return isActive(found) && (found.open.has(host) || (found.underWay && exists(host)));
  });
}

/** Names a claim: its run and its host. */
export function claimKey(host: HostName, run: string): string {
  return `${run}/${host}`;
}
