/** Syncs the examples as Argo CD does, wave by wave, with the operator and simulated hosts. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { LEFT_LOCKED_ANNOTATION, REQUEST_ANNOTATION } from '../../src/crds/names.ts';
import { strategyStatus } from '../../src/crds/observed/strategy-status.ts';
import { request } from '../e2e/by-hand.ts';
import { Cluster, closed, Fleet, marked } from '../e2e/cluster.ts';
import { untilGone } from '../e2e/until-gone.ts';
import { applyAs, mergePatch, read, remove, replace, type Manifest } from '../support/controlplane/apply.ts';
import { eventually } from '../support/eventually.ts';
import { BEHAVIOUR_ANNOTATION } from '../support/hosts/host-standin.ts';
import { DEPLOY } from '../support/controlplane/installation.ts';
import { health, kstatus } from '../support/controlplane/judge.ts';
import { createNodes } from '../support/hosts/simulated-nodes.ts';
import { QUICK } from '../support/operator/strategies.ts';
import { ARGOCD, compared } from './drift.ts';
import { manifestsIn } from './manifests.ts';

const EXAMPLES = join(DEPLOY, '..', 'examples', 'argocd');

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(async () => cluster.stop());

const object = z.looseObject({
  metadata: z.looseObject({
    generation: z.int(),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: z.looseObject({ execution: z.looseObject({ mode: z.string() }).optional() }),
  status: z.looseObject({}),
});

async function live(manifest: Manifest): Promise<z.infer<typeof object>> {
  return object.parse(await read(cluster.admin, manifest));
}

/** The manifests that Argo CD makes from a folder. The strategies give hosts no time to settle. */
async function folder(...path: string[]): Promise<Manifest[]> {
  const manifests = await manifestsIn(join(EXAMPLES, ...path));
  return manifests.map((manifest) =>
    manifest.kind === 'PatchStrategy' ? withSpec(manifest, { timing: QUICK }) : manifest,
  );
}

function withSpec(manifest: Manifest, changes: Record<string, unknown>): Manifest {
  const { spec } = z.looseObject({ spec: z.looseObject({}) }).parse(manifest);
  return { ...manifest, spec: { ...spec, ...changes } };
}

async function sync(manifests: readonly Manifest[]): Promise<void> {
  for (const manifest of manifests) await applyAs(cluster.admin, ARGOCD, manifest);
}

/**
 * Waits until all objects have this health, as Argo CD does between two waves. At each check there is nothing to heal,
 * and a sync changes nothing. Returns the states that the objects had.
 */
async function untilHealth(word: string, manifests: readonly Manifest[]): Promise<Set<string>> {
  const states = new Set<string>();
  let seen: unknown;
  const check = async (manifest: Manifest): Promise<boolean> => {
    const { generation } = (await live(manifest)).metadata;
    const { live: there, predicted } = await compared(cluster.admin, manifest);
    expect(predicted).toEqual(there);
    await sync([manifest]);
    expect((await live(manifest)).metadata.generation).toBe(generation);
    const script = await readFile(join(DEPLOY, 'argocd', `careen.dev_${manifest.kind}.lua`), 'utf8');
    const [verdict] = await health(script, [there]);
    const { state } = strategyStatus.parse(object.parse(there).status);
    if (state) states.add(state);
    seen = { verdict, log: cluster.operator.lines.slice(-8) };
    expect(verdict?.status).not.toBe('Degraded');
    return verdict?.status === word;
  };
  const all = async (): Promise<boolean> => (await Promise.all(manifests.map(check))).every(Boolean);
  await eventually(`all are ${word}`, all, { seconds: 50, describe: () => seen });
  return states;
}

const kernels = async (pool: string): Promise<unknown[]> =>
  (await new Fleet(cluster, pool, []).nodes()).map(({ status }) => status?.nodeInfo?.kernelVersion);

describe('the app of apps', () => {
  it('syncs wave by wave without drift, and a wave that waits for approval continues after the approval', async () => {
    const old = { kernelVersion: '6.12.41', kubeletVersion: 'v1.36.3' };
    const named = (pool: string) =>
      [0, 1].map((i) => ({ name: `${pool}-${String(i)}`, labels: { pool }, ...old }));
    await createNodes(cluster.admin, [...named('canary'), ...named('others')]);
    const pools = await folder('pools');
    await sync(pools);
    await untilHealth('Healthy', pools);

    const canary = await folder('strategies', 'canary');
    await sync(canary);
    expect(await untilHealth('Healthy', canary)).toContain('applying');
    expect(await kernels('canary')).toEqual(['6.12.48', '6.12.48']);

    const [workers] = await folder('strategies', 'workers');
    if (!workers) throw new Error('there is no strategy for the workers');
    await sync([workers]);
    await untilHealth('Suspended', [workers]);
    expect(await kernels('others')).toEqual(['6.12.41', '6.12.41']);
    const { run } = strategyStatus.parse((await live(workers)).status);
    const wish = { id: 'wave-4', verb: 'approve', plan: run?.planDigest ?? '' };
    await request(cluster.admin, workers, wish);
    expect(await untilHealth('Healthy', [workers])).toContain('applying');
    expect(await kernels('others')).toEqual(['6.12.48', '6.12.48']);
    const { metadata, status } = await live(workers);
    expect(metadata.annotations[REQUEST_ANNOTATION]).toBe(JSON.stringify(wish));
    expect(strategyStatus.parse(status)).toMatchObject({
      run: { id: run?.id },
      requests: [{ id: 'wave-4' }],
    });
  }, 120_000);
});

