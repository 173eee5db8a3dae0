import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiException } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { call, PooledKubeConfig } from '../../src/hostops/kubernetes/kube-client.ts';
import { explain, httpStatus, retryAfterSeconds } from '../../src/hostops/kubernetes/kube-errors.ts';
import { verbOf } from '../../src/hostops/kubernetes/request-verb.ts';

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
  ])('is %s for GET %s', (verb, path) => {
    expect(verbOf({ method: 'GET', path })).toBe(verb);
  });

  it('is watch, whatever is watched', () => {
    expect(verbOf({ method: 'GET', path: '/api/v1/nodes', query: { watch: true } })).toBe('watch');
  });

  it('is that of the method for what is written', () => {
    const path = '/api/v1/namespaces/careen-hosts/pods/a/eviction';
    expect(verbOf({ method: 'POST', path })).toBe('create');
    expect(verbOf({ method: 'PATCH', path })).toBe('patch');
    expect(verbOf({ method: 'DELETE', path })).toBe('delete');
  });
});

describe('a call', () => {
  it('is given up when its answer stops in the middle', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"items":[');
    });
    const { promise: listening, resolve } = Promise.withResolvers<undefined>();
    server.listen(0, '127.0.0.1', () => resolve(undefined));
    await listening;
    const { port } = server.address() as AddressInfo; // a server that listens on TCP has one of this shape
    const client = new PooledKubeConfig();
    const url = `http://127.0.0.1:${String(port)}`;
    client.loadFromClusterAndUser({ name: 'here', server: url, skipTLSVerify: true }, { name: 'me' });
    client.answerLimitMs = 100;
    await expect(call(client, { method: 'GET', path: '/api/v1/nodes' })).rejects.toThrow(
      'GET /api/v1/nodes: no whole answer within 0.1 s',
    );
    server.closeAllConnections();
    server.close();
  });
});

describe('an error', () => {
  const refused = (headers: Record<string, string>, body = '{}'): ApiException<string> =>
    new ApiException(429, 'GET /', body, headers);

  it('has the status that the server gave, never the number of a DOM exception', () => {
    expect(httpStatus(refused({}))).toBe(429);
    expect(httpStatus(AbortSignal.abort().reason)).toBeUndefined();
    expect(httpStatus(new Error('fetch failed'))).toBeUndefined();
  });

  it('says how long to wait, in the header or in the Status', () => {
    expect(retryAfterSeconds(refused({ 'Retry-After': '3' }))).toBe(3);
    expect(retryAfterSeconds(refused({}, '{"details":{"retryAfterSeconds":4}}'))).toBe(4);
    expect(retryAfterSeconds(refused({ 'Retry-After': 'Wed, 25 Nov 2026 03:00:00 GMT' }))).toBeUndefined();
    expect(retryAfterSeconds(new Error('fetch failed'))).toBeUndefined();
  });

  it('is explained by what the server said, and otherwise by what the network did', () => {
    expect(explain(refused({}, '{"message":"too many requests"}'))).toBe('too many requests');
    expect(explain(refused({}, '<html>'))).toBe('the API server answered 429');
    expect(explain(new TypeError('fetch failed', { cause: new Error('other side closed') }))).toBe(
      'fetch failed: other side closed',
    );
    const several = Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' });
    expect(explain(new TypeError('fetch failed', { cause: several }))).toBe('fetch failed: ECONNREFUSED');
  });
});
