/**
 * Claims and releases compute hosts. The claim is a Lease, which the API server guards; the lock is the disabled compute
 * service, with the run in its reason. Nova cannot refuse a stale write, so each write reads the host anew just before,
 * and a write that overtakes another is put right by the next pass.
 */
import { takesClosed } from '../claims.ts';
import { ownerText } from '../../crds/owner-ref.ts';
import type { Effect, Outcome } from '../../engine/effect.ts';
import { mayArrive } from '../../engine/run/prior-state.ts';
import type { Claim } from '../../engine/view.ts';
import { httpStatus } from '../../kube/errors.ts';
import type { Compute } from '../../openstack/compute.ts';
import type { ComputeService } from '../../openstack/compute-answers.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { ACCEPTED, ALREADY, blocked, STALE } from '../outcomes.ts';
import type { Adoption, Fence } from '../port.ts';
import type { ClaimLease, ClaimLeases } from './claim-leases.ts';
import type { ComputeHost } from './compute-host.ts';
import { leftLockedReason, lockReason, replacedReason } from './marks.ts';
import { startAgain } from './leaving/start-again.ts';

/** Another run holds the host, and no event reports its end. */
const HELD_PAUSE_MS = 10_000;
const DOWN_PAUSE_MS = 5_000;
const CANCEL_PAUSE_MS = 2_000;
/** A server starts within seconds. */
const START_PAUSE_MS = 2_000;

/** A host as it is now, past all caches. */
export type FreshHost = { readonly host: ComputeHost; readonly lease: ClaimLease | undefined };

export type HostWriter = {
  readonly compute: Compute;
  readonly leases: ClaimLeases;
  readonly cloud: string;
  readonly now: () => number;
  /** Throws when this process may not write any more. Called before each write to Nova. */
  readonly beforeWrite: () => void;
  /** Gets a service as a write has left it, so that no view shows the host as it was before. */
  readonly written: (service: ComputeService) => void;
  /** Resolves with undefined when Nova knows no such host. */
  readonly read: (host: HostName, signal: AbortSignal) => Promise<FreshHost | undefined>;
  /** Cancels the migrations away from a host that Careen has asked for. Resolves with why some cannot be cancelled yet. */
  readonly cancelMigrations: (host: HostName, signal: AbortSignal) => Promise<string | undefined>;
};

type Of<Kind extends Effect['kind']> = Extract<Effect, { kind: Kind }>;

export async function claimHost(
  writer: HostWriter,
  { host: name, revision, claim }: Of<'claim'>,
  signal: AbortSignal,
): Promise<Outcome> {
  const found = await writer.read(name, signal);
  if (!found) return STALE;
  const { host, lease } = found;
  if (host.claim && lease && host.revision === revision && takesClosed(host.claim, claim))
    return replaced(writer, { host, lease }, claim, signal);
  if (host.claim?.run === claim.run) return ALREADY;
  if (host.claim)
    return blocked(`${name} is held by ${ownerText(host.claim.owner)}`, writer.now() + HELD_PAUSE_MS);
  if (host.spoiltClaim !== undefined || host.revision !== revision) return STALE;
  return take(writer, found, claim, signal);
}

/** Locks before it claims: a host that is disabled for a run and has no claim yet is claimed by the next try. */
async function take(
  { leases, cloud, ...writer }: HostWriter,
  { host, lease }: FreshHost,
  claim: Claim,
  signal: AbortSignal,
): Promise<Outcome> {
  if (claim.level !== 'touched' && !host.closedToNewWork)
    await disable(writer, host, lockReason(claim.run), signal);
  return unlessChanged(leases.create({ cloud, host: host.name, uid: host.uid }, claim, lease, signal));
}

/**
 * Releases a host into its state before the claim, once its service is up and the servers run again that were stopped
 * for its outage. The record of the run (`closedToNewWorkBefore`) decides; without it the claim does, for a service that has
 * our mark. A service that others had disabled stays so, for a reason that is not our mark.
 */
export async function releaseHost(
  writer: HostWriter,
  { host: name, revision, run, closedToNewWorkBefore, stoppedSince }: Of<'release'>,
  signal: AbortSignal,
): Promise<Outcome> {
  const found = await writer.read(name, signal);
  if (!found) return STALE;
  const { host, lease } = found;
  const { claim, hasMaintenanceMark, spoiltClaim } = host;
  const isLost = !claim && (hasMaintenanceMark || spoiltClaim !== undefined);
  if (claim ? claim.run !== run : !isLost || closedToNewWorkBefore === undefined) return ALREADY;
  if (host.revision !== revision) return STALE;
  const staysClosed = closedToNewWorkBefore ?? (claim?.closedToNewWorkBefore || !hasMaintenanceMark);
  const opens = !staysClosed && hasMaintenanceMark && claim?.level !== 'touched';
  const since = claim?.stopsInstances ? claim.since : stoppedSince;
  if ((opens || since !== undefined) && !host.ready)
    return blocked(
      `${name} is not enabled: it ${host.notReady ?? 'is not up'}`,
      writer.now() + DOWN_PAUSE_MS,
    );
  const uncancelled = await writer.cancelMigrations(name, signal);
  if (uncancelled !== undefined) return blocked(uncancelled, writer.now() + CANCEL_PAUSE_MS);
  const started = since === undefined ? {} : await startAgain(writer, name, since, signal);
  if (started.pending !== undefined)
    return blocked(`servers of ${name}: ${started.pending}`, writer.now() + START_PAUSE_MS);
  if (isClaimed(host) && lease && !(await isRemoved(writer, lease, signal))) return STALE;
  if (opens) {
    writer.beforeWrite();
    writer.written(await writer.compute.enableService(host.uid, signal));
  } else if (staysClosed && hasMaintenanceMark) {
    // A lock that came late has replaced the reason of somebody else. With our mark, the host would never be released.
    await disable(writer, host, replacedReason(run), signal);
  }
  const { failed } = started;
  return failed === undefined ? ACCEPTED : { kind: 'accepted', note: `servers of ${name}: ${failed}` };
}

