/** Upgrades on the real reconciler: what a plan and its status remember of a release. */
import { describe, expect, it } from 'vitest';
import { hostCounts } from '../../../src/cli/status/progress.ts';
import { job } from '../support/simulated-run.ts';
import { SmallCluster } from '../support/small-cluster.ts';

const HOOKS = { start: { job }, activate: { job } };
const BACK = { hosts: { worker: { action: { job }, rollback: { job } } } };
const RELEASE = 'v1.36.4';

async function upgrading(hosts: readonly string[], fields: object = HOOKS): Promise<SmallCluster> {
  const cluster = new SmallCluster(hosts);
  cluster.placeUpgrade({ mode: 'Run' }, { ...BACK, ...fields });
  await cluster.until('a run', () => cluster.status.state === 'applying');
  return cluster;
}

function atWork(cluster: SmallCluster, step: string): boolean {
  const { progress } = cluster.status;
  return progress?.step === step && progress.hosts.some(({ jobs }) => jobs !== undefined);
}

describe('an upgrade', () => {
  it('is built from the queries of the VIM for upgrades', async () => {
    const { status } = await upgrading(['w-1']);
    const [stage] = status.buildPhase?.stages ?? [];
    expect([stage?.name, stage?.steps.map(({ name }) => name)]).toEqual([
      'sw-upgrade-query',
      ['query-alarms', 'query-upgrade'],
    ]);
  });

  it('counts each host once, although some stages only prepare it', async () => {
    const stage = { hosts: { worker: { action: { job }, stage: { job } } } };
    const { status } = await upgrading(['w-1', 'w-2'], { ...HOOKS, ...stage });
    expect(status.run?.summary).toBe('2 hosts in 5 stages');
    expect(hostCounts(status)).toMatchObject({ total: 2, done: 0 });
  });

  it('remembers that it was activated when that begins, and that it is complete at its end', async () => {
    const cluster = await upgrading(['w-1']);
    await cluster.until('the upgrade of w-1', () => atWork(cluster, 'upgrade-hosts'));
    expect(cluster.status.activatedRelease).toBeUndefined();
    await cluster.until('the activation', () => atWork(cluster, 'activate-upgrade'));
    expect(cluster.status).toMatchObject({ activatedRelease: RELEASE });
    expect(cluster.status.completedRelease).toBeUndefined();
    await cluster.until('the end', () => cluster.status.state === 'applied');
    expect(cluster.status).toMatchObject({ activatedRelease: RELEASE, completedRelease: RELEASE });
  });

  it('that is complete has nothing to do when its plan is built again', async () => {
    const cluster = await upgrading(['w-1']);
    await cluster.until('the end', () => cluster.status.state === 'applied');
    cluster.editSpec({ maxParallelWorkerHosts: 7 });
    await cluster.until('another plan', () => cluster.status.stages === '0/0');
    expect(cluster.status).toMatchObject({ state: 'applied', completedRelease: RELEASE });
  });

  it('carries a hook out that is added after its end', async () => {
    const cluster = await upgrading(['w-1'], {});
    await cluster.until('the end', () => cluster.status.state === 'applied');
    cluster.editSpec(HOOKS);
    await cluster.until('the activation', () => cluster.status.activatedRelease === RELEASE);
    await cluster.until('the end', () => cluster.status.state === 'applied');
    expect(cluster.status.applyPhase?.stages.map(({ patches }) => patches)).toEqual([['activate']]);
  });

  it('that was activated is not brought back; the message says why', async () => {
    const cluster = await upgrading(['w-1']);
    await cluster.until('the end', () => cluster.status.state === 'applied');
    cluster.editSpec({ rollback: true });
    await cluster.until('an answer', () => cluster.status.state === 'build-failed');
    expect(cluster.status.message).toContain('v1.36.4 was activated, so there is no way back');
  });

  it('whose host for the hooks leaves is planned again, and ends on another host', async () => {
    const cluster = await upgrading(['w-1', 'w-2']);
    await cluster.until('the last stage', () => cluster.status.stages === '3/4');
    cluster.world.removeHost('w-1');
    await cluster.until('the end', () => cluster.status.state === 'applied');
    expect(cluster.status).toMatchObject({ stages: '1/1', completedRelease: RELEASE });
    expect(cluster.status.applyPhase?.stages[0]?.hosts).toEqual(['w-2']);
  });

  it('leaves a host out that may fail to be staged, asks before it activates, and stages it in the next plan', async () => {
    const staged = { worker: { action: { job }, stage: { job } } };
    const cluster = new SmallCluster(['w-1', 'w-2']);
    cluster.world.changeHost('w-2', { jobs: { 'stage-worker': { exitCode: 7 } } });
    cluster.placeUpgrade({ mode: 'Run' }, { ...HOOKS, hosts: staged, maxUnstagedHosts: 1 });
    const ready = (): string | undefined =>
      cluster.status.conditions?.find(({ type }) => type === 'Ready')?.reason;
    await cluster.until('a question', () => ready() === 'HostsLackRelease');
    cluster.restartOperator();
    await cluster.pass();
    expect(cluster.status.message).toContain('w-2 lacks v1.36.4 and was left out');
    expect(hostCounts(cluster.status)).toMatchObject({ total: 1, done: 1 });
    expect(cluster.status.activatedRelease).toBeUndefined();
    expect(cluster.pool.status?.['permits'] ?? []).toEqual([]);
    cluster.request({ id: 'q-1', verb: 'skip-host', host: 'w-2' });
    await cluster.until('the end', () => cluster.status.state === 'applied');
    const drifted = cluster.status.conditions?.find(({ type }) => type === 'Drifted');
    expect(drifted).toMatchObject({ status: 'True', reason: 'HostsLackRelease' });
    cluster.world.changeHost('w-2', { jobs: {} });
    cluster.request({ id: 'q-2', verb: 'apply-all' });
    await cluster.until('the next plan', () => cluster.status.state === 'applying');
    await cluster.until('the end', () => cluster.status.state === 'applied');
    expect(cluster.status.conditions?.find(({ type }) => type === 'Drifted')?.status).toBe('False');
  });

  it('that was aborted half-way is brought back by another plan', async () => {
    const cluster = await upgrading(['w-1', 'w-2'], {});
    await cluster.until('the first host', () => cluster.status.stages === '1/2');
    cluster.editSpec({ execution: { mode: 'Abort' } });
    await cluster.until('the abort', () => cluster.status.state === 'aborted');
    expect(cluster.status.message).toContain(
      'hosts that have v1.36.4 keep it; spec.rollback: true plans their way back',
    );
    cluster.editSpec({ rollback: true, execution: { mode: 'Hold' } });
    await cluster.until('a plan', () => cluster.status.state === 'ready-to-apply');
    expect(cluster.status.applyPhase?.stages.map(({ hosts }) => hosts)).toEqual([['w-1']]);
  });
});
