/**
 * A maintenance session on compute hosts: the owner of the servers is asked in the namespace that the pool gives it.
 * faults.test.ts runs it on its cloud, where other cases kill the operator meanwhile.
 */
import { expect, it } from 'vitest';
import { Project } from '../e2e/project.ts';
import { apply } from '../support/controlplane/apply.ts';
import { enclose } from '../support/openstack/enclosed.ts';
import { migrationRecords } from '../support/openstack/observer.ts';
import type { OperatedCloud } from '../support/openstack/operated-cloud.ts';

const NAMESPACE = 'owner';

/** What the Jobs of a session can apply. */
export const SESSION_PARTS = { maintain: {} };

/**
 * @param cloudOf is called when the cloud runs
 * @param places are the numbers of three hosts of this case
 */
export function sessionCases(cloudOf: () => OperatedCloud, places: readonly number[]): void {
  it('moves each server as its owner has chosen, to hosts that are maintained, and each host is worked on once it is empty', async () => {
    const cloud = cloudOf();
    const { cloudAdmin: admin, openStack } = cloud;
    const hosts = places.map((place) => openStack.hosts[place] ?? '');
    const [first = '', second = ''] = hosts;
    const { flavor } = await enclose(admin, 'session', hosts);
    const servers = await admin.bootServers([
      { name: 'live', host: first, flavor },
      { name: 'cold', host: first, flavor },
      { name: 'other', host: second, flavor },
    ]);
    const cold = servers.find(({ name }) => name === 'cold')?.id ?? '';
    const project = new Project(cloud.admin, NAMESPACE);
    await apply(cloud.admin, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });

    const fleet = (
      await cloud.fleet('round', hosts, {
        provider: { coldMigration: true },
        pool: { tenants: { defaultNamespace: NAMESPACE } },
      })
    ).session();
    await fleet.apply({ execution: { mode: 'Run' } });
    const actions = { '*': 'LIVE_MIGRATE', [cold]: 'MIGRATE' };
    const { session } = await project.agreeWhile(async () => fleet.untilState('applied', 170), { actions });

    expect(session).toMatchObject({ state: 'MAINTENANCE_DONE', maintained: '3/3', closed: [] });
    const own = new Set(servers.map(({ id }) => id));
    const records = (await migrationRecords(admin)).filter(({ server }) => own.has(server));
    expect(records.filter(({ status }) => status !== 'completed' && status !== 'confirmed')).toEqual([]);
    for (const { server, type } of records)
      expect(type).toBe(server === cold ? 'migration' : 'live-migration');
    // What leaves a host in PLANNED_MAINTENANCE lands on one that is maintained: each server moves at most twice.
    expect(records.length).toBeGreaterThanOrEqual(3);
    const services = await admin.computeServices();
    const closed = services.filter(({ host, status }) => hosts.includes(host) && status !== 'enabled');
    expect(closed).toEqual([]);
    const { status } = (await project.notice()) ?? {};
    expect(status?.instances?.some(({ plan }) => plan === 'moved')).toBe(true);
  });
}
