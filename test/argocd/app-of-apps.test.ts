/** The app of apps of examples/argocd, synced from git by a running Argo CD, with the operator and simulated hosts. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { REQUEST_ANNOTATION } from '../../src/crds/names.ts';
import { request } from '../e2e/by-hand.ts';
import { closed, marked } from '../e2e/cluster.ts';
import { mergePatch } from '../support/controlplane/apply.ts';
import { eventually } from '../support/eventually.ts';
import { BEHAVIOUR_ANNOTATION, WORK_SECONDS_ANNOTATION } from '../support/hosts/host-standin.ts';
import { ArgoScene, OLD_KERNEL, shownHealth, strategyNamed, type Application } from './harness/scene.ts';

const APPLICATIONS = ['careen-crds', 'careen', 'careen-pools', 'careen-canary', 'careen-workers'];
const STRATEGIES = 'examples/argocd/strategies';
const DRIFT_MINUTES = Number(process.env['CAREEN_ARGOCD_MINUTES'] ?? 10);

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let scene: ArgoScene;
beforeAll(async () => {
  scene = await ArgoScene.start();
});
afterAll(async () => scene.stop());

const isSynced = ({ status }: Application): boolean => status.sync.status === 'Synced';
const is = (health: string) => (application: Application) =>
  isSynced(application) && application.status.health.status === health;

/** Makes a commit with a tag, and commits that tag for these waves. */
async function release(tag: string, waves: readonly string[]): Promise<void> {
  for (const wave of waves)
    await scene.repository.edit(`examples/argocd/apps/${wave}.yaml`, (text) =>
      text.replace(/targetRevision: .*/, `targetRevision: ${tag}`),
    );
  await scene.repository.commit(`bring ${tag} to ${waves.join(' and ')}`, tag);
}

/** Whether the Application has this revision, and has been compared with it and found in sync. */
const hasSynced =
  (tag: string) =>
  ({ spec, status }: Application): boolean =>
    spec.source.targetRevision === tag &&
    status.sync.comparedTo.source.targetRevision === tag &&
    status.sync.status === 'Synced';

/** Waits until the Application shows a health for its strategy of this revision. */
async function untilShown(name: string, tag: string, health: string): Promise<void> {
  const fits = (application: Application): boolean =>
    hasSynced(tag)(application) && shownHealth(application)?.status === health;
  await scene.until(name, `shows ${health}`, fits);
}

async function setKernel(version: string): Promise<void> {
  await scene.repository.edit(`${STRATEGIES}/base/patch-strategy.yaml`, (text) =>
    text.replaceAll(/6\.12\.\d+/g, version),
  );
}

async function annotate(host: string, annotations: Record<string, string | null>): Promise<void> {
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: host } };
  await mergePatch(scene.admin, node, { metadata: { annotations } });
}

it('syncs the waves in order, and waits in the last one for approval', async () => {
  await scene.repository.commit('the examples, with our address', 'v0.1.0');
  await scene.applyRoot();
  const begun = new Map<string, string>();
  await eventually('the last wave waits for approval', async () => beginnings(begun), {
    seconds: 240,
    describe: () => [...begun],
  });
  expect([...begun]).toEqual(APPLICATIONS.map((name, i) => [name, i === 0 ? '' : 'Healthy']));
  expect(await scene.kernels('canary')).toEqual(['6.12.48', '6.12.48']);
  expect(await scene.kernels('worker')).toEqual([OLD_KERNEL, OLD_KERNEL]);
});

/** Notes of each wave that has begun since the last call the health of the wave before; true when the last one waits. */
async function beginnings(begun: Map<string, string>): Promise<boolean> {
  for (const [i, name] of APPLICATIONS.entries()) {
    if (begun.has(name) || (await scene.application(name)) === undefined) continue;
    const wave = APPLICATIONS[i - 1];
    const before = wave === undefined ? undefined : await scene.application(wave);
    begun.set(name, before?.status.health.status ?? '');
  }
  const last = await scene.application('careen-workers');
  return last !== undefined && is('Suspended')(last);
}

it('carries a wave out that is approved by a commit', async () => {
  await scene.repository.edit(
    `${STRATEGIES}/workers/kustomization.yaml`,
    (text) => `${text}      - { op: replace, path: /spec/execution/mode, value: Run }\n`,
  );
  await release('v0.2.0', ['4-workers']);
  await scene.until('careen-workers', 'has the new kernel', is('Healthy'));
  expect(await scene.kernels('worker')).toEqual(['6.12.48', '6.12.48']);
});

it('heals what is edited by hand, and leaves requests alone', async () => {
  const strategy = strategyNamed('kernel-workers');
  await request(scene.admin, strategy, { id: 'by-hand', verb: 'apply-all' });
  await mergePatch(scene.admin, strategy, { spec: { execution: { mode: 'Suspend' } } });
  await eventually(
    'the mode in git is restored',
    async () => (await scene.strategy('kernel-workers'))?.spec.execution.mode === 'Run',
    { seconds: 60 },
  );
  const healed = await scene.strategy('kernel-workers');
  expect(healed?.metadata.annotations).toHaveProperty([REQUEST_ANNOTATION]);
  await scene.until('careen-workers', 'is healthy again', is('Healthy'));
});

