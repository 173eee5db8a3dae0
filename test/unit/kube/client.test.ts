import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { ApiException, HttpMethod, RequestContext } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { call, clientOfEach, PooledKubeConfig, send } from '../../../src/kube/client.ts';
import { explain, httpStatus, retryAfterSeconds } from '../../../src/kube/errors.ts';
import { verbOf } from '../../../src/kube/request-verb.ts';
import { ForwardProxy } from '../../support/network/forward-proxy.ts';
import { listening } from '../../support/network/loopback.ts';
import { scriptedServer } from '../support/scripted-server.ts';

describe('the verb of a request', () => {
  it.each([
    ['list', '/api/v1/nodes'],
    ['get', '/api/v1/nodes/worker-3'],
    ['list', '/api/v1/namespaces'],
    ['get', '/api/v1/namespaces/careen-hosts'],
    ['list', '/api/v1/namespaces/careen-hosts/pods'],
    ['get', '/apis/careen.dev/v1alpha1/hostpools/default'],
    ['list', '/apis/careen.dev/v1alpha1/namespaces/careen-hosts/patchstrategies'],
    ['get', '/apis/careen.dev/v1alpha1/namespaces/careen-hosts/patchstrategies/kernel'],
    ['get', '/version'],
    ['get', '/readyz'],
  ])('is %s for GET %s', (verb, path) => {
    expect(verbOf({ method: 'GET', path })).toBe(verb);
  });

  it('is watch for any resource', () => {
    expect(verbOf({ method: 'GET', path: '/api/v1/nodes', query: { watch: true } })).toBe('watch');
  });

  it('is the verb of the method for a write', () => {
    const path = '/api/v1/namespaces/careen-hosts/pods/a/eviction';
    expect(verbOf({ method: 'POST', path })).toBe('create');
    expect(verbOf({ method: 'PATCH', path })).toBe('patch');
    expect(verbOf({ method: 'DELETE', path })).toBe('delete');
    expect(verbOf({ method: 'DELETE', path: '/apis/batch/v1/namespaces/n/jobs' })).toBe('deletecollection');
  });
});

describe('a call', () => {
  it.each(['/api/v1/nodes/..', '/api/v1/namespaces/../pods', '/api/v1/nodes/', '/api/v1/nodes/.'])(
    'does not leave its resource for the name in %s',
    async (path) => {
      const config = new PooledKubeConfig();
      config.loadFromClusterAndUser(
        { name: 'c', server: 'http://127.0.0.1:9', skipTLSVerify: true },
        { name: 'u' },
      );
      await expect(call(config, { method: 'GET', path })).rejects.toThrow(/is no path of the API server/);
    },
  );

  it('takes a compressed answer, and what is read as it arrives is asked for uncompressed', async () => {
    const accepted: unknown[] = [];
    const server = await scriptedServer((_url, response) => {
      accepted.push(response.req.headers['accept-encoding']);
      response.end('{}');
    });
    await call(server.client, { method: 'GET', path: '/api/v1/nodes' });
    await send(server.client, { method: 'GET', path: '/metrics' });
    expect(accepted).toEqual(['gzip', 'identity']);
    server.close();
  });

  it('is cancelled when its answer stops in the middle', async () => {
    const server = await scriptedServer((_url, response) => {
      response.write('{"items":[');
    });
    server.client.answerLimitMs = 100;
    await expect(call(server.client, { method: 'GET', path: '/api/v1/nodes' })).rejects.toThrow(
      'GET /api/v1/nodes: no whole answer within 0.1 s',
    );
    server.close();
  });
});

describe('the pool of connections', () => {
  it('is shared by all requests, and is replaced when a file of the credentials has changed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'careen-keys-'));
    const caFile = join(folder, 'ca.crt');
    const client = new PooledKubeConfig();
    const server = 'https://127.0.0.1';
    client.loadFromClusterAndUser({ name: 'here', server, caFile, skipTLSVerify: false }, { name: 'me' });
    const pool = async () => {
      const context = new RequestContext(server, HttpMethod.GET);
      await client.applySecurityAuthentication(context);
      return context.getDispatcher();
    };
    await writeFile(caFile, 'one');
    const first = await pool();
    expect(await pool()).toBe(first);
    await writeFile(caFile, 'another');
    expect(await pool()).not.toBe(first);
    await rm(folder, { recursive: true });
  });
});

