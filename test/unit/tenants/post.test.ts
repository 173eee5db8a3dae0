/** The network: real servers on loopback. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { afterEach, describe, expect, it } from 'vitest';
import { postOverNetwork, PostError, type Post } from '../../../src/tenants/post.ts';
import { listening } from '../../support/network/loopback.ts';
import { CA, GOOD } from '../openstack/certificates.ts';

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function portOf(server: Server): Promise<number> {
  open.push(server);
  return listening(server);
}

const bounds = { webhookHosts: ['127.0.0.1'], allowHttp: true };

async function post(url: string, fields: Partial<Post> = {}, signal = new AbortController().signal) {
  const headers = { 'Content-Type': 'application/json' };
  return postOverNetwork(
    { url, headers, body: '{"a":"é"}', timeoutMs: 5000, ca: undefined, bounds, ...fields },
    signal,
  );
}

describe('postOverNetwork', () => {
  const serve = async (listener: RequestListener) =>
    `http://127.0.0.1:${await portOf(createServer(listener))}/a?b=c`;

  it('sends the body, and reads the answer', async () => {
    const url = await serve((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        response.writeHead(503, { 'Retry-After': '3' });
        response.end(`${request.method ?? ''} ${request.url ?? ''} ${Buffer.concat(parts).toString()}`);
      });
    });
    expect(await post(url)).toEqual({ status: 503, retryAfter: '3', text: 'POST /a?b=c {"a":"é"}' });
  });

  it('follows no redirect', async () => {
    const asked: unknown[] = [];
    const url = await serve(({ url: path }, response) => {
      asked.push(path);
      response.writeHead(307, { Location: '/other' }).end();
    });
    expect(await post(url)).toMatchObject({ status: 307 });
    expect(asked).toEqual(['/a?b=c']);
  });

  it('waits as long as it may, also for the rest of an answer', async () => {
    const silent = await serve(() => undefined);
    await expect(post(silent, { timeoutMs: 20 })).rejects.toThrow(new PostError('no answer within 0.02 s'));
    const slow = await serve((_request, response) => response.write('a'));
    await expect(post(slow, { timeoutMs: 20 })).rejects.toThrow(new PostError('no answer within 0.02 s'));
  });

  it('reads no more than an answer can have', async () => {
    const url = await serve((_request, response) => response.end('a'.repeat(300_000)));
    expect(await post(url)).toMatchObject({ status: 200, text: undefined });
  });

  it('throws the reason of the signal', async () => {
    const stopping = new AbortController();
    const url = await serve(() => stopping.abort(new Error('stop')));
    await expect(post(url, {}, stopping.signal)).rejects.toThrow('stop');
  });

  it('names the error of the system', async () => {
    const server = createServer();
    const port = await portOf(server);
    server.close();
    await expect(post(`http://127.0.0.1:${port}/`)).rejects.toThrow(
      new PostError('no connection: ECONNREFUSED'),
    );
  });

  it('connects to no address that webhooks may not have', async () => {
    const asked: unknown[] = [];
    const port = await portOf(createServer(({ url }) => asked.push(url)));
    await expect(
      post(`http://localhost:${port}/`, { bounds: { webhookHosts: ['localhost'], allowHttp: true } }),
    ).rejects.toThrow(/^no connection: (127\.0\.0\.1|::1) is an address of the operator's own machine/);
    expect(asked).toEqual([]);
  });

  it('trusts the CA of the Secret, and otherwise those that are well known', async () => {
    const server = createTlsServer({ cert: GOOD.cert, key: GOOD.key }, (_request, response) =>
      response.end('b'),
    );
    const url = `https://127.0.0.1:${await portOf(server)}/`;
    expect(await post(url, { ca: CA })).toMatchObject({ status: 200, text: 'b' });
    await expect(post(url)).rejects.toThrow(/^no connection: UNABLE_TO_(VERIFY|GET)/);
  });
});
