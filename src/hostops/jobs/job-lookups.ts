/** Looks up, by requests of its own, what the watches of Jobs and pods do not say. Each answer is kept by the Job's uid. */
import type { KubeConfig, V1Pod } from '@kubernetes/client-node';
import { setTimeout as delay } from 'node:timers/promises';
import { rawList } from '../../kube/client.ts';
import { explain } from '../../kube/errors.ts';
import type { Log } from '../../kube/log.ts';
import { newestWarning } from './job-events.ts';
import { failureOf } from './job-failures.ts';
import { hasStarted, jobUidOf } from './job-pod.ts';
import type { JobState } from './job.ts';

const TRIES = 3;
const RETRY_PAUSE_MS = 1_000;
/** A healthy pod starts within this time: its events are not read. */
const FIRST_LOOK_MS = 5_000;
const LOOK_MS = 15_000;
const LEAVING_PAUSE_MS = 2_000;

export type Failure = { readonly reason: string; readonly containerStarted: boolean | undefined };
type Kept = {
  failure?: Failure;
  /** What keeps its pod from being made or from starting. */
  obstacle?: string;
  /** It was withdrawn, and no pod of it is left. */
  hasLeft?: true;
  /** What is being looked up. */
  readonly pending: Set<'failure' | 'obstacle' | 'leaving'>;
};

export type JobLookupsOptions = {
  readonly config: KubeConfig;
  readonly log: Log;
  /** Called when an answer about this Job is there. */
  readonly changed: (job: JobState) => void;
  /** The Job as it is now; undefined when it is gone. */
  readonly current: (job: JobState) => JobState | undefined;
  /** Whether a container of the Job was ever seen to start. */
  readonly hasStarted: (uid: string) => boolean;
  /** The exit that a pod of the Job was ever seen to have. */
  readonly exitOf: (uid: string) => string | undefined;
  /** The first pod of the Job, if one is there. */
  readonly podOf: (job: JobState) => { readonly uid: string; readonly words: string | undefined } | undefined;
};

export class JobLookups {
  readonly #options: JobLookupsOptions;
  readonly #kept = new Map<string, Kept>();
  readonly #stopping = new AbortController();

  constructor(options: JobLookupsOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#stopping.abort();
  }

  failure({ uid }: JobState): Failure | undefined {
    return this.#kept.get(uid)?.failure;
  }

  obstacle({ uid }: JobState): string | undefined {
    return this.#kept.get(uid)?.obstacle;
  }

  hasLeft({ uid }: JobState): boolean {
    return this.#kept.get(uid)?.hasLeft === true;
  }

  forget({ uid }: JobState): void {
    this.#kept.delete(uid);
  }

  /** Finds out why a Job failed. */
  learnWhy(job: JobState): void {
    this.#once(job, 'failure', async (kept) => {
      kept.failure = (await this.#tried(job, () => this.#failureOf(job))) ?? {
        reason: 'its pod could not be looked up',
        containerStarted: undefined,
      };
    });
  }

  /** Finds out, as long as a started Job does not start on its host, what is in its way. */
  follow(job: JobState): void {
    this.#once(job, 'obstacle', async (kept, signal) => {
      for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = LOOK_MS) {
        await delay(pauseMs, undefined, { signal, ref: false });
        const now = this.#options.current(job);
        if (now?.state !== 'running' || this.#options.hasStarted(job.uid)) return delete kept.obstacle;
        const found = await this.#obstacleOf(now);
        if (found === kept.obstacle || found === undefined) continue;
        kept.obstacle = found;
        this.#options.changed(now);
      }
    });
  }

  /** Waits until no pod of a withdrawn Job is left. A list is asked: a watch may lag behind that of the Jobs. */
  awaitLeaving(job: JobState): void {
    this.#once(job, 'leaving', async (kept, signal) => {
      while (this.#options.current(job)?.state === 'suspended') {
        const pods = await this.#tried(job, () => this.#podsOf(job));
        if (pods?.length === 0) {
          kept.hasLeft = true;
          return;
        }
        await delay(LEAVING_PAUSE_MS, undefined, { signal, ref: false });
      }
    });
  }

  /** Looks something up unless that is under way, and reports the end. */
  #once(
    job: JobState,
    what: 'failure' | 'obstacle' | 'leaving',
    look: (kept: Kept, signal: AbortSignal) => Promise<unknown>,
  ): void {
    const kept = this.#kept.get(job.uid) ?? { pending: new Set() };
    if (kept.pending.has(what)) return;
    this.#kept.set(job.uid, kept);
    kept.pending.add(what);
    const { signal } = this.#stopping;
    void look(kept, signal)
      .catch(() => undefined) // stopped in a pause
      .finally(() => {
        kept.pending.delete(what);
        if (!signal.aborted && this.#kept.get(job.uid) === kept) this.#options.changed(job);
      });
  }

  /** The answer of the first try that succeeds; undefined when none does. */
  async #tried<T>(job: JobState, look: () => Promise<T>): Promise<T | undefined> {
    const { signal } = this.#stopping;
    for (let attempt = 1; attempt <= TRIES && !signal.aborted; attempt++) {
      try {
        return await look();
      } catch (error) {
        const fields = { job: job.name, host: job.host, error: explain(error) };
        this.#options.log.warn(fields, 'cannot look up the pod of a Job');
        await delay(RETRY_PAUSE_MS * attempt, undefined, { signal, ref: false });
      }
    }
    return undefined;
  }

  async #failureOf(job: JobState): Promise<Failure> {
    const pods = await this.#podsOf(job);
    const started = this.#options.hasStarted(job.uid) || pods.some(hasStarted);
    const never = !started && (pods.length > 0 || job.hadNoPod);
    const why = failureOf(pods) ?? this.#options.exitOf(job.uid) ?? (await this.#withoutPod(job));
    return { reason: why, containerStarted: started ? true : never ? false : undefined };
  }

  /** Why a Job failed of which no pod says it. */
  async #withoutPod(job: JobState): Promise<string> {
    const obstacle = (job.hadNoPod ? await this.#obstacleOf(job) : undefined) ?? this.obstacle(job);
    const ended = job.hadNoPod ? 'no pod of it was ever made' : 'its pod is gone, so no exit code is known';
    return [job.failedBecause, obstacle ?? ended].filter(Boolean).join('; ');
  }

  /** Why a pod of the Job is not made, or does not start; undefined where the Job was not even taken up. */
  async #obstacleOf(job: JobState): Promise<string | undefined> {
    const pod = this.#options.podOf(job);
    if (pod ? pod.words !== undefined : !job.hadNoPod) return undefined;
    const about = { namespace: job.namespace, uid: pod?.uid ?? job.uid };
    const warning = await newestWarning(this.#options.config, about, this.#stopping.signal).catch(
      (error: unknown) => `its events cannot be read: ${explain(error)}`,
    );
    if (pod) return warning === undefined ? 'its pod does not start' : `its pod does not start: ${warning}`;
    return warning === undefined ? 'no pod of it was made' : `no pod of it was made: ${warning}`;
  }

  async #podsOf({ namespace, name, uid }: JobState): Promise<readonly V1Pod[]> {
    const labelSelector = `batch.kubernetes.io/job-name=${name}`;
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const { config } = this.#options;
    const pods = await rawList<V1Pod>(config, path, { labelSelector }, this.#stopping.signal);
    return pods.filter((pod) => jobUidOf(pod) === uid);
  }
}
