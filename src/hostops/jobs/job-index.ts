import type { KubeConfig, V1Job } from '@kubernetes/client-node';
import { setTimeout as delay } from 'node:timers/promises';
import { RUN_LABEL } from '../../crds/names.ts';
import type { OwnerRef } from '../../crds/owner-ref.ts';
import type { EffectFacts, EffectKey } from '../../engine/view.ts';
import type { HostName } from '../../planner/facts.ts';
import { lookUpFailure } from './job-failures.ts';
import { jobName, jobState, type JobState } from './job.ts';
import { explain } from '../../kube/errors.ts';
import type { SuspendedJob } from '../port.ts';
import type { Log } from '../../kube/log.ts';
import { keyOf, SupervisedInformer } from '../../kube/informer.ts';

const LOOKUPS = 3;
const LOOKUP_PAUSE_MS = 1_000;
const NOT_KNOWN = 'its pod is gone, so no exit code is known';

export type JobIndexOptions = {
  readonly config: KubeConfig;
  /** Called when a Job of this host changes. */
  readonly changed: (host: HostName) => void;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly log: Log;
};

/** Indexes the Jobs of all owners by their effect. */
export class JobIndex {
  readonly #options: JobIndexOptions;
  readonly #informers = new Map<string, SupervisedInformer<V1Job, JobState>>();
  readonly #byEffect = new Map<EffectKey, JobState>();
  /** The names of the running Jobs, by host and uid. */
  readonly #running = new Map<HostName, Map<string, string>>();
  /** The reasons of failed Jobs, by uid; a reason is empty during its lookup. */
  readonly #failures = new Map<string, string>();
  readonly #stopping = new AbortController();

  constructor(options: JobIndexOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#stopping.abort();
    for (const informer of this.#informers.values()) informer.stop();
  }

  /** Watches the Jobs of a namespace. Resolves with undefined once they are known, otherwise with the reason. */
  async prepare(namespace: string): Promise<string | undefined> {
    const known = this.#informers.get(namespace);
    if (known?.isSynced) return undefined;
    const informer = known ?? this.#watch(namespace);
    await informer.firstAnswer;
    return informer.isSynced ? undefined : (informer.failure ?? 'they are not listed yet');
  }

  get(namespace: string, name: string): JobState | undefined {
    return this.#informers.get(namespace)?.get(keyOf(namespace, name));
  }

  /** The name of a Job that was started on the host and has not ended, if there is one. */
  runningOn(host: HostName): string | undefined {
    return this.#running.get(host)?.values().next().value;
  }

  /** Stores a Job that a write returned. */
  upsert(job: V1Job): void {
    this.#informers.get(job.metadata?.namespace ?? '')?.upsert(job);
  }

  /** The Jobs of an owner that were never started. */
  suspended({ namespace, uid }: OwnerRef): readonly SuspendedJob[] {
    const jobs = [...(this.#informers.get(namespace)?.values() ?? [])];
    return jobs.filter(({ state, ownerUid }) => state === 'suspended' && ownerUid === uid);
  }

  /** The Job of an effect. A failed Job counts as running until the reason is known. */
  effect(key: EffectKey): EffectFacts | undefined {
    const job = this.#byEffect.get(key);
    if (!job) return undefined;
    const { name, uid, revision, state } = job;
    if (state !== 'failed') return { name, uid, revision, state };
    const failure = this.#failures.get(uid);
    return failure ? { name, uid, revision, state, failure } : { name, uid, revision, state: 'running' };
  }

  #watch(namespace: string): SupervisedInformer<V1Job, JobState> {
    const { config, now, log } = this.#options;
    const informer = new SupervisedInformer<V1Job, JobState>({
      config,
      path: `/apis/batch/v1/namespaces/${namespace}/jobs`,
      selection: { labelSelector: RUN_LABEL },
      project: jobState,
      changed: (before, after) => this.#change(before, after),
      now,
      log,
    });
    this.#informers.set(namespace, informer);
    informer.start();
    return informer;
  }

  #change(before: JobState | undefined, after: JobState | undefined): void {
    if (before && this.#byEffect.get(before.key)?.uid === before.uid) this.#forget(before);
    if (before && before.uid !== after?.uid) this.#failures.delete(before.uid);
    if (after && this.#isTheJob(after)) this.#keep(after);
    if (after?.state === 'failed' && !this.#failures.has(after.uid)) void this.#learnWhy(after);
    const host = after?.host ?? before?.host;
    if (host !== undefined) this.#options.changed(host);
  }

  #keep(job: JobState): void {
    this.#byEffect.set(job.key, job);
    if (job.state !== 'running') return;
    const running = this.#running.get(job.host) ?? new Map<string, string>();
    this.#running.set(job.host, running.set(job.uid, job.name));
  }

  #forget({ key, host, uid }: JobState): void {
    this.#byEffect.delete(key);
    const running = this.#running.get(host);
    if (running?.delete(uid) && running.size === 0) this.#running.delete(host);
  }

  /** A Job belongs to the effect of its key only if its name ends with the key's digest. The first such Job stays. */
  #isTheJob({ key, name, uid }: JobState): boolean {
    const known = this.#byEffect.get(key);
    const digest = jobName({ key, action: '' }).split('-').at(-1) ?? '';
    return name.endsWith(`-${digest}`) && (known === undefined || known.uid === uid);
  }

  async #learnWhy(job: JobState): Promise<void> {
    this.#failures.set(job.uid, '');
    const failure = await this.#lookUp(job);
    if (this.#stopping.signal.aborted || !this.#failures.has(job.uid)) return;
    this.#failures.set(job.uid, failure);
    this.#options.changed(job.host);
  }

  async #lookUp(job: JobState): Promise<string> {
    const { config, log } = this.#options;
    const { signal } = this.#stopping;
    for (let attempt = 1; attempt <= LOOKUPS && !signal.aborted; attempt++) {
      try {
        return (await lookUpFailure(config, job, signal)) ?? NOT_KNOWN;
      } catch (error) {
        log.warn({ job: job.name, host: job.host, error: explain(error) }, 'cannot look up why a Job failed');
        await delay(LOOKUP_PAUSE_MS * attempt, undefined, { signal }).catch(() => undefined); // stopped: the loop ends
      }
    }
    return 'its pod could not be looked up';
  }
}