describe('a strategy that has finished', () => {
  const boots = async (fleet: Fleet): Promise<unknown[]> =>
    (await fleet.nodes()).map(({ metadata, status }) => [metadata?.name, status?.nodeInfo?.bootID]);
  const jobs = async (fleet: Fleet): Promise<unknown[]> =>
    (await fleet.jobs()).map(({ metadata }) => metadata?.uid).sort();

  async function finished(pool: string): Promise<{ readonly fleet: Fleet; readonly manifest: Manifest }> {
    const fleet = await cluster.fleet(pool, 2, 2);
    const manifest = withSpec(fleet.strategy, { poolRef: pool, execution: { mode: 'Run' } });
    await sync([manifest]);
    await fleet.untilState('applied');
    await eventually('the Jobs are removed', async () => (await jobs(fleet)).length === 0);
    return { fleet, manifest };
  }

  it('stays unchanged when it is replaced, as with Replace=true', async () => {
    const { fleet, manifest } = await finished('replaced');
    const before = {
      run: (await fleet.status()).run?.id,
      boots: await boots(fleet),
      jobs: await jobs(fleet),
    };
    await replace(cluster.admin, manifest);
    await fleet.order({ throughStage: 9 }); // a new generation, so that the status shows when the operator has read it
    const { generation } = (await live(manifest)).metadata;
    const { state, run } = await fleet.until('a pass', (status) => status.observedGeneration === generation);
    expect(state).toBe('applied');
    expect({ run: run?.id, boots: await boots(fleet), jobs: await jobs(fleet) }).toEqual(before);
  });

  it('finds nothing to do when it is deleted and made again, as with Force=true', async () => {
    const { fleet, manifest } = await finished('forced');
    const before = await boots(fleet);
    await remove(cluster.admin, manifest);
    await untilGone(cluster, manifest);
    await sync([manifest]);
    const { conditions, applyPhase } = await fleet.untilState('applied');
    expect(conditions).toContainEqual(
      expect.objectContaining({ type: 'Ready', status: 'True', reason: 'NothingToDo' }),
    );
    expect(applyPhase?.stages ?? []).toEqual([]);
    await eventually('the Jobs of the first are gone', async () => (await jobs(fleet)).length === 0);
    expect(await boots(fleet)).toEqual(before);
    expect(marked(await fleet.nodes())).toEqual([]);
  });
});

describe('self-heal', () => {
  it('restores a mode that was edited by hand, and keeps a request and the fields that are not in git', async () => {
    const fleet = await cluster.fleet('healed', 1, 1);
    const manifest = withSpec(fleet.strategy, { poolRef: 'healed', execution: { mode: 'Hold' } });
    await sync([manifest]);
    await untilHealth('Suspended', [manifest]);
    const byHand = { mode: 'Run', throughStage: 7, plan: `sha256:${'0'.repeat(64)}` };
    await mergePatch(cluster.admin, manifest, { spec: { execution: byHand } });
    const { predicted } = await compared(cluster.admin, manifest);
    const healed = { mode: 'Hold', throughStage: 7, plan: byHand.plan };
    expect((await live(manifest)).spec.execution).toEqual(byHand);
    expect(object.parse(predicted).spec.execution).toEqual(healed);
    await sync([manifest]);
    expect((await live(manifest)).spec.execution).toEqual(healed);
    await untilHealth('Suspended', [manifest]);

    await mergePatch(cluster.admin, manifest, { spec: { execution: { plan: null, throughStage: null } } });
    await request(cluster.admin, manifest, { id: 'now', verb: 'apply-all' });
    await untilHealth('Healthy', [manifest]);
    expect((await live(manifest)).metadata.annotations).toHaveProperty([REQUEST_ANNOTATION]);
  });
});

it('a failed build stays failed when only spec.execution is edited: no tool reads it as work in progress', async () => {
  const fleet = await cluster.fleet('refused', 1, 1);
  await fleet.pool(1, { actionPolicy: { images: [] } });
  const manifest = withSpec(fleet.strategy, { poolRef: 'refused' });
  await sync([manifest]);
  await fleet.untilState('build-failed');
  await fleet.order({ mode: 'Run' });
  const { metadata } = await live(manifest);
  // The next build comes after 30 s, and would report the new generation too.
  const status = await fleet.until(
    'the new generation',
    ({ observedGeneration }) => observedGeneration === metadata.generation,
    20,
  );
  const [verdict] = await kstatus([await live(manifest)]);
  expect(verdict?.status).toBe('Failed');
  expect(new Set(status.conditions?.map((each) => each.observedGeneration))).toEqual(
    new Set([metadata.generation]),
  );
});

describe('a strategy that is pruned while it runs', () => {
  // In the background it releases its hosts first: test/e2e/deletion.test.ts.
  it('loses its Jobs if pruned in the foreground, so the host stays locked with the reason', async () => {
    const fleet = await cluster.fleet('foreground', 1, 1);
    await fleet.annotate('foreground-0', { [BEHAVIOUR_ANNOTATION]: 'silent' });
    await fleet.apply({ execution: { mode: 'Run' } });
    // A Job of which no container has started is withdrawn, and its host released.
    const hasPod = async (): Promise<boolean> =>
      (await fleet.jobs()).some(({ status }) => status?.ready === 1);
    await eventually('a pod of the Job is ready', hasPod);
    await fleet.until('a Job that runs', ({ message }) => / runs on foreground-0/.test(message ?? ''));
    await remove(cluster.admin, fleet.strategy, 'Foreground');
    await untilGone(cluster, fleet.strategy);
    const [node] = await fleet.nodes();
    expect([closed(node ? [node] : []), marked(node ? [node] : [])]).toEqual([['foreground-0'], []]);
    expect(node?.metadata?.annotations?.[LEFT_LOCKED_ANNOTATION]).toContain('was deleted');
    await fleet.untilPool('no permit is left', ({ permits }) => permits?.length === 0);
  });
});
