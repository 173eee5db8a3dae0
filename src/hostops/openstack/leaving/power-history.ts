/**
 * Who stopped a server last. Nova remembers that for each server, so nobody else has to: it is known after a crash, to
 * another operator, and when the owner of the server has acted meanwhile. Pure.
 */
import type { InstanceAction } from '../../../openstack/compute-answers.ts';
import { CLOCK_SKEW_MS } from './asked-servers.ts';

export type PowerHistory =
  /** We have stopped it, and nobody has started it since. */
  | { readonly kind: 'stopped' }
  /** We have stopped it, and started it again; `times` is how often in a row. */
  | { readonly kind: 'started'; readonly times: number }
  /** We have stopped it, and somebody else has started or stopped it since: it is theirs. */
  | { readonly kind: 'taken-over' }
  /** We have not stopped it. */
  | { readonly kind: 'untouched' };

export type PowerRecord = {
  /** What was asked of the server, in any order. */
  readonly actions: readonly InstanceAction[];
  /** As whom Careen asks. */
  readonly userId: string;
  /** When the outage began, RFC 3339. */
  readonly since: string;
};

/** What became of a server since the begin of an outage, as far as stops and starts go. */
export function powerHistory({ actions, userId, since }: PowerRecord): PowerHistory {
  const from = Date.parse(since) - CLOCK_SKEW_MS;
  const recent = actions
    .filter(
      ({ action, startedAt }) => (action === 'stop' || action === 'start') && Date.parse(startedAt) >= from,
    )
    .toSorted((a, b) => Date.parse(b.startedAt) - Date.parse(a.startedAt));
  const isOurs = (each: InstanceAction): boolean => each.userId === userId;
  const stopped = recent.findIndex((each) => each.action === 'stop' && isOurs(each));
  if (stopped < 0) return { kind: 'untouched' };
  const later = recent.slice(0, stopped);
  if (later.some((each) => !isOurs(each))) return { kind: 'taken-over' };
  return later.length === 0 ? { kind: 'stopped' } : { kind: 'started', times: later.length };
}
