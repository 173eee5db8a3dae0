/**
 * Decides what a process does about the Lease. Pure, so that tests can try any
 * schedule of pauses, delays and lost answers.
 *
 * All times are milliseconds of the monotonic clock of this process. The times
 * in the Lease come from the clock of another machine: they are for people, and
 * nothing here compares them.
 *
 * Two processes never lead at once. A holder trusts its Lease for two thirds of
 * the lease time after the *start* of its last renewal. Another process takes it
 * a whole lease time after it *saw* that renewal, by a write that is refused if
 * there was a later one. So one clock may run half as fast again as the other.
 */
import { isOlder } from '../kube/resource-versions.ts';

export type LeaseTimes = {
  /** How long others wait after a renewal that they saw, before they take the Lease. */
  readonly leaseMs: number;
  /** How long a holder trusts its Lease after the start of the last renewal. */
  readonly renewDeadlineMs: number;
  /** The time from the start of one renewal to the next, and the longest pause after a failure. */
  readonly retryMs: number;
  /** How long a request may take; short enough for a second one before the deadline. */
  readonly requestMs: number;
};

export type LeaseFacts = {
  readonly uid: string;
  readonly revision: string;
  /** Empty: the Lease was released. */
  readonly holder: string;
  /** How long the holder asks others to wait; undefined when it does not say. */
  readonly leaseMs: number | undefined;
  /** How often the holder has changed. */
  readonly transitions: number;
};

/** The last known state of the Lease. */
export type Sighting = {
  /** Undefined: there is none. */
  readonly lease: LeaseFacts | undefined;
  /** The newest revision ever seen; empty when none was. */
  readonly revision: string;
  /** When this became known. */
  readonly since: number;
  /** The Lease went back to an earlier revision: who led until then may still do so. */
  readonly wentBack?: true;
};

export type Look = { readonly kind: 'look' };
export type Wait = { readonly kind: 'wait'; readonly until: number };
export type Write =
  | { readonly kind: 'create' }
  /** Take: the holder changes. Renew: it stays. */
  | { readonly kind: 'take' | 'renew'; readonly lease: LeaseFacts };
export type Lost = { readonly kind: 'lost'; readonly why: string };

/** The times that follow from the lease time: 15 s give 10 s, 2 s and 5 s. */
export function leaseTimes(leaseSeconds: number): LeaseTimes {
  const leaseMs = leaseSeconds * 1000;
  // Timers take whole milliseconds; rounded down, nobody trusts a Lease for longer than its time allows.
  const part = (share: number): number => Math.floor(leaseMs * share);
  return { leaseMs, renewDeadlineMs: part(2 / 3), retryMs: part(2 / 15), requestMs: part(1 / 3) };
}

/** Until when the holder trusts a Lease that a request begun at `renewedAt` has renewed. */
export function validUntil(renewedAt: number, { renewDeadlineMs }: LeaseTimes): number {
  return renewedAt + renewDeadlineMs;
}

/** Why the Lease is lost after a missed deadline. */
export function lapsed({ renewDeadlineMs }: LeaseTimes): string {
  return `it was not renewed within ${String(renewDeadlineMs / 1000)} s`;
}

/** The sighting after the Lease was read, written or watched. A revision older than the known one changes nothing. */
export function seen(before: Sighting | undefined, lease: LeaseFacts, now: number): Sighting {
  const { revision } = lease;
  if (before && (before.revision === revision || isOlder(revision, before.revision))) return before;
  return { lease, revision, since: now };
}

/**
 * The sighting after a read of the Lease that was sent while `known` was the sighting. A revision older than that one
 * cannot be a late answer: the cluster was restored from a backup. It replaces everything that was known.
 */
export function read(
  before: Sighting | undefined,
  known: Sighting | undefined,
  lease: LeaseFacts,
  now: number,
): Sighting {
  const { revision } = lease;
  if (known && isOlder(revision, known.revision)) return { lease, revision, since: now, wentBack: true };
  return seen(before, lease, now);
}

/** The sighting after the Lease with this uid was deleted; `uid` is undefined when none was known. */
export function seenGone(before: Sighting | undefined, uid: string | undefined, now: number): Sighting {
  if (before && (!before.lease || before.lease.uid !== uid)) return before; // another was created meanwhile
  return { lease: undefined, revision: before?.revision ?? '', since: now };
}

/** The next action of a process that does not lead, to lead as soon as it may. */
export function standbyVerdict(
  identity: string,
  sighting: Sighting | undefined,
  times: LeaseTimes,
  now: number,
): Look | Wait | Write {
  if (!sighting) return { kind: 'look' };
  const { lease, since } = sighting;
  if (!lease) return { kind: 'create' };
  const until = since + (lease.leaseMs ?? times.leaseMs);
  // Its holder, or that it was released, is a thing of the past. Whoever leads now renews it within this time, or ends.
  if (sighting.wentBack && now < until) return { kind: 'wait', until };
  // The answer to a write of ours was lost. Its start is unknown, so another write must confirm it.
  if (lease.holder === identity) return { kind: 'renew', lease };
  if (lease.holder === '') return { kind: 'take', lease };
  return now < until ? { kind: 'wait', until } : { kind: 'take', lease };
}

/** The next action of the leader, whose last successful request began at `renewedAt`. */
export function leaderVerdict(
  identity: string,
  sighting: Sighting | undefined,
  renewedAt: number,
  times: LeaseTimes,
  now: number,
): Look | Wait | Write | Lost {
  if (now >= validUntil(renewedAt, times)) return { kind: 'lost', why: lapsed(times) };
  if (!sighting) return { kind: 'look' };
  const { lease } = sighting;
  if (!lease) return { kind: 'create' };
  if (lease.holder === '') return { kind: 'lost', why: 'somebody else released it' };
  if (lease.holder !== identity) return { kind: 'lost', why: `${lease.holder} has taken it` };
  const until = renewedAt + times.retryMs;
  return now < until ? { kind: 'wait', until } : { kind: 'renew', lease };
}

/**
 * The pause after `failures` failures in a row, in milliseconds: it doubles each
 * time, up to the retry period. `chance`, from 0 to 1, spreads processes that
 * failed together.
 */
export function pauseAfter(failures: number, { retryMs }: LeaseTimes, chance: number): number {
  const pause = Math.min((retryMs / 16) * 2 ** (failures - 1), retryMs);
  return pause * (0.5 + chance / 2);
}
