import { beforeEach, describe, expect, it } from 'vitest';
import type { Call, OpenStackSession } from '../../../src/openstack/session.ts';
import { failure } from '../../support/openstack/failure.ts';
import { answer, CLOUD, KEYSTONE, networkError, NOVA, ScriptedCloud, settled } from './scripted-cloud.ts';

const READ: Call = { method: 'GET', path: ['servers'], microversion: '2.53' };
const WRITE: Call = { ...READ, method: 'POST', body: {} };
const READ_URL = `GET ${NOVA}/servers`;
const WRITE_URL = `POST ${NOVA}/servers`;
const LOG_IN = `POST ${KEYSTONE}/auth/tokens`;
const OK = answer(200, { servers: [] });

const { signal } = new AbortController();
let cloud: ScriptedCloud;
let session: OpenStackSession;
beforeEach(() => {
  cloud = new ScriptedCloud();
  cloud.on(READ_URL, OK);
  cloud.on(WRITE_URL, answer(202));
  session = cloud.session();
});

const read = async (): Promise<unknown> => session.request('compute', READ, signal);
const write = async (): Promise<unknown> => session.request('compute', WRITE, signal);
const tokensOf = (name: string): unknown[] => cloud.asked(name).map(({ headers }) => headers['X-Auth-Token']);

describe('the token', () => {
  it('is asked for once by callers at the same time, and used by all', async () => {
    await Promise.all([read(), read(), write()]);
    expect(cloud.tokens).toBe(1);
    expect(tokensOf(READ_URL)).toEqual(['token-1', 'token-1']);
  });

  it('is renewed before it expires, by our clock and not by that of Keystone', async () => {
    await read();
    await cloud.clock.advance(3600_000 - 120_000 - 1);
    await read();
    expect(cloud.tokens).toBe(1);
    await cloud.clock.advance(1);
    await Promise.all([read(), read()]);
    expect(cloud.tokens).toBe(2);
  });

  it('is renewed after nine tenths of a short life', async () => {
    cloud.lifetimeSeconds = 100;
    await read();
    await cloud.clock.advance(89_999);
    await read();
    expect(cloud.tokens).toBe(1);
    await cloud.clock.advance(1);
    await read();
    expect(cloud.tokens).toBe(2);
  });

  it('is renewed once when a service refuses it, and the requests are made again, writes too', async () => {
    const refuseFirst = async ({ headers }: { headers: Readonly<Record<string, string>> }) =>
      headers['X-Auth-Token'] === 'token-1' ? answer(401) : OK;
    cloud.on(READ_URL, refuseFirst);
    cloud.on(WRITE_URL, refuseFirst);
    await Promise.all([read(), write(), read()]);
    expect(cloud.tokens).toBe(2);
    expect(tokensOf(WRITE_URL)).toEqual(['token-1', 'token-2']);
  });

  it('is not renewed again when a service refuses the new one too', async () => {
    cloud.on(READ_URL, answer(401));
    expect(await failure(read())).toMatchObject({ kind: 'auth', status: 401 });
    expect(cloud.tokens).toBe(2);
  });

  it('is still awaited by one caller when another gives up', async () => {
    const slow = Promise.withResolvers<undefined>();
    cloud.on(LOG_IN, async () => {
      await slow.promise;
      return cloud.token();
    });
    const impatient = new AbortController();
    const given = session.request('compute', READ, impatient.signal);
    const patient = read();
    await settled();
    impatient.abort(new Error('given up'));
    await expect(given).rejects.toThrow('given up');
    slow.resolve(undefined);
    expect(await patient).toEqual({ servers: [] });
    expect(cloud.tokens).toBe(1);
  });

  it('is not awaited after the session was closed, even twice', async () => {
    cloud.on(LOG_IN, networkError('ECONNREFUSED', 'connect'));
    const waiting = read();
    await settled();
    session.close();
    session.close();
    await expect(waiting).rejects.toThrow('the session with OpenStack is closed');
    await expect(read()).rejects.toThrow('the session with OpenStack is closed');
    expect(cloud.asked(LOG_IN)).toHaveLength(1);
  });
});

