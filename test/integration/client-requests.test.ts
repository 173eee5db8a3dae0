/** Single requests of the client and their fate: a real API server behind a proxy that can hold requests. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoreV1Api, type Cluster, type KubeConfig, type V1ConfigMap } from '@kubernetes/client-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/engine/effect.ts';
import { call, PooledKubeConfig, type Call } from '../../src/kube/client.ts';
import { explain, httpStatus } from '../../src/kube/errors.ts';
import { ACCEPTED, outcomeOf } from '../../src/hostops/outcomes.ts';
import { mergePatch } from '../../src/kube/writes.ts';
import { CONFIG_MAPS, ConfigMaps, watchConfigMaps } from '../support/controlplane/config-maps.ts';
import { connect, startControlPlane, type ControlPlane } from '../support/controlplane/controlplane.ts';
import { eventually } from '../support/eventually.ts';
import { HoldingProxy, statusAnswer, type Match } from '../support/network/holding-proxy.ts';
import { ForwardProxy } from '../support/network/forward-proxy.ts';
import { behindProxy, proxied, writeProxiedKubeconfig } from '../support/network/proxied.ts';
import { actAs, createServiceAccount, grant, requestToken } from '../support/controlplane/tester.ts';

const PATCHED = 'PATCH /api/v1/namespaces/{namespace}/configmaps/{name}';
const READ = 'GET /api/v1/namespaces/{namespace}/configmaps/{name}';
const PATH = `${CONFIG_MAPS}/written`;
const NOW = 1_000_000;

let plane: ControlPlane;
let admin: KubeConfig;
let tester: KubeConfig;
let server: ConfigMaps;
let proxy: HoldingProxy;
let client: PooledKubeConfig;

beforeAll(async () => {
  plane = await startControlPlane({ args: ['--controller-manager=false', '--scheduler=false'] });
  admin = connect(plane.kubeconfig);
  server = new ConfigMaps(admin);
  await createServiceAccount(admin, 'tester');
  await grant(admin, 'tester', 'cluster-admin');
  tester = actAs(admin, { token: await requestToken(admin, 'tester') });
});
afterAll(async () => plane.stop());

beforeEach(async () => {
  proxy = await HoldingProxy.start(admin);
  client = proxied(tester, proxy.url);
  await server.create('written');
});
afterEach(async () => {
  await proxy.close();
  await server.removeAll();
});

const isWrite: Match = ({ method }) => method === 'PATCH';
const merge = (body: object): Call => ({ method: 'PATCH', path: PATH, body });
const read = (): Promise<V1ConfigMap> => call<V1ConfigMap>(admin, { method: 'GET', path: PATH });
const statusOf = (request: Call): Promise<number | undefined> =>
  call(client, request).then(() => 200, httpStatus);

/** The outcome that the adapter's writes derive from the answer. */
async function write(value: string): Promise<Outcome> {
  try {
    const writer = { config: client, now: () => NOW };
    await mergePatch(writer, PATH, { data: { value } }, new AbortController().signal);
    return ACCEPTED;
  } catch (error) {
    return outcomeOf(error, 'writing', NOW);
  }
}

