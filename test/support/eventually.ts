import { setTimeout as delay } from 'node:timers/promises';

const PAUSE_MILLISECONDS = 50;

/**
 * Polls until `look` returns something other than undefined or false; fails
 * after the deadline with what `describe` last saw.
 */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  { seconds = 30, describe = () => '' }: { seconds?: number; describe?: () => unknown } = {},
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() >= deadline) {
      throw new Error(
        `${what}: not within ${String(seconds)} s; last seen: ${JSON.stringify(describe(), null, 1)}`,
      );
    }
    await delay(PAUSE_MILLISECONDS);
  }
}
