import type { V1ContainerStatus, V1Job } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { effectKey, type Outcome } from '../../../src/engine/effect.ts';
import { adoptJobs } from '../../../src/hostops/jobs/adopt-jobs.ts';
import { HostJobs, type JobEffect } from '../../../src/hostops/jobs/host-jobs.ts';
import { jobName, jobState } from '../../../src/hostops/jobs/job.ts';
import { mergePatched } from '../../simulation/world/patches.ts';
import type { ApiObject } from '../../simulation/world/objects.ts';
import { eventually } from '../../support/eventually.ts';
import { ownerNamed } from '../support/owners.ts';
import { JobServer } from '../support/job-server.ts';

const OWNER = ownerNamed('s');
const FENCE = { owner: OWNER, run: 'r1', epoch: 1 };
const ACTION = 'kernel';
const KEY = effectKey('r1', 0, 'sw-patch-hosts', 'w-1', ACTION, 1);
const NAME = jobName({ key: KEY, action: ACTION });
const job = { template: { spec: { containers: [{ name: 'apply', image: 'patch:1' }] } } };
const quiet = { info: () => undefined, warn: () => undefined };

/** A Job that was made, over a server on which other tools change Jobs. */
class Scene {
  readonly server = new JobServer();
  readonly jobs = new HostJobs({
    config: this.server.config,

    now: () => 0,
    log: quiet,
  });

  static async start(): Promise<Scene> {
    const scene = new Scene();
    await scene.jobs.prepare(OWNER.namespace);
    await scene.perform({ kind: 'create-job', key: KEY, host: 'w-1', action: ACTION, job });
    return scene;
  }

  async perform(effect: JobEffect): Promise<Outcome> {
    return this.jobs.perform(effect, FENCE, new AbortController().signal);
  }

  get made(): V1Job {
    return this.server.job(OWNER.namespace, NAME);
  }

  /** The names of the Jobs that occupy the host. */
  get atWork(): readonly string[] {
    return this.jobs.jobsOn('w-1', OWNER).map(({ name }) => name);
  }

  get seen() {
    return this.jobs.effect(KEY, OWNER);
  }

  async start(): Promise<Outcome> {
    const { uid = '', startRevision: revision = '' } = this.seen ?? {};
    return this.perform({
      kind: 'start-job',
      key: `${KEY}/start`,
      host: 'w-1',
      name: NAME,
      uid,
      revision,
      timeoutSeconds: 300,
    });
  }

  async mend(): Promise<Outcome> {
    const uid = this.made.metadata?.uid ?? '';
    const common = { host: 'w-1', name: NAME, uid, effect: KEY, action: ACTION, timeoutSeconds: 300 };
    return this.perform({ kind: 'mend-job', key: `${KEY}/mend`, ...common });
  }

  /** Somebody deletes the Job; resolves when that was observed. */
  async remove(): Promise<void> {
    this.server.remove(OWNER.namespace, NAME);
    await eventually('the watch', () => this.server.isQuiet);
  }

  /** Another tool changes the Job; resolves when that was observed. */
  async change(patch: object): Promise<void> {
    this.server.change(OWNER.namespace, NAME, patch);
    await eventually('the watch', () => this.server.isQuiet);
  }
}

