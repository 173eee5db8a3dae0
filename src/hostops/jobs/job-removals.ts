/**
 * Removes Jobs that have succeeded, all those of a namespace that are asked for together with one request. It names each
 * of them and removes only what has succeeded, so it needs no revision: nothing of such a Job can start any more. A list
 * before it shows whether somebody else's Job has the same label, such as a copy: that Job stays.
 */
import type { V1Job } from '@kubernetes/client-node';
import { JOB_LABEL } from '../../crds/names.ts';
import { call } from '../../kube/client.ts';
import { explain } from '../../kube/errors.ts';
import type { Log } from '../../kube/log.ts';
import type { Writer } from '../../kube/writes.ts';
import type { JobState } from './job.ts';

type Removable = Pick<JobState, 'namespace' | 'name' | 'uid'>;
type Asked = { readonly job: Removable; readonly answer: (removed: boolean) => void };

export class JobRemovals {
  readonly #writer: Writer;
  readonly #log: Log;
  /** By namespace: the removals that are asked for in this moment. */
  readonly #asked = new Map<string, Asked[]>();

  constructor(writer: Writer, log: Log) {
    this.#writer = writer;
    this.#log = log;
  }

  /** Resolves with whether the Job was removed together with others. Otherwise nothing was asked for, or nothing is known. */
  async remove(job: Removable, signal: AbortSignal): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const asked = this.#asked.get(job.namespace) ?? [];
    this.#asked.set(job.namespace, asked);
    asked.push({ job, answer: resolve });
    if (asked.length === 1) queueMicrotask(() => void this.#removeAll(job.namespace, signal));
    return promise;
  }

  async #removeAll(namespace: string, signal: AbortSignal): Promise<void> {
    const asked = this.#asked.get(namespace) ?? [];
    this.#asked.delete(namespace);
    const jobs = asked.map(({ job }) => job);
    const removed = jobs.length > 1 ? await this.#removedOf(namespace, jobs, signal) : new Set<string>();
    for (const { job, answer } of asked) answer(removed.has(job.uid));
  }

  /** The uids of the Jobs that were removed. */
  async #removedOf(
    namespace: string,
    jobs: readonly Removable[],
    signal: AbortSignal,
  ): Promise<ReadonlySet<string>> {
    try {
      const strangers = await this.#labelsOfOthers(namespace, jobs, signal);
      const own = jobs.filter(({ name }) => !strangers.has(name));
      if (own.length < 2) return new Set();
      const query = selectionOf(own);
      const body = { propagationPolicy: 'Background' };
      const request = { method: 'DELETE', path: pathOf(namespace), query, body } as const;
      const { items } = await call<JobList>(this.#writer.config, request, signal);
      return new Set(items?.map(({ metadata }) => metadata?.uid ?? ''));
    } catch (error) {
      this.#log.warn({ namespace, error: explain(error) }, 'Jobs are not removed together, but one by one');
      return new Set();
    }
  }

  /** The labels of these Jobs that other Jobs have, too. */
  async #labelsOfOthers(
    namespace: string,
    jobs: readonly Removable[],
    signal: AbortSignal,
  ): Promise<ReadonlySet<string>> {
    const own = new Set(jobs.map(({ uid }) => uid));
    const request = { method: 'GET', path: pathOf(namespace), query: selectionOf(jobs) } as const;
    const { items } = await call<JobList>(this.#writer.config, { ...request, as: 'metadata-list' }, signal);
    const others = items?.filter(({ metadata }) => !own.has(metadata?.uid ?? '')) ?? [];
    return new Set(others.map(({ metadata }) => metadata?.labels?.[JOB_LABEL] ?? ''));
  }
}

type JobList = { readonly items?: readonly Pick<V1Job, 'metadata'>[] };

function pathOf(namespace: string): string {
  return `/apis/batch/v1/namespaces/${namespace}/jobs`;
}

function selectionOf(jobs: readonly Removable[]): { labelSelector: string; fieldSelector: string } {
  return {
    labelSelector: `${JOB_LABEL} in (${jobs.map(({ name }) => name).join()})`,
    fieldSelector: 'status.successful=1',
  };
}
