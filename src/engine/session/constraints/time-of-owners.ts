/** The time that a session has for a host while it waits for others: for owners (`onSilence: wait`), or another session. */
import type { Pass } from '../../pass.ts';
import type { Running } from '../../run/run-state.ts';
import { deadlineOf, moveDeadlines } from '../../run/timers.ts';
import { instancesOn } from '../occupancy.ts';
import { sessionOf } from '../session-of.ts';
import { waitsForOtherSessions } from './affected.ts';

/** Deadlines are not moved at every pass: each time is a write. */
const MOVED_AGAIN_MS = 60_000;

/**
 * Moves the deadlines of the step on while an owner is waited for whose answer is overdue, or while nothing of the host is
 * under way and another session holds it up. After that there is the whole time for the moves. So nothing but a missing
 * answer holds a session up for ever, of an owner in this session or in another one.
 */
export function giveTimeToOwners(pass: Pass, running: Running): void {
  const { session, terms } = sessionOf(pass);
  const { now } = pass.turn;
  const isOverdue = session.questions.some(({ answer, replyBy }) => !answer && now > Date.parse(replyBy));
  const isAwaited = terms.silent === 'wait' && isOverdue;
  if (!isAwaited && !isHeldUpByOthers(pass, running)) return;
  const missing = running.step.timeoutSeconds * 1000 - (deadlineOf(running.step) - now);
  if (missing > MOVED_AGAIN_MS) moveDeadlines(running, Math.ceil(missing / 1000));
}

/** A session with a question of its own may hold up the other one: its deadlines stand, so one of both goes on. */
function isHeldUpByOthers({ turn, run }: Pass, { stage: { hosts = [] } }: Running): boolean {
  const { view, constraints, elsewhere, now } = turn;
  const { session } = run;
  if (!session || !constraints || !elsewhere || session.questions.length > 0) return false;
  const groups = { session, view, constraints, elsewhere, now };
  const instances = hosts.flatMap((host) => instancesOn(view, host) ?? []);
  return instances.some(({ uid, leaving }) => !leaving && waitsForOtherSessions(groups, uid));
}
