/** What protects an open run vanishes or changes: docs/decisions/0020-marks.md. */
import { describe, expect, it, vi } from 'vitest';
import { RELEASE_FINALIZER } from '../../../src/crds/names.ts';
import { claimOfAnother } from '../support/fleets.ts';
import { KERNEL } from '../support/simulated-run.ts';
import { SmallCluster } from '../support/small-cluster.ts';

const APPLY = { 'careen.dev/request': '{"id":"q-1","verb":"apply-all"}' };
const HOLD = { mode: 'Hold' };
const RUN = { mode: 'Run' };

async function planned(cluster: SmallCluster): Promise<void> {
  await cluster.until('a plan', () => cluster.status.state === 'ready-to-apply');
}

/** A strategy whose Job runs on w-1. */
async function patching(execution: object = RUN): Promise<SmallCluster> {
  const cluster = new SmallCluster(['w-1']);
  cluster.placeStrategy(execution);
  await cluster.until('a Job', () =>
    [...cluster.world.jobs.values()].some(({ state }) => state === 'running'),
  );
  return cluster;
}

function host(cluster: SmallCluster): { closed: boolean; run: string | undefined; note: string | undefined } {
  const { closedToNewWork, claim, leftLocked } = cluster.world.hosts.get('w-1') ?? expect.fail('no host');
  return { closed: closedToNewWork, run: claim?.run, note: leftLocked };
}

describe('a request in an object that has no status', () => {
  it('is refused: the object may be a restored one, and the request carried out before', async () => {
    const cluster = new SmallCluster(['w-1']);
    cluster.placeStrategy(HOLD, { annotations: APPLY });
    await planned(cluster);
    for (let more = 0; more < 5; more++) await cluster.pass();
    expect(cluster.status).toMatchObject({
      ...{ state: 'ready-to-apply', uid: cluster.strategy.metadata.uid },
      requests: [{ id: 'q-1', answer: 'refused', message: expect.stringContaining('another id') as unknown }],
    });
  });

  it('is carried out when it is placed after the first plan', async () => {
    const cluster = new SmallCluster(['w-1']);
    cluster.placeStrategy(HOLD);
    await planned(cluster);
    cluster.edit((object) => ({ ...object, metadata: { ...object.metadata, annotations: APPLY } }));
    await cluster.until('the end', () => cluster.status.state === 'applied');
    expect(cluster.strategy.metadata.annotations).toHaveProperty(
      'careen.dev/seen',
      cluster.strategy.metadata.uid,
    );
    cluster.wipeStatus();
    await cluster.until('a new status', () => cluster.status.requests !== undefined);
    expect(cluster.status.requests).toMatchObject([
      { id: 'q-1', answer: 'refused', message: expect.stringContaining('the status was lost') as unknown },
    ]);
  });

  it('is marked as seen again where somebody removed the mark', async () => {
    const cluster = new SmallCluster(['w-1']);
    cluster.placeStrategy(HOLD);
    await planned(cluster);
    const place = (): void => {
      cluster.edit((object) => ({ ...object, metadata: { ...object.metadata, annotations: APPLY } }));
    };
    place();
    await cluster.until('the end', () => cluster.status.state === 'applied');
    place();
    await cluster.pass();
    expect(cluster.strategy.metadata.annotations).toHaveProperty('careen.dev/seen');
  });
});

describe('a request that is placed in Suspend', () => {
  const suspended = async (): Promise<SmallCluster> => {
    const cluster = new SmallCluster(['w-1']);
    cluster.placeStrategy({ mode: 'Suspend' });
    await planned(cluster);
    cluster.edit((object) => ({ ...object, metadata: { ...object.metadata, annotations: APPLY } }));
    await cluster.until('the wait', () => cluster.status.requests?.[0]?.answer === 'waiting');
    return cluster;
  };
  const hold = (cluster: SmallCluster, changed: object): void =>
    cluster.edit((object) => ({
      ...object,
      spec: { ...(object.spec as object), ...changed, execution: HOLD },
    }));

  it('is carried out when the suspension ends', async () => {
    const cluster = await suspended();
    hold(cluster, {});
    await cluster.until('the end', () => cluster.status.state === 'applied');
  });

  it('is refused when the spec was edited meanwhile: nobody asked to carry that out', async () => {
    const cluster = await suspended();
    hold(cluster, { workerApplyType: 'parallel', maxParallelWorkerHosts: 7 });
    await cluster.until('the answer', () => cluster.status.requests?.[0]?.answer === 'refused');
    for (let more = 0; more < 5; more++) await cluster.pass();
    expect(cluster.status).toMatchObject({ state: 'ready-to-apply' });
    expect(host(cluster)).toMatchObject({ closed: false });
  });
});