describe('credentials that Keystone refuses', () => {
  beforeEach(() =>
    cloud.on(LOG_IN, answer(401, { error: { message: 'Wrong.' } }), () => Promise.resolve(cloud.token())),
  );

  it('are named with the user and the address', async () => {
    const error = await failure(read());
    expect(error.kind).toBe('auth');
    expect(error.message).toBe(
      `Keystone at ${KEYSTONE} refuses the credentials of user "careen" (Keystone: POST /auth/tokens was answered with 401: Wrong)`,
    );
  });

  it('are not tried again for half a minute, because Keystone may lock the user out', async () => {
    await failure(read());
    await cloud.clock.advance(29_999);
    expect((await failure(read())).kind).toBe('auth');
    expect(cloud.asked(LOG_IN)).toHaveLength(1);
    await cloud.clock.advance(1);
    expect(await read()).toEqual({ servers: [] });
  });
});

describe('a read', () => {
  it.each([429, 500, 502, 503, 504])(
    'is repeated after %i, with longer and longer pauses',
    async (status) => {
      cloud.on(READ_URL, answer(status), answer(status), OK);
      const reading = read();
      await cloud.clock.advance(499);
      expect(cloud.asked(READ_URL)).toHaveLength(1);
      await cloud.clock.advance(1);
      expect(cloud.asked(READ_URL)).toHaveLength(2);
      await cloud.clock.advance(999);
      expect(cloud.asked(READ_URL)).toHaveLength(2);
      await cloud.clock.advance(1);
      expect(await reading).toEqual({ servers: [] });
    },
  );

  it('is repeated after the connection broke, and given up after four attempts', async () => {
    cloud.on(READ_URL, networkError('ECONNRESET'));
    const reading = failure(read());
    for (const pause of [500, 1000, 2000]) await cloud.clock.advance(pause);
    expect(await reading).toMatchObject({ kind: 'unavailable', mayHaveHappened: false });
    expect(cloud.asked(READ_URL)).toHaveLength(4);
  });

  it.each(['UND_ERR_DESTROYED', 'UND_ERR_CLOSED'])('is given up once we have closed: %s', async (code) => {
    cloud.on(READ_URL, networkError(code));
    expect(await failure(read())).toMatchObject({ kind: 'closed', mayHaveHappened: false });
    expect(cloud.asked(READ_URL)).toHaveLength(1);
  });

  it('waits as long as Retry-After asks for, in seconds or until a date', async () => {
    const date = new Date(cloud.clock.now() + 20_000).toUTCString();
    cloud.on(READ_URL, answer(429, {}, { 'retry-after': '7' }), answer(503, {}, { 'retry-after': date }), OK);
    const reading = read();
    await cloud.clock.advance(6_999);
    expect(cloud.asked(READ_URL)).toHaveLength(1);
    await cloud.clock.advance(1);
    expect(cloud.asked(READ_URL)).toHaveLength(2);
    await cloud.clock.advance(12_999);
    expect(cloud.asked(READ_URL)).toHaveLength(2);
    await cloud.clock.advance(1);
    expect(await reading).toEqual({ servers: [] });
  });

  it('does not wait long: the caller learns how long it would take', async () => {
    cloud.on(READ_URL, answer(429, {}, { 'retry-after': '600' }));
    expect(await failure(read())).toMatchObject({ kind: 'too-many-requests', retryAfterSeconds: 600 });
  });

  it.each([
    [400, 'bad-request'],
    [403, 'forbidden'],
    [404, 'not-found'],
    [406, 'unsupported'],
    [409, 'conflict'],
    [501, 'unavailable'],
    [302, 'unexpected-answer'],
  ] as const)('is not repeated after %i, which is %s', async (status, kind) => {
    const body = { someFault: { code: status, message: 'Because.' } };
    cloud.on(READ_URL, answer(status, body, { 'x-openstack-request-id': 'req-7' }));
    const error = await failure(read());
    expect(error).toMatchObject({ ...{ kind, status, requestId: 'req-7' }, serviceMessage: 'Because' });
    expect(error.message).toContain(
      `compute: GET /servers was answered with ${String(status)}: Because (req-7)`,
    );
    expect(cloud.asked(READ_URL)).toHaveLength(1);
  });

  it('ends in time', async () => {
    const silent = new Promise<never>(() => undefined);
    cloud.on(READ_URL, async (_, given) =>
      Promise.race([
        silent,
        new Promise<never>((_resolve, reject) => {
          given.addEventListener('abort', () => reject(given.reason as Error));
        }),
      ]),
    );
    const reading = failure(read());
    await cloud.clock.advance(9_999);
    await cloud.clock.advance(1);
    expect(await reading).toMatchObject({ kind: 'timeout', mayHaveHappened: false });
  });

  it('ends with the reason of its signal', async () => {
    const controller = new AbortController();
    cloud.on(READ_URL, answer(503));
    const reading = session.request('compute', READ, controller.signal);
    await settled();
    controller.abort(new Error('no longer needed'));
    await expect(reading).rejects.toThrow('no longer needed');
    expect(cloud.asked(READ_URL)).toHaveLength(1);
  });
});

