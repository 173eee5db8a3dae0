/** The testbed is what tests of OpenStack need: a real cloud, and faults that can be caused at will. */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { Admin, AnswerError, NOVA_PAUSE } from '../support/openstack/admin.ts';
import { startOpenStack, type OpenStack } from '../support/openstack/openstack.ts';
import { eventually } from '../support/eventually.ts';

vi.setConfig({ testTimeout: 240_000 }); // a start takes 8 seconds, or more than 60 on a busy machine

const INSTALLATION_MS = 600_000; // the first start on a machine installs OpenStack
/** For a machine with much else to do. */
const PATIENT = { ...NOVA_PAUSE, seconds: 90 };
const GONE = ['ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET'];

let cloud: OpenStack;
let admin: Admin;
const started: OpenStack[] = [];

beforeAll(async () => {
  cloud = await startOpenStack();
  started.push(cloud);
  admin = await Admin.logIn(cloud);
  await admin.raiseQuota();
}, INSTALLATION_MS);

afterAll(async () => {
  for (const each of started) await each.stop();
});

describe('the hosts', () => {
  it('have a compute service each, up and enabled', async () => {
    expect(cloud.hosts).toEqual(['compute-0', 'compute-1', 'compute-2']);
    const expected = cloud.hosts.map((host) => ({ host, state: 'up', status: 'enabled' }));
    expect(await admin.computeServices()).toMatchObject(expected);
  });

  it('are down without power, and up again with it and with the servers that they had', async () => {
    const { id } = await admin.bootServer('stays', { host: 'compute-2' });
    await cloud.command('power-off compute-2');
    await stateOf('compute-2', 'down');
    expect((await admin.serviceOf('compute-1')).state).toBe('up');

    await cloud.command('power-on compute-2');
    await stateOf('compute-2', 'up');
    expect((await admin.serversOn('compute-2')).map((server) => server.id)).toContain(id);
    await migrate(id, 'compute-0');
    await admin.serverWhere(id, 'it has moved', ({ host, task }) => host === 'compute-0' && !task);
  });

  it('are refused power that they have, and hosts that there are not are refused', async () => {
    await expect(cloud.command('power-on compute-0')).rejects.toThrow(/compute-0 is on already/);
    await expect(cloud.command('power-off compute-9')).rejects.toThrow(
      /none of the hosts compute-0, compute-1/,
    );
  });
});

describe.concurrent('a server', () => {
  it('boots on a host and moves to another while it runs', async () => {
    const { id, status } = await admin.bootServer('moves', { host: 'compute-0' });
    expect(status).toBe('ACTIVE');
    await migrate(id, 'compute-1');
    const moved = await admin.serverWhere(
      id,
      'it has moved',
      ({ host, task }) => host !== 'compute-0' && !task,
    );
    expect(moved).toMatchObject({ host: 'compute-1', status: 'ACTIVE' });
  });

  it('moves as slowly as its metadata says, until that is aborted', async () => {
    const metadata = { 'testbed:live-migration-seconds': '600' };
    const { id } = await admin.bootServer('slow', { host: 'compute-0', metadata });
    await migrate(id, 'compute-1');
    const migration = await eventually(
      'the migration runs',
      async () => (await migrationsOf(id)).find(({ status }) => status === 'running'),
      PATIENT,
    );
    await admin.delete(`/servers/${id}/migrations/${String(migration.id)}`);
    const stayed = await admin.serverWhere(id, 'it is at rest again', ({ task }) => !task);
    expect(stayed).toMatchObject({ host: 'compute-0', status: 'ACTIVE' });
    expect((await migrationsOf(id)).map(({ status }) => status)).toEqual(['cancelled']);
  });

  it('stays where it is when its metadata says that a migration fails', async () => {
    const metadata = { 'testbed:live-migration': 'fail' };
    const { id } = await admin.bootServer('fails', { host: 'compute-0', metadata });
    await migrate(id, 'compute-1');
    await eventually(
      'the migration has failed',
      async () => (await migrationsOf(id)).some(({ status }) => status === 'failed' || status === 'error'),
      PATIENT,
    );
    const stayed = await admin.serverWhere(id, 'it is at rest again', ({ task }) => !task);
    expect(stayed).toMatchObject({ host: 'compute-0', status: 'ACTIVE' });
  });

  it('is kept apart from the others of its group', async () => {
    const group = await admin.createServerGroup('apart', 'anti-affinity');
    const hosts: (string | undefined)[] = [];
    for (const name of cloud.hosts) hosts.push((await admin.bootServer(`apart-${name}`, { group })).host);
    expect(hosts.toSorted()).toEqual(cloud.hosts);
    await expect(admin.bootServer('one too many', { group })).rejects.toThrow(/No valid host/);
  });

  it('boots in the aggregate that its flavor asks for', async () => {
    await admin.createAggregate('fast', ['compute-2'], { disk: 'fast' });
    const size = { vcpus: 1, ramMebibytes: 128, diskGibibytes: 1 };
    const specs = { 'aggregate_instance_extra_specs:disk': 'fast' };
    const flavor = await admin.createFlavor('fast', size, specs);
    const hosts: (string | undefined)[] = [];
    for (const name of ['a', 'b', 'c']) hosts.push((await admin.bootServer(name, { flavor })).host);
    expect(hosts).toEqual(['compute-2', 'compute-2', 'compute-2']);
  });
});

