/** A maintenance session on compute hosts: the owner of the servers is asked in the namespace that the pool gives it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Project } from '../e2e/project.ts';
import { apply } from '../support/controlplane/apply.ts';
import { INSTALLATION_MS } from '../support/openstack/client-scene.ts';
import { migrationRecords, ServiceObserver } from '../support/openstack/observer.ts';
import { OperatedCloud } from '../support/openstack/operated-cloud.ts';

const NAMESPACE = 'owner';

let cloud: OperatedCloud;
let project: Project;
/** The server whose owner lets it be moved cold. */
let cold = '';

beforeAll(async () => {
  cloud = await OperatedCloud.start({
    hosts: 3,
    patches: { maintain: {} },
    prepare: async (admin, { hosts: [first = '', second = ''] }) => {
      const servers = await admin.bootServers([
        { name: 'live', host: first },
        { name: 'cold', host: first },
        { name: 'other', host: second },
      ]);
      cold = servers.find(({ name }) => name === 'cold')?.id ?? '';
    },
  });
  project = new Project(cloud.admin, NAMESPACE);
  await apply(cloud.admin, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
}, INSTALLATION_MS);
afterAll(async () => cloud.stop());

it('moves each server as its owner has chosen, to hosts that are maintained, and each host is worked on once it is empty', async () => {
  const { cloudAdmin: admin, openStack } = cloud;
  const fleet = (
    await cloud.fleet('round', openStack.hosts, {
      provider: { coldMigration: true },
      pool: { tenants: { defaultNamespace: NAMESPACE } },
    })
  ).session();
  const observer = new ServiceObserver(admin);
  await fleet.apply({ execution: { mode: 'Run' } });
  const actions = { '*': 'LIVE_MIGRATE', [cold]: 'MIGRATE' };
  const { session } = await project.agreeWhile(async () => fleet.untilState('applied', 120), { actions });
  await observer.stop();

  expect(session).toMatchObject({ state: 'MAINTENANCE_DONE', maintained: '3/3', closed: [] });
  const records = await migrationRecords(admin);
  expect(records.filter(({ status }) => status !== 'completed' && status !== 'confirmed')).toEqual([]);
  for (const { server, type } of records) expect(type).toBe(server === cold ? 'migration' : 'live-migration');
  // What leaves a host in PLANNED_MAINTENANCE lands on one that is maintained: each server moves at most twice.
  expect(records.length).toBeGreaterThanOrEqual(3);
  const services = await admin.computeServices();
  expect(services.filter(({ status }) => status !== 'enabled')).toEqual([]);
  const { status } = (await project.notice()) ?? {};
  expect(status?.instances?.some(({ plan }) => plan === 'moved')).toBe(true);
}, 180_000);
