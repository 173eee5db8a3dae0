/** Carries requests over the network. Tests hand in a transport of their own for faults that cannot be repeated. */
import type { Cloud } from './cloud.ts';
import { connectionPool } from '../http/connection-pool.ts';
import { exchange } from '../http/exchange.ts';

export type HttpRequest = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
};

export type HttpAnswer = {
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
};

/** Resolves with the whole answer, whatever its status. Throws when there is none, and the reason of the signal. */
export type Transport = (request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>;

/** Longer than any request: the session limits those. */
const PATIENCE = { first: 600_000, repeated: 600_000 };

/** A transport over connections of its own; `close` ends them, also when called twice. */
export function networkTransport({ caText, verify }: Pick<Cloud, 'caText' | 'verify'>): {
  readonly transport: Transport;
  readonly close: () => Promise<void>;
} {
  const keys = {
    ...(caText === undefined ? {} : { ca: caText }),
    ...(verify ? {} : { rejectUnauthorized: false }),
  };
  const pool = connectionPool(keys, undefined, PATIENCE);
  let closed: Promise<void> | undefined;
  return {
    transport: async ({ method, url, headers, body = null }, signal) => {
      const { origin, pathname, search } = new URL(url);
      const request = { origin, path: `${pathname}${search}`, method, headers, body };
      const answer = await exchange(pool, request, signal);
      return { status: answer.status, headers: new Map(answer.headers), text: await answer.text() };
    },
    close: () => (closed ??= pool.destroy()),
  };
}
