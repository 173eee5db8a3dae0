/** An upgrade of compute hosts, and an outage for which their servers are stopped, through a crash: on a real OpenStack. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { INSTALLATION_MS } from '../support/openstack/client-scene.ts';
import { OperatedCloud } from '../support/openstack/operated-cloud.ts';

let cloud: OperatedCloud;
beforeAll(async () => {
  const parts = ['stage-worker', 'worker', 'start', 'activate', 'complete'];
  cloud = await OperatedCloud.start({
    hosts: 3,
    patches: Object.fromEntries(parts.map((part) => [part, {}])),
  });
}, INSTALLATION_MS);

afterAll(async () => cloud.stop());

/** The stops and starts of a server, the oldest first. */
async function powerOf(server: string): Promise<readonly string[]> {
  const schema = z.object({ instanceActions: z.array(z.object({ action: z.string() })) });
  const { instanceActions } = schema.parse(
    await cloud.cloudAdmin.get(`/servers/${server}/os-instance-actions`),
  );
  const actions = instanceActions.map(({ action }) => action).toReversed();
  return actions.filter((action) => action === 'stop' || action === 'start');
}

describe.concurrent('compute hosts', { timeout: 180_000 }, () => {
  it('are upgraded by the manifest that upgrades nodes, once each, although nothing shows their release', async () => {
    const { cloudAdmin, openStack } = cloud;
    const [host = ''] = openStack.hosts;
    const { id } = await cloudAdmin.bootServer('moves', { host });
    const fleet = (await cloud.fleet('release', [host])).upgrade();
    await fleet.apply({ execution: { mode: 'Hold' } });
    const { findings = [] } = await fleet.untilState('ready-to-apply', 90);
    expect(findings.map(({ reason }) => reason)).toContain('ReleaseNotShown');
    await fleet.order({ mode: 'Run' });
    const { stages, message, completedRelease } = await fleet.untilState('applied', 120);
    expect([stages, completedRelease, message]).toEqual(['4/4', 'v1.36.4', expect.any(String)]);
    expect(await cloudAdmin.serviceOf(host)).toMatchObject({ status: 'enabled', state: 'up' });
    const after = await cloudAdmin.server(id);
    expect([after.status, after.host === host]).toEqual(['ACTIVE', false]);
  });

  it('have their servers stopped and started again where they are, also by another process after a crash', async () => {
    const { cloudAdmin, openStack } = cloud;
    const host = openStack.hosts[1] ?? '';
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
    await cloudAdmin.serverWhere(works, 'it is stopped', ({ status }) => status === 'SHUTOFF');
    await cloud.crashOperator();
    const { applyPhase } = await fleet.untilState('applied', 150);
    expect(applyPhase?.stages[0]?.steps.map(({ name }) => name)).toContain('stop-instances');
    for (const id of [works, tooWorks]) {
      expect(await cloudAdmin.server(id)).toMatchObject({ status: 'ACTIVE', host });
      expect(await powerOf(id)).toEqual(['stop', 'start']);
    }
    expect(await cloudAdmin.server(asleep)).toMatchObject({ status: 'SUSPENDED', host });
    expect(await powerOf(asleep)).toEqual([]);
    expect(await cloudAdmin.serviceOf(host)).toMatchObject({ status: 'enabled', disabledReason: undefined });
  });
});
