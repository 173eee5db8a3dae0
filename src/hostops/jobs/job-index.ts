import type { KubeConfig, V1Job } from '@kubernetes/client-node';
import { setTimeout as delay } from 'node:timers/promises';
import { RUN_LABEL } from '../../crds/names.ts';
import type { OwnerRef } from '../../crds/owner-ref.ts';
import type { EffectFacts, EffectKey } from '../../engine/view.ts';
import type { HostName } from '../../planner/facts.ts';
import { call } from '../../kube/client.ts';
import { explain, httpStatus } from '../../kube/errors.ts';
import { lookUpFailure } from './job-failures.ts';
import { hasEnded, jobName, jobState, strayState, type JobState } from './job.ts';
import type { SuspendedJob } from '../port.ts';
import type { Log } from '../../kube/log.ts';
import { keyOf, SupervisedInformer } from '../../kube/informer.ts';

const LOOKUPS = 3;
const LOOKUP_PAUSE_MS = 1_000;
/** How often a Job is read that the watch does not show any more although it exists. */
const STRAY_PAUSE_MS = 10_000;
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
  /** The Jobs that were started, by host and uid. */
  readonly #started = new Map<HostName, Map<string, JobState>>();
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
    return this.#startedOn(host).find(({ state }) => state === 'running')?.name;
  }

  /** Whether a Job of the run was started on the host. It may have ended since. */
  hasBegun(host: HostName, run: string): boolean {
    return this.#startedOn(host).some((job) => job.run === run);
  }

  /** Stores a Job that a write returned. */
  upsert(job: V1Job): void {
    this.#informers.get(job.metadata?.namespace ?? '')?.upsert(job);
  }

  /** Reads a Job that is not as it was observed. */
  async refresh(namespace: string, name: string, signal: AbortSignal): Promise<void> {
    const path = `/apis/batch/v1/namespaces/${namespace}/jobs/${name}`;
    const request = async (): Promise<V1Job | undefined> => {
      try {
        return await call<V1Job>(this.#options.config, { method: 'GET', path }, signal);
      } catch (error) {
        if (httpStatus(error) !== 404) throw error;
        return undefined;
      }
    };
    await this.#informers.get(namespace)?.refresh(keyOf(namespace, name), request);
  }

  /** Lists all Jobs anew. */
  listAgain(): void {
    for (const informer of this.#informers.values()) informer.listAgain();
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
    const { name, uid, revision, state, altered } = job;
    if (state !== 'failed')
      return { name, uid, revision, state, ...(altered === undefined ? {} : { altered }) };
    const failure = job.failure ?? this.#failures.get(uid);
    return failure ? { name, uid, revision, state, failure } : { name, uid, revision, state: 'running' };
  }

  #watch(namespace: string): SupervisedInformer<V1Job, JobState> {
    const { config, now, log } = this.#options;
    const informer = new SupervisedInformer<V1Job, JobState>({
      config,
      path: `/apis/batch/v1/namespaces/${namespace}/jobs`,
      selection: { labelSelector: RUN_LABEL },
      project: (job) => jobState(job),
      changed: (before, after) => this.#change(before, after),
      now,
      log,
    });
    this.#informers.set(namespace, informer);
    informer.start();
    return informer;
  }

  /**
   * A Job that the watch no longer shows may only have lost the label that it is watched by. It counts as it was until
   * it is read, and then as it is, so that its host is not taken for idle.
   */
  async #lookForStray(job: JobState): Promise<void> {
    const { config, log } = this.#options;
    const { signal } = this.#stopping;
    const path = `/apis/batch/v1/namespaces/${job.namespace}/jobs/${job.name}`;
    for (let known = job; !signal.aborted && this.#byEffect.get(job.key) === known;) {
      try {
        const found = await call<V1Job>(config, { method: 'GET', path }, signal);
        if (this.#byEffect.get(job.key) !== known) return;
        const stray = found.metadata?.uid === job.uid ? strayState(found, job) : undefined;
        this.#replace(known, stray);
        if (!stray || hasEnded(stray)) return;
        known = stray;
      } catch (error) {
        if (this.#byEffect.get(job.key) !== known) return;
        // Without the right to read it, as in a namespace that is being deleted, it counts as gone, too.
        if ([403, 404].includes(httpStatus(error) ?? 0)) {
          this.#replace(known, undefined);
          return;
        }
        log.warn(
          { job: job.name, host: job.host, error: explain(error) },
          'cannot read a Job that is not watched',
        );
      }
      await delay(STRAY_PAUSE_MS, undefined, { signal }).catch(() => undefined); // stopped: the loop ends
    }
  }

  #change(before: JobState | undefined, after: JobState | undefined): void {
    if (before && !after && !hasEnded(before) && this.#byEffect.get(before.key)?.uid === before.uid) {
      this.#byEffect.set(before.key, before);
      void this.#lookForStray(before);
    } else this.#replace(before, after);
  }

  #replace(before: JobState | undefined, after: JobState | undefined): void {
    if (before && this.#byEffect.get(before.key)?.uid === before.uid) this.#forget(before);
    if (before && before.uid !== after?.uid) this.#failures.delete(before.uid);
    if (after && this.#isTheJob(after)) this.#keep(after);
    const isUnexplained = after?.state === 'failed' && after.failure === undefined;
    if (isUnexplained && !this.#failures.has(after.uid)) void this.#learnWhy(after);
    const host = after?.host ?? before?.host;
    if (host !== undefined) this.#options.changed(host);
  }

  #keep(job: JobState): void {
    this.#byEffect.set(job.key, job);
    if (job.state === 'suspended') return;
    const started = this.#started.get(job.host) ?? new Map<string, JobState>();
    this.#started.set(job.host, started.set(job.uid, job));
  }

  #startedOn(host: HostName): readonly JobState[] {
    return [...(this.#started.get(host)?.values() ?? [])];
  }

  #forget({ key, host, uid }: JobState): void {
    this.#byEffect.delete(key);
    const started = this.#started.get(host);
    if (started?.delete(uid) && started.size === 0) this.#started.delete(host);
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