describe('a write', () => {
  it('waits after 429 as long as the server requests, and a moment by default', async () => {
    proxy.respond(isWrite, statusAnswer(429, 'TooManyRequests', 7));
    expect(await write('a')).toMatchObject({ kind: 'blocked', retryAt: NOW + 7_000 });
    proxy.respond(isWrite, statusAnswer(429, 'TooManyRequests'));
    expect(await write('a')).toMatchObject({ kind: 'blocked', retryAt: NOW + 1_000 });
    expect(await write('a')).toEqual(ACCEPTED);
    expect(proxy.requests.get(PATCHED)).toBe(1);
  });

  it('may have happened after 500, is stale after 409, and can be repeated', async () => {
    proxy.respond(isWrite, statusAnswer(500, 'InternalError'), 2);
    expect(await write('a')).toEqual({ kind: 'unknown', reason: 'writing: injected InternalError' });
    expect((await write('a')).kind).toBe('unknown');
    proxy.respond(isWrite, statusAnswer(409, 'Conflict'));
    expect(await write('a')).toEqual({ kind: 'stale' });
    expect(await write('a')).toEqual(ACCEPTED);
  });

  it('may have happened when the connection broke', async () => {
    const caught = proxy.hold(isWrite);
    const outcome = write('late');
    const held = await caught;
    proxy.cut();
    expect(await outcome).toEqual({ kind: 'unknown', reason: 'writing: fetch failed: other side closed' });
    expect((await held.release()).status).toBe(200);
    expect((await read()).data).toEqual({ value: 'late' });
  });

  it('names its field manager', async () => {
    await write('a');
    expect((await read()).metadata?.managedFields?.map(({ manager }) => manager)).toContain('careen');
  });

  it('is not sent by a process that may not write', async () => {
    client.beforeWrite = () => {
      throw new Error('not leading any more');
    };
    await expect(call(client, merge({ data: { value: 'a' } }))).rejects.toThrow('not leading any more');
    await expect(call(client, { method: 'DELETE', path: PATH })).rejects.toThrow('not leading any more');
    await call(client, { method: 'GET', path: PATH });
    expect([...proxy.requests]).toEqual([[READ, 1]]);
  });

  it('can be a JSON patch, whose tests hold', async () => {
    const patch = (was: string) => [
      { op: 'test', path: '/data/value', value: was },
      { op: 'replace', path: '/data/value', value: 'b' },
    ];
    await write('a');
    expect(await statusOf({ method: 'PATCH', path: PATH, body: patch('x') })).toBe(422);
    expect(await statusOf({ method: 'PATCH', path: PATH, body: patch('a') })).toBe(200);
    expect((await read()).data).toEqual({ value: 'b' });
  });

  it('can be a deletion of exactly the object that was read', async () => {
    const remove = (resourceVersion = ''): Call => ({
      method: 'DELETE',
      path: PATH,
      body: { preconditions: { resourceVersion } },
    });
    const { metadata: before } = await read();
    await write('a');
    expect(await statusOf(remove(before?.resourceVersion))).toBe(409);
    expect(await statusOf(remove((await read()).metadata?.resourceVersion))).toBe(200);
    expect(await statusOf({ method: 'DELETE', path: PATH })).toBe(404);
  });
});

describe('a held write', () => {
  it('is refused because of its precondition, and succeeds without it', async () => {
    const { metadata } = await read();
    const request = merge({
      metadata: { resourceVersion: metadata?.resourceVersion },
      data: { value: 'old' },
    });
    const withoutIt = (body: unknown): unknown => ({ ...(body as object), metadata: {} });
    for (const [edit, status, value] of [
      [undefined, 409, 'new'],
      [withoutIt, 200, 'old'],
    ] as const) {
      const caught = proxy.hold(isWrite);
      const answered = statusOf(request);
      const held = await caught;
      await write('new'); // the others pass
      expect(await held.release(edit)).toMatchObject({ status });
      expect(await answered).toBe(status);
      expect((await read()).data).toEqual({ value });
    }
  });
});

describe('a kubeconfig file of the proxy', () => {
  it('routes another process through the proxy, with the token of its user', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'careen-proxied-'));
    await writeProxiedKubeconfig(tester, proxy.url, join(folder, 'kubeconfig'));
    const other = new PooledKubeConfig();
    other.loadFromFile(join(folder, 'kubeconfig'));
    await rm(folder, { recursive: true });
    const { metadata } = await call<V1ConfigMap>(other, { method: 'GET', path: PATH });
    expect(metadata?.name).toBe('written');
    expect(proxy.requests.get(READ)).toBe(1);
  });
});