describe('a write', () => {
  it.each([
    [answer(503), true],
    [answer(500), true],
    [answer(429), false],
    [answer(409), false],
    [networkError('ECONNRESET'), true],
    [networkError('EHOSTUNREACH', 'read'), true],
    [networkError('EHOSTUNREACH', 'connect'), false],
    [networkError('ECONNREFUSED'), false],
    [networkError('UND_ERR_CONNECT_TIMEOUT'), false],
    [networkError('CERT_HAS_EXPIRED'), false],
  ])(
    'is never repeated, and its error says whether it may have taken effect: %o',
    async (reaction, mayHaveHappened) => {
      cloud.on(WRITE_URL, reaction);
      expect((await failure(write())).mayHaveHappened).toBe(mayHaveHappened);
      expect(cloud.asked(WRITE_URL)).toHaveLength(1);
    },
  );

  it('may have happened when it had no answer in time', async () => {
    cloud.on(WRITE_URL, async (_, given) => {
      const { promise, reject } = Promise.withResolvers<never>();
      given.addEventListener('abort', () => reject(given.reason as Error));
      return promise;
    });
    const writing = failure(write());
    await cloud.clock.advance(10_000);
    expect(await writing).toMatchObject({ kind: 'timeout', mayHaveHappened: true });
  });

  it('has not happened when Keystone does not answer', async () => {
    cloud.on(LOG_IN, networkError('ECONNRESET'));
    const writing = failure(write());
    for (const pause of [500, 1000, 2000]) await cloud.clock.advance(pause);
    expect(await writing).toMatchObject({ kind: 'unavailable', mayHaveHappened: false });
  });
});

describe('a certificate that is not accepted', () => {
  it.each([
    ['CERT_HAS_EXPIRED', /certificate of https:\/\/nova.test has expired/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /authority that is not known.*Secret as cacert/],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', /authority that is not known.*Secret as cacert/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /is for other names/],
  ])('%s says what is wrong with it', async (code, message) => {
    cloud.on(READ_URL, networkError(code));
    const error = await failure(read());
    expect(error.kind).toBe('certificate');
    expect(error.message).toMatch(message);
    expect(cloud.asked(READ_URL)).toHaveLength(1);
  });
});

describe('the address of a request', () => {
  it('has names in their encoded form', async () => {
    const url = `GET ${NOVA}/os-services/a%2F..%3F%20%23/x?host=k%C3%BChl%26co`;
    cloud.on(url, answer(200, 'here'));
    const path = ['os-services', 'a/..? #', 'x'];
    expect(await session.request('compute', { ...READ, path, query: { host: 'kühl&co' } }, signal)).toBe(
      'here',
    );
  });

  it.each(['', '.', '..'])('is refused when it has the name "%s"', async (name) => {
    expect(
      (await failure(session.request('compute', { ...READ, path: ['servers', name] }, signal))).kind,
    ).toBe('bad-request');
  });
});

describe('an answer', () => {
  it('that is no JSON is an error', async () => {
    cloud.on(READ_URL, { ...OK, text: '<html>' });
    expect((await failure(read())).kind).toBe('unexpected-answer');
  });

  it('without a token is an error', async () => {
    cloud.on(LOG_IN, answer(200, { hello: 'I am not Keystone' }));
    expect(await failure(read())).toMatchObject({ kind: 'unexpected-answer' });
  });
});

