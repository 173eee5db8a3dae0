/** Runs the Jobs of a simulated cluster: their pods, their ends, and their removal. */
import { at, type ApiServer, type Change, type Objects } from './api-server.ts';
import { keyOf, type ApiObject, type Json, type Metadata } from './objects.ts';
import type { Scheduler } from './scheduler.ts';
import { isStrategies, strategiesOf } from './strategies.ts';

export const CLUSTER = 'cluster';
/** The action of the Job that reboots its host. */
export const REBOOT = 'reboot';
const HOST_ANNOTATION = 'careen.dev/host';
const ACTION_LABEL = 'careen.dev/action';
/** It acts so soon after a change. */
const REACTS_MS = 20;
const COLLECT_MS = 2_000;
const LOST_JOB_MS = 20_000;
const GONE = 'the host of the pod is gone';
/** Kubernetes waits so long before it runs the pod of a Job again. */
const RERUN_MS = 10_000;

/** The end of a Job. `lie`: it reports success, and nothing has changed. */
export type JobFate = { readonly end: 'success' | 'failure' | 'lie' | 'hang'; readonly milliseconds: number };

/** When the container of a Job starts, and what the cluster shows until then: no pod, or a pod that waits. */
export type JobStart = {
  readonly afterMs: number;
  readonly shows: 'no pod' | 'a waiting pod';
  readonly reason: string;
};

export const AT_ONCE: JobStart = { afterMs: 0, shows: 'no pod', reason: '' };

export type JobControllerOptions = {
  readonly fateOf: (host: string, action: string) => JobFate;
  readonly startOf: (job: ApiObject) => JobStart;
  /** Learns that the container of a Job starts. */
  readonly ran: (job: ApiObject) => void;
  /** Carries out what a Job does to its host. */
  readonly patched: (host: string, job: ApiObject) => void;
  /** Reboots the host of a Job, and ends the Job. */
  readonly rebooted: (host: string, job: ApiObject) => void;
};

export type JobServer = Objects & Pick<ApiServer, 'create' | 'update' | 'remove'>;

/** Where a container runs: a host, and the uid of its node, which changes when the node is made again. */
type Place = { readonly host: string; readonly node: string; readonly action: string };

export class JobController {
  readonly #server: JobServer;
  readonly #scheduler: Scheduler;
  readonly #options: JobControllerOptions;
  readonly #started = new Set<string>();
  /** By uid: the Jobs whose pod waits for its host. */
  readonly #waiting = new Map<string, ApiObject>();
  /** By the uid of a Job: how often its pod has failed. */
  readonly #failures = new Map<string, number>();

  constructor(server: JobServer, scheduler: Scheduler, options: JobControllerOptions) {
    this.#server = server;
    this.#scheduler = scheduler;
    this.#options = options;
    server.listen((change) => this.#changed(change));
  }

  #changed({ resource, type, object }: Change): void {
    if (isStrategies(resource) && type === 'DELETED') this.#collect(object);
    if (resource === 'nodes' && type === 'ADDED') this.#joined(object.metadata.name);
    if (resource !== 'jobs') return;
    if (type === 'DELETED') {
      this.#scheduler.after(COLLECT_MS, () => this.#removePod(object));
      return;
    }
    if (type === 'ADDED') this.#scheduler.after(COLLECT_MS, () => this.#collectOrphan(object));
    const { uid } = object.metadata;
    const isSuspended = object.spec?.['suspend'] === true;
    // The first write of the controller, soon after a Job was made, changes its version.
    if (isSuspended && type === 'ADDED') this.#scheduler.after(REACTS_MS, () => this.#takeUp(object));
    if (isSuspended === !this.#started.has(uid)) return;
    if (isSuspended) this.#started.delete(uid);
    else this.#started.add(uid);
    this.#scheduler.after(REACTS_MS, () => (isSuspended ? this.#hold(object) : this.#begin(object)));
  }

  #takeUp(job: ApiObject): void {
    const found = this.#server.get('jobs', keyOf(job.metadata));
    if (found?.spec?.['suspend'] === true) this.#hold(job);
  }

