/**
 * The sweep of a pool: releases claims that a deposed or lost operator left
 * behind, keeps hosts locked whose work was cut short, removes left-locked notes
 * of hosts that somebody opened, and frees permits of runs and of hosts that no
 * longer exist.
 */
import type { HostPoolStatus } from '../../crds/host-pool.ts';
import { ownerKey, ownerText } from '../../crds/owner-ref.ts';
import {
  claimKey,
  isBacked,
  isUnknown,
  keptPermits,
  mayHaveBegun,
  type ActiveRuns,
} from '../../engine/permits/active-runs.ts';
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
  /** The namespaces whose Jobs were known when the marked hosts were read. */
  readonly prepared: ReadonlySet<string>;
  /** The hosts that carried our marks before the active runs were read. */
  readonly markedHosts: readonly MarkedHost[];
  readonly active: ActiveRuns;
  readonly signal: AbortSignal;
};

/** Whether some claim or permit has no active run. */
export function isSweepDue(context: SweepContext): boolean {
  const { pool, markedHosts, active } = context;
  const { status } = pool;
  const isStray = ({ host, claim }: MarkedHost): boolean =>
    claim !== undefined && !isBacked(host, claim, status.permits ?? [], active);
  return markedHosts.some(isStray) || withoutStrayPermits(context, status) !== status;
}

/**
 * Releases the hosts whose claims no active run backs. A host that a Job works on is not released: the run is gone, but
 * its Job is not. Nor is a host whose Jobs are not known yet. Resolves with whether there are such hosts; they need
 * another pass.
 *
 * A host on which work has begun stays locked: nobody knows how far the work came, and nobody asked to repeat it. So
 * does a host whose claim nothing else speaks of.
 */
export async function sweepClaims(context: SweepContext): Promise<boolean> {
  const { pool, markedHosts, active } = context;
  let waits = false;
  for (const each of markedHosts) {
    const { host, claim } = each;
    const permits = pool.status.permits ?? [];
    if (!claim) await forgetNote(context, each);
    else if (isBacked(host, claim, permits, active)) continue;
    else if (each.busy || !isWorkKnown(context, claim)) waits = true;
    else if (claim.level === 'away' && (each.begun || mayHaveBegun(host, claim, permits, active)))
      await keepLocked(
        context,
        each,
        claim,
        `the record of its run ${claim.run} was lost after work on it had begun`,
      );
    else if (!isUnknown(host, claim, permits, active)) await release(context, each, claim);
    else if (each.closedToNewWork) await keepLocked(context, each, claim, UNKNOWN);
    else await release(context, each, claim, true);
  }
  return waits;
}

/** The Jobs of an owner that is gone are deleted with it, and the right to list them may be gone for good. */
function isWorkKnown({ prepared, active }: SweepContext, { run, owner }: Claim): boolean {
  return prepared.has(owner.namespace) || active.get(run) === 'owner gone';
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

const UNKNOWN =
  'its claim named an owner that does not exist, and no run of Careen is known that cordoned it';

async function release(
  context: SweepContext,
  marked: MarkedHost,
  { run, owner }: Claim,
  closedToNewWorkBefore?: boolean,
): Promise<void> {
  const note = `the claim of ${ownerText(owner)} on ${marked.host} was removed: no active run backs it`;
  const effect = { kind: 'release', ...effectOn(marked, run), closedToNewWorkBefore } as const;
  await sweep(context, effect, { owner, run }, { note, message: 'claim of no active run released' });
}

/** Leaves the host closed, with a note for people. */
async function keepLocked(
  context: SweepContext,
  marked: MarkedHost,
  { run, owner }: Claim,
  reason: string,
): Promise<void> {
  const note = `${marked.host} of ${ownerText(owner)} stays locked: ${reason}; inspect it before it is opened`;
  const effect = { kind: 'leave-locked', ...effectOn(marked, run), reason } as const;
  await sweep(context, effect, { owner, run }, { note, message: 'host of a lost run left locked' });
}

/** Removes the left-locked note of a host that somebody has opened. */
async function forgetNote(context: SweepContext, marked: MarkedHost): Promise<void> {
  if (marked.closedToNewWork || !marked.leftLocked || marked.spoiltClaim !== undefined) return;
  const { name, uid } = context.pool.metadata;
  const owner = { kind: 'HostPool', namespace: '', name, uid };
  const effect = { kind: 'release', ...effectOn(marked, '') } as const;
  await sweep(context, effect, { owner, run: '' }, { message: 'left-locked note of an open host removed' });
}

function effectOn(
  { host, revision }: MarkedHost,
  run: string,
): Pick<SweepEffect, 'key' | 'host' | 'revision' | 'run'> {
  return { key: [run, 'sweep', host, revision].join('/'), host, revision, run };
}

type SweepEffect = Extract<Effect, { kind: 'release' | 'leave-locked' }>;

/** Performs the effect; an event has the note, if there is one. */
async function sweep(
  { deps, pool, epoch, signal, attachment: { scope } }: SweepContext,
  effect: SweepEffect,
  { owner, run }: Pick<Claim, 'owner' | 'run'>,
  { note, message }: { readonly note?: string; readonly message: string },
): Promise<void> {
  const { host } = effect;
  const outcome = await deps.hosts.perform(scope, effect, { owner, run, epoch }, signal);
  const fields = { pool: pool.metadata.name, host, run, owner: ownerKey(owner), outcome: outcome.kind };
  deps.log.warn(fields, message);
  if (outcome.kind === 'accepted' && note !== undefined)
    deps.events.record(poolEvent(pool, { reason: 'ClaimSwept', host, note }));
  if (outcome.kind === 'stale' || outcome.kind === 'unknown') await deps.hosts.confirm(scope, [host], signal);
}

function claims(markedHosts: readonly MarkedHost[]): ReadonlySet<string> {
  return new Set(markedHosts.flatMap(({ host, claim }) => (claim ? [claimKey(host, claim.run)] : [])));
}
