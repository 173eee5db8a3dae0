import type { Scheduler } from './world/scheduler.ts';

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
