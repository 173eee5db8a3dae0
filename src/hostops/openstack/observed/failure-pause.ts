/** How long the reads of a cloud rest after one of them has failed. Pure. */
import { OpenStackError } from '../../../openstack/errors.ts';

/** Wrong credentials do not become right by themselves. */
const FAILURE_PAUSE_MS = 30_000;
/** Nova, Keystone or the way to them is down for a while. */
const OUTAGE_PAUSE_MS = 5_000;
/** A cloud may wish for more: hosts that are out of service wait meanwhile. */
const LONGEST_PAUSE_MS = 300_000;
const PASSING: ReadonlySet<OpenStackError['kind']> = new Set(['unavailable', 'timeout', 'too-many-requests']);

/** Whether a failure may pass without anybody. */
export function mayPass(error: unknown): error is OpenStackError {
  return error instanceof OpenStackError && PASSING.has(error.kind);
}

/** Whether a read has lost its connection because another one has failed. */
export function wasClosed(error: unknown): boolean {
  return error instanceof OpenStackError && error.kind === 'closed';
}

/** In milliseconds. A cloud that says when to come again (`Retry-After`) is not asked before. */
export function pauseAfter(error: unknown): number {
  if (wasClosed(error)) return OUTAGE_PAUSE_MS;
  if (!mayPass(error)) return FAILURE_PAUSE_MS;
  const wanted = (error.retryAfterSeconds ?? 0) * 1000;
  return Math.min(Math.max(wanted, OUTAGE_PAUSE_MS), LONGEST_PAUSE_MS);
}
