/** The end of a world: nothing more can happen in it. */
import type { Journal, Notes } from './journal.ts';
import { isAtRest, untilCalm } from './rest.ts';
import { stateOf } from './seen.ts';
import { at, type ApiServer } from './world/api-server.ts';
import type { ApiObject } from './world/objects.ts';
import type { Scheduler } from './world/scheduler.ts';
import { nameOf, strategiesOf } from './world/strategies.ts';

/** Longer than the wait for the next resync. */
const CALM_MS = 75_000;

/** The result of the run of a world. */
export type WorldResult = Notes & {
  readonly states: readonly string[];
  readonly virtualMs: number;
  /** The revision of the API server at the end: it counts the writes. */
  readonly revision: number;
};

export type Ending = {
  readonly scheduler: Scheduler;
  readonly server: ApiServer;
  readonly journal: Journal;
  /** A strategy that has not ended by then never ends. */
  readonly longestMs: number;
  /** Whether nothing is under way beside the strategies, and no watch may be silent or late. */
  readonly isIdle: () => boolean;
  /** Judges the world at its end. */
  readonly judge: () => void;
};

/** Waits until nothing more can happen, and judges the result. A strategy that never ends is a complaint. */
export async function endWorld({ scheduler, server, journal, ...ending }: Ending): Promise<void> {
  const { longestMs, judge, isIdle } = ending;
  const restless = (): readonly ApiObject[] => strategiesOf(server).filter((each) => !isAtRest(each));
  await untilCalm(scheduler, {
    isAtRest: () => restless().length === 0 && isIdle(),
    calmMs: CALM_MS,
    latest: scheduler.now + longestMs,
    ended: () => journal.isJudged,
  });
  if (journal.isJudged) return;
  const left = restless();
  for (const strategy of left) {
    const how = `${String(stateOf(strategy))}, ${String(at(strategy.status, 'message'))}`;
    journal.complain(`(4) ${nameOf(strategy)} never ended: ${how}`);
  }
  if (left.length === 0) judge();
}