describe('a kubeconfig with proxy-url', () => {
  let forward: ForwardProxy;
  let target: string;
  beforeEach(async () => {
    target = new URL(admin.getCurrentCluster()?.server ?? '').port;
    forward = await ForwardProxy.start(`https://127.0.0.1:${target}`);
  });
  afterEach(async () => forward.close());

  it.each([
    ['http', 'CONNECT'],
    ['socks5', 'SOCKS5'],
    ['socks5h', 'SOCKS5'],
  ])('sends requests and watches through a proxy of scheme %s', async (scheme, by) => {
    const behind = behindProxy(tester, `${scheme}://${forward.address}`);
    const watched = watchConfigMaps(behind);
    await watched.agrees(server);
    await call(behind, merge({ data: { value: scheme } }));
    await watched.agrees(server);
    watched.informer.stop();
    expect((await read()).data).toEqual({ value: scheme });
    expect(new Set(forward.asked)).toEqual(new Set([`${by} kubernetes.default.svc:${target}`]));
  });

  it.each(['http', 'socks5'])(
    'checks the certificate of a server behind a proxy of scheme %s',
    async (scheme) => {
      const other = `https://kubernetes.default.other:${target}`;
      const ask = async (changes: Partial<Cluster>): Promise<unknown> => {
        const behind = behindProxy(tester, `${scheme}://${forward.address}`);
        behind.clusters = behind.clusters.map((each) => ({ ...each, ...changes }));
        return call(behind, { method: 'GET', path: PATH });
      };
      expect(explain(await ask({ server: other }).catch((error: unknown) => error))).toContain('altnames');
      await ask({ server: other, tlsServerName: 'kubernetes.default' });
      await ask({ server: `https://127.0.0.1:${target}` });
    },
  );
});

describe('an observer', () => {
  it('receives verb and code of each answer', async () => {
    const seen: string[] = [];
    client.onAnswer = (verb, code) => void seen.push(`${verb} ${String(code)}`);
    await call(client, { method: 'GET', path: CONFIG_MAPS });
    await call(client, { method: 'POST', path: CONFIG_MAPS, body: { metadata: { name: 'made' } } });
    await call(client, { method: 'GET', path: PATH });
    await write('a');
    await call(client, { method: 'DELETE', path: PATH });
    await statusOf({ method: 'GET', path: PATH });
    const { informer } = watchConfigMaps(client);
    await eventually('the watch', () => seen.includes('watch 200'));
    informer.stop();
    await proxy.close();
    await statusOf({ method: 'GET', path: CONFIG_MAPS });
    expect(seen).toEqual(
      ['list 200', 'create 201', 'get 200', 'patch 200', 'delete 200', 'get 404', 'watch 200'].concat(
        'list error',
      ),
    );
  });
});

describe('a token file', () => {
  let folder: string;
  let tokenFile: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'careen-token-'));
    tokenFile = join(folder, 'token');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Writes a token that the API server no longer accepts, as after the deletion of the Secret that it was bound to. */
  beforeEach(async () => {
    const core = admin.makeApiClient(CoreV1Api);
    const secret = { namespace: 'default', name: 'bound-to' };
    await core.createNamespacedSecret({ namespace: 'default', body: { metadata: { name: secret.name } } });
    await writeFile(tokenFile, await requestToken(admin, 'tester', secret.name));
    await core.deleteNamespacedSecret(secret);
    client = proxied(actAs(admin, { tokenFile }), proxy.url);
    await eventually(
      'the token is refused',
      async () => (await statusOf({ method: 'GET', path: PATH })) === 401,
    );
  });

  const rotate = async (): Promise<void> => writeFile(tokenFile, `${await requestToken(admin, 'tester')}\n`);

  it('takes effect at once when it is rotated, for informers, too', async () => {
    expect(await write('a')).toMatchObject({ kind: 'blocked' });
    const each = watchConfigMaps(client);
    expect(await each.informer.firstAnswer).toBe('Unauthorized');
    await rotate();
    expect(await write('a')).toEqual(ACCEPTED);
    await each.agrees(server, 5);
    each.informer.stop();
  });

  it('is read again when a request in flight was refused, and the request is repeated once', async () => {
    const asked: string[] = [];
    client.beforeWrite = () => void asked.push('may I');
    const caught = proxy.hold(isWrite);
    const outcome = write('a');
    const held = await caught;
    await rotate();
    expect((await held.release()).status).toBe(401);
    expect(await outcome).toEqual(ACCEPTED);
    expect(asked).toEqual(['may I', 'may I']);
    expect(proxy.requests.get(PATCHED)).toBe(2);
  });
});