describe('a Job that somebody changes', () => {
  it.each<[string, object, object]>([
    ['spec.backoffLimit is 4, must be 0', { spec: { backoffLimit: 4 } }, { spec: { backoffLimit: 0 } }],
    ['spec.parallelism is 2, must be 1', { spec: { parallelism: 2 } }, { spec: { parallelism: 1 } }],
    ['spec.completions is 2, must be 1', { spec: { completions: 2 } }, { spec: { completions: 1 } }],
    [
      'spec.ttlSecondsAfterFinished is 0, must be not set',
      { spec: { ttlSecondsAfterFinished: 0 } },
      { spec: expect.not.objectContaining({ ttlSecondsAfterFinished: 0 }) as object },
    ],
    ['spec.podFailurePolicy is set, must be not set', { spec: { podFailurePolicy: { rules: [] } } }, {}],
    [
      'the controller in metadata.ownerReferences is not set, must be careen.dev/v1alpha1 PatchStrategy uid-of-PatchStrategy-s',
      { metadata: { ownerReferences: null } },
      { metadata: { ownerReferences: [{ uid: OWNER.uid, controller: true }] } },
    ],
    [
      'metadata.labels[careen.dev/run] is r2, must be r1',
      { metadata: { labels: { 'careen.dev/run': 'r2' } } },
      { metadata: { labels: { 'careen.dev/run': 'r1' } } },
    ],
  ])('is noticed and changed back: %s', async (altered, change, mended) => {
    const scene = await Scene.start();
    expect(scene.seen).not.toHaveProperty('altered');
    await scene.change(change);
    expect(scene.seen).toMatchObject({ state: 'suspended', altered });
    expect(await scene.mend()).toEqual({ kind: 'accepted' });
    expect(scene.made).toMatchObject(mended);
    expect(scene.seen).not.toHaveProperty('altered');
  });

  it('may get what no guarantee rests on: labels, images, side-cars', async () => {
    const scene = await Scene.start();
    await scene.change({
      metadata: { labels: { team: 'a' }, finalizers: ['policy/kept'] },
      spec: { template: { spec: { initContainers: [{ name: 'x', image: 'y' }] } } },
    });
    expect(scene.seen).toMatchObject({ state: 'suspended' });
    expect(scene.seen).not.toHaveProperty('altered');
  });

  it('keeps its deadline while it runs', async () => {
    const scene = await Scene.start();
    expect(await scene.start()).toEqual({ kind: 'accepted' });
    expect(scene.seen).toMatchObject({ state: 'running' });
    await scene.change({ spec: { activeDeadlineSeconds: null } });
    expect(scene.seen).toMatchObject({ altered: 'spec.activeDeadlineSeconds is not set, must be 300' });
    expect(await scene.mend()).toEqual({ kind: 'accepted' });
    expect(scene.made.spec?.activeDeadlineSeconds).toBe(300);
  });

  it('may keep a time to live on which a policy insists, and nothing else of it', async () => {
    const scene = await Scene.start();
    scene.server.mutate = (object) =>
      mergePatched(object, { spec: { ttlSecondsAfterFinished: 0 } }) as ApiObject;
    await scene.change({ spec: { ttlSecondsAfterFinished: 0 } });
    expect(await scene.mend()).toEqual({ kind: 'accepted' });
    expect(scene.made.spec?.ttlSecondsAfterFinished).toBe(0);
    expect(scene.seen).not.toHaveProperty('altered');
    await scene.change({ spec: { backoffLimit: 4 } });
    expect(scene.seen).toMatchObject({ altered: 'spec.backoffLimit is 4, must be 0' });
  });

  it('gets a deadline, too, when somebody else started it', async () => {
    const scene = await Scene.start();
    await scene.change({ spec: { suspend: false } });
    expect(scene.seen?.altered).toContain('spec.suspend is false');
    await scene.mend();
    expect(scene.made.spec?.activeDeadlineSeconds).toBe(300);
    expect(scene.seen).toEqual(expect.not.objectContaining({ altered: expect.anything() as unknown }));
  });

  it('is named when a policy changes it again, and stopped once a pod of it has failed', async () => {
    const scene = await Scene.start();
    await scene.start();
    scene.server.mutate = (object) => mergePatched(object, { spec: { backoffLimit: 4 } }) as ApiObject;
    await scene.change({ spec: { backoffLimit: 4 } });
    expect(await scene.mend()).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('spec.backoffLimit is 4, must be 0, and is changed again') as unknown,
    });
    expect(scene.made.spec?.suspend).toBe(false);
    await scene.change({ status: { failed: 1 } });
    expect(scene.seen?.altered).toContain('a pod of it has failed');
    await scene.mend();
    expect(scene.made.spec?.suspend).toBe(true);
  });
});

