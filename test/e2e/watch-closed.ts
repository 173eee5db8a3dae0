import { setTimeout as delay } from 'node:timers/promises';
import { closed, type Fleet } from './cluster.ts';

const PAUSE_MILLISECONDS = 10;

/** How many hosts of a fleet were closed at once, at most, while something was done. */
export async function mostClosed(fleet: Fleet, done: () => Promise<unknown>): Promise<number> {
  let most = 0;
  let over = false;
  const watching = (async () => {
    while (!over) {
      most = Math.max(most, closed(await fleet.nodes()).length);
      await delay(PAUSE_MILLISECONDS);
    }
  })();
  watching.catch(() => undefined); // told below, once what is done has ended
  try {
    await done();
  } finally {
    over = true;
  }
  await watching;
  return most;
}
