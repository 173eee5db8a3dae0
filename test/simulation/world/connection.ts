/**
 * Carries the requests of a simulated process to the simulated API server, and the answers back, or loses them. The
 * caller draws the faults on the way.
 */
import type { Answer, Call, Transport } from '../../../src/kube/client.ts';
import { Refusal, type ApiServer, type Change } from './api-server.ts';
import { carryOut, initialEvents, metadataOf, selection, targetOf, type Evict } from './api-requests.ts';
import type { ApiObject } from './objects.ts';
import type { Owner, Scheduler } from './scheduler.ts';

/** The fate of one request. */
export type Fortune = {
  /** The delay on the way there, and back. */
  readonly thereMs: number;
  readonly backMs: number;
  /** Refused without being carried out. */
  readonly refusal?: Refusal;
  /** Carried out once more, later, like a retry by a proxy. */
  readonly repeatedAfterMs?: number;
  readonly lost?: 'request' | 'answer';
  /** The connection breaks in the middle of a streamed list. */
  readonly cutsList?: boolean;
  /** The process dies before the request leaves, or after it was carried out and before its answer. */
  readonly crash?: 'before' | 'after';
};

/** The fate of one change on a watch. */
export type WatchFortune = {
  /** The delay until the process learns of a change. */
  readonly lagMs: number;
  /** The change arrives twice. */
  readonly twice?: boolean;
  /** The connection breaks; undefined: it stays open. */
  readonly breaks?: 'error' | 'silence' | 'gone';
};

/** Draws the faults: for each request, and for each change on a watch. */
export type Fortunes = {
  request(owner: Owner, request: Call): Fortune;
  watch(owner: Owner, change: Change): WatchFortune;
  crash(owner: Owner): void;
};

export type ConnectionOptions = {
  readonly server: ApiServer;
  readonly scheduler: Scheduler;
  readonly fortunes: Fortunes;
  readonly evict: Evict;
  /** Whether the server streams lists. */
  readonly streamsLists: boolean;
  /** The admission of the API server: it may change a request, or refuse it (throws Refusal). */
  readonly admit: (request: Call) => Call;
};

/** Ends the name of a writer whose write was carried out once more on its way. */
export const REPEATED = '~';
const BOOKMARK_MS = 60_000;
/** The client's system notices a broken connection after a while. */
const RESET_MS = 1_500;

/** Carries the requests of one process. */
export function connection(options: ConnectionOptions, owner: Owner): Transport {
  return async (request, signal) =>
    new Promise((resolve, reject) => {
      if (!owner.isAlive) return;
      if (signal?.aborted) return reject(abortion(signal));
      const { scheduler, fortunes } = options;
      const fortune = fortunes.request(owner, request);
      if (fortune.crash === 'before') return fortunes.crash(owner);
      signal?.addEventListener('abort', () => reject(abortion(signal)), { once: true });
      const fail = (): void => reject(new TypeError('fetch failed', { cause: new Error('read ECONNRESET') }));
      if (fortune.lost === 'request') {
        scheduler.after(RESET_MS, fail, owner);
        return;
      }
      const arrive = (): void => {
        const answer = answerTo(options, owner, request, signal, fortune);
        if (fortune.crash === 'after') fortunes.crash(owner);
        else if (fortune.lost === 'answer') scheduler.after(RESET_MS, fail, owner);
        else scheduler.after(fortune.backMs, () => resolve(answer), owner);
      };
      scheduler.after(fortune.thereMs, arrive);
      if (fortune.repeatedAfterMs !== undefined && request.method !== 'GET')
        scheduler.after(fortune.thereMs + fortune.repeatedAfterMs, () => repeat(options, owner, request));
    });
}

function answerTo(
  options: ConnectionOptions,
  owner: Owner,
  request: Call,
  signal: AbortSignal | undefined,
  { refusal, cutsList = false }: Fortune,
): Answer {
  try {
    if (refusal) throw refusal;
    if (request.query?.['watch'] === true) return watching(options, owner, request, signal, cutsList);
    return json(
      request.method === 'POST' ? 201 : 200,
      carryOut(options.server, options.admit(request), options.evict, owner.name),
    );
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return refused(error);
  }
}

/** Nobody waits for the answer any more. */
function repeat({ server, evict, admit }: ConnectionOptions, { name }: Owner, request: Call): void {
  try {
    carryOut(server, admit(request), evict, `${name}${REPEATED}`);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
}

function json(status: number, content: unknown, headers: Iterable<[string, string]> = []): Answer {
  return {
    ...{ ok: status < 400, status, headers, body: null },
    json: async () => content,
    text: async () => JSON.stringify(content),
  };
}

function refused({ code, reason, message, details, retryAfterSeconds }: Refusal): Answer {
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code,
    reason,
    message,
    ...(details ? { details } : {}),
  };
  return json(
    code,
    status,
    retryAfterSeconds === undefined ? [] : [['retry-after', String(retryAfterSeconds)]],
  );
}

