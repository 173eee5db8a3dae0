/** The case of a host that is lost, and whose servers are built again elsewhere: faults.test.ts runs it on its cloud. */
import { expect, it } from 'vitest';
import { mergePatch } from '../support/controlplane/apply.ts';
import { eventually } from '../support/eventually.ts';
import { NOVA_PAUSE } from '../support/openstack/admin.ts';
import { enclose } from '../support/openstack/enclosed.ts';
import { migrationRecords } from '../support/openstack/observer.ts';
import type { OperatedCloud } from '../support/openstack/operated-cloud.ts';

/** Other cases crash the operator meanwhile, and what went down with the host counts as lost after a minute. */
const SECONDS = 180;

/**
 * @param cloudOf is called when the cloud runs
 * @param places are the numbers of the host that is lost, and of one that takes servers in
 */
export function evacuationCases(
  cloudOf: () => OperatedCloud,
  places: Readonly<Record<'lost' | 'refuge', number>>,
): void {
  it('evacuates servers only once the pool allows that, names those that a person must judge, and goes on', async () => {
    const cloud = cloudOf();
    const { cloudAdmin: admin, openStack } = cloud;
    const [host = '', refuge = ''] = [places.lost, places.refuge].map((each) => openStack.hosts[each]);
    const { flavor } = await enclose(admin, 'evacuated', [host, refuge]);
    const metadata = { 'testbed:live-migration-seconds': '600' };
    // The oldest leaves first, and the others wait for it.
    const inMotion = (await admin.bootServer('in-motion', { host, flavor, metadata })).id;
    const rest = await admin.bootServers(['waits', 'paused'].map((name) => ({ name, host, flavor })));
    const [waits = '', paused = ''] = rest
      .toSorted((a, b) => b.name.localeCompare(a.name))
      .map(({ id }) => id);
    await admin.post(`/servers/${paused}/action`, { pause: null });
    await admin.serverWhere(paused, 'it is paused', ({ status }) => status === 'PAUSED');
    const movesOf = async (server: string) =>
      (await migrationRecords(admin, server)).map(({ type, status }) => [type, status]);
    const isAt = async (server: string, place: string): Promise<boolean> => {
      const { host: at, task } = await admin.server(server);
      return at === place && task === undefined;
    };

    const fleet = await cloud.fleet('evacuated', [host]);
    await fleet.apply({ execution: { mode: 'Run' } });
    const runs = async (): Promise<boolean> =>
      (await migrationRecords(admin, inMotion)).some(({ status }) => status === 'running');
    await eventually('the migration runs', runs, { ...NOVA_PAUSE, seconds: SECONDS });
    await openStack.command(`power-off ${host}`);

    const { message } = await fleet.until(
      'the blocker',
      (status) => status.message?.includes('does not allow evacuation') === true,
      SECONDS,
    );
    expect(message).toContain(`openstack server evacuate ${waits}`);
    expect([await movesOf(waits), await isAt(waits, host)]).toEqual([[], true]);

    await mergePatch(cloud.admin, fleet.poolObject, {
      spec: { provider: { openstack: { evacuation: true } } },
    });
    const { message: left } = await fleet.until(
      'what is left to persons',
      (status) => /: 2 servers left .*when its host went down/.test(status.message ?? ''),
      SECONDS,
    );
    expect(left).toContain(`openstack server evacuate ${inMotion} once it surely runs nowhere`);
    expect(left).toContain(`openstack server set --state active ${paused}`);
    expect([await movesOf(waits), await isAt(waits, refuge)]).toEqual([[['evacuation', 'done']], true]);
    expect(await movesOf(inMotion)).toEqual([['live-migration', 'running']]);
    expect(await movesOf(paused)).toEqual([]);

    await admin.post(`/servers/${paused}/action`, { 'os-resetState': { state: 'active' } });
    await admin.post(`/servers/${inMotion}/action`, { evacuate: {} });
    const servers = [waits, paused, inMotion];
    const areGone = async (): Promise<boolean> =>
      (await Promise.all(servers.map(async (each) => isAt(each, refuge)))).every(Boolean);
    await eventually('all have left', areGone, { ...NOVA_PAUSE, seconds: SECONDS });
    expect(await movesOf(paused)).toEqual([['evacuation', 'done']]);

    await openStack.command(`power-on ${host}`);
    await fleet.until('the end', ({ state }) => state === 'applied', SECONDS);
    expect(await admin.serviceOf(host)).toMatchObject({ status: 'enabled', state: 'up' });
    expect(await areGone(), 'they stay where they are').toBe(true);
    expect(await admin.server(waits)).toMatchObject({ status: 'ACTIVE' });
  });
}
