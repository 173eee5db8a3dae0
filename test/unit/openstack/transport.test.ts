/** The network transport against a real server with TLS. */
import { createServer, type Server } from 'node:https';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { cloudIn } from '../../../src/openstack/clouds-yaml.ts';
import { OpenStackSession } from '../../../src/openstack/session.ts';
import { networkTransport } from '../../../src/openstack/transport.ts';
import { listening } from '../../support/network/loopback.ts';
import { CA, EXPIRED, GOOD, OTHER_NAME } from './certificates.ts';

const { signal } = new AbortController();
const open: { close: () => unknown }[] = [];

afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

/** Answers every request with its method, path and body. */
async function serve(identity: { readonly cert: string; readonly key: string }): Promise<string> {
  const server: Server = createServer(identity, (request, response) => {
    const { method = '', url = '' } = request;
    void request.toArray().then((parts: Buffer[]) => {
      response.setHeader('Content-Encoding', 'gzip');
      response.setHeader('X-Subject-Token', 'a token');
      response.writeHead(201).end(gzipSync(`${method} ${url} ${Buffer.concat(parts).toString()}`));
    });
  });
  const port = await listening(server);
  open.push({ close: () => server.closeAllConnections() }, { close: () => server.close() });
  return `https://127.0.0.1:${String(port)}`;
}

function transportWith(caText: string | undefined, verify = true): ReturnType<typeof networkTransport> {
  const network = networkTransport({ caText, verify });
  open.push(network);
  return network;
}

/** What a session says whose Keystone has this certificate. */
async function verdict(
  identity: { readonly cert: string; readonly key: string },
  caText: string | undefined,
  verify = true,
): Promise<unknown> {
  const auth = { auth_url: await serve(identity), user_id: 'u', password: 'p', project_id: 'p' };
  const cloud = cloudIn(
    JSON.stringify({ clouds: { lab: { auth, verify } } }),
    'lab',
    caText === undefined ? {} : { caText },
  );
  const session = new OpenStackSession(cloud, transportWith(cloud.caText, cloud.verify).transport);
  return session.supports('compute', '2.1', signal).catch((error: unknown) => error);
}

describe('the network transport', () => {
  it('sends the request and reads the whole answer, compressed or not', async () => {
    const url = `${await serve(GOOD)}/v3/x?a=%2F`;
    const answer = await transportWith(CA).transport({ method: 'POST', url, headers: {}, body: 'ä' }, signal);
    expect(answer).toMatchObject({ status: 201, text: 'POST /v3/x?a=%2F ä' });
    expect(answer.headers.get('x-subject-token')).toBe('a token');
  });

  it('may be closed twice', async () => {
    const { close } = transportWith(CA);
    await close();
    await close();
  });
});

describe('a certificate', () => {
  // The server is no Keystone: a session that has its answer has accepted its certificate.
  const ACCEPTED = { kind: 'unexpected-answer' };

  it('is accepted when the CA of the Secret has signed it', async () => {
    expect(await verdict(GOOD, CA)).toMatchObject(ACCEPTED);
  });

  it.each([
    ['of an unknown authority', GOOD, undefined, /authority that is not known.*Secret as cacert/],
    ['that has expired', EXPIRED, CA, /has expired/],
    ['for another name', OTHER_NAME, CA, /is for other names/],
  ])('%s is refused, and the error says so', async (_, identity, caText, message) => {
    const error = await verdict(identity, caText);
    expect(error).toMatchObject({ kind: 'certificate', message: expect.stringMatching(message) as unknown });
  });

  it('is not checked with verify: false', async () => {
    expect(await verdict(EXPIRED, undefined, false)).toMatchObject(ACCEPTED);
  });
});
