/** The cases of Careen's client that move servers of a real cloud: client.test.ts runs them on its own. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Compute } from '../../src/openstack/compute.ts';
import { eventually } from '../support/eventually.ts';
import { NOVA_PAUSE, type Admin } from '../support/openstack/admin.ts';
import type { ClientScene } from '../support/openstack/client-scene.ts';
import { failure } from '../support/openstack/failure.ts';
import type { OpenStack } from '../support/openstack/openstack.ts';

const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const { signal } = new AbortController();

/** @param sceneOf is called when the cloud runs */
export function clientMoves(sceneOf: () => ClientScene): void {
  let openStack: OpenStack;
  let admin: Admin;
  let compute: Compute;
  let boot: ClientScene['boot'];
  let migrationIn: ClientScene['migrationIn'];

  beforeAll(() => {
    ({ openStack, admin, compute, boot, migrationIn } = sceneOf());
  });

  async function serviceId(host: string): Promise<string> {
    return (await admin.serviceOf(host)).id;
  }

  describe.concurrent('a server', () => {
    it('is read with all that decides about its moves', async () => {
      const group = await admin.createServerGroup('apart', 'anti-affinity');
      const flavor = await admin.createFlavor(
        'odd',
        { vcpus: 2, ramMebibytes: 256, diskGibibytes: 1 },
        { 'hw:cpu_policy': 'shared' },
      );
      const id = await boot('web', { host: 'compute-1', group, flavor, metadata: { tier: 'gold' } });
      await admin.post(`/servers/${id}/action`, { lock: null });
      const server = await compute.server(id, signal);
      expect(server).toMatchObject({
        ...{
          id,
          name: 'web',
          projectId: admin.project,
          host: 'compute-1',
          status: 'ACTIVE',
          powerState: 1,
          locked: true,
        },
        flavor: {
          name: 'odd',
          vcpus: 2,
          ramMb: 256,
          diskGb: 1,
          ephemeralGb: 0,
          swapMb: 0,
          extraSpecs: { 'hw:cpu_policy': 'shared' },
        },
        ...{
          metadata: { tier: 'gold' },
          zone: 'nova',
          pinnedZone: null,
          schedulerHints: { group: [group] },
          volumes: [],
        },
      });
      expect(server.taskState).toBeUndefined();
      expect(server.hostId).toMatch(/^[0-9a-f]+$/);
      expect(server.fault).toBeUndefined();
      expect(Math.abs(Date.parse(server.createdAt) - Date.now())).toBeLessThan(120_000);
      expect(await compute.servers({ host: 'compute-1' }, signal)).toContainEqual(server);
      expect((await compute.servers({ host: 'compute-0' }, signal)).map((each) => each.id)).not.toContain(id);
      const groups = await compute.serverGroups(signal);
      expect(groups.find((each) => each.id === group)).toMatchObject({
        ...{ name: 'apart', projectId: admin.project, members: [id], policy: 'anti-affinity' },
      });
    });

    it('that is missing is not found', async () => {
      const error = await failure(compute.server(UNKNOWN, signal));
      expect(error).toMatchObject({ kind: 'not-found', status: 404, mayHaveHappened: false });
      expect(error.requestId).toMatch(/^req-/);
      expect(error.serviceMessage).toContain(UNKNOWN);
    });

    it('moves while it runs, to the host that was asked for', async () => {
      const id = await boot('live', { host: 'compute-0' });
      await compute.liveMigrate(id, { host: 'compute-1', blockMigration: 'auto' }, signal);
      const migration = await migrationIn(id, 'completed');
      expect(migration).toMatchObject({
        server: id,
        type: 'live-migration',
        source: 'compute-0',
        dest: 'compute-1',
      });
      expect(migration.userId).toMatch(/./);
      expect(await compute.server(id, signal)).toMatchObject({ host: 'compute-1', status: 'ACTIVE' });
    });

    it('moves to a host that the scheduler chooses', async () => {
      const id = await boot('anywhere', { host: 'compute-0' });
      await compute.liveMigrate(id, { blockMigration: 'auto' }, signal);
      await migrationIn(id, 'completed');
      expect((await compute.server(id, signal)).host).not.toBe('compute-0');
    });

    it('stays when its live migration is aborted', async () => {
      const metadata = { 'testbed:live-migration-seconds': '600' };
      const id = await boot('slow', { host: 'compute-0', metadata });
      await compute.liveMigrate(id, { host: 'compute-1', blockMigration: 'auto' }, signal);
      await migrationIn(id, 'running');
      const [running, ...others] = await compute.migrationsInProgress(id, signal);
      expect(others).toEqual([]);
      expect(running).toMatchObject({
        server: id,
        status: 'running',
        type: 'live-migration',
        source: 'compute-0',
        dest: 'compute-1',
      });
      await compute.abortLiveMigration(id, running?.id ?? 0, signal);
      await migrationIn(id, 'cancelled');
      expect(await compute.migrationsInProgress(id, signal)).toEqual([]);
      expect((await failure(compute.abortLiveMigration(id, running?.id ?? 0, signal))).kind).toBe('conflict');
    });

    it('moves cold, and the move is confirmed or reverted', async () => {
      const id = await boot('cold', { host: 'compute-0' });
      await compute.migrate(id, { host: 'compute-1' }, signal);
      await admin.serverWhere(id, 'it waits', ({ status }) => status === 'VERIFY_RESIZE');
      await compute.revertResize(id, signal);
      await admin.serverWhere(
        id,
        'it is back',
        ({ status, host }) => status === 'ACTIVE' && host === 'compute-0',
      );
      await compute.migrate(id, {}, signal);
      await admin.serverWhere(id, 'it waits', ({ status }) => status === 'VERIFY_RESIZE');
      await compute.confirmResize(id, signal);
      const moved = await admin.serverWhere(
        id,
        'it runs',
        ({ status, task }) => status === 'ACTIVE' && !task,
      );
      expect(moved.host).not.toBe('compute-0');
      expect((await compute.migrations({ server: id }, signal)).map(({ type }) => type)).toEqual([
        'migration',
        'migration',
      ]);
    });

    it('is stopped and started', async () => {
      const id = await boot('onoff');
      await compute.stop(id, signal);
      await admin.serverWhere(id, 'it is off', ({ status }) => status === 'SHUTOFF');
      expect((await compute.server(id, signal)).powerState).toBe(4);
      const error = await failure(compute.stop(id, signal));
      expect(error).toMatchObject({ kind: 'conflict', status: 409, mayHaveHappened: false });
      await compute.start(id, signal);
      await admin.serverWhere(id, 'it is on', ({ status }) => status === 'ACTIVE');
    });

    it('says what its last fault was', async () => {
      const id = await boot('broken', { host: 'compute-0', metadata: { 'testbed:cold-migration': 'fail' } });
      await compute.migrate(id, { host: 'compute-1' }, signal);
      await admin.serverWhere(id, 'it failed', ({ status }) => status === 'ERROR');
      // Nova writes the fault a moment after the status.
      const fault = await eventually(
        'it has a fault',
        async () => (await compute.server(id, signal)).fault,
        NOVA_PAUSE,
      );
      expect(fault.message).toMatch(/./);
      expect(await migrationIn(id, 'error')).toMatchObject({ dest: 'compute-1' });
    });
  });

  describe('a server of a host that is down', () => {
    it('is evacuated from a host that is forced down, and from no other', async () => {
      const id = await boot('saved', { host: 'compute-2' });
      expect((await failure(compute.evacuate(id, {}, signal))).kind).toBe('bad-request');
      await openStack.command('power-off compute-2');
      await compute.forceDown(await serviceId('compute-2'), true, signal);
      await compute.evacuate(id, { host: 'compute-1' }, signal);
      await admin.serverWhere(
        id,
        'it runs elsewhere',
        ({ host, status, task }) => host === 'compute-1' && status === 'ACTIVE' && !task,
      );
      expect(await migrationIn(id, 'done')).toMatchObject({
        type: 'evacuation',
        source: 'compute-2',
      });
      await openStack.command('power-on compute-2');
      await compute.forceDown(await serviceId('compute-2'), false, signal);
    });
  });

  describe('the migrations', () => {
    it('are listed since a time', async () => {
      const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
      const since = await compute.migrations({ changedSince: hourAgo }, signal);
      expect(since).toEqual(await compute.migrations({}, signal));
      expect(since.length).toBeGreaterThan(0);
      const later = new Date(Date.now() + 3_600_000).toISOString();
      expect(await compute.migrations({ changedSince: later }, signal)).toEqual([]);
    });
  });
}
