/** One POST to a webhook: over a connection of its own, without redirects, and with a bound on time and on what is read. */
import { connectionPool } from '../http/connection-pool.ts';
import { exchange, type Answer } from '../http/exchange.ts';
import { causesOf, networkCode } from '../http/network-reason.ts';
import { RefusedAddress } from '../http/reachable.ts';
import { boundedLookup, type WebhookBounds } from './reachable.ts';

export type Post = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  /** The CA of the receiver in PEM; undefined where the well-known ones count. */
  readonly ca: string | undefined;
  readonly bounds: WebhookBounds;
};

export type PostAnswer = {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** Undefined when it is too long to be read. */
  readonly text: string | undefined;
};

/** Resolves with the answer, whatever its status. Throws PostError when there is none. */
export type PostTransport = (post: Post, signal: AbortSignal) => Promise<PostAnswer>;

/** There was no answer. The message has no words of the receiver. */
export class PostError extends Error {
  override readonly name = 'PostError';
}

/** An answer that names 2,000 instances has half of it. */
const LONGEST_ANSWER_BYTES = 262_144;

/** Notifications are rare, so each has a connection of its own: no tenant's keys, names or proxies outlive it. */
export const postOverNetwork: PostTransport = async (post, signal) => {
  const { url, headers, body, timeoutMs, ca, bounds } = post;
  const { origin, pathname, search } = new URL(url);
  const patience = { first: timeoutMs, repeated: timeoutMs };
  const pool = connectionPool({ lookup: boundedLookup(bounds), ...(ca ? { ca } : {}) }, undefined, patience);
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new PostError(`no answer within ${String(timeoutMs / 1000)} s`)),
    timeoutMs,
  );
  try {
    const request = { origin, path: `${pathname}${search}`, method: 'POST', headers, body } as const;
    const answer = await exchange(pool, request, AbortSignal.any([signal, late.signal]));
    const { 'retry-after': retryAfter } = Object.fromEntries(answer.headers);
    return { status: answer.status, retryAfter, text: await textOf(answer) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof PostError) throw error;
    throw new PostError(`no connection: ${reasonOf(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
    await pool.destroy();
  }
};

async function textOf({ body }: Answer): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body ?? []) {
    bytes += part.length;
    if (bytes > LONGEST_ANSWER_BYTES) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

function reasonOf(error: unknown): string {
  const causes = causesOf(error);
  return causes.find((cause) => cause instanceof RefusedAddress)?.message ?? networkCode(causes);
}