describe.each([
  { name: 'nova', path: '/os-services' },
  { name: 'keystone', path: '/users' },
] as const)('$name', ({ name: service, path }) => {
  it('refuses connections when it was killed, and serves when it was started again', async () => {
    await cloud.command(`kill ${service}`);
    expect(await troubleOf(admin.get(path, { service }))).toBeOneOf(GONE);

    await cloud.command(`start ${service}`);
    await eventually(
      `${service} serves`,
      async () =>
        admin.get(path, { service, seconds: 5 }).then(
          () => true,
          () => false,
        ),
      PATIENT,
    );
    await Promise.all(cloud.hosts.map(async (host) => stateOf(host, 'up')));
  });

  it('does not answer while it is paused, and then does', async () => {
    await cloud.command(`pause ${service}`);
    const patient = admin.get(path, { service });
    await expect(admin.get(path, { service, seconds: 1 })).rejects.toThrow(/timeout/);

    await cloud.command(`resume ${service}`);
    expect(await patient).toBeDefined();
  });
});

describe('a second OpenStack', () => {
  it('runs beside the first, which stays when it ends', async () => {
    const second = await startOpenStack({ hosts: 1 });
    started.push(second);
    const other = await Admin.logIn(second);
    const { id } = await other.bootServer('elsewhere');
    expect((await other.serversOn('compute-0')).map((server) => server.id)).toEqual([id]);
    expect(await statusOf(admin.server(id))).toBe(404);

    await second.stop();
    expect(existsSync(second.dir)).toBe(false);
    expect(Object.values(second.pids).filter(isAlive)).toEqual([]);
    expect((await admin.serviceOf('compute-0')).state).toBe('up');
  });
});

async function stateOf(host: string, state: 'up' | 'down'): Promise<void> {
  await eventually(`${host} is ${state}`, async () => (await admin.serviceOf(host)).state === state, PATIENT);
}

async function migrate(id: string, host: string): Promise<void> {
  await admin.post(`/servers/${id}/action`, { 'os-migrateLive': { host, block_migration: 'auto' } });
}

const migrationsSchema = z.object({
  migrations: z.array(z.object({ id: z.number(), status: z.string() })),
});
type Migration = z.infer<typeof migrationsSchema>['migrations'][number];

async function migrationsOf(server: string): Promise<readonly Migration[]> {
  const answer = await admin.get(`/os-migrations?instance_uuid=${server}`);
  return migrationsSchema.parse(answer).migrations;
}

/** The code of the error with which a request ended. */
async function troubleOf(request: Promise<unknown>): Promise<unknown> {
  const error: unknown = await request.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause ? cause.code : error;
}

async function statusOf(request: Promise<unknown>): Promise<number> {
  return request.then(
    () => 200,
    (error: unknown) => {
      if (error instanceof AnswerError) return error.status;
      throw error;
    },
  );
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${String(pid)}`);
}
