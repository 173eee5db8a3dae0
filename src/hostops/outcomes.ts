/** Turns the API server's answer to a write into an outcome, where the rule is the same for every write. */
import type { Outcome } from '../engine/effect.ts';
import type { Instant } from '../engine/view.ts';
import { explain, httpStatus, retryAfterSeconds } from '../kube/errors.ts';
import { isForNow, refusalOf } from '../kube/refusals.ts';

/** An outcome, and the object in the server's answer, newer than any cache. */
export type Written<T> = { readonly outcome: Outcome; readonly object?: T };

export const ACCEPTED: Outcome = { kind: 'accepted' };
export const ALREADY: Outcome = { kind: 'already' };
export const STALE: Outcome = { kind: 'stale' };

const PAUSE_MS = 1_000;
/** A webhook may ask for any pause. */
const LONGEST_PAUSE_MS = 30_000;
/** Each request reads the token file, and the kubelet renews the token in it. */
const UNAUTHORIZED_PAUSE_MS = 5_000;

export function refused(reason: string): Outcome {
  return { kind: 'refused', reason };
}

export function blocked(reason: string, retryAt: Instant): Outcome {
  return { kind: 'blocked', reason, retryAt };
}

/** When to retry: after the pause that the server asks for, otherwise after one second. */
export function retryAt(error: unknown, now: Instant): Instant {
  const seconds = retryAfterSeconds(error);
  return now + (seconds === undefined ? PAUSE_MS : Math.min(seconds * 1000, LONGEST_PAUSE_MS));
}

/**
 * The outcome of a write that failed; `what` names it, such as `claiming worker-3`. Quotas, admission and overload
 * refuse it for now, in their own words. A namespace that is being deleted does not come back.
 */
export function outcomeOf(error: unknown, what: string, now: Instant): Outcome {
  const refusal = refusalOf(error);
  if (refusal && isForNow(refusal) && refusal.by !== 'terminating-namespace')
    return blocked(`${what}: ${refusal.said}`, retryAt(error, now));
  const reason = `${what}: ${explain(error)}`;
  switch (httpStatus(error)) {
    case 404:
    case 409:
      return STALE;
    case 400:
    case 403:
    case 405:
    case 413:
    case 422:
      return refused(reason);
    case 401:
      return blocked(reason, now + UNAUTHORIZED_PAUSE_MS);
    default:
      return { kind: 'unknown', reason };
  }
}
