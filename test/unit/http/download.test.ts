/** Downloads against a real server with TLS, on loopback. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { afterEach, describe, expect, it } from 'vitest';
import { download, type Downloaded, type DownloadRequest } from '../../../src/http/download.ts';
import { addressRefusal } from '../../../src/http/reachable.ts';
import { listening } from '../../support/network/loopback.ts';
import { CA, GOOD } from '../openstack/certificates.ts';

const CONTENT = Buffer.from('firmware '.repeat(10_000));
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const LOOPBACK = '127.0.0.1';

const open: (() => unknown)[] = [];
afterEach(() => open.splice(0).forEach((close) => close()));

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Returns the address of a server that answers so, and the paths that it was asked for. */
async function serve(handler: Handler): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const server = createServer(GOOD, (request, response) => {
    asked.push(request.url ?? '');
    handler(request, response);
  });
  const port = await listening(server);
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `https://${LOOPBACK}:${String(port)}/f.bin`, asked };
}

const fetched = (url: string, given: Partial<DownloadRequest> = {}): Promise<Downloaded> =>
  download(
    {
      ...{ url, sha256: SHA256, maxBytes: CONTENT.length, listed: [LOOPBACK], timeoutMs: 5_000 },
      refusal: ({ protocol, hostname }) =>
        protocol === 'https:' && hostname === LOOPBACK ? undefined : `${hostname} is foreign`,
      ...given,
    },
    new AbortController().signal,
    { ca: CA },
  );

/** How it ends: `final` or `later`, and why. */
async function failure(url: string, given: Partial<DownloadRequest> = {}): Promise<string> {
  const result = await fetched(url, given);
  if (result.kind === 'fetched') throw new Error('it is there');
  return `${result.isFinal ? 'final' : 'later'}: ${result.reason}`;
}

describe('a download', () => {
  it('has the whole content, with and without its length announced', async () => {
    const announced = await serve((_, response) => response.end(CONTENT));
    expect(await fetched(announced.url)).toEqual({ kind: 'fetched', content: CONTENT });
    const streamed = await serve((_, response) => {
      response.write(CONTENT.subarray(0, 20_000));
      response.end(CONTENT.subarray(20_000));
    });
    expect(await fetched(streamed.url)).toEqual({ kind: 'fetched', content: CONTENT });
  });

  it('of another content fails for good', async () => {
    const { url } = await serve((_, response) => response.end('another'));
    expect(await failure(url)).toMatch(
      new RegExp(`^final: its SHA-256 is [0-9a-f]{64}, and must be ${SHA256}`),
    );
  });

  it('of too many bytes is not read when its length is announced, and no further than the bound otherwise', async () => {
    const maxBytes = CONTENT.length - 1;
    const tooLong = `final: it has more than the ${String(maxBytes)} bytes that it may have`;
    const announced = await serve((_, response) => {
      response.writeHead(200, { 'content-length': String(CONTENT.length) });
      response.flushHeaders(); // The content never comes.
    });
    expect(await failure(announced.url, { maxBytes })).toBe(tooLong);
    const endless = await serve((_, response) => {
      const more = (): void => {
        while (response.write(CONTENT));
        response.once('drain', more);
      };
      more();
    });
    expect(await failure(endless.url, { maxBytes })).toBe(tooLong);
  });

  it('follows redirects to allowed hosts only, and never calls another', async () => {
    const { url, asked } = await serve((request, response) => {
      if (request.url === '/f.bin') response.writeHead(302, { location: '/g.bin' }).end();
      else response.end(CONTENT);
    });
    expect(await fetched(url)).toEqual({ kind: 'fetched', content: CONTENT });
    expect(asked).toEqual(['/f.bin', '/g.bin']);
    const foreign = await serve((_, response) => response.end(CONTENT));
    const elsewhere = foreign.url.replace(LOOPBACK, 'localhost');
    const leading = await serve((_, response) => response.writeHead(307, { location: elsewhere }).end());
    expect(await failure(leading.url)).toBe('final: it is redirected: localhost is foreign');
    expect(foreign.asked).toEqual([]);
    const insecure = await serve((_, response) =>
      response.writeHead(301, { location: `http://${LOOPBACK}/f.bin` }).end(),
    );
    expect(await failure(insecure.url)).toContain('final: it is redirected: ');
    const round = await serve((_, response) => response.writeHead(302, { location: '/f.bin' }).end());
    expect(await failure(round.url)).toBe('final: it is redirected more than 5 times');
    expect(round.asked).toHaveLength(6);
  });

  it('is tried again when the server is slow, gone, overloaded or breaks off, and not when it has no such file', async () => {
    const slow = await serve((_, response) => response.write('a'));
    expect(await failure(slow.url, { timeoutMs: 300 })).toBe('later: it was not complete after 0.3 s');
    const silent = await serve(() => undefined);
    expect(await failure(silent.url, { timeoutMs: 300 })).toMatch(/^later: /);
    expect(await failure('https://127.0.0.1:1/f.bin')).toBe('later: no answer: ECONNREFUSED');
    const broken = await serve((_, response) => {
      response.writeHead(200, { 'content-length': String(CONTENT.length) });
      response.write('a', () => response.destroy());
    });
    expect(await failure(broken.url)).toMatch(/^later: no answer: /);
    const busy = await serve((_, response) => response.writeHead(503).end());
    expect(await failure(busy.url)).toBe('later: the server answers with status 503');
    const none = await serve((_, response) => response.writeHead(404).end());
    expect(await failure(none.url)).toBe('final: the server answers with status 404');
  });

  it('never calls loopback and link-local addresses that are not listed, nor names that lead there', async () => {
    const { url, asked } = await serve((_, response) => response.end(CONTENT));
    const refusal = (): undefined => undefined;
    expect(await failure(url, { listed: [], refusal })).toBe(
      "final: 127.0.0.1 is an address of the operator's own machine or network link",
    );
    const named = url.replace(LOOPBACK, 'localhost');
    expect(await failure(named, { listed: [], refusal })).toMatch(
      /^final: (::1|127\.0\.0\.1) is an address of/,
    );
    expect(asked).toEqual([]);
    for (const address of ['127.9.9.9', '::1', '169.254.169.254', 'fe80::1', '0.0.0.0', '::ffff:127.0.0.1'])
      expect(addressRefusal(address, [])).toContain(address);
    for (const address of ['10.0.0.1', '192.0.2.1', '2001:db8::1'])
      expect(addressRefusal(address, [])).toBeUndefined();
  });

  it('trusts no certificate that nobody vouches for', async () => {
    const { url } = await serve((_, response) => response.end(CONTENT));
    const request = { url, sha256: SHA256, maxBytes: 1e6, listed: [LOOPBACK], timeoutMs: 5_000 };
    const { signal } = new AbortController();
    expect(await download({ ...request, refusal: () => undefined }, signal)).toMatchObject({
      kind: 'failed',
      reason: expect.stringMatching(
        /no answer: (UNABLE_TO_VERIFY|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_GET)/,
      ) as string,
    });
  });
});