function abortion(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal.reason });
}

function watching(
  options: ConnectionOptions,
  owner: Owner,
  request: Call,
  signal: AbortSignal | undefined,
  cutsList: boolean,
): Answer {
  const { server, scheduler, fortunes, streamsLists } = options;
  const { query = {}, as } = request;
  const listsFirst = query['sendInitialEvents'] === true;
  if (listsFirst && !streamsLists) throw new Refusal(422, 'Invalid', 'sendInitialEvents: Forbidden');
  const { resource, namespace } = targetOf(request.path);
  const selects = selection(namespace, query);
  const stream = new Stream(signal);
  let lastAt = scheduler.now;
  let isSilent = false;
  const send = (lagMs: number, act: () => void): void => {
    lastAt = Math.max(lastAt, scheduler.now + lagMs); // in order of the changes
    scheduler.after(lastAt - scheduler.now, act, owner);
  };
  const pushEvent = (type: string, object: ApiObject): void =>
    stream.push(
      `{"type":"${type}","object":${as === 'metadata' ? JSON.stringify(metadataOf(object)) : textOf(object)}}`,
    );
  const changed = (change: Change): void => {
    if (change.resource !== resource || !selects(change.object)) return;
    if (!owner.isAlive || stream.isClosed) return server.stopListening(changed);
    if (isSilent) return;
    const { lagMs, twice = false, breaks } = fortunes.watch(owner, change);
    if (breaks === 'silence') {
      isSilent = true;
      return;
    }
    send(lagMs, () => {
      if (breaks === 'gone') {
        const object = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
        stream.push(JSON.stringify({ type: 'ERROR', object }));
      } else if (breaks === 'error') stream.fail(brokenConnection());
      else {
        pushEvent(change.type, change.object);
        if (twice) pushEvent(change.type, change.object);
      }
    });
  };
  const bookmark = (): void => {
    if (!owner.isAlive || stream.isClosed) return server.stopListening(changed);
    const metadata = { name: '', resourceVersion: String(server.revision) };
    if (!isSilent) send(0, () => stream.push(JSON.stringify({ type: 'BOOKMARK', object: { metadata } })));
    scheduler.after(BOOKMARK_MS, bookmark);
  };
  if (listsFirst) {
    const lines = initialEvents(server, request);
    for (const line of cutsList ? lines.slice(0, lines.length / 2) : lines) stream.push(line);
    if (cutsList) stream.fail(brokenConnection());
  }
  const from = listsFirst ? server.revision : Number(query['resourceVersion'] ?? 0);
  for (const missed of server.since(resource, from)) changed(missed);
  server.listen(changed);
  scheduler.after(BOOKMARK_MS, bookmark);
  scheduler.after(Number(query['timeoutSeconds'] ?? 300) * 1000, () => stream.end(), owner);
  return { ...json(200, undefined), body: stream };
}

function brokenConnection(): Error {
  return new TypeError('terminated', { cause: new Error('other side closed') });
}

type Reader = {
  readonly resolve: (result: IteratorResult<Uint8Array>) => void;
  readonly reject: (error: Error) => void;
};

const texts = new WeakMap<ApiObject, string>();

/** Several processes watch the same object. */
function textOf(object: ApiObject): string {
  const known = texts.get(object) ?? JSON.stringify(object);
  texts.set(object, known);
  return known;
}

/** The body of a watch: lines as they arrive. */
class Stream {
  readonly #encoder = new TextEncoder();
  readonly #waiting: Uint8Array[] = [];
  #wanted: Reader | undefined;
  #error: Error | undefined;
  #ended = false;

  constructor(signal: AbortSignal | undefined) {
    signal?.addEventListener('abort', () => this.fail(abortion(signal)), { once: true });
  }

  get isClosed(): boolean {
    return this.#ended || this.#error !== undefined;
  }

  push(line: string): void {
    if (this.isClosed) return;
    const value = this.#encoder.encode(`${line}\n`);
    if (this.#wanted) this.#answer().resolve({ done: false, value });
    else this.#waiting.push(value);
  }

  fail(error: Error): void {
    if (this.isClosed) return;
    this.#error = error;
    if (this.#wanted) this.#answer().reject(error);
  }

  end(): void {
    if (this.isClosed) return;
    this.#ended = true;
    if (this.#wanted) this.#answer().resolve({ done: true, value: undefined });
  }

  async cancel(): Promise<void> {
    this.end();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: async () => this.#next(),
      return: async () => {
        this.end();
        return { done: true, value: undefined };
      },
    };
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    const value = this.#waiting.shift();
    if (value) return { done: false, value };
    if (this.#error) throw this.#error;
    if (this.#ended) return { done: true, value: undefined };
    return new Promise((resolve, reject) => {
      this.#wanted = { resolve, reject };
    });
  }

  #answer(): Reader {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    if (!wanted) throw new Error('nobody waits for a line');
    return wanted;
  }
}
