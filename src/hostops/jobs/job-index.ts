import type { KubeConfig, V1Job } from '@kubernetes/client-node';
import { setTimeout as delay } from 'node:timers/promises';
import { RUN_LABEL } from '../../crds/names.ts';
import type { OwnerRef } from '../../crds/owner-ref.ts';
import type { Claim, EffectFacts, EffectKey, JobAtWork } from '../../engine/view.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { call } from '../../kube/client.ts';
import { explain, httpStatus } from '../../kube/errors.ts';
import { SupervisedInformer } from '../../kube/informer.ts';
import { keyOf } from '../../kube/kept-objects.ts';
import type { Log } from '../../kube/log.ts';
import type { IdleJob } from '../port.ts';
import { JobLookups } from './job-lookups.ts';
import type { JobPod } from './job-pod.ts';
import { JobPods } from './job-pods.ts';
import { hasEnded, isJobOf, jobState, type JobState } from './job.ts';

/** How often a Job is read that the watch does not show any more although it exists. */
const STRAY_PAUSE_MS = 10_000;
/** How many Jobs are remembered that were deleted after their end: more than a pass can have missed. */
const REMEMBERED = 1_000;
/** How many uids of Jobs are kept that are gone: their pods may still be there, or in a watch that lags. */
const FORMER = 10_000;

export type JobIndexOptions = {
  readonly config: KubeConfig;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly log: Log;
};

type Watched = { readonly jobs: SupervisedInformer<V1Job, JobState>; readonly pods: JobPods };

/** Indexes the Jobs of all owners of ours by their effect. A Job of anybody else is not in it. */
export class JobIndex {
  readonly #options: JobIndexOptions;
  readonly #listeners = new Set<(host: HostName) => void>();
  readonly #lookups: JobLookups;
  readonly #namespaces = new Map<string, Watched>();
  /** By namespace and effect. The key is in the name of the Job, so a namespace has one at most. */
  readonly #byEffect = new Map<string, JobState>();
  /** The uids of the Jobs at work, by host. */
  readonly #working = new Map<HostName, Set<string>>();
  readonly #byUid = new Map<string, JobState>();
  /** The uids of the Jobs that are known no more, the first one first. */
  readonly #former = new Set<string>();
  /** The uids of the Jobs of which a container was seen that had started. Its pod may be gone. */
  readonly #started = new Set<string>();
  /** Jobs that were deleted after their end, the first one first: a time to live may be shorter than a pass. */
  readonly #remembered = new Map<string, JobState>();
  /** The uids of the Jobs that we delete because nobody needs them. */
  readonly #givenUp = new Set<string>();
  /** The exit that the watch of pods has shown, by the uid of the Job. Its pod may be gone. */
  readonly #exits = new Map<string, string>();
  readonly #stopping = new AbortController();

