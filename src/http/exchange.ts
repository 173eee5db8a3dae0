/**
 * One request over a pool of connections. Not by `fetch`: its streams, headers and addresses take three quarters of the
 * processor time of a request (docs/decisions/0028-what-a-request-costs.md).
 */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Dispatcher } from 'undici';

/** More unread parts than this let the server wait. */
const UNREAD_PARTS = 16;

/** The parts of an answer that are used. */
export type Answer = {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: Iterable<[string, string]>;
  readonly body: (AsyncIterable<Uint8Array> & { cancel(): Promise<void> }) | null;
  json(): Promise<unknown>;
  text(): Promise<string>;
};

/** Resolves when the answer begins. Throws the reason of the signal, or a TypeError with the error of the network. */
export async function exchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const body = new AnswerBody();
  const end = (error?: Error): void => {
    signal?.removeEventListener('abort', abort);
    body.end(error);
  };
  const abort = (): void => {
    const reason = reasonOf(signal);
    reject(reason);
    end(reason);
    body.controller?.abort(reason);
  };
  signal?.addEventListener('abort', abort);
  dispatcher.dispatch(request, {
    onRequestStart: (controller) => {
      body.controller = controller;
      // It was aborted while it waited for a connection: it is not sent.
      if (signal?.aborted) controller.abort(reasonOf(signal));
    },
    onResponseStart: (_controller, status, headers) => {
      if (status >= 200) resolve(answerOf(status, headers, body));
    },
    onResponseData: (_controller, chunk) => body.add(chunk),
    onResponseEnd: () => end(),
    onResponseError: (_controller, cause) => {
      reject(new TypeError('fetch failed', { cause }));
      end(new TypeError('terminated', { cause }));
    },
  });
  return promise;
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

function answerOf(status: number, headers: Headers, body: AnswerBody): Answer {
  const text = async (): Promise<string> => {
    const whole = await body.whole();
    return (headers['content-encoding'] === 'gzip' ? await unzip(whole) : whole).toString();
  };
  return {
    ...{ ok: status >= 200 && status < 300, status, body, text },
    headers: Object.entries(headers).map(([name, value]) => [name, String(value)]),
    json: async () => JSON.parse(await text()) as unknown,
  };
}

const unzip = promisify(gunzip);

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new Error(String(reason));
}

/** What has arrived of an answer, for one reader. */
class AnswerBody {
  controller: Dispatcher.DispatchController | undefined;
  #parts: Buffer[] = [];
  #isStreamed = false;
  #ended = false;
  #error: Error | undefined;
  #more = (): void => undefined;

  add(part: Buffer): void {
    this.#parts.push(part);
    if (this.#isStreamed && this.#parts.length > UNREAD_PARTS) this.controller?.pause();
    this.#more();
  }

  /** The first end counts. */
  end(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#more();
  }

  async whole(): Promise<Buffer> {
    while (!this.#ended) await this.#next();
    if (this.#error) throw this.#error;
    const [only] = this.#parts;
    return only && this.#parts.length === 1 ? only : Buffer.concat(this.#parts);
  }

  /** Reads nothing more: the connection is closed. */
  async cancel(): Promise<void> {
    if (!this.#ended) this.controller?.abort(new Error('nobody reads the answer'));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    this.#isStreamed = true;
    for (;;) {
      const parts = this.#parts;
      this.#parts = [];
      yield* parts;
      if (this.#parts.length > 0) continue;
      if (this.#error) throw this.#error;
      if (this.#ended) return;
      // `resume` adds what has arrived before it returns. That may pause the answer again, and then nothing more arrives.
      const more = this.#next();
      this.controller?.resume();
      await more;
    }
  }

  async #next(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#more = () => resolve(undefined);
    await promise;
  }
}
