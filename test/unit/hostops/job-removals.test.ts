import { describe, expect, it, onTestFinished } from 'vitest';
import type { Outcome } from '../../../src/engine/effect.ts';
import { effectKey } from '../../../src/engine/effect.ts';
import { HostJobs } from '../../../src/hostops/jobs/host-jobs.ts';
import type { Answer, Call } from '../../../src/kube/client.ts';
import { eventually } from '../../support/eventually.ts';
import { JobServer } from '../support/job-server.ts';

const OWNER = { kind: 'PatchStrategy', namespace: 'n', name: 's', uid: 'uid-of-s' };
const FENCE = { owner: OWNER, run: 'r1', epoch: 1 };
const job = { template: { spec: { containers: [{ name: 'apply', image: 'i' }] } } };
const { signal } = new AbortController();
const NOT_FOUND: Answer = {
  ...{ ok: false, status: 404, headers: [], body: null },
  json: async () => ({ code: 404, reason: 'NotFound' }),
  text: async () => '{"code":404,"reason":"NotFound"}',
};

/** The Jobs of three hosts, of which the first two have succeeded. */
class Scene {
  readonly #server = new JobServer();
  readonly #jobs: HostJobs;
  readonly deletions: Call[] = [];
  /** Answers a request in place of the server. */
  instead: (request: Call) => Promise<Answer> | undefined = () => undefined;

  private constructor() {
    const { transport } = this.#server.config;
    this.#server.config.transport = async (request, aborted) => {
      if (request.method === 'DELETE') this.deletions.push(request);
      return this.instead(request) ?? transport(request, aborted);
    };
    const quiet = { info: () => undefined, warn: () => undefined };
    this.#jobs = new HostJobs({
      ...{ config: this.#server.config, now: () => 0, log: quiet },
    });
    onTestFinished(() => this.#jobs.stop());
  }

  static async start(): Promise<Scene> {
    const scene = new Scene();
    await scene.#jobs.prepare(OWNER.namespace);
    for (const host of ['w-1', 'w-2', 'w-3']) {
      const key = effectKey('r1', 0, 'sw-patch-hosts', host, 'kernel', 1);
      await scene.#jobs.perform({ kind: 'create-job', key, host, action: 'kernel', job }, FENCE, signal);
    }
    const [first, second] = scene.names;
    for (const name of [first, second]) {
      const status = { succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] };
      scene.#server.change(OWNER.namespace, name ?? '', { status });
    }
    await eventually('the watch', () => scene.#server.isQuiet);
    return scene;
  }

  get names(): readonly string[] {
    return this.#jobs.idle(OWNER).map(({ name }) => name);
  }

  relabel(name: string, label: string | null): void {
    this.#server.change(OWNER.namespace, name, { metadata: { labels: { 'careen.dev/job': label } } });
  }

  /** Somebody makes the same Job again under another name, without its owner. */
  copy(name: string, as: string): void {
    const { metadata, ...job } = this.#server.job(OWNER.namespace, name);
    const { ownerReferences: _, uid: _uid, resourceVersion: _version, ...kept } = metadata ?? {};
    this.#server.make({ ...job, metadata: { ...kept, name: as } });
  }

  has(name: string): boolean {
    return this.#server.names().includes(name);
  }

  /** Removes all Jobs as they were observed. */
  async removeAll(): Promise<readonly Outcome[]> {
    const removals = this.#jobs
      .idle(OWNER)
      .map(async ({ host, name, uid, revision }) =>
        this.#jobs.perform({ kind: 'delete-job', key: name, host, name, uid, revision }, FENCE, signal),
      );
    const outcomes = await Promise.all(removals);
    await eventually('the watch', () => this.#server.isQuiet);
    return outcomes;
  }
}

describe('Jobs that are removed', () => {
  it('by one request where they have succeeded, the others each by its revision', async () => {
    const scene = await Scene.start();
    const [first, second] = scene.names;
    expect((await scene.removeAll()).map(({ kind }) => kind)).toEqual(['accepted', 'accepted', 'accepted']);
    expect(scene.names).toEqual([]);
    expect(scene.deletions).toHaveLength(2);
    expect(scene.deletions.find(({ query }) => query)?.query).toEqual({
      labelSelector: `careen.dev/job in (${String(first)},${String(second)})`,
      fieldSelector: 'status.successful=1',
    });
  });

  it('do not take a copy with them that somebody made, and that has succeeded, too', async () => {
    const scene = await Scene.start();
    const [first = ''] = scene.names;
    scene.copy(first, 'copy');
    await scene.removeAll();
    expect(scene.names).toEqual([]);
    expect(scene.has('copy')).toBe(true);
  });

  it('are gone when the server does not know them, also while the watch is silent', async () => {
    const scene = await Scene.start();
    scene.instead = ({ method }) => (method === 'DELETE' ? Promise.resolve(NOT_FOUND) : undefined);
    expect((await scene.removeAll()).map(({ kind }) => kind)).toEqual(['already', 'already', 'already']);
    expect(scene.names).toEqual([]);
  });

  it('one by one where the right is missing, or a label is', async () => {
    for (const lacks of ['right', 'label'] as const) {
      const scene = await Scene.start();
      if (lacks === 'label') scene.relabel(scene.names[0] ?? '', null);
      if (lacks === 'right')
        scene.instead = (request) =>
          request.query?.['labelSelector'] === undefined || request.method !== 'DELETE'
            ? undefined
            : Promise.reject(new Error('no right'));
      await scene.removeAll();
      await scene.removeAll();
      expect(scene.names).toEqual([]);
    }
  });
});