describe('a Job that somebody deletes, and that a finalizer of others keeps', () => {
  const deleted = { metadata: { deletionTimestamp: '2026-11-26T09:00:00Z', finalizers: ['policy/kept'] } };

  it('has failed once its pod is gone', async () => {
    const scene = await Scene.start();
    await scene.start();
    await scene.change({ ...deleted, status: { active: 1 } });
    expect(scene.atWork).toEqual([NAME]);
    await scene.change({ status: { active: 0 } });
    await eventually('its reason', () => scene.seen?.failure);
    expect(scene.seen).toMatchObject({ state: 'failed' });
    expect(scene.seen?.failure).toContain('it was deleted while it ran');
    expect(scene.atWork).toEqual([]);
  });

  it('is told from one that ran, where it was suspended before', async () => {
    const scene = await Scene.start();
    await scene.start();
    await scene.change({ spec: { suspend: true } });
    await scene.change({ ...deleted, status: { active: 0 } });
    await eventually('its reason', () => scene.seen?.failure);
    expect(scene.seen).toMatchObject({ state: 'failed', wasSuspended: true });
    expect(scene.seen).not.toHaveProperty('containerStarted');
  });

  it('is not started afterwards', async () => {
    const scene = await Scene.start();
    await scene.change(deleted);
    await eventually('its reason', () => scene.seen?.failure);
    expect(scene.seen).toMatchObject({ state: 'failed', containerStarted: false });
    expect(scene.seen?.failure).toContain('it was deleted before it was started');
  });
});

describe('a Job that is deleted as soon as it has ended', () => {
  const ended = (type: 'Complete' | 'Failed') => ({ status: { conditions: [{ type, status: 'True' }] } });

  it('has succeeded, for as long as nobody gives it up', async () => {
    const scene = await Scene.start();
    await scene.start();
    await scene.change(ended('Complete'));
    const { uid = '', resourceVersion: revision = '' } = scene.made.metadata ?? {};
    await scene.remove();
    expect(scene.seen).toMatchObject({ uid, state: 'succeeded' });
    expect(scene.atWork).toEqual([]);
    await scene.perform({ kind: 'delete-job', key: 'x', host: 'w-1', name: NAME, uid, revision });
    expect(scene.seen).toBeUndefined();
  });

  it('has failed with the exit code that its pod had', async () => {
    const scene = await Scene.start();
    await scene.start();
    const owner = { apiVersion: 'batch/v1', kind: 'Job', name: NAME, controller: true };
    const terminated = { exitCode: 7 };
    scene.server.makePod({
      ...{ apiVersion: 'v1', kind: 'Pod' },
      metadata: {
        ...{ namespace: OWNER.namespace, name: 'p', labels: { 'careen.dev/run': 'r1' } },
        ownerReferences: [{ ...owner, uid: scene.made.metadata?.uid ?? '' }],
      },
      status: { containerStatuses: [{ name: 'apply', state: { terminated } } as V1ContainerStatus] },
    });
    await eventually('the exit', () => scene.seen?.containerStarted);
    scene.server.removePod(OWNER.namespace, 'p');
    await scene.change(ended('Failed'));
    await scene.remove();
    await eventually('its reason', () => scene.seen?.failure);
    expect(scene.seen).toMatchObject({ state: 'failed', failure: 'container apply exited with code 7' });
  });

  it('is forgotten when it was never started', async () => {
    const scene = await Scene.start();
    await scene.remove();
    await eventually('the search', () => scene.seen === undefined);
  });

  it('is forgotten when we delete it', async () => {
    const scene = await Scene.start();
    await scene.start();
    await scene.change(ended('Complete'));
    const { uid = '', resourceVersion: revision = '' } = scene.made.metadata ?? {};
    await scene.perform({ kind: 'delete-job', key: 'x', host: 'w-1', name: NAME, uid, revision });
    await eventually('the watch', () => scene.seen === undefined);
  });
});

