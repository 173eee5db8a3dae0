import { setTimeout as delay } from 'node:timers/promises';

const PAUSE_MILLISECONDS = 50;

export type WaitOptions = {
  readonly seconds?: number;
  readonly describe?: () => unknown;
  /** Between two looks; longer where a look costs the one who is asked much. */
  readonly pauseMilliseconds?: number;
};

/**
 * Polls until `look` returns something other than undefined or false; fails
 * after the deadline with the last result of `describe`.
 */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  { seconds = 30, describe = () => '', pauseMilliseconds = PAUSE_MILLISECONDS }: WaitOptions = {},
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() >= deadline) throw notWithin(what, seconds, describe());
    await delay(pauseMilliseconds);
  }
}

/** The error of a wait without success. */
export function notWithin(what: string, seconds: number, seen: unknown): Error {
  return new Error(`${what}: not within ${String(seconds)} s; last seen: ${JSON.stringify(seen, null, 1)}`);
}
