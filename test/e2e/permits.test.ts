/** The limit of a pool, whoever asks for its hosts: over strategies, namespaces, others who take hosts away. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apply } from '../support/controlplane/apply.ts';
import { eventually } from '../support/eventually.ts';
import { kubeletPatch, poolManifest } from '../support/operator/strategies.ts';
import { cordon, uncordon } from './by-hand.ts';
import { Cluster, closed, marked, type Fleet } from './cluster.ts';
import { mostClosed } from './watch-closed.ts';

const RUN = { execution: { mode: 'Run' } };

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(async () => cluster.stop());

async function nothingHeld(fleet: Fleet): Promise<void> {
  expect(marked(await fleet.nodes())).toEqual([]);
  await fleet.untilPool('no permit is left', ({ permits }) => permits?.length === 0);
}

describe('the limit of a pool', () => {
  it('holds over two strategies of two namespaces', async () => {
    const fleet = await cluster.fleet('shared', 2, 1);
    await cluster.namespace('other-hosts');
    await fleet.pool(1, { allowedNamespaces: ['careen-hosts', 'other-hosts'] });
    const other = fleet.also('kubelets', 'other-hosts');
    const most = await mostClosed(fleet, async () => {
      await fleet.apply(RUN);
      await other.apply({ ...RUN, patches: [{ ...kubeletPatch, rebootRequired: true }] });
      await other.until('a wait for a permit', ({ message }) => /waiting for permits/.test(message ?? ''));
      await Promise.all([fleet.untilState('applied'), other.untilState('applied')]);
    });
    expect(most).toBe(1);
    const nodes = await fleet.nodes();
    expect(nodes.map(({ status }) => status?.nodeInfo?.kernelVersion)).toEqual(Array(2).fill('6.12.48'));
    expect(nodes.map(({ status }) => status?.nodeInfo?.kubeletVersion)).toEqual(Array(2).fill('v1.36.4'));
    expect(closed(nodes)).toEqual([]);
    await nothingHeld(fleet);
  });

  it('may be a percentage, which is rounded down', async () => {
    const fleet = await cluster.fleet('percent', 3, '90%');
    await fleet.untilPool('a limit', ({ limit }) => limit === 2);
    const most = await mostClosed(fleet, async () => {
      await fleet.apply({ ...RUN, workerApplyType: 'parallel', maxParallelWorkerHosts: 10 });
      await fleet.untilState('applied');
    });
    expect(most).toBe(2);
  });

  it('counts hosts that others cordoned or that are not Ready, and says which they are', async () => {
    const fleet = await cluster.fleet('counted', 3, 1);
    await cordon(cluster.admin, 'counted-1');
    await fleet.untilPool('the cordoned host', ({ outOfService }) => outOfService?.count === 1);
    await fleet.apply(RUN);
    const waits = async (text: string): Promise<unknown> =>
      fleet.until(text, ({ message }) => message?.includes(text) ?? false);
    await waits('2 hosts out of service, the pool allows 1 (out of service by others: counted-1)');
    await fleet.annotate('counted-2', { 'testbed.local/ready': 'false' });
    await waits('3 hosts out of service, the pool allows 1 (out of service by others: counted-1, counted-2)');
    await uncordon(cluster.admin, 'counted-1');
    await waits('2 hosts out of service, the pool allows 1 (out of service by others: counted-2)');
    expect(marked(await fleet.nodes())).toEqual([]);

    await fleet.annotate('counted-2', { 'testbed.local/ready': 'true' });
    await fleet.untilState('applied');
    await nothingHeld(fleet);
  });

  it('does not open a host that somebody had cordoned', async () => {
    const fleet = await cluster.fleet('foreign', 2, 2);
    await cordon(cluster.admin, 'foreign-0');
    await fleet.apply(RUN);
    await fleet.untilState('applied');
    expect(closed(await fleet.nodes())).toEqual(['foreign-0']);
    await nothingHeld(fleet);
  });
});

describe('a pool that is paused', () => {
  it('lets the open stage end, begins no other, and goes on when it is paused no more', async () => {
    const fleet = await cluster.fleet('paused', 2, 1);
    await fleet.apply(RUN);
    await fleet.until('an open outage', ({ progress }) => (progress?.hosts.length ?? 0) > 0);
    await fleet.pool(1, { paused: true });
    const stopped = await fleet.until('a stop before stage 1', ({ stages, conditions }) =>
      Boolean(stages === '1/2' && conditions?.some(({ reason }) => reason === 'Paused')),
    );
    expect(stopped.message).toBe(
      '1 of 2 stages done; waits before stage 1: HostPool paused is paused (spec.paused): no outage begins',
    );
    await fleet.untilPool('the condition, and no permit', ({ conditions, permits }) =>
      Boolean(conditions?.some(({ reason }) => reason === 'Paused') && permits?.length === 0),
    );
    expect(closed(await fleet.nodes())).toEqual([]);

    await fleet.pool(1);
    await fleet.untilState('applied');
  });

  it('is named by a strategy that may not begin because of it', async () => {
    const fleet = await cluster.fleet('stopped', 1, 1);
    await fleet.pool(1, { paused: true });
    await fleet.apply(RUN);
    const waits = await fleet.until('the reason', ({ message }) => message?.includes('paused') ?? false);
    expect(waits).toMatchObject({ state: 'ready-to-apply' });
    await fleet.order({ mode: 'Hold' });
    await fleet.pool(1);
    await fleet.until('no word of it', ({ message }) => !message?.includes('paused'));
  });
});

describe('pools that select the same host', () => {
  it('leave it to the older; the newer grants nothing and names it until that is mended', async () => {
    const selector = { 'kubernetes.io/hostname': 'newer-0' };
    const elder = poolManifest('elder', 1, { provider: { kubernetes: { nodeSelector: selector } } });
    await apply(cluster.admin, elder);
    const fleet = await cluster.fleet('newer', 2, 2);
    await fleet.apply(RUN);
    const pool = await fleet.untilPool('Stalled', ({ conditions }) =>
      Boolean(conditions?.some(({ type, status }) => type === 'Stalled' && status === 'True')),
    );
    const problem =
      'HostPool newer selects hosts of an older pool (newer-0): change its spec.provider, it grants nothing until then';
    expect(pool).toMatchObject({ hosts: 1 });
    expect(pool.conditions?.find(({ type }) => type === 'Stalled')).toMatchObject({
      reason: 'Overlap',
      message: problem,
    });
    const waits = await fleet.until('the reason', ({ message }) => message?.includes(problem) ?? false);
    expect(waits.applyPhase?.stages.map(({ hosts }) => hosts)).toEqual([['newer-1']]);
    expect(pool.permits ?? []).toEqual([]);

    await apply(
      cluster.admin,
      poolManifest('elder', 1, { provider: { kubernetes: { nodeSelector: { pool: 'elder' } } } }),
    );
    await fleet.untilState('applied');
    await eventually('both hosts are patched', async () =>
      (await fleet.nodes()).every(({ status }) => status?.nodeInfo?.kernelVersion === '6.12.48'),
    );
    await nothingHeld(fleet);
  });
});