describe('the microversions', () => {
  it('are read once a token', async () => {
    expect(await session.supports('compute', '2.96', signal)).toBe(true);
    expect(await session.supports('compute', '2.100', signal)).toBe(false);
    expect(await session.firstSupported('compute', ['2.100', '2.96', '2.53'], signal)).toBe('2.96');
    expect(cloud.asked(`GET ${NOVA}/`)).toHaveLength(1);
  });

  it('are compared as numbers: 2.100 is newer than 2.96', async () => {
    cloud.versions = { version: { id: 'v2.1', version: '2.100', min_version: '2.90' } };
    expect(await session.supports('compute', '2.96', signal)).toBe(true);
    expect(await session.supports('compute', '2.89', signal)).toBe(false);
  });

  it('that a service does not have are refused before anything is sent', async () => {
    const error = await failure(session.request('compute', { ...READ, microversion: '2.97' }, signal));
    expect(error.message).toBe(
      `compute at ${NOVA} is too old: it has the microversions 2.1 to 2.96, and 2.97 is needed`,
    );
    expect(cloud.asked(READ_URL)).toHaveLength(0);
  });

  it('are those of a service that has none anymore', async () => {
    cloud.versions = { version: { id: 'v2', version: '', min_version: '' } };
    expect(await failure(read())).toMatchObject({ kind: 'unsupported' });
  });

  it('are found when the catalogue has no version in the address', async () => {
    cloud.endpoint = 'https://nova.test/';
    const old = { id: 'v2.0', version: '', min_version: '', links: [{ rel: 'self', href: 'http://in/v2/' }] };
    const self = [{ rel: 'self', href: 'http://internal/v2.1/' }];
    const versions = [old, { id: 'v2.1', version: '2.96', min_version: '2.1', links: self }];
    cloud.on('GET https://nova.test/', answer(300, { versions }));
    expect(await read()).toEqual({ servers: [] });
  });

  it('are found when the catalogue has the project in the address', async () => {
    cloud.endpoint = `${NOVA}/p1`;
    cloud.on(`GET ${NOVA}/p1/servers`, OK);
    expect(await read()).toEqual({ servers: [] });
    expect(cloud.asked(`GET ${NOVA}/`)).toHaveLength(1);
  });
});

describe('the catalogue', () => {
  it('has no endpoint in another region: the error says where there are some', async () => {
    session = cloud.session(undefined, { ...CLOUD, region: 'Elsewhere' });
    expect((await failure(read())).message).toBe(
      'the catalogue of cloud lab has no public endpoint of compute in region "Elsewhere": it has public in RegionOne',
    );
  });

  it('has no such service: the error says what it has', async () => {
    const error = await failure(session.request('placement', READ, signal));
    expect(error).toMatchObject({ kind: 'no-endpoint' });
    expect(error.message).toBe('the catalogue of cloud lab has no service of type placement: it has compute');
  });
});

describe('pages', () => {
  const FIRST = `GET ${NOVA}/servers?limit=2`;
  const SECOND = `${FIRST}&marker=b`;
  const next = (href: string): unknown => [{ rel: 'next', href }];

  async function pages(): Promise<unknown[]> {
    const all: unknown[] = [];
    for await (const page of session.pages('compute', { ...READ, query: { limit: 2 } }, 'servers', signal))
      all.push(page);
    return all;
  }

  it('follow the marker of the link, at the address of the catalogue', async () => {
    cloud.on(
      FIRST,
      answer(200, { servers: ['a', 'b'], servers_links: next('http://wrong.host/servers?limit=2&marker=b') }),
    );
    cloud.on(SECOND, answer(200, { servers: ['c'] }));
    expect(await pages()).toEqual([['a', 'b'], ['c']]);
  });

  it('that repeat themselves are an error', async () => {
    const again = { servers: ['b'], servers_links: next('/servers?marker=b') };
    cloud.on(FIRST, answer(200, again));
    cloud.on(SECOND, answer(200, again));
    expect(await failure(pages())).toMatchObject({ kind: 'unexpected-answer' });
  });

  it('without a marker are an error', async () => {
    cloud.on(FIRST, answer(200, { servers: [], servers_links: next('/servers?page=2') }));
    expect(await failure(pages())).toMatchObject({ kind: 'unexpected-answer' });
  });
});
