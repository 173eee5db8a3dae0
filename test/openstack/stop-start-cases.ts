/**
 * The cases of an upgrade of compute hosts, and of an outage for which their servers are stopped, through a crash:
 * faults.test.ts runs them on its cloud.
 */
import { expect, it } from 'vitest';
import { z } from 'zod';
import { eventually } from '../support/eventually.ts';
import { NOVA_PAUSE, type Admin } from '../support/openstack/admin.ts';
import { enclose } from '../support/openstack/enclosed.ts';
import type { OperatedCloud } from '../support/openstack/operated-cloud.ts';

/** What the Jobs of an upgrade can apply. */
export const UPGRADE_PARTS: Readonly<Record<string, object>> = Object.fromEntries(
  ['stage-worker', 'worker', 'start', 'activate', 'complete'].map((part) => [part, {}]),
);

/** The stops and starts of a server, the oldest first. */
async function powerOf(server: string, admin: Admin): Promise<readonly string[]> {
  const schema = z.object({ instanceActions: z.array(z.object({ action: z.string() })) });
  const { instanceActions } = schema.parse(await admin.get(`/servers/${server}/os-instance-actions`));
  const actions = instanceActions.map(({ action }) => action).toReversed();
  return actions.filter((action) => action === 'stop' || action === 'start');
}

/**
 * @param cloudOf is called when the cloud runs
 * @param places are the numbers of two hosts of these cases, and of one that takes servers in
 */
export function stopStartCases(
  cloudOf: () => OperatedCloud,
  places: Readonly<Record<'upgraded' | 'stopped' | 'refuge', number>>,
): void {
  it('upgrades them by the manifest that upgrades nodes, once each, although nothing shows their release', async () => {
    const cloud = cloudOf();
    const { cloudAdmin, openStack } = cloud;
    const [host = '', refuge = ''] = [places.upgraded, places.refuge].map((each) => openStack.hosts[each]);
    const { flavor } = await enclose(cloudAdmin, 'moves', [host, refuge]);
    const { id } = await cloudAdmin.bootServer('moves', { host, flavor });
    const fleet = (await cloud.fleet('release', [host])).upgrade();
    await fleet.apply({ execution: { mode: 'Hold' } });
    const { findings = [] } = await fleet.untilState('ready-to-apply', 90);
    expect(findings.map(({ reason }) => reason)).toContain('ReleaseNotShown');
    await fleet.order({ mode: 'Run' });
    const { stages, message, completedRelease } = await fleet.untilState('applied', 120);
    expect([stages, completedRelease, message]).toEqual(['4/4', 'v1.36.4', expect.any(String)]);
    expect(await cloudAdmin.serviceOf(host)).toMatchObject({ status: 'enabled', state: 'up' });
    const after = await cloudAdmin.server(id);
    expect(after).toMatchObject({ status: 'ACTIVE', host: refuge });
  });

  it('stops their servers and starts them again where they are, also by another process after a crash', async () => {
    const cloud = cloudOf();
    const { cloudAdmin, openStack } = cloud;
    const host = openStack.hosts[places.stopped] ?? '';
    const names = ['works', 'works-too', 'asleep'];
    const [works = '', tooWorks = '', asleep = ''] = await Promise.all(
      names.map(async (name) => (await cloudAdmin.bootServer(name, { host })).id),
    );
    // Nobody stops one here: Careen logs in as the same user, and would take that stop for its own.
    await cloudAdmin.post(`/servers/${asleep}/action`, { suspend: null });
    await cloudAdmin.serverWhere(asleep, 'it sleeps', ({ status }) => status === 'SUSPENDED');
    const strategy = { defaultInstanceAction: 'stop-start', execution: { mode: 'Run' } };
    const fleet = await cloud.fleet('stops', [host], { provider: { stopStart: true }, strategy });
    await fleet.apply();
    // Its state alone may pass between two looks.
    await eventually('it is stopped', async () => (await powerOf(works, cloudAdmin)).includes('stop'), {
      ...NOVA_PAUSE,
      seconds: 120,
    });
    await cloud.crashOperator();
    const { applyPhase } = await fleet.untilState('applied', 150);
    expect(applyPhase?.stages[0]?.steps.map(({ name }) => name)).toContain('stop-instances');
    for (const id of [works, tooWorks]) {
      expect(await cloudAdmin.server(id)).toMatchObject({ status: 'ACTIVE', host });
      expect(await powerOf(id, cloudAdmin)).toEqual(['stop', 'start']);
    }
    expect(await cloudAdmin.server(asleep)).toMatchObject({ status: 'SUSPENDED', host });
    expect(await powerOf(asleep, cloudAdmin)).toEqual([]);
    expect(await cloudAdmin.serviceOf(host)).toMatchObject({ status: 'enabled', disabledReason: undefined });
  });
}
