import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startEndpoints, type EndpointOptions, type Endpoints } from '../../../src/telemetry/endpoints.ts';

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
    const posted = await fetch(`${endpoints.address}/metrics`, { method: 'POST' });
    expect(posted.status).toBe(404);
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
