import type { HostVerdict } from '../evaluate.ts';
import { stamp, type Pass } from '../pass.ts';
import type { Running } from './run-state.ts';
import { deadlineOf, moveDeadlines } from './timers.ts';

/**
 * Begins the time to settle anew after a host was unwell. The step ends when all its hosts were well for its whole
 * `timeoutSeconds`. A host may be unwell for `verifyTimeoutSeconds` from the first time that one was; then the step
 * times out.
 */
export function settleAnew(pass: Pass, running: Running, verdicts: readonly HostVerdict[]): void {
  const { step } = running;
  const unwell = verdicts.some(({ verdict }) => verdict.kind === 'blocked' && verdict.unwell);
  if (unwell) step.unwellSince ??= stamp(pass);
  if (step.unwellSince === undefined) return;
  const settleMilliseconds = step.timeoutSeconds * 1000;
  const patience = pass.plan.actions.timing.verifyTimeoutSeconds * 1000 + settleMilliseconds;
  const before = deadlineOf(step);
  const after = unwell
    ? Math.max(before, Date.parse(step.unwellSince) + patience)
    : Math.min(before, pass.turn.now + settleMilliseconds);
  if (after !== before) moveDeadlines(running, Math.ceil((after - before) / 1000));
}
