/**
 * What a process should do about the Lease that says who leads. Pure, so that
 * any schedule of pauses, delays and lost answers can be tried on it.
 *
 * All times are milliseconds of the asking process's own monotonic clock. The
 * times that stand in the Lease were written by another machine's clock: they
 * are for people, and are compared with nothing here.
 *
 * Why two never lead at once: a holder trusts its Lease from the *start* of its
 * last renewal, for two thirds of the lease time; another takes it a whole
 * lease time after it *saw* that renewal, by a write that is refused if there
 * was a later one. So one clock may run half as fast again as the other.
 */
import { isOlder } from '../kube/resource-versions.ts';

export type LeaseTimes = {
  /** How long nobody takes the Lease from a holder that they have seen renew it. */
  readonly leaseMs: number;
  /** How long a holder trusts its Lease after the start of the last renewal. */
  readonly renewDeadlineMs: number;
  /** How long after the start of a renewal the next is due, and the longest pause after a failure. */
  readonly retryMs: number;
  /** How long a request may take: after one that hangs there is time for another. */
  readonly requestMs: number;
};

export type LeaseFacts = {
  readonly uid: string;
  readonly revision: string;
  /** Empty: it was given up. */
  readonly holder: string;
  /** What its holder asks others to wait; undefined when it does not say. */
  readonly leaseMs: number | undefined;
  /** How often the holder has changed. */
  readonly transitions: number;
};

/** What a process knows of the Lease. */
export type Sighting = {
  /** Undefined: there is none. */
  readonly lease: LeaseFacts | undefined;
  /** The newest revision that was ever seen; empty: none was. */
  readonly revision: string;
  /** When this became known. */
  readonly since: number;
};

export type Look = { readonly kind: 'look' };
export type Wait = { readonly kind: 'wait'; readonly until: number };
export type Write =
  | { readonly kind: 'create' }
  /** Take: the holder changes. Renew: it stays. */
  | { readonly kind: 'take' | 'renew'; readonly lease: LeaseFacts };
export type Lost = { readonly kind: 'lost'; readonly why: string };

/** The times that go with a lease time: 15 s give 10 s, 2 s and 5 s. */
export function leaseTimes(leaseSeconds: number): LeaseTimes {
  const leaseMs = leaseSeconds * 1000;
  return { leaseMs, renewDeadlineMs: (leaseMs * 2) / 3, retryMs: (leaseMs * 2) / 15, requestMs: leaseMs / 3 };
}

/** When a Lease that was renewed by a request begun at `renewedAt` is no longer to be trusted. */
export function validUntil(renewedAt: number, { renewDeadlineMs }: LeaseTimes): number {
  return renewedAt + renewDeadlineMs;
}

/** Why a Lease is lost that was not renewed in time. */
export function lapsed({ renewDeadlineMs }: LeaseTimes): string {
  return `it was not renewed within ${String(renewDeadlineMs / 1000)} s`;
}

/** What is known after a Lease was read, written or watched; news that are older than what is known change nothing. */
export function seen(before: Sighting | undefined, lease: LeaseFacts, now: number): Sighting {
  const { revision } = lease;
  if (before && (before.revision === revision || isOlder(revision, before.revision))) return before;
  return { lease, revision, since: now };
}

/** What is known after the Lease with this uid was found gone; undefined: after none was found. */
export function seenGone(before: Sighting | undefined, uid: string | undefined, now: number): Sighting {
  if (before && (!before.lease || before.lease.uid !== uid)) return before; // another was made meanwhile
  return { lease: undefined, revision: before?.revision ?? '', since: now };
}

/** What a process that does not lead should do, to lead as soon as it may. */
export function standbyVerdict(
  identity: string,
  sighting: Sighting | undefined,
  times: LeaseTimes,
  now: number,
): Look | Wait | Write {
  if (!sighting) return { kind: 'look' };
  const { lease, since } = sighting;
  if (!lease) return { kind: 'create' };
  // A write of ours whose answer was lost. When it began is not known any more, so another has to confirm it.
  if (lease.holder === identity) return { kind: 'renew', lease };
  if (lease.holder === '') return { kind: 'take', lease };
  const until = since + (lease.leaseMs ?? times.leaseMs);
  return now < until ? { kind: 'wait', until } : { kind: 'take', lease };
}

/** What a process that leads, by a request that it began at `renewedAt`, should do to stay so. */
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
  if (lease.holder === '') return { kind: 'lost', why: 'somebody else gave it up' };
  if (lease.holder !== identity) return { kind: 'lost', why: `${lease.holder} has taken it` };
  const until = renewedAt + times.retryMs;
  return now < until ? { kind: 'wait', until } : { kind: 'renew', lease };
}

/**
 * How long to wait after so many failures in a row, in milliseconds: twice as
 * long each time, up to the retry period. `chance`, from 0 to 1, spreads those
 * that failed together.
 */
export function pauseAfter(failures: number, { retryMs }: LeaseTimes, chance: number): number {
  const pause = Math.min((retryMs / 16) * 2 ** (failures - 1), retryMs);
  return pause * (0.5 + chance / 2);
}
