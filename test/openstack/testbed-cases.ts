/** The cases of the testbed itself, what no other test needs to be true: client.test.ts runs them on its cloud. */
import { beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { AnswerError, NOVA_PAUSE, type Admin } from '../support/openstack/admin.ts';
import type { ClientScene } from '../support/openstack/client-scene.ts';
import type { OpenStack } from '../support/openstack/openstack.ts';

/** A start takes 8 seconds, or more than 60 on a busy machine. */
const TIMEOUT_MS = 240_000;
/** For a machine with much else to do. */
const PATIENT = { ...NOVA_PAUSE, seconds: 90 };
const GONE = ['ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET'];

/** @param sceneOf is called when the cloud runs */
export function testbedCases(sceneOf: () => ClientScene): void {
  let openStack: OpenStack;
  let admin: Admin;

  beforeAll(() => {
    ({ openStack, admin } = sceneOf());
  });

  async function stateOf(host: string, state: 'up' | 'down'): Promise<void> {
    const is = async (): Promise<boolean> => (await admin.serviceOf(host)).state === state;
    await eventually(`${host} is ${state}`, is, PATIENT);
  }

  describe('its hosts', { timeout: TIMEOUT_MS }, () => {
    it('are down without power, and up again with it and with the servers that they had', async () => {
      const { id } = await admin.bootServer('stays', { host: 'compute-2' });
      await openStack.command('power-off compute-2');
      await stateOf('compute-2', 'down');
      expect((await admin.serviceOf('compute-1')).state).toBe('up');

      await openStack.command('power-on compute-2');
      await stateOf('compute-2', 'up');
      expect((await admin.serversOn('compute-2')).map((server) => server.id)).toContain(id);
      const action = { 'os-migrateLive': { host: 'compute-0', block_migration: 'auto' } };
      await admin.post(`/servers/${id}/action`, action);
      await admin.serverWhere(id, 'it has moved', ({ host, task }) => host === 'compute-0' && !task);
    });

    it('are refused power that they have, and hosts that there are not are refused', async () => {
      await expect(openStack.command('power-on compute-0')).rejects.toThrow(/compute-0 is on already/);
      await expect(openStack.command('power-off compute-9')).rejects.toThrow(
        /none of the hosts compute-0, compute-1/,
      );
    });
  });

  it('a service of it that was killed refuses connections, and serves when it was started again', async () => {
    const users = async (seconds = 5): Promise<unknown> =>
      admin.get('/users', { service: 'keystone', seconds });
    await openStack.command('kill keystone');
    expect(await troubleOf(users())).toBeOneOf(GONE);
    await openStack.command('start keystone');
    await eventually('it serves', async () => (await troubleOf(users())) === undefined, PATIENT);
  });
}

/** The code of the error with which a request ended, an answer that is an error, or undefined after a success. */
async function troubleOf(request: Promise<unknown>): Promise<unknown> {
  const error: unknown = await request.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof AnswerError) return error;
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause ? cause.code : error;
}
