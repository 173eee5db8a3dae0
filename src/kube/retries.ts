/** How an informer goes on after an error. */
import { httpStatus, retryAfterSeconds } from './errors.ts';
import { WatchError } from './watch-events.ts';

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 30_000;

/** Whether the watch can resume at its revision after this error: the network, a token, an overload. */
export function canResume(error: unknown): boolean {
  if (error instanceof WatchError) return false;
  const status = httpStatus(error);
  return status === undefined || status === 401 || status === 429 || status >= 500;
}

/** Whether the server does not know streamed lists, or does not allow them. */
export function isRefusedStream(error: unknown): boolean {
  if (error instanceof WatchError) return false;
  const status = httpStatus(error);
  return status === 400 || status === 422;
}

/** The pause before the next attempt, in milliseconds: longer with each failure, and no shorter than the server asks. */
export function pauseAfter(failures: number, error: unknown): number {
  const askedMs = (retryAfterSeconds(error) ?? 0) * 1000;
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** Math.max(failures - 1, 0), LONGEST_PAUSE_MS);
  return Math.min(askedMs, LONGEST_PAUSE_MS) + pause / 2 + Math.random() * (pause / 2);
}
