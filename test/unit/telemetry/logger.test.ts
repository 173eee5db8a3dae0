import { ApiException } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Log } from '../../../src/kube/log.ts';
import { makeLogger, type Logger } from '../../../src/telemetry/logger.ts';

/** A secret, at every place where one may be. */
const PLANTED = 'pl4nted-S3CRET_9f';
const JWT = 'eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl';

const lineSchema = z.looseObject({
  level: z.number(),
  time: z.string(),
  name: z.string(),
  msg: z.string(),
  err: z
    .looseObject({
      message: z.string(),
      code: z.union([z.string(), z.number()]).optional(),
      stack: z.string().optional(),
    })
    .optional(),
});

/** Logs at debug level and returns the output. */
function logged(write: (log: Logger) => void): string {
  let output = '';
  write(makeLogger({ level: 'debug', destination: { write: (text) => void (output += text) } }));
  return output;
}

function line(write: (log: Logger) => void): z.infer<typeof lineSchema> {
  return lineSchema.parse(JSON.parse(logged(write)));
}

function refusal(code: number, message: string, headers: Record<string, string> = {}): Error {
  const body = JSON.stringify({ kind: 'Status', message, details: { causes: [], name: PLANTED } });
  return new ApiException(code, 'POST /api/v1/pods', body, {
    authorization: `Bearer ${PLANTED}`,
    ...headers,
  });
}