describe('a Job without the label that it is watched by', () => {
  it.each([
    ['label', { metadata: { labels: { 'careen.dev/run': null } } }],
    ['annotation of its effect', { metadata: { annotations: { 'careen.dev/effect': null } } }],
  ])('still occupies its host, and gets its %s again', async (_, change) => {
    const scene = await Scene.start();
    await scene.start();
    await scene.change(change);
    expect(scene.atWork).toEqual([NAME]);
    await eventually('the search', () => scene.seen?.altered);
    await scene.mend();
    await eventually('the watch', () => scene.seen && !scene.seen.altered);
    expect(scene.atWork).toEqual([NAME]);
    expect(scene.made.metadata?.labels).toMatchObject({ 'careen.dev/run': 'r1' });
  });

  it('is found by the next leader, by its recorded name', async () => {
    const scene = await Scene.start();
    await scene.start();
    await scene.change({ metadata: { labels: { 'careen.dev/run': null } } });
    const uid = scene.made.metadata?.uid ?? '';
    const common = { host: 'w-1', name: NAME, uid, effect: KEY, action: ACTION, timeoutSeconds: 300 };
    const recorded = { kind: 'mend-job', key: `${KEY}/adopt`, ...common } as const;
    const writer = { config: scene.server.config, now: () => 0 };
    const next = { ...FENCE, epoch: 2 };
    const adopted = await adoptJobs(writer, [recorded], next, new AbortController().signal);
    expect(adopted.map(({ job }) => jobState(job))).toMatchObject([
      { name: NAME, run: 'r1', state: 'running' },
    ]);
    expect(scene.made.metadata?.annotations).toMatchObject({ 'careen.dev/epoch': '2' });
  });

  it('counts as deleted once the server says so', async () => {
    const scene = await Scene.start();
    await scene.start();
    scene.server.remove(OWNER.namespace, NAME);
    await eventually('the search', () => scene.seen === undefined);
    expect(scene.atWork).toEqual([]);
  });
});

describe('the start of a Job', () => {
  async function startAfter(change: (scene: Scene) => void): Promise<Outcome> {
    const scene = await Scene.start();
    const { uid = '', startRevision: revision = '' } = scene.seen ?? {};
    change(scene);
    const about = { host: 'w-1', name: NAME, uid, revision, timeoutSeconds: 300 };
    return scene.perform({ kind: 'start-job', key: `${KEY}/start`, ...about });
  }

  it('is accepted although its controller has written its status meanwhile', async () => {
    const conditions = [{ type: 'Suspended', status: 'True' }];
    const outcome = await startAfter(({ server }) =>
      server.change(OWNER.namespace, NAME, { status: { conditions } }),
    );
    expect(outcome).toEqual({ kind: 'accepted' });
  });

  it.each<[string, object]>([
    ['its spec', { spec: { parallelism: 2 } }],
    ['its epoch', { metadata: { annotations: { 'careen.dev/epoch': '7' } } }],
    ['its labels', { metadata: { labels: { 'careen.dev/run': 'r2' } } }],
    ['its owners', { metadata: { ownerReferences: null } }],
  ])('is stale after a change of %s, whether that was observed or not', async (_, change) => {
    const unobserved = await startAfter(({ server }) => server.change(OWNER.namespace, NAME, change));
    expect(unobserved).toEqual({ kind: 'stale' });
    const scene = await Scene.start();
    const { uid = '', startRevision: revision = '' } = scene.seen ?? {};
    await scene.change(change);
    const about = { host: 'w-1', name: NAME, uid, revision, timeoutSeconds: 300 };
    expect(await scene.perform({ kind: 'start-job', key: `${KEY}/start`, ...about })).toEqual({
      kind: 'stale',
    });
  });
});