  constructor(options: JobIndexOptions) {
    this.#options = options;
    this.#lookups = new JobLookups({
      ...options,
      changed: (job) => this.#learned(job),
      current: (job) => this.#current(job),
      hasStarted: (uid) => this.#started.has(uid),
      exitOf: (uid) => this.#exits.get(uid),
      podOf: (job) => this.#podsOf(job)[0],
    });
  }

  /** Calls the listener with each host of which a Job changes. It must not throw. */
  listen(changed: (host: HostName) => void): void {
    this.#listeners.add(changed);
  }

  stop(): void {
    this.#stopping.abort();
    this.#lookups.stop();
    for (const { jobs, pods } of this.#namespaces.values()) {
      jobs.stop();
      pods.stop();
    }
  }

  /** Watches the Jobs of a namespace. Resolves with undefined once they are known, otherwise with the reason. */
  async prepare(namespace: string): Promise<string | undefined> {
    const { jobs, pods } = this.#namespaces.get(namespace) ?? this.#watch(namespace);
    return (await firstFailure(jobs)) ?? (await firstFailure(pods));
  }

  get(namespace: string, name: string): JobState | undefined {
    return this.#namespaces.get(namespace)?.jobs.get(keyOf(namespace, name));
  }

  /** The Jobs of the owner that were started on the host and have neither ended nor left it. */
  jobsOn(host: HostName, owner: OwnerRef): readonly JobAtWork[] {
    const working = [...(this.#working.get(host) ?? [])];
    return working.flatMap((uid) => {
      const job = this.#byUid.get(uid);
      return job && isJobOf(job, owner) ? [{ name: job.name, uid }] : [];
    });
  }

  /** Whether a Job of this uid is ours, or was until it was removed. */
  isOurs(uid: string): boolean {
    return this.#byUid.has(uid) || this.#former.has(uid);
  }

  /** Whether a Job of the run of a claim was started on the host. It may have ended since. */
  hasBegun(host: HostName, { run, owner }: Claim): boolean {
    const isOfClaim = (job: JobState): boolean => job.host === host && job.run === run && isJobOf(job, owner);
    return this.#byUid.values().some((job) => isOfClaim(job) && job.wasStarted);
  }

  /** Stores a Job that a write returned. */
  upsert(job: V1Job): void {
    this.#namespaces.get(job.metadata?.namespace ?? '')?.jobs.upsert(job);
  }

  /** Stores a Job that a take-over has read. It is observed also where the watch does not show it as ours. */
  adopt(job: V1Job, known: JobState): void {
    this.upsert(job);
    const state = this.#byUid.has(known.uid) ? undefined : jobState(job, known);
    if (!state) return;
    this.#replace(undefined, state);
    void this.#lookForStray(state);
  }

  /** Stores a Job that was made again what it was. A time to live that it still has is that of a policy, and stays. */
  mended(job: V1Job): void {
    this.upsert(job);
    const known = this.#byUid.get(job.metadata?.uid ?? '');
    const { resourceVersion: revision = '' } = job.metadata ?? {};
    if (!known || known.revision !== revision || job.spec?.ttlSecondsAfterFinished === undefined) return;
    this.#replace(known, jobState(job, { ...known, mayHaveTtl: true }));
  }

  /** Notes that we delete a Job whose result nobody needs any more. */
  giveUp({ uid }: { readonly uid: string }): void {
    const job = this.#byUid.get(uid);
    if (job && this.#remembered.has(uid)) this.#replace(job, undefined);
    else if (job) this.#givenUp.add(uid);
  }

  /** Drops a Job that the server does not know: a silent watch would show that too late for the release of its host. */
  async gone(namespace: string, { name, uid }: Pick<JobState, 'name' | 'uid'>): Promise<void> {
    if (this.get(namespace, name)?.uid !== uid) return;
    await this.#namespaces.get(namespace)?.jobs.refresh(keyOf(namespace, name), async () => undefined);
  }

  /** Reads a Job that is not as it was observed. */
  async refresh(namespace: string, name: string, signal: AbortSignal): Promise<void> {
    const request = async (): Promise<V1Job | undefined> => {
      try {
        return await this.#read({ namespace, name }, signal);
      } catch (error) {
        if (httpStatus(error) !== 404) throw error;
        return undefined;
      }
    };
    await this.#namespaces.get(namespace)?.jobs.refresh(keyOf(namespace, name), request);
  }

  /**
   * Lists all Jobs and their pods anew, after the cluster was restored from a backup. Jobs that have ended count again once
   * they are listed: the others ended in a future that the cluster does not have, so they are no result. Resolves when
   * each namespace has answered: where the list fails, as in a namespace that is gone, `prepare` says so.
   */
  async listAgain(): Promise<void> {
    for (const job of [...this.#byUid.values()]) if (hasEnded(job)) this.#replace(job, undefined);
    const watches = [...this.#namespaces.values()].flatMap(({ jobs, pods }) => [jobs, pods]);
    await Promise.all(watches.map(async (watch) => watch.listAgain()));
  }

  /** The Jobs of an owner that are suspended or have succeeded. */
  idle(owner: OwnerRef): readonly IdleJob[] {
    const jobs = [...(this.#namespaces.get(owner.namespace)?.jobs.values() ?? [])].filter((job) =>
      isJobOf(job, owner),
    );
    return jobs.flatMap(({ state, ...job }) =>
      state === 'suspended' || state === 'succeeded' ? [{ ...job, state }] : [],
    );
  }

  /** The Job of an effect of this owner. A failed Job counts as running until the reason is known. */
  effect(key: EffectKey, owner: OwnerRef): EffectFacts | undefined {
    return this.#factsOf(this.#byEffect.get(slotOf({ namespace: owner.namespace, key })), owner);
  }

  job(uid: string, owner: OwnerRef): EffectFacts | undefined {
    return this.#factsOf(this.#byUid.get(uid), owner);
  }

  #factsOf(job: JobState | undefined, owner: OwnerRef): EffectFacts | undefined {
    if (!job || !isJobOf(job, owner)) return undefined;
    const { name, uid, revision, start, altered, wasSuspended } = job;
    const failure = this.#lookups.failure(job);
    const state = job.state === 'failed' && !failure ? 'running' : job.state;
    const containerStarted = this.#containerStarted(job);
    const waitsFor = state === 'running' ? this.#obstacle(job) : undefined;
    return {
      ...{ name, uid, revision, state },
      ...(failure ? { failure: failure.reason } : {}),
      ...(wasSuspended ? { wasSuspended } : {}),
      ...(altered === undefined ? {} : { altered }),
      ...(start === undefined ? {} : { startRevision: start.revision }),
      ...(containerStarted === undefined ? {} : { containerStarted }),
      ...(waitsFor === undefined ? {} : { waitsFor }),
    };
  }

  /** In doubt undefined: a container may have started. */
  #containerStarted(job: JobState): boolean | undefined {
    const { uid, state, namespace, wasStarted, hadNoPod } = job;
    if (!wasStarted) return false;
    if (state === 'succeeded' || this.#started.has(uid)) return true;
    if (state === 'failed') return this.#lookups.failure(job)?.containerStarted;
    if (!this.#namespaces.get(namespace)?.pods.isSynced) return undefined;
    if (this.#podsOf(job).length > 0) return false;
    return state === 'running' && hadNoPod ? false : undefined;
  }

  #obstacle(job: JobState): string | undefined {
    const [pod] = this.#podsOf(job);
    return pod?.words ?? (this.#started.has(job.uid) ? undefined : this.#lookups.obstacle(job));
  }

  #podsOf({ namespace, uid }: JobState): readonly JobPod[] {
    return this.#namespaces.get(namespace)?.pods.of(uid) ?? [];
  }

  #current({ uid }: JobState): JobState | undefined {
    return this.#byUid.get(uid);
  }

  #watch(namespace: string): Watched {
    const { config, now, log } = this.#options;
    const jobs = new SupervisedInformer<V1Job, JobState>({
      config,
      path: `/apis/batch/v1/namespaces/${namespace}/jobs`,
      selection: { labelSelector: RUN_LABEL },
      project: (job) => jobState(job, this.#byUid.get(job.metadata?.uid ?? '')),
      changed: (before, after) => this.#change(before, after),
      now,
      log,
    });
    const pods = new JobPods({ config, namespace, changed: (uid) => this.#podChanged(uid), now, log });
    const watched = { jobs, pods };
    this.#namespaces.set(namespace, watched);
    jobs.start();
    return watched;
  }

  async #read(
    { namespace, name }: Pick<JobState, 'namespace' | 'name'>,
    signal: AbortSignal,
  ): Promise<V1Job> {
    const path = `/apis/batch/v1/namespaces/${namespace}/jobs/${name}`;
    return call<V1Job>(this.#options.config, { method: 'GET', path }, signal);
  }

  /**
   * A Job that the watch no longer shows may only have lost the label that it is watched by. It counts as it was until
   * it is read, and then as it is, so that its host is not taken for idle.
   */
  async #lookForStray(job: JobState): Promise<void> {
    const { signal } = this.#stopping;
    const fields = { job: job.name, host: job.host };
    for (let known = job; !signal.aborted && this.#isCurrent(known);) {
      try {
        const found = await this.#read(job, signal);
        if (!this.#isCurrent(known)) return;
        const stray = found.metadata?.uid === job.uid ? jobState(found, job) : undefined;
        this.#replace(known, stray);
        if (!stray || hasEnded(stray)) return;
        known = stray;
      } catch (error) {
        if (!this.#isCurrent(known)) return;
        // Without the right to read it, as in a namespace that is being deleted, it counts as gone, too.
        if ([403, 404].includes(httpStatus(error) ?? 0)) {
          this.#replace(known, undefined);
          return;
        }
        const why = { ...fields, error: explain(error) };
        this.#options.log.warn(why, 'cannot read a Job that is not watched');
      }
      await delay(STRAY_PAUSE_MS, undefined, { signal }).catch(() => undefined); // stopped: the loop ends
    }
  }

  #change(before: JobState | undefined, after: JobState | undefined): void {
    const gone = before && before.uid !== after?.uid ? this.#byUid.get(before.uid) : undefined;
    if (!gone || this.#givenUp.has(gone.uid)) this.#replace(before, after);
    else if (hasEnded(gone) && gone.wasStarted) this.#remember(gone);
    else if (hasEnded(gone) || after) this.#replace(before, after);
    else void this.#lookForStray(gone);
  }

  /** Its result counts also when no pass has read it before its deletion. */
  #remember(job: JobState): void {
    this.#remembered.set(job.uid, job);
    const [first] = this.#remembered.values();
    if (first && this.#remembered.size > REMEMBERED) this.#replace(first, undefined);
    this.#tell(job.host);
  }

  #replace(before: JobState | undefined, after: JobState | undefined): void {
    if (before && this.#byEffect.get(slotOf(before))?.uid === before.uid) this.#forget(before);
    if (before && before.uid !== after?.uid) {
      this.#lookups.forget(before);
      this.#noteFormer(before.uid);
      for (const uids of [this.#remembered, this.#started, this.#givenUp, this.#exits])
        uids.delete(before.uid);
    }
    if (after && !this.#isTaken(after)) this.#keep(after);
    const host = after?.host ?? before?.host;
    if (host !== undefined) this.#tell(host);
  }

  #keep(job: JobState): void {
    this.#byEffect.set(slotOf(job), job);
    this.#byUid.set(job.uid, job);
    this.#remembered.delete(job.uid);
    this.#noteStart(job);
    this.#noteWork(job);
    if (job.state === 'running') this.#lookups.follow(job);
    if (job.state === 'failed' && !this.#lookups.failure(job)) this.#lookups.learnWhy(job);
    if (job.state === 'suspended' && job.wasStarted && job.isHeld) this.#lookups.awaitLeaving(job);
  }

  #forget(job: JobState): void {
    this.#byEffect.delete(slotOf(job));
    this.#byUid.delete(job.uid);
    this.#noteNoWork(job);
  }

  #noteFormer(uid: string): void {
    this.#former.add(uid);
    const [first] = this.#former;
    if (first !== undefined && this.#former.size > FORMER) this.#former.delete(first);
  }

  #learned(job: JobState): void {
    const now = this.#current(job);
    if (now) this.#noteWork(now);
    this.#tell(job.host);
  }

  #noteWork(job: JobState): void {
    const { host, uid, state, wasStarted } = job;
    const leaves = state === 'suspended' && wasStarted && !this.#lookups.hasLeft(job);
    if (state !== 'running' && !leaves) return this.#noteNoWork(job);
    const working = this.#working.get(host) ?? new Set<string>();
    this.#working.set(host, working.add(uid));
  }

  #noteNoWork({ host, uid }: JobState): void {
    const working = this.#working.get(host);
    if (working?.delete(uid) && working.size === 0) this.#working.delete(host);
  }

  #noteStart(job: JobState): void {
    const pods = this.#podsOf(job);
    if (pods.some(({ hasStarted }) => hasStarted)) this.#started.add(job.uid);
    const exit = pods.find((pod) => pod.exit !== undefined)?.exit;
    if (exit !== undefined) this.#exits.set(job.uid, exit);
  }

  #podChanged(jobUid: string): void {
    const job = this.#byUid.get(jobUid);
    if (!job) return;
    this.#noteStart(job);
    this.#tell(job.host);
  }

  #tell(host: HostName): void {
    for (const changed of this.#listeners) changed(host);
  }

  /** Whether another Job of that name is still known: it counts until it is known to be gone. */
  #isTaken(job: JobState): boolean {
    const known = this.#byEffect.get(slotOf(job));
    return known !== undefined && known.uid !== job.uid;
  }

  #isCurrent(job: JobState): boolean {
    return this.#byEffect.get(slotOf(job)) === job;
  }
}

function slotOf({ namespace, key }: Pick<JobState, 'namespace' | 'key'>): string {
  return `${namespace}/${key}`;
}

/** Resolves with undefined once the first list is there, otherwise with the reason why it is not. */
async function firstFailure(
  watch: Pick<JobPods, 'firstAnswer' | 'isSynced' | 'failure'>,
): Promise<string | undefined> {
  if (!watch.isSynced) await watch.firstAnswer;
  return watch.isSynced ? undefined : (watch.failure ?? 'they are not listed yet');
}