describe('the proxy of a kubeconfig', () => {
  const clientWith = (server: string, proxyUrl: string): PooledKubeConfig => {
    const client = new PooledKubeConfig();
    client.loadFromClusterAndUser({ name: 'far', server, proxyUrl, skipTLSVerify: true }, { name: 'me' });
    return client;
  };
  const get = (client: PooledKubeConfig): Promise<unknown> =>
    call(client, { method: 'GET', path: '/version' });

  it('is asked for the whole address of a server without TLS', async () => {
    const server = await scriptedServer((url, response) =>
      response.end(JSON.stringify({ path: url.pathname })),
    );
    const proxy = await ForwardProxy.start(server.client.getCurrentCluster()?.server ?? '');
    expect(await get(clientWith('http://far.example', `http://${proxy.address}`))).toEqual({
      path: '/version',
    });
    expect(proxy.asked).toEqual(['GET http://far.example/version']);
    await proxy.close();
    server.close();
  });

  it('gets user and password, and its refusal is told', async () => {
    const proxy = await ForwardProxy.start('https://127.0.0.1:1', 'me:p@ss');
    const refusal = async (url: string) =>
      explain(await get(clientWith('https://far.example', url)).catch((e: unknown) => e));
    expect(await refusal(`http://${proxy.address}`)).toContain('Proxy response (407)');
    expect(await refusal(`http://me:p%40ss@${proxy.address}`)).not.toContain('407');
    expect(proxy.asked).toEqual(['CONNECT far.example:443', 'CONNECT far.example:443']);
    await proxy.close();
  });

  it.each(['ftp://proxy:21', 'proxy.example.com:3128', 'socks4://proxy:1080', '10.0.0.1:3128', 'no proxy'])(
    'is refused as "%s": the message names field, cluster and value, never a password',
    async (given) => {
      const withPassword = given.replace('//', '//me:secret@');
      const message =
        `the kubeconfig has proxy-url "${given.replace('//', '//…@')}" for cluster far: ` +
        'give http://HOST:PORT, https://HOST:PORT or socks5://HOST:PORT';
      const client = clientWith('https://far.example', withPassword);
      expect(() => client.proxy).toThrow(message);
      await expect(get(client)).rejects.toThrow(message);
    },
  );

  it('has a pool of its own', async () => {
    const client = clientWith('https://far.example', 'http://one:3128');
    const pool = async () => {
      const context = new RequestContext('https://far.example', HttpMethod.GET);
      await client.applySecurityAuthentication(context);
      return context.getDispatcher();
    };
    const first = await pool();
    expect(await pool()).toBe(first);
    client.clusters = client.clusters.map((each) => ({ ...each, proxyUrl: 'http://another:3128' }));
    expect(await pool()).not.toBe(first);
  });
});

describe('one of several API servers', () => {
  it('is asked at its own address, and must have the name that only API servers have', async () => {
    const names: string[] = [];
    const server = createServer({
      SNICallback: (name, done) => {
        names.push(name);
        done(new Error('no certificate'));
      },
    });
    const port = await listening(server);
    const client = new PooledKubeConfig();
    client.loadFromOptions({
      clusters: [{ name: 'far', server: 'https://far.example' }],
      users: [{ name: 'me', token: 'secret' }],
      contexts: [{ name: 'far', cluster: 'far', user: 'me' }],
      currentContext: 'far',
    });
    const answers: (number | 'error')[] = [];
    client.onAnswer = (_verb, code) => void answers.push(code);
    const origin = `https://127.0.0.1:${String(port)}`;
    await expect(call(clientOfEach(client), { method: 'GET', path: '/readyz', origin })).rejects.toThrow();
    server.close();
    expect([names, answers]).toEqual([['kubernetes.default.svc'], ['error']]);
  });
});

describe('an error', () => {
  const refused = (headers: Record<string, string>, body = '{}'): ApiException<string> =>
    new ApiException(429, 'GET /', body, headers);

  it('has the status of the server, never the number of a DOM exception', () => {
    expect(httpStatus(refused({}))).toBe(429);
    expect(httpStatus(AbortSignal.abort().reason)).toBeUndefined();
    expect(httpStatus(new Error('fetch failed'))).toBeUndefined();
  });

  it('says how long to wait, from the header or from the Status', () => {
    expect(retryAfterSeconds(refused({ 'Retry-After': '3' }))).toBe(3);
    expect(retryAfterSeconds(refused({}, '{"details":{"retryAfterSeconds":4}}'))).toBe(4);
    expect(retryAfterSeconds(refused({ 'Retry-After': 'Wed, 25 Nov 2026 03:00:00 GMT' }))).toBeUndefined();
    expect(retryAfterSeconds(new Error('fetch failed'))).toBeUndefined();
  });

  it('is explained by the message of the server, and otherwise by the network error', () => {
    expect(explain(refused({}, '{"message":"too many requests"}'))).toBe('too many requests');
    expect(explain(refused({}, '<html>'))).toBe('the API server answered 429');
    expect(explain(new TypeError('fetch failed', { cause: new Error('other side closed') }))).toBe(
      'fetch failed: other side closed',
    );
    const aborted = new DOMException('Request was cancelled.');
    Reflect.set(aborted, 'cause', new Error('Proxy response (407)', { cause: new Error('why') }));
    expect(explain(new TypeError('fetch failed', { cause: aborted }))).toBe(
      'fetch failed: Proxy response (407): why',
    );
    const alert = Object.assign(new Error('C09:error:0A:SSL routines:ssl3_read_bytes:alert number 48'), {
      ...{ library: 'SSL routines', reason: 'tlsv1 alert unknown ca' },
    });
    expect(explain(new TypeError('fetch failed', { cause: alert }))).toBe(
      'fetch failed: tlsv1 alert unknown ca',
    );
    const several = Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' });
    expect(explain(new TypeError('fetch failed', { cause: several }))).toBe('fetch failed: ECONNREFUSED');
  });
});

describe('the credentials of a request', () => {
  it.each([
    ['a token', { token: 'secret' }, 'Bearer secret'],
    ['a password', { username: 'me', password: 'secret' }, 'Basic bWU6c2VjcmV0'],
  ])('are those of the current user: %s', async (_, credentials, expected) => {
    const config = new PooledKubeConfig();
    config.loadFromOptions({
      clusters: [{ name: 'c', server: 'https://127.0.0.1:1' }],
      users: [{ name: 'u', ...credentials }],
      contexts: [{ name: 'now', cluster: 'c', user: 'u' }],
      currentContext: 'now',
    });
    const context = new RequestContext('https://127.0.0.1:1/', HttpMethod.GET);
    await config.applySecurityAuthentication(context);
    expect(context.getHeaders()).toEqual({ Authorization: expected });
    expect(context.getDispatcher()).toBeDefined();
  });
});
