/** The time that a session has for a host while it waits for owners, however long they take (`onSilence: wait`). */
import type { Pass } from '../../pass.ts';
import type { Running } from '../../run/run-state.ts';
import { deadlineOf, moveDeadlines } from '../../run/timers.ts';
import { sessionOf } from '../session-of.ts';

/** Deadlines are not moved at every pass: each time is a write. */
const MOVED_AGAIN_MS = 60_000;

/**
 * Moves the deadlines of the step on while an owner is waited for whose answer is overdue: once all have answered, there is
 * the whole time for the moves. So nothing but a missing answer holds a session up for ever.
 */
export function giveTimeToOwners(pass: Pass, running: Running): void {
  const { session, terms } = sessionOf(pass);
  const { now } = pass.turn;
  const isAwaited = session.questions.some(({ answer, replyBy }) => !answer && now > Date.parse(replyBy));
  if (terms.silent !== 'wait' || !isAwaited) return;
  const missing = running.step.timeoutSeconds * 1000 - (deadlineOf(running.step) - now);
  if (missing > MOVED_AGAIN_MS) moveDeadlines(running, Math.ceil(missing / 1000));
}
