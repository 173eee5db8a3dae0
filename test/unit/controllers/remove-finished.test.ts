/** The retention of a pool: finished strategies are removed, others and those of other programs stay. */
import { describe, expect, it, vi } from 'vitest';
import { claimOfAnother } from '../support/fleets.ts';
import { SmallCluster } from '../support/small-cluster.ts';

const HOUR = 3600;
const PATH = 'careen-hosts/kernel';

/** A strategy that was applied, and passes over the quiet strategy and pool. */
async function applied(
  retention: object | undefined,
  placed: Parameters<SmallCluster['placeStrategy']>[1] = {},
): Promise<SmallCluster> {
  const cluster = new SmallCluster(['w-1']);
  cluster.placeStrategy({ mode: 'Run' }, placed);
  await cluster.until('the end', () => cluster.status.state === 'applied');
  if (retention) cluster.editPool({ retention });
  await rest(cluster);
  return cluster;
}

async function rest(cluster: SmallCluster): Promise<void> {
  for (let i = 0; i < 3; i++) {
    if (exists(cluster)) await cluster.pass();
    await cluster.poolPass();
  }
}

function exists(cluster: SmallCluster): boolean {
  return cluster.server.get('patchstrategies', PATH) !== undefined;
}

function annotate(cluster: SmallCluster, annotations: Record<string, string>): void {
  cluster.edit(({ metadata, ...object }) => ({
    ...object,
    metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } },
  }));
}

describe('a finished strategy', () => {
  it('is kept by a pool without retention', async () => {
    expect(exists(await applied(undefined))).toBe(true);
  });

  it('is removed when it is too old, and an event says why', async () => {
    const cluster = await applied({ maxAgeSeconds: HOUR });
    expect(exists(cluster)).toBe(true);
    const { requeueAt = 0 } = await cluster.poolPass();
    cluster.world.advanceTo(requeueAt - 1);
    await rest(cluster);
    expect(exists(cluster)).toBe(true);
    const endedAt = cluster.status.applyPhase?.endTime ?? '';
    cluster.world.advanceTo(requeueAt);
    await rest(cluster);
    expect(exists(cluster)).toBe(false);
    expect(cluster.events.filter((each) => each.startsWith('StrategyRemoved'))).toEqual([
      `StrategyRemoved: removed as HostPool default asks: it ended at ${endedAt}, and spec.retention.maxAgeSeconds is 3600`,
    ]);
  });

  it('is removed by a new process, too, that finds it half removed', async () => {
    const cluster = await applied(undefined);
    cluster.editPool({ retention: { maxFinished: 0 } });
    await cluster.poolPass();
    expect(cluster.strategy.metadata.deletionTimestamp).toBeDefined();
    cluster.restartOperator();
    await rest(cluster);
    expect(exists(cluster)).toBe(false);
    expect(cluster.pool.status).toMatchObject({ permits: [], runs: [] });
  });

  it('that was aborted is removed as well', async () => {
    const cluster = new SmallCluster(['w-1']);
    cluster.placeStrategy({ mode: 'Run' });
    await cluster.until('a lock', () => cluster.world.hosts.get('w-1')?.closedToNewWork === true);
    cluster.editSpec({ execution: { mode: 'Abort' } });
    await cluster.until('the end', () => cluster.status.state === 'aborted');
    cluster.editPool({ retention: { maxFinished: 0 } });
    await rest(cluster);
    expect(exists(cluster)).toBe(false);
  });

  it.each([
    ['careen.dev/keep', { 'careen.dev/keep': 'true' }],
    ['Argo CD', { 'argocd.argoproj.io/tracking-id': 'app:careen.dev/PatchStrategy:careen-hosts/kernel' }],
    ['Helm', { 'meta.helm.sh/release-name': 'r' }],
  ])('with the annotation of %s stays', async (_, annotations) => {
    expect(exists(await applied({ maxFinished: 0 }, { annotations }))).toBe(true);
  });

  it('is removed although somebody wrote careen.dev/keep: "false"', async () => {
    expect(exists(await applied({ maxFinished: 0 }, { annotations: { 'careen.dev/keep': 'false' } }))).toBe(
      false,
    );
  });

  it.each([
    ['the label of a Flux Kustomization', { labels: { 'kustomize.toolkit.fluxcd.io/name': 'hosts' } }],
    ['the label by which Argo CD tracks', { labels: { 'app.kubernetes.io/instance': 'hosts' } }],
    ['the label of Helm', { labels: { 'app.kubernetes.io/managed-by': 'Helm' } }],
    [
      'a controller',
      { ownerReferences: [{ apiVersion: 'v1', kind: 'K', name: 'n', uid: 'u', controller: true }] },
    ],
  ])('with %s stays', async (_, metadata) => {
    const cluster = await applied(undefined);
    cluster.edit((object) => ({ ...object, metadata: { ...object.metadata, ...metadata } })); // its fields
    cluster.editPool({ retention: { maxFinished: 0 } });
    await rest(cluster);
    expect(exists(cluster)).toBe(true);
  });
});