/** Locks a host again that somebody enabled. The lock is then Careen's, so the release enables the host. */
export async function lockAgain(
  writer: HostWriter,
  { host: name, revision, run }: Of<'recordon'>,
  signal: AbortSignal,
): Promise<Outcome> {
  const found = await writer.read(name, signal);
  const claim = found?.host.claim;
  if (!found?.lease || claim?.run !== run || found.host.revision !== revision) return STALE;
  if (found.host.closedToNewWork) return ALREADY;
  // In this order: a lock that the claim does not know as ours would stay.
  const ours = { ...claim, closedToNewWorkBefore: false };
  const outcome = await replaced(writer, { ...found, lease: found.lease }, ours, signal);
  if (outcome.kind === 'accepted') await disable(writer, found.host, lockReason(run), signal);
  return outcome;
}

/** Leaves the service disabled for a person to inspect; its reason says why, and why others had disabled it before. */
export async function leaveHostLocked(
  writer: HostWriter,
  { host: name, revision, run, reason }: Of<'leave-locked'>,
  { owner }: Fence,
  signal: AbortSignal,
): Promise<Outcome> {
  const found = await writer.read(name, signal);
  if (!found) return STALE;
  const { host, lease } = found;
  const { claim, hasMaintenanceMark, spoiltClaim } = host;
  if (claim ? claim.run !== run : !hasMaintenanceMark && spoiltClaim === undefined) return ALREADY;
  if (host.revision !== revision) return STALE;
  // The reason of somebody else says why the service is disabled, and stays.
  const isTheirs = host.closedToNewWork && !hasMaintenanceMark && !host.leftLocked;
  if (!isTheirs) await disable(writer, host, leftLockedReason(owner.uid, reason), signal);
  return isClaimed(host) && lease && !(await isRemoved(writer, lease, signal)) ? STALE : ACCEPTED;
}

/** Whether the Lease of the host has a claim, be it spoilt. */
function isClaimed({ claim, spoiltClaim }: ComputeHost): boolean {
  return claim !== undefined || spoiltClaim !== undefined;
}

/**
 * Writes the claim of a host again under another epoch, or makes the claim if it may be in flight. Where one in flight does
 * not fit the host any more, it is refused instead: it would lock a host that no run has recorded.
 */
export async function adoptHost(
  writer: HostWriter,
  name: HostName,
  { claim, uid, makeIfMissing }: Adoption,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const found = await writer.read(name, signal);
    if (!found || (uid !== undefined && found.host.uid !== uid)) return;
    const { host, lease } = found;
    const held = host.claim;
    if (held ? held.run !== claim.run : !makeIfMissing || host.spoiltClaim !== undefined) return;
    const outcome =
      held && lease
        ? await replaced(writer, { host, lease }, { ...held, epoch: claim.epoch }, signal)
        : mayArrive(host, claim)
          ? await take(writer, found, claim, signal)
          : await refuseLate(writer, found, signal);
    if (outcome.kind !== 'stale') return;
  }
}

/** Stale when the Lease has changed meanwhile: the late claim may have arrived, and is adopted then. */
async function refuseLate(
  { leases, cloud }: HostWriter,
  { host, lease }: FreshHost,
  signal: AbortSignal,
): Promise<Outcome> {
  return unlessChanged(leases.refuseLate({ cloud, host: host.name, uid: host.uid }, lease, signal));
}

async function disable(
  { compute, beforeWrite, written }: Pick<HostWriter, 'compute' | 'beforeWrite' | 'written'>,
  { uid }: ComputeHost,
  reason: string,
  signal: AbortSignal,
): Promise<void> {
  beforeWrite();
  written(await compute.disableService(uid, reason, signal));
}

async function replaced(
  { leases }: HostWriter,
  { host, lease }: { readonly host: ComputeHost; readonly lease: ClaimLease },
  claim: Claim,
  signal: AbortSignal,
): Promise<Outcome> {
  return unlessChanged(leases.replace(lease, host.uid, claim, signal));
}

/** Whether this removed the claim, and nobody had changed it since it was read. */
async function isRemoved({ leases }: HostWriter, lease: ClaimLease, signal: AbortSignal): Promise<boolean> {
  return (await unlessChanged(leases.remove(lease, signal))).kind === 'accepted';
}

/** Stale when the Lease has changed or gone since it was read. */
async function unlessChanged(write: Promise<void>): Promise<Outcome> {
  try {
    await write;
    return ACCEPTED;
  } catch (error) {
    if (httpStatus(error) === 409 || httpStatus(error) === 404) return STALE;
    throw error;
  }
}
