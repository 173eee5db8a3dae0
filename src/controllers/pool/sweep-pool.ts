/**
 * The sweep of a pool: releases claims that a deposed or lost operator left
 * behind, and frees permits of runs and of hosts that no longer exist.
 */
import type { HostPoolStatus } from '../../crds/host-pool.ts';
import { ownerKey, ownerText } from '../../crds/owner-ref.ts';
import { claimKey, isBacked, keptPermits, type ActiveRuns } from '../../engine/permits/active-runs.ts';
import type { Effect } from '../../engine/effect.ts';
import { withPermits } from '../../engine/permits/permits.ts';
import type { Claim } from '../../engine/view.ts';
import type { MarkedHost } from '../../hostops/port.ts';
import type { HostPool } from '../../resources/careen-api.ts';
import type { Attachment } from '../runtime/attachments.ts';
import { poolEvent } from '../runtime/events.ts';
import type { ReconcilerDeps } from '../runtime/reconciler-deps.ts';

export type SweepContext = {
  readonly deps: ReconcilerDeps;
  readonly pool: HostPool;
  readonly attachment: Attachment;
  readonly epoch: number;
  /** The hosts that carried our marks before the active runs were read. */
  readonly markedHosts: readonly MarkedHost[];
  readonly active: ActiveRuns;
  readonly signal: AbortSignal;
};

/**
 * Releases the hosts whose claims no active run backs. A host that a Job works on is not released: the run is gone, but
 * its Job is not. Resolves with whether there are such hosts; they need another pass.
 */
export async function sweepClaims(context: SweepContext): Promise<boolean> {
  const { pool, markedHosts, active } = context;
  let waits = false;
  for (const each of markedHosts) {
    if (!each.claim || isBacked(each.host, each.claim, pool.status.permits ?? [], active)) continue;
    if (each.busy) waits = true;
    else await release(context, each, each.claim);
  }
  return waits;
}

/** The status without the permits that no active run backs; the same object when there are none. */
export function withoutStrayPermits(
  { deps, attachment, active }: SweepContext,
  status: HostPoolStatus,
): HostPoolStatus {
  const claimed = claims(deps.hosts.markedHosts(attachment.scope));
  const view = attachment.view();
  const kept = keptPermits(status, active, claimed, (host) => view.host(host) !== undefined);
  return kept.length === (status.permits ?? []).length ? status : withPermits(status, kept);
}

async function release(
  { deps, pool, epoch, signal }: SweepContext,
  { host, revision }: MarkedHost,
  { run, owner }: Claim,
): Promise<void> {
  const key = [run, 'sweep', host, revision].join('/');
  const effect: Effect = { kind: 'release', key, host, revision, run };
  const outcome = await deps.hosts.perform(effect, { owner, run, epoch }, signal);
  deps.log.warn(
    { pool: pool.metadata.name, host, run, owner: ownerKey(owner), outcome: outcome.kind },
    'claim of no active run released',
  );
  if (outcome.kind === 'accepted') {
    const note = `the claim of ${ownerText(owner)} on ${host} was removed: no active run backs it`;
    deps.events.record(poolEvent(pool, { reason: 'ClaimSwept', host, note }));
  }
  if (outcome.kind === 'stale' || outcome.kind === 'unknown') await deps.hosts.confirm([host], signal);
}

function claims(markedHosts: readonly MarkedHost[]): ReadonlySet<string> {
  return new Set(markedHosts.flatMap(({ host, claim }) => (claim ? [claimKey(host, claim.run)] : [])));
}
