/** A strategy on compute hosts while parts of their OpenStack are out of order. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { NOVA_PAUSE, type Admin } from '../support/openstack/admin.ts';
import { INSTALLATION_MS } from '../support/openstack/client-scene.ts';
import { migrationRecords, overlaps } from '../support/openstack/observer.ts';
import { OperatedCloud } from '../support/openstack/operated-cloud.ts';
import { enclose } from '../support/openstack/enclosed.ts';
import type { Fleet } from '../e2e/cluster.ts';

const SECONDS = 'testbed:live-migration-seconds';
const TOKEN_SECONDS = 20;
/** Moved again after the restart it outlives every token that was valid at its begin. */
const LONG_MOVE = 21;
const MOVE = 8;
const SILENCE_SECONDS = 6;

let cloud: OperatedCloud;
let admin: Admin;

beforeAll(async () => {
  cloud = await OperatedCloud.start({
    hosts: 3,
    environment: { OS_TOKEN__EXPIRATION: String(TOKEN_SECONDS) },
  });
  admin = cloud.cloudAdmin;
}, INSTALLATION_MS);

afterAll(async () => cloud.stop());

type Case = { readonly fleet: Fleet; readonly server: string };

/** A strategy that empties a host of its one server, which moves to a host that is in no pool. */
async function caseOf(name: string, i: number, moveSeconds = MOVE): Promise<Case> {
  const [refuge = '', host = ''] = [0, i].map((each) => cloud.openStack.hosts[each]);
  const { flavor } = await enclose(admin, name, [host, refuge]);
  const metadata = { [SECONDS]: String(moveSeconds) };
  const { id } = await admin.bootServer(name, { host, flavor, metadata });
  return { fleet: await cloud.fleet(name, [host]), server: id };
}

async function untilMigrating({ fleet, server }: Case): Promise<void> {
  await fleet.apply({ execution: { mode: 'Run' } });
  const runs = async (): Promise<boolean> =>
    (await migrationRecords(admin, server)).some(({ status }) => status === 'running');
  await eventually('the migration', runs, { ...NOVA_PAUSE, seconds: 90 });
}

/** Returns how the migrations of the server ended. */
async function untilWellAgain({ fleet, server }: Case): Promise<readonly string[]> {
  await fleet.until('the end', ({ state }) => state === 'applied', 240);
  const after = await admin.server(server);
  expect(after).toMatchObject({ status: 'ACTIVE', host: cloud.openStack.hosts[0] });
  const [host = ''] = fleet.hosts;
  expect(await admin.serviceOf(host)).toMatchObject({ status: 'enabled', state: 'up' });
  const records = await migrationRecords(admin, server);
  expect(overlaps(records)).toEqual([]);
  return records.map(({ status }) => status);
}

describe.concurrent('a strategy on compute hosts goes on', { timeout: 300_000 }, () => {
  const { promise: novaIsBack, resolve: novaCameBack } = Promise.withResolvers<undefined>();

  it('after all of Nova was restarted in the middle of a migration, its token was revoked, and others expire', async () => {
    const beganAt = Date.now();
    const restarted = await caseOf('restarted', 1, LONG_MOVE);
    try {
      await untilMigrating(restarted);
      await cloud.openStack.command('kill nova');
      // Nova started anew remembers no token, so it asks Keystone about that of Careen.
      await admin.revokeTokens();
      await cloud.openStack.command('start nova');
      // The next case needs its own host, and Nova gives servers to none that has not reported yet.
      const serves = async (): Promise<boolean> => {
        const services = await admin.computeServices().catch(() => []);
        return services.length > 0 && services.every(({ state }) => state === 'up');
      };
      await eventually('Nova serves again', serves, { ...NOVA_PAUSE, seconds: 90 });
    } finally {
      novaCameBack(undefined);
    }
    // It may be asked once more while the service of the other host has not reported yet.
    expect(new Set(await untilWellAgain(restarted))).toEqual(new Set(['error', 'completed']));
    expect((Date.now() - beganAt) / 1000).toBeGreaterThan(TOKEN_SECONDS);
  });

  it('after Keystone was silent in the middle of a migration', async () => {
    await novaIsBack;
    const silent = await caseOf('silent', 2);
    await untilMigrating(silent);
    await cloud.openStack.command('pause keystone');
    const asked = admin.get('/users', { service: 'keystone', seconds: SILENCE_SECONDS });
    await expect(asked).rejects.toThrow(/timeout/);
    await cloud.openStack.command('resume keystone');
    expect(await untilWellAgain(silent)).toEqual(['completed']);
  });
});