  /** A Job that was suspended again loses its pod, and is not run any more. */
  #hold(job: ApiObject): void {
    if (!this.#isUnended(job)) return;
    this.#removePod(job);
    this.#setStatus(job, {
      active: 0,
      conditions: [{ type: 'Suspended', status: 'True', reason: 'JobSuspended' }],
    });
  }

  #begin(job: ApiObject): void {
    if (!this.#isOpen(job) || this.#isDeleted(job)) return;
    const deadline = Number(job.spec?.['activeDeadlineSeconds'] ?? Infinity) * 1000;
    if (Number.isFinite(deadline)) this.#scheduler.after(deadline, () => this.#exceeded(job));
    const start = this.#options.startOf(job);
    if (start.afterMs === 0) return this.#run(job);
    const hasPod = start.shows === 'a waiting pod';
    if (hasPod) {
      const state = { waiting: { reason: start.reason, message: 'it cannot start' } };
      this.#setPod(job, { phase: 'Pending', containerStatuses: [{ name: 'apply', state }] });
    }
    this.#setStatus(job, { startTime: this.#timestamp, ...(hasPod ? { active: 1 } : {}) });
    if (Number.isFinite(start.afterMs)) this.#scheduler.after(start.afterMs, () => this.#run(job));
  }

  /** The container of a Job starts. */
  #run(job: ApiObject): void {
    if (!this.#isOpen(job) || this.#isDeleted(job)) return;
    const [host, action] = [
      job.metadata.annotations?.[HOST_ANNOTATION] ?? '',
      job.metadata.labels?.[ACTION_LABEL] ?? '',
    ];
    const node = this.#server.get('nodes', host)?.metadata.uid;
    if (node === undefined) return this.#awaitNode(job);
    const state = { running: { startedAt: this.#timestamp } };
    this.#setPod(job, { phase: 'Running', containerStatuses: [{ name: 'apply', state }] });
    this.#setStatus(job, { startTime: this.#timestamp, active: 1, ready: 1 });
    this.#options.ran(job);
    const { end, milliseconds } = this.#options.fateOf(host, action);
    if (end !== 'hang')
      this.#scheduler.after(milliseconds, () => this.#end(job, { host, node, action }, end));
  }

  /** A pod is bound to its host by name. It is removed when no node of that name comes, and starts when one does. */
  #awaitNode(job: ApiObject): void {
    this.#setPod(job, { phase: 'Pending' });
    this.#setStatus(job, { startTime: this.#timestamp, active: 1 });
    this.#waiting.set(job.metadata.uid, job);
    this.#scheduler.after(LOST_JOB_MS, () => {
      if (!this.#waiting.delete(job.metadata.uid) || !this.#isOpen(job)) return;
      this.#removePod(job);
      this.mark(job, 'Failed', GONE);
    });
  }

  #joined(host: string): void {
    for (const [uid, job] of this.#waiting) {
      if (job.metadata.annotations?.[HOST_ANNOTATION] !== host) continue;
      this.#waiting.delete(uid);
      this.#scheduler.after(REACTS_MS, () => this.#run(job));
    }
  }

  /** Whether the Job may still run. */
  #isOpen(job: ApiObject): boolean {
    return this.#isUnended(job) && this.#started.has(job.metadata.uid);
  }

  #isUnended({ metadata }: ApiObject): boolean {
    const job = this.#server.get('jobs', keyOf(metadata));
    return job?.metadata.uid === metadata.uid && !jobEnded(job);
  }

  /** A finalizer of others keeps it: no pod is made any more, and one that is there runs to its end. */
  #isDeleted({ metadata }: ApiObject): boolean {
    return this.#server.get('jobs', keyOf(metadata))?.metadata.deletionTimestamp !== undefined;
  }

  get #timestamp(): string {
    return `${new Date(this.#scheduler.now).toISOString().slice(0, 19)}Z`;
  }

  #setStatus({ metadata }: ApiObject, status: Json): void {
    const key = keyOf(metadata);
    this.#server.update('jobs', key, (job) => ({ ...job, status: { ...job.status, ...status } }), CLUSTER);
  }

  #exceeded(job: ApiObject): void {
    if (!this.#isOpen(job)) return;
    this.#removePod(job);
    this.mark(job, 'Failed', 'DeadlineExceeded');
  }

  /** Removes the Jobs and PlanStages of a deleted strategy. */
  #collect({ metadata: { uid } }: ApiObject): void {
    for (const resource of ['jobs', 'planstages'] as const)
      for (const { metadata } of this.#server.list(resource))
        if (metadata.ownerReferences?.some((owner) => owner.uid === uid))
          this.#server.remove(resource, keyOf(metadata), CLUSTER);
  }

  #collectOrphan({ metadata }: ApiObject): void {
    const owners = strategiesOf(this.#server).map((each) => each.metadata.uid);
    const isOrphan = metadata.ownerReferences?.every(({ uid }) => !owners.includes(uid));
    if (isOrphan && this.#server.get('jobs', keyOf(metadata)))
      this.#server.remove('jobs', keyOf(metadata), CLUSTER);
  }

  #end(job: ApiObject, { host, node, action }: Place, end: JobFate['end']): void {
    if (!this.#isOpen(job)) return;
    if (this.#server.get('nodes', host)?.metadata.uid !== node) {
      this.#scheduler.after(LOST_JOB_MS, () => this.mark(job, 'Failed', GONE));
      return;
    }
    if (end === 'failure') return this.#fail(job);
    this.#endPod(job, 'Succeeded', 0);
    if (end === 'success' && action === REBOOT) return this.#options.rebooted(host, job);
    if (end === 'success') this.#options.patched(host, job);
    this.mark(job, 'Complete', '');
  }

  #fail(job: ApiObject): void {
    this.#endPod(job, 'Failed', 7);
    const key = keyOf(job.metadata);
    const limit = Number(this.#server.get('jobs', key)?.spec?.['backoffLimit'] ?? 0);
    const failures = (this.#failures.get(job.metadata.uid) ?? 0) + 1;
    this.#failures.set(job.metadata.uid, failures);
    if (failures > limit || this.#isDeleted(job)) this.mark(job, 'Failed', 'BackoffLimitExceeded');
    else this.#scheduler.after(RERUN_MS, () => this.#run(job));
  }

  /** The one pod of a Job, in a new state. */
  #setPod({ metadata }: ApiObject, status: Json): void {
    const { name, namespace = '', uid, labels = {}, annotations = {} } = metadata;
    const pod: Pick<Metadata, 'name' | 'namespace'> = { name: `${name}-pod`, namespace };
    const key = keyOf(pod);
    if (this.#server.get('pods', key)) {
      this.#server.update('pods', key, (each) => ({ ...each, status }), CLUSTER);
      return;
    }
    const owner = { apiVersion: 'batch/v1', kind: 'Job', name, uid, controller: true };
    const jobLabels = { 'batch.kubernetes.io/job-name': name, 'batch.kubernetes.io/controller-uid': uid };
    const of = { ...pod, labels: { ...labels, ...jobLabels }, ownerReferences: [owner] };
    const spec = { nodeName: annotations[HOST_ANNOTATION] };
    this.#server.create('pods', { apiVersion: 'v1', kind: 'Pod', metadata: of, spec, status }, CLUSTER);
  }

  #endPod(job: ApiObject, phase: 'Succeeded' | 'Failed', exitCode: number): void {
    const terminated = { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error' };
    this.#setPod(job, { phase, containerStatuses: [{ name: 'apply', state: { terminated } }] });
  }

  #removePod({ metadata: { name, namespace = '' } }: ApiObject): void {
    const key = keyOf({ name: `${name}-pod`, namespace });
    if (this.#server.get('pods', key)) this.#server.remove('pods', key, CLUSTER);
  }

  /** Ends a Job, unless it has ended. */
  mark({ metadata }: ApiObject, type: 'Complete' | 'Failed', reason: string): void {
    const key = keyOf(metadata);
    const found = this.#server.get('jobs', key);
    if (found?.metadata.uid !== metadata.uid || jobEnded(found)) return;
    const count =
      type === 'Complete' ? { succeeded: 1 } : { failed: Number(at(found.status, 'active') ?? 0) };
    this.#setStatus(found, { active: 0, ready: 0, ...count, conditions: [{ type, status: 'True', reason }] });
  }
}

export function jobEnded(job: ApiObject): boolean {
  const conditions = job.status?.['conditions'];
  return Array.isArray(conditions) && conditions.some((each) => at(each, 'type') !== 'Suspended');
}
