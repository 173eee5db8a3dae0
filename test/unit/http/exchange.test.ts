import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { Agent, type Dispatcher } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { exchange, type Answer } from '../../../src/http/exchange.ts';
import { listening } from '../../support/network/loopback.ts';

type Script = (request: IncomingMessage, response: ServerResponse) => void;

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A server on loopback, and a way to ask it over a pool of connections. */
async function serverWith(script: Script, connections?: number) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    script(request, response);
  });
  const origin = `http://127.0.0.1:${String(await listening(server))}`;
  const pool = new Agent(connections === undefined ? {} : { connections });
  closing.push(async () => {
    await pool.destroy();
    server.closeAllConnections();
    server.close();
  });
  const ask = async (path: string, signal?: AbortSignal): Promise<Answer> =>
    exchange(pool, { origin, path, method: 'GET' }, signal);
  return { asked, ask };
}

/**
 * Answers like undici for a reader that was slower than the server: all that waits is delivered during the call of
 * `resume`, until the next `pause`.
 */
class EagerAgent extends Agent {
  static readonly PARTS = 40;

  override dispatch(_request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    let left = EagerAgent.PARTS;
    let paused = true;
    const isPaused = (): boolean => paused;
    const controller: Dispatcher.DispatchController = {
      ...{ aborted: false, paused: false, reason: null, rawHeaders: null, rawTrailers: null },
      abort: () => undefined,
      pause: () => {
        paused = true;
      },
      resume: () => {
        paused = false;
        for (; left > 0 && !isPaused(); left--) handler.onResponseData?.(controller, Buffer.from('x'));
        if (left === 0) handler.onResponseEnd?.(controller, {});
      },
    };
    handler.onRequestStart?.(controller, {});
    handler.onResponseStart?.(controller, 200, {}, 'OK');
    return true;
  }
}

async function textOf({ body }: Answer): Promise<string> {
  let text = '';
  for await (const part of body ?? []) text += Buffer.from(part).toString();
  return text;
}

describe('the answer to a request', () => {
  it('has status, headers and JSON', async () => {
    const { ask } = await serverWith((_request, response) =>
      response.writeHead(429, { 'Retry-After': '7' }).end('{"code":429}'),
    );
    const answer = await ask('/');
    expect([answer.ok, answer.status]).toEqual([false, 429]);
    expect(Object.fromEntries(answer.headers)).toMatchObject({ 'retry-after': '7' });
    expect(await answer.json()).toEqual({ code: 429 });
  });

  it('may be compressed', async () => {
    const { ask } = await serverWith((_request, response) =>
      response.setHeader('Content-Encoding', 'gzip').end(gzipSync('{"items":[]}')),
    );
    expect(await (await ask('/')).json()).toEqual({ items: [] });
  });

  it('is there before its end, and is read to it however much waits', async () => {
    const part = 'x'.repeat(65_536);
    const { ask } = await serverWith((_request, response) => {
      for (let i = 0; i < 64; i++) response.write(part);
      response.end();
    });
    const answer = await ask('/');
    let length = 0;
    for await (const each of answer.body ?? []) {
      length += each.length;
      await new Promise((resolve) => setImmediate(resolve)); // the reader is slower than the server
    }
    expect(length).toBe(64 * part.length);
  });

  it('is read to its end when more than enough arrives at the moment in which it is asked for', async () => {
    const pool = new EagerAgent();
    closing.push(async () => pool.destroy());
    const request = { origin: 'http://127.0.0.1', path: '/', method: 'GET' } as const;
    expect(await textOf(await exchange(pool, request, undefined))).toBe('x'.repeat(EagerAgent.PARTS));
  });

  it('fails when the connection breaks, before it or in its middle, with the error of the network', async () => {
    const { ask } = await serverWith(({ url }, response) => {
      if (url === '/middle') response.write('{"items":[', () => response.destroy());
      else response.destroy();
    });
    const cause = { message: 'other side closed' };
    await expect(ask('/before')).rejects.toMatchObject({ message: 'fetch failed', cause });
    await expect((await ask('/middle')).json()).rejects.toMatchObject({ message: 'terminated', cause });
    await expect(textOf(await ask('/middle'))).rejects.toMatchObject({ message: 'terminated', cause });
  });
});

describe('a request that is aborted', () => {
  const why = new Error('enough');

  it('fails with the reason, before its answer and in the middle of it', async () => {
    const { ask } = await serverWith(({ url }, response) => {
      if (url === '/middle') response.write('{');
    });
    await expect(ask('/never', AbortSignal.abort(why))).rejects.toBe(why);
    const abort = new AbortController();
    const [before, middle] = [ask('/before', abort.signal), await ask('/middle', abort.signal)];
    const [json, text] = [middle.json(), before.then(textOf)];
    abort.abort(why);
    await expect(json).rejects.toBe(why);
    await expect(text).rejects.toBe(why);
  });

  it('is not sent when it still waits for a connection', async () => {
    const { promise: firstAsked, resolve } = Promise.withResolvers<ServerResponse>();
    const { ask, asked } = await serverWith((_request, response) => resolve(response), 1);
    const first = ask('/first');
    const response = await firstAsked;
    const abort = new AbortController();
    const second = ask('/second', abort.signal);
    abort.abort(why);
    await expect(second).rejects.toBe(why);
    response.end('{}');
    expect(await (await first).json()).toEqual({});
    expect(asked).toEqual(['/first']);
  });
});
