import type { Scheduler } from './world/scheduler.ts';

export type Rest = {
  /** Whether nothing is under way at this moment. */
  readonly isAtRest: () => boolean;
  /** How long that has to last. */
  readonly calmMs: number;
  /** The time to give up at. */
  readonly latest: number;
  /** Ends the wait early. */
  readonly ended: () => boolean;
};

/**
 * Lets time pass until everything has been at rest for `calmMs` without a break. The last write that shows rest is not
 * the last write: permits are freed after the status that no longer names their hosts, and a late event or a resync may
 * begin something anew.
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