describe('the log', () => {
  it('is one JSON object a line, with time, name and the fields', () => {
    const output = logged((log) => {
      log.info({ strategy: 'a/b', host: 'worker-3', attempt: 2 }, 'host locked');
      log.warn({ text: 'two\nlines' }, 'said\nso');
    });
    const lines = output.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    const [first] = lines.map((each) => lineSchema.parse(JSON.parse(each)));
    expect(first).toMatchObject({ level: 30, name: 'careen', strategy: 'a/b', host: 'worker-3', attempt: 2 });
    expect(first?.msg).toBe('host locked');
    expect(first?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('has the logger interface of reconcilers and adapters', () => {
    const log: Log = makeLogger({ level: 'silent' });
    expect(() => log.info({ host: 'worker-3' }, 'host locked')).not.toThrow();
  });

  it('omits lines below its level', () => {
    expect(logged((log) => log.trace({}, 'fine detail'))).toBe('');
    expect(logged((log) => log.debug({}, 'detail'))).toContain('detail');
  });

  it('refuses an unknown level, naming the known ones', () => {
    expect(() => makeLogger({ level: 'loud' })).toThrow(/"loud": use one of trace, .*silent/);
  });

  it('keeps fields that are no secrets', () => {
    const fields = {
      strategy: 'careen-hosts/kernel',
      key: 'run/1/sw-patch-hosts/worker-3/kernel/1',
      secretName: 'registry-key',
      tokenFile: '/var/run/token',
      automountServiceAccountToken: false,
      user: 'alice',
      reason: 'worker-3 runs pods that need consent',
      hosts: ['worker-1', 'worker-2'],
    };
    expect(line((log) => log.info(fields, 'plan built'))).toMatchObject(fields);
  });
});

describe('a secret in a field is not logged', () => {
  const cases: readonly [string, object][] = [
    ['a request header', { headers: { Authorization: `Bearer ${PLANTED}`, 'X-Other': PLANTED } }],
    ['a header by itself', { authorization: PLANTED, 'Set-Cookie': `session=${PLANTED}` }],
    ['a token', { token: PLANTED, accessToken: PLANTED, 'id-token': PLANTED }],
    ['a password', { options: { password: PLANTED, dbPasswd: PLANTED, passphrase: PLANTED } }],
    ['a client secret', { clientSecret: PLANTED, apiKey: PLANTED, private_key: PLANTED, accessKey: PLANTED }],
    ['a Secret', { object: { kind: 'Secret', data: { a: PLANTED }, stringData: { b: PLANTED } } }],
    ['a list of Secrets', { list: { items: [{ metadata: { name: 'x' }, data: { a: PLANTED } }] } }],
    [
      "kubectl's copy of a Secret",
      { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': `{"x":"${PLANTED}"}` } },
    ],
    [
      'the users of a kubeconfig',
      { config: { users: [{ name: 'admin', user: { 'client-key-data': PLANTED } }] } },
    ],
    [
      'a kubeconfig as the client keeps it',
      { config: { users: [{ name: 'admin', exec: { args: [PLANTED] } }] } },
    ],
    ['a user of a kubeconfig', { user: { exec: { args: [PLANTED] } } }],
    ['a key of a kubeconfig', { 'client-key-data': PLANTED, keyData: PLANTED }],
    [
      "a container's environment",
      { job: { containers: [{ image: 'a', env: [{ name: 'LICENCE', value: PLANTED }] }] } },
    ],
    ["a process' environment", { env: { LICENCE: PLANTED } }],
    ['an environment that is no list', { env: PLANTED }],
    ['bytes', { read: Buffer.from(PLANTED), array: { data: [...Buffer.from(PLANTED)] } }],
  ];

  it.each(cases)('%s', (_what, fields) => {
    const output = logged((log) => {
      log.info(fields, 'as a field');
      log.child(fields).info({}, 'as a binding');
      log.info({ deep: [{ deeper: fields }] }, 'deep');
    });
    expect(output).toContain('[redacted]');
    expect(output).not.toContain(PLANTED);
    expect(output).not.toContain([...Buffer.from(PLANTED)].join(','));
  });

  it('while the names of variables are kept', () => {
    const job = {
      env: [
        { name: 'LICENCE', value: PLANTED },
        { name: 'B', valueFrom: { fieldRef: 'x' } },
      ],
    };
    expect(line((log) => log.info({ job }, 'job'))).toMatchObject({
      job: { env: [{ name: 'LICENCE' }, { name: 'B', valueFrom: { fieldRef: 'x' } }] },
    });
  });
});

describe('a secret in a text is not logged', () => {
  const cases: readonly [string, string][] = [
    ['a bearer token', `sent Bearer ${PLANTED}, got 401`],
    ['a header', `authorization: bearer ${PLANTED}`],
    ['a basic header', `{"Authorization":"Basic ${PLANTED}"}`],
    ['an address', `cannot reach https://admin:${PLANTED}@registry.example.com/v2`],
    ['an address without a scheme', `image is "bot:${PLANTED}@registry.example.com/patch:1"`],
    ['a query', `GET /v2?token=${PLANTED}&page=2`],
    ['an environment', `DB_PASSWORD=${PLANTED} run`],
    ['YAML', `bad indentation\n 3 |     token: ${PLANTED}\n 4 |   x`],
    ['JSON', `{"password":"${PLANTED} and more ${PLANTED}","a":1}`],
    ['JSON in JSON', JSON.stringify({ a: JSON.stringify({ clientSecret: PLANTED }) })],
    ['a kubeconfig', `client-key-data: ${PLANTED}`],
    ['a private key', `-----BEGIN RSA PRIVATE KEY-----\n${PLANTED}\n-----END RSA PRIVATE KEY-----`],
    ['half a private key', `-----BEGIN PRIVATE KEY-----\n${PLANTED}`],
    ['a refusal of the API server', refusal(403, 'no', { 'set-cookie': PLANTED }).message],
  ];

  it.each(cases)('%s', (_what, text) => {
    const output = logged((log) => {
      log.info({}, text);
      log.info({ reason: text, list: [text] }, 'as a field');
      log.child({ reason: text }).info({}, 'as a binding');
      log.error({ err: new Error(text, { cause: new Error(text) }) }, 'as an error');
      log.error(new Error(text));
    });
    expect(output.trimEnd().split('\n')).toHaveLength(5);
    expect(output).not.toContain(PLANTED);
  });

  it('a service account token', () => {
    expect(logged((log) => log.info({ said: `x ${JWT} y` }, JWT))).not.toContain(JWT.slice(0, 20));
  });

  it('while the rest of the text is kept, up to a length', () => {
    expect(line((log) => log.info({}, `sent Bearer ${PLANTED}, got 401`)).msg).toBe(
      'sent Bearer [redacted], got 401',
    );
    const digest = 'image is "registry.example.com:5000/patch:1@sha256:0a.b"';
    expect(line((log) => log.info({}, digest)).msg).toBe(digest);
    expect(line((log) => log.info({}, 'x'.repeat(5000))).msg).toMatch(
      /^x{4096}… \(5000 characters in all\)$/,
    );
  });
});

describe('an error in the log', () => {
  it('of the API server has its code and message, not its headers and body', () => {
    const { err } = line((log) => log.warn({ err: refusal(403, `pods "a" is forbidden`) }, 'refused'));
    expect(err).toMatchObject({
      type: 'ApiException',
      code: 403,
      message: 'POST /api/v1/pods: pods "a" is forbidden',
    });
    expect(err).not.toHaveProperty('headers');
    expect(err).not.toHaveProperty('body');
    expect(err?.stack).toMatch(/^ {4}at /);
  });

  it('looks the same under another name, as a cause, deep in a field, and by itself', () => {
    const error = refusal(500, 'out of order');
    const output = logged((log) => {
      log.warn({ problem: error }, 'x');
      log.warn({ err: new Error('outer', { cause: error }) }, 'x');
      log.warn({ deep: { list: [error] } }, 'x');
      log.error(error);
    });
    expect(output.match(/POST \/api\/v1\/pods: out of order/g)).toHaveLength(3);
    expect(output).not.toContain(PLANTED);
  });

  it('is cut when the message of the server is long', () => {
    const { err } = line((log) => log.warn({ err: refusal(422, 'x'.repeat(3000)) }, 'refused'));
    expect(err?.message.length).toBeLessThanOrEqual(1024);
  });

  it('with an unreadable body still has its code', () => {
    const error = new ApiException(503, 'GET /x', `<html>${PLANTED}`, {});
    expect(line((log) => log.warn({ err: error }, 'refused')).err).toMatchObject({
      code: 503,
      message: 'GET /x: the API server answered 503',
    });
    expect(logged((log) => log.warn({ err: error }, 'refused'))).not.toContain(PLANTED);
  });

  it('of the network keeps its cause and code', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:6443'), { code: 'ECONNREFUSED' });
    const { err } = line((log) => log.warn({ err: new TypeError('fetch failed', { cause }) }, 'x'));
    expect(err).toMatchObject({
      type: 'TypeError',
      message: 'fetch failed',
      cause: { code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 127.0.0.1:6443' },
    });
  });
});