describe('a status that was written for another object', () => {
  it('does not count: the plan is built anew, and nothing of the copy stays', async () => {
    const before = new SmallCluster(['w-1']);
    before.placeStrategy(HOLD);
    await planned(before);
    const copied = {
      ...before.strategy,
      status: { ...before.status, uid: 'of-another', abortPhase: before.status.applyPhase },
    };
    const cluster = new SmallCluster(['w-1', 'w-2'], 2);
    cluster.placeStrategy(HOLD, { annotations: APPLY, status: copied.status });
    await cluster.pass();
    await planned(cluster);
    expect(cluster.status.applyPhase?.stages[0]?.hosts).toEqual(['w-1', 'w-2']);
    expect(cluster.status).not.toHaveProperty('abortPhase');
    expect(cluster.status.requests).toMatchObject([{ id: 'q-1', answer: 'refused' }]);
    expect(cluster.status.uid).toBe(cluster.strategy.metadata.uid);
  });

  it('keeps a host locked that the other object had taken', async () => {
    const cluster = await patching();
    const { status } = cluster;
    cluster.removeStrategy();
    cluster.placeStrategy(RUN, { status });
    cluster.world.advanceTo(cluster.world.now + 120_000);
    await cluster.poolPass();
    expect(host(cluster)).toMatchObject({
      closed: true,
      run: undefined,
      note: expect.stringContaining('was lost') as unknown,
    });
  });
});

describe('a strategy', () => {
  it('awaits permits until it has those of its stage', async () => {
    const cluster = new SmallCluster(['w-1', 'w-2']);
    cluster.world.changeHost('w-2', { closedToNewWork: true });
    cluster.placeStrategy(RUN);
    await cluster.until('the wait', () => /waiting for permits/.test(cluster.status.message ?? ''));
    expect(cluster.awaitingPermits.size).toBe(1);
    cluster.world.changeHost('w-2', { closedToNewWork: false });
    await cluster.until('the lock', () => host(cluster).closed);
    expect(cluster.awaitingPermits.size).toBe(0);
  });
});

describe('the finalizer of a strategy that holds hosts', () => {
  const without = (cluster: SmallCluster, others: string[] = []): void =>
    cluster.edit((object) => ({ ...object, metadata: { ...object.metadata, finalizers: others } }));

  it('is written again when somebody removed it', async () => {
    const cluster = await patching();
    without(cluster, ['other/finalizer']);
    await cluster.pass();
    expect(cluster.strategy.metadata.finalizers).toEqual(['other/finalizer', RELEASE_FINALIZER]);
  });

  it('is not needed to release hosts, while a finalizer of others keeps the deleted strategy', async () => {
    const cluster = await patching();
    without(cluster, ['other/finalizer']);
    cluster.server.remove('patchstrategies', 'careen-hosts/kernel', 'tool');
    await cluster.until('the release', () => host(cluster).run === undefined);
    expect(host(cluster)).toMatchObject({ closed: false });
    expect(cluster.strategy.metadata.finalizers).toEqual(['other/finalizer']);
  });
});

