/** Makes a request, within a time, and again when it is safe and may help. */
import { setTimeout as delay } from 'node:timers/promises';
import { OpenStackError } from './errors.ts';
import { noAnswer, refusal, timedOut, type Asked } from './refusals.ts';
import type { HttpAnswer, Transport } from './transport.ts';

export type Clock = {
  /** The time of day, in milliseconds. */
  readonly now: () => number;
  /** Rejects when `signal` is aborted. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
};

export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  sleep: async (milliseconds, signal) => {
    await delay(milliseconds, undefined, { signal });
  },
};

const ATTEMPTS = 4;
const FIRST_PAUSE_MS = 500;
/** A caller that must wait longer is better told so. */
const LONGEST_PAUSE_MS = 30_000;
/** Nova answers with 500 also while its database or its queue is away. */
const TEMPORARY = [429, 500, 502, 503, 504];

/** What a request is made with. */
export type Means = {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly limitMs: number;
  /** Takes secrets out of the texts of a server. */
  readonly hide: (text: string) => string;
};

export function jsonHeaders(hasBody: boolean): Record<string, string> {
  const accepted = { Accept: 'application/json', 'Accept-Encoding': 'gzip', 'User-Agent': 'careen' };
  return hasBody ? { ...accepted, 'Content-Type': 'application/json' } : accepted;
}

/**
 * Makes the request, and repeats it after an error that may pass when it is `repeatable`. Throws an OpenStackError for
 * an answer that is no success, and the reason of the signal.
 */
export async function ask(means: Means, asked: Asked, signal: AbortSignal): Promise<HttpAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await askOnce(means, asked, signal);
    } catch (error) {
      const pauseMs = asked.repeatable && attempt < ATTEMPTS ? pauseAfter(error, attempt) : undefined;
      if (pauseMs === undefined) throw error;
      await means.clock.sleep(pauseMs, signal).catch((failure: unknown) => {
        signal.throwIfAborted();
        throw failure;
      });
    }
  }
}

/** Undefined when another attempt would not help, or only later than the caller should wait. */
function pauseAfter(error: unknown, failures: number): number | undefined {
  if (!(error instanceof OpenStackError)) return undefined;
  const { kind, status, retryAfterSeconds = 0 } = error;
  const isTemporary = status === undefined ? kind === 'unavailable' : TEMPORARY.includes(status);
  const pauseMs = Math.max(FIRST_PAUSE_MS * 2 ** (failures - 1), retryAfterSeconds * 1000);
  return isTemporary && pauseMs <= LONGEST_PAUSE_MS ? pauseMs : undefined;
}

async function askOnce(means: Means, asked: Asked, signal: AbortSignal): Promise<HttpAnswer> {
  const { transport, clock, limitMs, hide } = means;
  signal.throwIfAborted();
  const either = new AbortController();
  const abort = (): void => either.abort(signal.reason);
  signal.addEventListener('abort', abort);
  const answered = new AbortController();
  const late = timedOut(asked, limitMs);
  void clock.sleep(limitMs, answered.signal).then(
    () => either.abort(late),
    () => undefined,
  );
  try {
    const answer = await transport(asked, either.signal);
    // A version document may come with 300.
    if (answer.status >= 200 && answer.status <= 300) return answer;
    throw refusal(asked, answer, clock.now(), hide);
  } catch (error) {
    if (error instanceof OpenStackError) throw error;
    signal.throwIfAborted();
    throw noAnswer(asked, error);
  } finally {
    answered.abort();
    signal.removeEventListener('abort', abort);
  }
}
