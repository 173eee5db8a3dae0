/** Passwords and tokens are in the requests and nowhere else. */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../../src/openstack/secret.ts';
import { answer, CLOUD, KEYSTONE, NOVA, PASSWORD, ScriptedCloud } from './scripted-cloud.ts';

const READ = { method: 'GET', path: ['servers'], microversion: '2.53' } as const;
const { signal } = new AbortController();

/** Everything that a log, a status or a debugger could show of a value. */
function shownOf(value: unknown): string {
  const text = inspect(value, { depth: Infinity, showHidden: true, getters: true });
  return `${text} ${JSON.stringify(value)} ${String(value)}`;
}

async function errorOf(request: Promise<unknown>): Promise<unknown> {
  return request.then(
    () => 'no error',
    (error: unknown) => error,
  );
}

describe('a secret', () => {
  it('is shown neither by itself nor within its cloud', () => {
    const secret = new Secret(PASSWORD);
    expect(secret.reveal()).toBe(PASSWORD);
    expect(shownOf([secret, secret.toString(), CLOUD])).not.toContain(PASSWORD);
    expect(JSON.stringify(CLOUD)).toContain('"password":"***"');
  });
});

describe('a session', () => {
  it('shows neither the password nor the token', async () => {
    const cloud = new ScriptedCloud();
    cloud.on(`GET ${NOVA}/servers`, answer(200, {}));
    const session = cloud.session();
    await session.request('compute', READ, signal);
    expect(JSON.stringify(cloud.requests)).toContain(PASSWORD);
    expect(JSON.stringify(cloud.requests)).toContain('token-1');
    expect(shownOf(session)).not.toContain(PASSWORD);
    expect(shownOf(session)).not.toContain('token-1');
  });

  it('does not repeat a token that a service repeats', async () => {
    const cloud = new ScriptedCloud();
    cloud.on(`GET ${NOVA}/servers`, answer(400, { badRequest: { message: 'token-1 is odd' } }));
    const error = await errorOf(cloud.session().request('compute', READ, signal));
    expect(shownOf(error)).toContain('*** is odd');
    expect(shownOf(error)).not.toContain('token-1');
  });

  it('does not repeat a password that Keystone repeats', async () => {
    const cloud = new ScriptedCloud();
    cloud.on(`POST ${KEYSTONE}/auth/tokens`, answer(400, { error: { message: `no user has ${PASSWORD}` } }));
    const error = await errorOf(cloud.session().request('compute', READ, signal));
    expect(shownOf(error)).toContain('no user has ***');
    expect(shownOf(error)).not.toContain(PASSWORD);
  });

  it('does not keep what the network library has of a broken answer', async () => {
    const cloud = new ScriptedCloud();
    const cause = Object.assign(new Error('parse error near token-1'), {
      code: 'HPE_INVALID',
      data: 'token-1',
    });
    cloud.on(`POST ${NOVA}/servers`, new TypeError('fetch failed', { cause }));
    const error = await errorOf(cloud.session().request('compute', { ...READ, method: 'POST' }, signal));
    expect(shownOf(error)).toContain('HPE_INVALID');
    expect(shownOf(error)).not.toContain('token-1');
  });
});
