/** The findings in the status of a strategy: those that `careen plan` prints. */
import { describe, expect, it } from 'vitest';
import { poolOfNodes } from '../../../src/cli/plan/planned-pool.ts';
import { planFor } from '../../../src/cli/plan/preview.ts';
import type { Finding } from '../../../src/crds/observed/finding.ts';
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';
import { kernelPatch, RELEASE, strategySpec } from '../support/simulated-run.ts';
import { SmallCluster } from '../support/small-cluster.ts';
import { FACT, job } from '../support/upgrade-runs.ts';

const OLD = '6.12.40';
const healthy = { ready: true, wasReady: true, alarms: [], outOfServiceTaints: [], closedToNewWork: false };

/** The findings of `careen plan` for the same strategy: v-1 has no kernel, w-2 is cordoned. */
function previewed(): readonly Finding[] {
  const spec = hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable: 1 });
  const hosts = ['v-1', 'w-1', 'w-2'].map((name) => ({
    ...{ name, labels: {}, ...healthy, closedToNewWork: name === 'w-2', pods: [] },
    nodeInfo: name === 'v-1' ? {} : { kernelVersion: OLD },
  }));
  const strategy = {
    ...({ kind: 'PatchStrategy', namespace: 'careen-hosts', name: 'kernel' } as const),
    spec: strategySpec({ patches: [kernelPatch] }),
  };
  const pool = { name: 'default', spec, keptByOtherPools: [] };
  return planFor(strategy, poolOfNodes({ pool, hosts }), 0).findings;
}

async function planned(): Promise<SmallCluster> {
  const cluster = new SmallCluster(['w-1', 'w-2']);
  cluster.world.addHost({ name: 'v-1' });
  cluster.world.changeHost('w-2', { closedToNewWork: true });
  cluster.placeStrategy({ mode: 'Hold' });
  await cluster.until('a plan', () => cluster.status.state === 'ready-to-apply');
  return cluster;
}

describe('the findings of a plan', () => {
  it('are in the status as soon as the plan is, as careen plan prints them', async () => {
    const cluster = await planned();
    const reasons = ['LimitReached', 'HostCordoned', 'FactUnknown', 'StageCut'];
    expect(previewed().map(({ reason }) => reason)).toEqual(reasons);
    expect(cluster.status.findings).toEqual(previewed());
    expect(cluster.status.message).toContain('; blocks: stage 0 takes 1 host out of service besides w-2; ');
  });

  it('follow the hosts while the plan waits, although the plan stays the same', async () => {
    const cluster = await planned();
    const { run } = cluster.status;
    cluster.world.changeHost('w-2', { closedToNewWork: false });
    const found = (): string[] => (cluster.status.findings ?? []).map(({ reason }) => reason);
    await cluster.until('fewer findings', () => found().join() === 'FactUnknown,StageCut');
    expect(cluster.status.run).toEqual(run);
    cluster.world.changeHost('v-1', { nodeInfo: { 'nodeInfo.kernelVersion': OLD } });
    await cluster.until('none about v-1', () => found().join() === 'StageCut');
    expect(cluster.status.run?.planDigest).toBe(run?.planDigest);
    expect(cluster.status.message).toBe(
      `${run?.summary ?? ''}; set execution.mode to Run to carry the plan out`,
    );
  });

  it('of an upgrade rest on what the API server says about itself, when it is planned and while it waits', async () => {
    const cluster = new SmallCluster(['w-1', 'w-2']);
    cluster.world.platform = { deprecatedApis: [{ api: 'example.io/v1beta1 gates', removedIn: '1.36' }] };
    cluster.placeUpgrade({ mode: 'Hold' }, { workerApplyType: 'serial' });
    await cluster.until('a plan', () => cluster.status.state === 'ready-to-apply');
    const found = (): string[] => (cluster.status.findings ?? []).map(({ reason }) => reason);
    expect(found()).toEqual(['RemovedApis', 'StageMissing', 'NoWayBack']);
    cluster.world.platform = { version: 'v1.35.9', deprecatedApis: [] };
    cluster.world.changeHost('w-2', { closedToNewWork: true });
    await cluster.until('a finding about skew', () => found().includes('VersionSkew'));
    expect(found()).not.toContain('RemovedApis');
  });

  it('of an upgrade with nothing to do name what is staged for another release, as long as it is', async () => {
    const cluster = new SmallCluster(['w-1', 'w-2']);
    for (const name of ['w-1', 'w-2']) cluster.world.changeHost(name, { nodeInfo: { [FACT]: RELEASE } });
    cluster.world.changeHost('w-2', { labels: { staged: 'v9.9.9' } });
    const staged = { job, staged: [{ fact: 'labels.staged', operator: 'In', values: [RELEASE] }] };
    const hosts = { worker: { action: { job }, stage: staged } };
    cluster.placeUpgrade({ mode: 'Hold' }, { hosts, activate: undefined, complete: undefined });
    await cluster.until('an end', () => cluster.status.state === 'applied');
    expect(cluster.status.findings?.map(({ reason, subjects }) => [reason, subjects])).toEqual([
      ['StagedForOther', ['w-2']],
    ]);
    cluster.world.changeHost('w-2', { labels: {} });
    await cluster.until('no finding', () => cluster.status.findings === undefined);
    cluster.world.changeHost('w-1', { labels: { staged: 'v9.9.9' } });
    await cluster.until('a finding', () => cluster.status.findings?.length === 1);
  });
});
