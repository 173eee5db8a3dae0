import { setTimeout as delay } from 'node:timers/promises';
import { closed, type Fleet } from './cluster.ts';

const PAUSE_MILLISECONDS = 10;

/** The most hosts of a fleet that were cordoned at once while an action ran. */
export async function mostClosed(fleet: Fleet, done: () => Promise<unknown>): Promise<number> {
  let most = 0;
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted) {
      most = Math.max(most, closed(await fleet.nodes()).length);
      await delay(PAUSE_MILLISECONDS);
    }
  })();
  watching.catch(() => undefined); // awaited below, after the action
  try {
    await done();
  } finally {
    over.abort();
  }
  await watching;
  return most;
}