describe('a claim that no run of ours has made', () => {
  const forged = (cluster: SmallCluster, changed: object, more: object = {}): void =>
    cluster.world.changeHost('w-1', { claim: { ...claimOfAnother, ...changed }, ...more });

  it('loses its marks, and the cordon of a person stays, whatever the claim says', async () => {
    const cluster = new SmallCluster(['w-1']);
    await cluster.poolPass();
    forged(cluster, {}, { closedToNewWork: true, hasMaintenanceMark: true });
    await cluster.poolPass();
    expect(host(cluster)).toMatchObject({
      ...{ closed: true, run: undefined },
      note: expect.stringContaining('named an owner that does not exist') as unknown,
    });
  });

  it('loses its marks on an open host, without a note', async () => {
    const cluster = new SmallCluster(['w-1']);
    await cluster.poolPass();
    forged(cluster, {});
    await cluster.poolPass();
    expect(host(cluster)).toEqual({ closed: false, run: undefined, note: undefined });
  });

  it('opens no host that lacks our mark, although its owner exists', async () => {
    const cluster = new SmallCluster(['w-1', 'w-2']);
    cluster.placeStrategy(HOLD);
    await planned(cluster);
    const { uid } = cluster.strategy.metadata;
    const owner = { ...claimOfAnother.owner, name: 'kernel', uid };
    forged(cluster, { owner, run: 'r-1' }, { closedToNewWork: true });
    await cluster.poolPass();
    expect(host(cluster)).toMatchObject({ closed: true, run: undefined });
  });

  it('is named in the status of the pool while it cannot be read', async () => {
    const cluster = new SmallCluster(['w-1', 'w-2']);
    cluster.world.changeHost('w-2', { spoiltClaim: 'its annotation careen.dev/claim cannot be read' });
    await cluster.poolPass();
    expect(cluster.pool.status).toMatchObject({
      spoiltClaims: { count: 1, hosts: ['w-2'] },
      conditions: [
        {
          type: 'Ready',
          message: expect.stringContaining(
            'no run may take w-2: its annotation careen.dev/claim cannot be read',
          ) as unknown,
        },
        {},
        {},
      ],
    });
    cluster.world.changeHost('w-2', { spoiltClaim: undefined });
    await cluster.poolPass();
    expect(cluster.pool.status).not.toHaveProperty('spoiltClaims');
  });
});

describe('a host whose run was lost', () => {
  const laterJobs = (cluster: SmallCluster): readonly string[] =>
    [...cluster.world.jobs.values()].map(({ run }) => run).filter((run) => run !== 'r-1');

  it('stays locked after work on it had begun, and the work is not repeated until somebody opens it', async () => {
    const cluster = await patching();
    cluster.wipeStatus();
    await cluster.pass();
    await cluster.poolPass();
    expect(host(cluster), 'while its Job runs').toMatchObject({ closed: true, run: 'r-1' });
    cluster.world.advanceTo(cluster.world.now + 20_000);
    await cluster.poolPass();
    expect(host(cluster)).toMatchObject({
      closed: true,
      run: undefined,
      note: expect.stringContaining('was lost') as unknown,
    });

    cluster.edit((object) => ({ ...object, metadata: { ...object.metadata, finalizers: [] } }));
    await cluster.until('the failure', () => cluster.status.state === 'apply-failed');
    expect(cluster.strategy.metadata.finalizers, 'no permit was taken').toEqual([]);
    expect(cluster.status.message).toMatch(
      /w-1 stays cordoned: work on it was cut short.*kubectl uncordon w-1/,
    );
    expect(laterJobs(cluster)).toEqual([]);

    cluster.world.changeHost('w-1', { closedToNewWork: false });
    await cluster.poolPass();
    expect(host(cluster).note).toBeUndefined();
    const retry = { 'careen.dev/request': '{"id":"q-2","verb":"retry"}' };
    cluster.edit((object) => ({ ...object, metadata: { ...object.metadata, annotations: retry } }));
    await cluster.until('the end', () => cluster.status.state === 'applied');
    expect(host(cluster)).toMatchObject({ closed: false });
  });

  it('is not judged before the Jobs of its namespace are known, as by a new leader', async () => {
    const cluster = await patching();
    cluster.wipeStatus();
    cluster.world.advanceTo(cluster.world.now + 20_000);
    vi.spyOn(cluster.hosts, 'prepare').mockResolvedValue('they are not listed yet');
    for (const job of cluster.world.jobs.values()) cluster.world.removeJob(job);
    await cluster.poolPass();
    expect(host(cluster)).toMatchObject({ closed: true, run: 'r-1', note: undefined });
  });

  it('stays locked, too, when its strategy is gone and took its Jobs along', async () => {
    const cluster = await patching();
    cluster.removeStrategy();
    for (const job of cluster.world.jobs.values()) cluster.world.removeJob(job);
    await cluster.poolPass();
    expect(host(cluster)).toMatchObject({
      closed: true,
      note: expect.stringContaining('was lost') as unknown,
    });
  });

  it('is released when no work on it had begun', async () => {
    const cluster = new SmallCluster(['w-1']);
    cluster.world.addPod({ host: 'w-1', name: 'stays', unmanaged: false, budget: 'none' });
    cluster.placeStrategy(RUN);
    await cluster.until('the lock', () => host(cluster).closed);
    cluster.wipeStatus();
    await cluster.pass();
    await cluster.poolPass();
    expect(host(cluster)).toEqual({ closed: false, run: undefined, note: undefined });
    expect([...cluster.world.jobs.values()].filter(({ action }) => action === KERNEL)).toEqual([]);
  });
});