it('shows the health of each state, and begins no wave after one that failed', async () => {
  await annotate('canary-0', { [BEHAVIOUR_ANNOTATION]: 'exit-7' });
  await setKernel('6.12.53');
  await release('v0.3.0', ['3-canary', '4-workers']);
  await untilShown('careen-canary', 'v0.3.0', 'Progressing');
  await untilShown('careen-canary', 'v0.3.0', 'Degraded');
  const failed = await scene.application('careen-canary');
  expect(failed && shownHealth(failed)?.message).toMatch(/canary-0.*exited with code 7/);
  await scene.until('careen-root', 'has failed', ({ status }) => status.operationState?.phase === 'Failed');
  expect((await scene.application('careen-workers'))?.spec.source.targetRevision).toBe('v0.2.0');

  await annotate('canary-0', { [BEHAVIOUR_ANNOTATION]: null });
  await request(scene.admin, strategyNamed('kernel-canary'), { id: 'repaired', verb: 'retry' });
  await untilShown('careen-canary', 'v0.3.0', 'Healthy');
  await scene.until('careen-root', 'does not try the commit again', ({ status }) =>
    status.conditions.some(({ message }) => message.startsWith('Failed last sync attempt')),
  );
  expect((await scene.application('careen-workers'))?.spec.source.targetRevision).toBe('v0.2.0');
});

it('shows a paused pool as suspended', async () => {
  const pool = { apiVersion: 'careen.dev/v1alpha1', kind: 'HostPool', metadata: { name: 'canary' } };
  await mergePatch(scene.admin, pool, { spec: { paused: true } });
  await scene.until('careen-pools', 'is suspended', is('Suspended'));
  await mergePatch(scene.admin, pool, { spec: { paused: false } });
  await scene.until('careen-pools', 'is healthy again', is('Healthy'));
});

it('aborts a running strategy that is removed from git, and then lets it go', async () => {
  await annotate('worker-0', { [WORK_SECONDS_ANNOTATION]: '8' });
  await annotate('worker-1', { [WORK_SECONDS_ANNOTATION]: '8' });
  await setKernel('6.12.54');
  await release('v0.4.0', ['4-workers']);
  await scene.until(
    'careen-workers',
    'runs',
    ({ spec, status }) => spec.source.targetRevision === 'v0.4.0' && status.health.status === 'Progressing',
  );
  await eventually(
    'a host is cordoned',
    async () => (await scene.nodes('worker')).some(({ spec }) => spec?.unschedulable),
    { seconds: 60 },
  );

  const kept = await scene.repository.remove('examples/argocd/apps/4-workers.yaml');
  await scene.repository.commit('no kernel for the workers');
  const leaving = await scene.until(
    'careen-workers',
    'is being deleted',
    ({ metadata }) => metadata.deletionTimestamp !== undefined,
  );
  expect(leaving.status.health.status).not.toBe('Degraded');
  await eventually(
    'the strategy is aborted',
    async () => (await scene.strategy('kernel-workers'))?.status.state === 'aborting',
    { seconds: 30 },
  );
  await eventually(
    'the Application and its strategy are gone',
    async () =>
      (await scene.application('careen-workers')) === undefined &&
      (await scene.strategy('kernel-workers')) === undefined,
    { seconds: 90 },
  );
  const nodes = await scene.nodes('worker');
  expect([closed(nodes), marked(nodes)]).toEqual([[], []]);

  await scene.repository.restore(kept);
  await scene.repository.commit('the kernel for the workers again');
  await scene.until('careen-workers', 'has the new kernel', is('Healthy'), 120);
});

it(
  `has no drift over ${String(DRIFT_MINUTES)} minutes, in which the canary and then the others are patched`,
  async () => {
    const hosts = ['canary-0', 'canary-1', 'worker-0', 'worker-1'];
    for (const host of hosts)
      await annotate(host, { [WORK_SECONDS_ANNOTATION]: String(Math.ceil(DRIFT_MINUTES * 3)) });
    await setKernel('6.12.55');
    await release('v0.5.0', ['3-canary', '4-workers']);
    await scene.until('careen-canary', 'has its new order', hasSynced('v0.5.0'));
    const before = await syncs();
    const drift: string[] = [];
    const shown = new Set<string>();
    let isLastWaveThere = false;
    const end = Date.now() + DRIFT_MINUTES * 60_000;
    while (Date.now() < end) {
      for (const name of ['careen-root', ...APPLICATIONS]) {
        const application = await scene.application(name);
        if (!application) throw new Error(`${name} is gone`);
        const isAwaited = !isLastWaveThere && ['careen-root', 'careen-workers'].includes(name);
        if (!isSynced(application) && !isAwaited) drift.push(`${name}: ${application.status.sync.status}`);
        shown.add(`${name}: ${application.status.health.status}`);
      }
      isLastWaveThere ||= await isLastWaveSynced();
      await delay(1_000);
    }
    expect(drift).toEqual([]);
    for (const name of ['careen-canary', 'careen-workers'])
      expect([...shown]).toEqual(expect.arrayContaining([`${name}: Progressing`, `${name}: Healthy`]));
    // The one sync of the last wave, and none to heal anything.
    expect(await syncs()).toEqual({ ...before, 'careen-workers': (before['careen-workers'] ?? 0) + 1 });
    expect(await scene.kernels('worker')).toEqual(['6.12.55', '6.12.55']);
  },
  DRIFT_MINUTES * 60_000 + 300_000,
);

/** The root is not in sync before that: it has the revision of the last wave still to set. */
async function isLastWaveSynced(): Promise<boolean> {
  const [root, workers] = [await scene.application('careen-root'), await scene.application('careen-workers')];
  return root !== undefined && isSynced(root) && workers !== undefined && hasSynced('v0.5.0')(workers);
}

/** The number of the last sync of each Application. */
async function syncs(): Promise<Record<string, number>> {
  const numbered = APPLICATIONS.map(async (name) => [
    name,
    (await scene.application(name))?.status.history.at(-1)?.id ?? 0,
  ]);
  return z.record(z.string(), z.int()).parse(Object.fromEntries(await Promise.all(numbered)));
}
