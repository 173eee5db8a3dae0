/** When nothing changes any more by itself. */
import { isHeldByLimit, modeOf, outagesOf, stagesOf, stateOf } from './seen.ts';
import { at } from './world/api-server.ts';
import type { ApiObject } from './world/objects.ts';
import type { Scheduler } from './world/scheduler.ts';
import { isSession, isUpgrade } from './world/strategies.ts';

export type Rest = {
  /** Whether nothing is under way at this moment. */
  readonly isAtRest: () => boolean;
  /** How long the rest has to last. */
  readonly calmMs: number;
  /** The time to give up at. */
  readonly latest: number;
  /** Ends the wait early. */
  readonly ended: () => boolean;
};

/**
 * Lets time pass until everything has been at rest for `calmMs` without a break. The first write that shows rest may
 * not be the last write: permits are freed after the status no longer names their hosts, and a late event or a resync
 * may begin something new.
 */
export async function untilCalm(
  scheduler: Scheduler,
  { isAtRest, calmMs, latest, ended }: Rest,
): Promise<void> {
  do {
    await scheduler.runUntil(latest, () => ended() || isAtRest());
    await scheduler.runUntil(scheduler.now + calmMs, () => ended() || !isAtRest());
  } while (!ended() && !isAtRest() && scheduler.now < latest);
}

/** The state of a strategy, for the report. */
export function stateText(strategy: ApiObject): string {
  const state = stateOf(strategy) ?? 'none';
  if (isSession(strategy)) return `session ${state}`;
  return isUpgrade(strategy) ? `upgrade ${state}` : state;
}

const ENDED: ReadonlySet<string> = new Set([
  ...['build-failed', 'applied', 'apply-failed', 'apply-timeout'],
  ...['aborted', 'abort-failed', 'abort-timeout'],
]);

/** Whether a strategy changes nothing more by itself. */
export function isAtRest(strategy: ApiObject): boolean {
  if (strategy.metadata.deletionTimestamp !== undefined) return false;
  const state = stateOf(strategy) ?? '';
  if (state === 'ready-to-apply') return modeOf(strategy) !== 'Run' || isHeldByLimit(strategy);
  if (state !== 'applying') return ENDED.has(state);
  const phase = at(strategy.status, 'applyPhase');
  const isStopped = Number(at(phase, 'currentStage')) >= Number(at(phase, 'stopAtStage'));
  return (
    isStopped && outagesOf(strategy).length === 0 && !stagesOf(strategy).some(({ inProgress }) => inProgress)
  );
}