describe('what the judgement of a moment ago does not know', () => {
  /** The strategy changes after the pass that noted it as finished, and before the pass over the pool. */
  async function changedMeanwhile(change: (cluster: SmallCluster) => void): Promise<SmallCluster> {
    const cluster = await applied(undefined);
    cluster.editPool({ retention: { maxFinished: 0 } });
    change(cluster);
    await cluster.poolPass();
    return cluster;
  }

  it.each<[string, (cluster: SmallCluster) => void]>([
    ['an edit of the spec', (cluster) => cluster.editSpec({ maxParallelWorkerHosts: 7 })],
    ['an order', (cluster) => cluster.editSpec({ execution: { mode: 'Hold' } })],
    ['a request for the rest', (cluster) => cluster.request({ id: 'r', verb: 'apply-all' })],
    ['an abort', (cluster) => annotate(cluster, { 'careen.dev/abort': 'a' })],
    ['a wish to keep it', (cluster) => annotate(cluster, { 'careen.dev/keep': 'true' })],
    ['the loss of its status', (cluster) => cluster.wipeStatus()],
    [
      'another strategy of its name',
      (cluster) => {
        cluster.removeStrategy();
        cluster.placeStrategy({ mode: 'Hold' });
      },
    ],
  ])('%s saves the strategy', async (_, change) => {
    const cluster = await changedMeanwhile(change);
    expect(cluster.strategy.metadata.deletionTimestamp).toBeUndefined();
  });

  it('a claim of it that cannot be released now', async () => {
    const cluster = await changedMeanwhile(({ world, strategy, hosts, status }) => {
      const { uid } = strategy.metadata;
      world.changeHost('w-1', {
        claim: { ...claimOfAnother, run: status.run?.id ?? '', owner: { ...claimOfAnother.owner, uid } },
      });
      vi.spyOn(hosts, 'perform').mockResolvedValue({ kind: 'unknown', reason: 'no answer' });
    });
    expect(cluster.strategy.metadata.deletionTimestamp).toBeUndefined();
  });

  it('an edit between its last read and its removal: the API server refuses', async () => {
    const cluster = await applied(undefined);
    cluster.editPool({ retention: { maxFinished: 0 } });
    cluster.beforeDelete = () => cluster.editSpec({ maxParallelWorkerHosts: 7 });
    await cluster.poolPass();
    expect(cluster.strategy.metadata.deletionTimestamp).toBeUndefined();
    expect(cluster.events.filter((each) => each.startsWith('StrategyRemoved'))).toEqual([]);
  });
});

describe('a strategy that is not finished', () => {
  it('stays, such as one that had nothing to patch, since it patches the next host that lacks its patches', async () => {
    const cluster = new SmallCluster([]);
    cluster.world.addHost({ name: 'w-1', nodeInfo: { 'nodeInfo.kernelVersion': '6.12.48' } });
    cluster.editPool({ retention: { maxFinished: 0 } });
    cluster.placeStrategy({ mode: 'Run' });
    await cluster.until('the end', () => cluster.status.state === 'applied');
    await rest(cluster);
    expect(exists(cluster)).toBe(true);
  });
});
