import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { startEndpoints, type EndpointOptions, type Endpoints } from '../../../src/telemetry/endpoints.ts';
import { MOST_CONNECTIONS } from '../../../src/http/bound-connections.ts';

let now: number;
let reason: string | undefined;
let endpoints: Endpoints;

const start = (options: Partial<EndpointOptions> = {}): Promise<Endpoints> =>
  startEndpoints({
    host: '127.0.0.1',
    port: 0,
    ready: () => reason,
    metrics: { contentType: 'text/plain; version=0.0.4', text: async () => 'careen_leader 1\n' },
    clock: () => now,
    ...options,
  });

async function get(path: string): Promise<{ status: number; text: string; type: string | null }> {
  const response = await fetch(`${endpoints.address}${path}`);
  return { status: response.status, text: await response.text(), type: response.headers.get('content-type') };
}

beforeEach(async () => {
  // Only the heartbeat's timers are fake: the server and the client keep theirs.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  now = 1_000_000;
  reason = undefined;
  endpoints = await start();
});
afterEach(async () => {
  await endpoints.close();
  vi.useRealTimers();
});

describe('/healthz', () => {
  it('is ok while the event loop runs', async () => {
    for (const _ of [1, 2, 3]) {
      now += 9_000;
      vi.advanceTimersByTime(1_000);
      expect(await get('/healthz')).toMatchObject({ status: 200, text: 'ok' });
    }
  });

  it('fails when the event loop has not run for ten seconds, until it runs again', async () => {
    now += 9_999;
    expect(await get('/healthz')).toMatchObject({ status: 200 });
    now += 2_001;
    expect(await get('/healthz')).toMatchObject({
      status: 503,
      text: 'the event loop has not turned for 12 s',
    });
    vi.advanceTimersByTime(1_000);
    expect(await get('/healthz')).toMatchObject({ status: 200 });
  });

  it('does not depend on the readiness of the replica', async () => {
    reason = 'the API server is away';
    expect(await get('/healthz')).toMatchObject({ status: 200 });
  });
});

describe('/readyz', () => {
  it('says why the replica is not ready', async () => {
    reason = 'the nodes are not known yet';
    expect(await get('/readyz')).toMatchObject({ status: 503, text: reason });
    reason = undefined;
    expect(await get('/readyz')).toMatchObject({ status: 200, text: 'ok' });
  });
});

describe('/metrics', () => {
  it('is in the format of Prometheus', async () => {
    expect(await get('/metrics')).toEqual({
      status: 200,
      text: 'careen_leader 1\n',
      type: 'text/plain; version=0.0.4',
    });
  });
});

describe('the endpoints', () => {
  it('serve nothing else', async () => {
    expect(await get('/')).toMatchObject({ status: 404 });
  });

  it('close at once, with any open connections, and may be closed twice', async () => {
    await get('/healthz'); // leaves an idle connection
    const silent = connect(Number(new URL(endpoints.address).port), '127.0.0.1');
    await once(silent, 'connect');
    await endpoints.close();
    await endpoints.close();
    await expect(get('/healthz')).rejects.toThrow('fetch failed');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('name the address that is in use', async () => {
    const port = Number(new URL(endpoints.address).port);
    await expect(start({ port })).rejects.toThrow(
      new RegExp(`at 127.0.0.1, port ${String(port)}: .*EADDRINUSE.*use another address`),
    );
  });
});

describe('a stranger at the port', () => {
  const sockets: Socket[] = [];
  const isOpen = (socket: Socket): boolean => !socket.closed;
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  /** A connection that sends a text and reads nothing by itself. */
  async function connected(sent = ''): Promise<Socket> {
    const socket = connect(Number(new URL(endpoints.address).port), '127.0.0.1');
    sockets.push(socket.on('error', () => undefined));
    if (sent) socket.write(sent);
    await Promise.race([once(socket, 'connect'), closed(socket)]);
    return socket;
  }

  const closed = (socket: Socket): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    socket.once('close', () => resolve(undefined));
    return promise;
  };

  /** The answer to a text, until the server closes the connection. */
  async function answer(sent: string): Promise<string> {
    const socket = await connected(sent);
    let text = '';
    socket.on('data', (data: Buffer) => (text += data.toString()));
    await closed(socket);
    return text;
  }

  it('has a limited number of connections, and a probe is still answered', async () => {
    const slow = ['', 'GET /metrics HTTP/1.1\r\nX-Slow: ', 'POST /metrics HTTP/1.1\r\n'];
    for (let batch = 0; batch < 20; batch += 1) {
      await Promise.all(Array.from({ length: 100 }, (_, at) => connected(slow[at % slow.length])));
      expect(await get('/healthz')).toMatchObject({ status: 200, text: 'ok' });
    }
    await eventually('the others are closed', async () => sockets.filter(isOpen).length <= MOST_CONNECTIONS);
    expect(await get('/metrics')).toMatchObject({ status: 200 });
  });

  it('has ten seconds for each connection, whatever it sends', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const socket = await connected('GET /metrics HTTP/1.1\r\n');
    // A timer is set once the server has the connection.
    await vi.waitUntil(() => vi.getTimerCount() > 0);
    socket.write('X-Slow: a\r\n');
    vi.advanceTimersByTime(10_000);
    await closed(socket);
  });

  it('has one request for each connection', async () => {
    const request = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
    const text = await answer(request.repeat(3));
    expect(text.match(/HTTP\/1.1 200/g)).toHaveLength(1);
    expect(text).toMatch(/connection: close/i);
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE'])('may not %s', async (method) => {
    const text = await answer(`${method} /metrics HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(text).toMatch(/^HTTP\/1.1 405 [^]*allow: GET/i);
  });

  it.each(['Content-Length: 1000000', 'Transfer-Encoding: chunked'])(
    'may send no body: %s',
    async (header) => {
      const text = await answer(`GET /metrics HTTP/1.1\r\nHost: x\r\n${header}\r\n\r\n`);
      expect(text).toMatch(/^HTTP\/1.1 413 /);
    },
  );

  it('may send no large headers', async () => {
    const text = await answer(`GET /metrics HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(9_000)}\r\n\r\n`);
    expect(text).toMatch(/^HTTP\/1.1 431 /);
  });

  it('shares the metrics with others that ask at the same time', async () => {
    let texts = 0;
    const { promise, resolve } = Promise.withResolvers<string>();
    const metrics = { contentType: 'text/plain', text: async () => ((texts += 1), promise) };
    const other = await start({ metrics });
    const asked = [1, 2, 3].map(async () => (await fetch(`${other.address}/metrics`)).text());
    await eventually('all have asked', async () => texts > 0);
    resolve('careen_leader 1\n');
    expect(await Promise.all(asked)).toEqual(Array(3).fill('careen_leader 1\n'));
    expect(texts).toBe(1);
    await other.close();
  });
});
