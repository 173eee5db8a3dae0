/**
 * The changes of a cluster by itself: Jobs run on their hosts and change them, hosts reboot, pods leave within their
 * budgets and start elsewhere. It knows the operator only by the objects that it writes.
 */
import { Refusal, at, type ApiServer, type Change } from './api-server.ts';
import { keyOf, type ApiObject, type Json, type Metadata } from './objects.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

export const CLUSTER = 'cluster';
const APP_LABEL = 'app';
const HOST_ANNOTATION = 'careen.dev/host';
const ACTION_LABEL = 'careen.dev/action';
const REBOOT = 'reboot';
const KUBELET_FINALIZER = 'simulated/kubelet';
const RESCHEDULE_MS = 5_000;
const COLLECT_MS = 2_000;
const LOST_JOB_MS = 20_000;
/** Kubernetes waits so long before it runs the pod of a Job again. */
const RERUN_MS = 10_000;
const DAEMON_SET = 'DaemonSet';
/** The reason why a node that joins is not Ready. */
const JOINING = 'joining';

/** The node info that a patch changes: as soon as its Job has ended, or with the next boot. */
export type PatchChange = { readonly atOnce?: Json; readonly atReboot?: Json };

/** The end of a Job. `lie`: it reports success, and nothing has changed. */
export type JobFate = { readonly end: 'success' | 'failure' | 'lie' | 'hang'; readonly milliseconds: number };

/** When the container of a Job starts, and what the cluster shows until then: no pod, or a pod that waits. */
export type JobStart = {
  readonly afterMs: number;
  readonly shows: 'no pod' | 'a waiting pod';
  readonly reason: string;
};

/** What a pod is besides a part of its app. */
export type PodTraits = {
  readonly unmanaged?: boolean;
  readonly localData?: boolean;
  /** The API version of its DaemonSet: it stays on its host. */
  readonly daemonOf?: string;
};

/** A condition of a node that reports a problem. */
export type Problem = { readonly type: string; readonly reason: string; readonly message: string };

export type ClusterOptions = {
  readonly patches: Readonly<Record<string, PatchChange>>;
  /** By app: how many pods must be available. */
  readonly minAvailable: Readonly<Record<string, number>>;
  readonly fateOf: (host: string, action: string) => JobFate;
  readonly rebootMs: () => number;
  readonly leaveMs: () => number;
  readonly startOf: (job: ApiObject) => JobStart;
  /** Learns that the container of a Job starts. */
  readonly ran: (job: ApiObject) => void;
  /** Learns that a host is about to be Ready after its reboot. */
  readonly comesBack: (host: string) => void;
  /** How long a pod that has ended is held by a finalizer of somebody. */
  readonly heldMs: (pod: ApiObject) => number;
  /** Where the next pod of an app starts; undefined: wherever the scheduler places it. */
  readonly returnsTo: (pod: ApiObject) => string | undefined;
  /** Learns of an eviction of a pod that is leaving already: the server accepts that, too. */
  readonly evictedAgain: (pod: ApiObject, by: string) => void;
};

export class Cluster {
  readonly #server: ApiServer;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #options: ClusterOptions;
  readonly #started = new Set<string>();
  /** Node info that the next boot of a host brings. */
  readonly #installed = new Map<string, Json>();
  /** By host: the reasons why it is not Ready. */
  readonly #down = new Map<string, Set<string>>();
  /** The hosts to which a pod is about to return. */
  readonly #returning = new Set<string>();
  /** By the uid of a Job: how often its pod has failed. */
  readonly #failures = new Map<string, number>();
  #serial = 0;

  constructor(server: ApiServer, scheduler: Scheduler, random: Random, options: ClusterOptions) {
    this.#server = server;
    this.#scheduler = scheduler;
    this.#random = random;
    this.#options = options;
    server.listen((change) => this.#changed(change));
  }

  addNode(name: string, labels: Readonly<Record<string, string>>, nodeInfo: Json, spec: Json = {}): void {
    const status = {
      conditions: [this.#condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status')],
      nodeInfo: { ...nodeInfo, bootID: this.#next('boot') },
    };
    this.#server.create(
      'nodes',
      { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec, status },
      CLUSTER,
    );
  }

  /** A node as its kubelet registers it: it has never been Ready, and pods keep off it. */
  joinNode(name: string, labels: Readonly<Record<string, string>>, nodeInfo: Json): void {
    const message = 'container runtime network not ready: cni plugin not initialized';
    const conditions = [this.#condition('Ready', 'False', 'KubeletNotReady', message)];
    const status = { conditions, nodeInfo: { ...nodeInfo, bootID: this.#next('boot') } };
    const spec = { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] };
    this.#down.set(name, new Set([JOINING]));
    this.#server.create(
      'nodes',
      { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec, status },
      CLUSTER,
    );
  }

  /** The node that has joined is Ready for the first time. */
  joined(name: string): void {
    this.setTaint(name, 'node.kubernetes.io/not-ready', false);
    this.setDown(name, JOINING, false);
  }

  /** Returns the key of the pod. */
  addPod(app: string, nodeName: string, more: PodTraits = {}): string {
    const kind =
      more.daemonOf === undefined
        ? { apiVersion: 'apps/v1', kind: 'ReplicaSet' }
        : { apiVersion: more.daemonOf, kind: DAEMON_SET };
    const owner = { ...kind, name: app, uid: app, controller: true };
    const name = this.#next(app);
    const metadata = {
      ...{ name, namespace: 'apps', labels: { [APP_LABEL]: app }, finalizers: [KUBELET_FINALIZER] },
      ...(more.unmanaged ? {} : { ownerReferences: [owner] }),
    };
    const spec = { nodeName, ...(more.localData ? { volumes: [{ name: 'scratch', emptyDir: {} }] } : {}) };
    this.#server.create(
      'pods',
      { apiVersion: 'v1', kind: 'Pod', metadata, spec, status: { phase: 'Running' } },
      CLUSTER,
    );
    return keyOf(metadata);
  }

  /** Somebody deletes a pod. */
  deletePod(key: string): void {
    const pod = this.#server.get('pods', key);
    if (!pod || pod.metadata.deletionTimestamp !== undefined) return;
    this.#server.remove('pods', key, CLUSTER);
    this.#scheduler.after(this.#options.leaveMs(), () => this.#gone(pod));
  }

  /** The host vanishes with everything that runs on it; its pods start elsewhere. */
  removeNode(name: string): void {
    if (!this.#server.get('nodes', name)) return;
    this.#server.remove('nodes', name, CLUSTER);
    this.#installed.delete(name);
    this.#down.delete(name);
    for (const pod of this.#server.list('pods').filter((each) => nodeOf(each) === name)) this.#gone(pod);
  }

  relabel(host: string, label: string, value: string): void {
    if (!this.#server.get('nodes', host)) return;
    const relabelled = ({ metadata, ...node }: ApiObject): ApiObject => ({
      ...node,
      metadata: { ...metadata, labels: { ...metadata.labels, [label]: value } },
    });
    this.#server.update('nodes', host, relabelled, CLUSTER);
  }

  /** Adds or removes a reason why a host is NotReady; it is Ready without any reason. */
  setDown(name: string, reason: string, isDown: boolean): void {
    const reasons = this.#down.get(name) ?? new Set();
    this.#down.set(name, reasons);
    if (isDown) reasons.add(reason);
    else reasons.delete(reason);
    const ready = reasons.size === 0;
    this.#setCondition(
      name,
      ready
        ? this.#condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status')
        : this.#condition('Ready', 'False', 'KubeletNotReady', 'container runtime is down'),
    );
  }

  /** A problem of a host turns True or False. */
  setProblem(host: string, { type, reason, message }: Problem, isTrue: boolean): void {
    this.#setCondition(host, this.#condition(type, isTrue ? 'True' : 'False', reason, message));
  }

  setTaint(host: string, key: string, isThere: boolean): void {
    if (!this.#server.get('nodes', host)) return;
    this.#server.update(
      'nodes',
      host,
      (node) => {
        const others = taintsOf(node).filter((each) => at(each, 'key') !== key);
        const taints = isThere ? [...others, { key, effect: 'NoSchedule' }] : others;
        const { taints: _, ...spec } = node.spec ?? {};
        return { ...node, spec: taints.length > 0 ? { ...spec, taints } : spec };
      },
      CLUSTER,
    );
  }

  /** Whether a pod that has just left the host is about to start there again. */
  isReturning(host: string): boolean {
    return this.#returning.has(host);
  }

  /** Evicts a pod, unless its budget does not allow it. Throws Refusal. */
  evict(pod: ApiObject, by: string): void {
    if (pod.metadata.deletionTimestamp !== undefined) return this.#options.evictedAgain(pod, by);
    const app = pod.metadata.labels?.[APP_LABEL] ?? '';
    const least = this.#options.minAvailable[app] ?? 0;
    const serving = this.#server
      .list('pods')
      .filter((each) => each.metadata.labels?.[APP_LABEL] === app && serves(each));
    if (serving.length - 1 < least) {
      const message = `The disruption budget ${app} needs ${String(least)} healthy pods and has ${String(serving.length)} currently`;
      const details = { causes: [{ reason: 'DisruptionBudget', message }] };
      throw new Refusal(
        429,
        'TooManyRequests',
        'Cannot evict pod as it would violate its disruption budget.',
        { details },
      );
    }
    this.#server.remove('pods', keyOf(pod.metadata), by);
    this.#scheduler.after(this.#options.leaveMs(), () => this.#gone(pod));
  }

  #changed({ resource, type, object }: Change): void {
    if (resource === 'patchstrategies' && type === 'DELETED') this.#collect(object);
    if (resource !== 'jobs') return;
    if (type === 'DELETED') {
      this.#scheduler.after(COLLECT_MS, () => this.#removeJobPod(object));
      return;
    }
    if (type === 'ADDED') this.#scheduler.after(COLLECT_MS, () => this.#collectOrphan(object));
    const { uid } = object.metadata;
    if (object.spec?.['suspend'] === true || this.#started.has(uid)) return;
    this.#started.add(uid);
    const deadline = Number(object.spec?.['activeDeadlineSeconds'] ?? Infinity) * 1000;
    if (Number.isFinite(deadline)) this.#scheduler.after(deadline, () => this.#exceeded(object));
    const start = this.#options.startOf(object);
    if (start.afterMs === 0) return this.#run(object);
    if (start.shows === 'a waiting pod') {
      const state = { waiting: { reason: start.reason, message: 'it cannot start' } };
      this.#setJobPod(object, { phase: 'Pending', containerStatuses: [{ name: 'apply', state }] });
    }
    if (Number.isFinite(start.afterMs)) this.#scheduler.after(start.afterMs, () => this.#run(object));
  }

  /** The container of a Job starts. */
  #run(job: ApiObject): void {
    if (!this.#isOpen(job)) return;
    const [host, action] = [
      job.metadata.annotations?.[HOST_ANNOTATION] ?? '',
      job.metadata.labels?.[ACTION_LABEL] ?? '',
    ];
    if (this.#server.get('nodes', host)) {
      const state = { running: { startedAt: new Date(this.#scheduler.now).toISOString() } };
      this.#setJobPod(job, { phase: 'Running', containerStatuses: [{ name: 'apply', state }] });
      this.#options.ran(job);
    }
    const { end, milliseconds } = this.#options.fateOf(host, action);
    if (end !== 'hang') this.#scheduler.after(milliseconds, () => this.#endJob(job, host, action, end));
  }

  #isOpen({ metadata }: ApiObject): boolean {
    const job = this.#server.get('jobs', keyOf(metadata));
    return (
      job?.metadata.uid === metadata.uid && !jobEnded(job) && job.metadata.deletionTimestamp === undefined
    );
  }

  #exceeded(job: ApiObject): void {
    if (!this.#isOpen(job)) return;
    this.#removeJobPod(job);
    this.#markJob(job, 'Failed', 'DeadlineExceeded');
  }

  /** Removes the Jobs of a deleted strategy. */
  #collect({ metadata: { uid } }: ApiObject): void {
    for (const { metadata } of this.#server.list('jobs'))
      if (metadata.ownerReferences?.some((owner) => owner.uid === uid))
        this.#server.remove('jobs', keyOf(metadata), CLUSTER);
  }

  #collectOrphan({ metadata }: ApiObject): void {
    const owners = this.#server.list('patchstrategies').map((each) => each.metadata.uid);
    const isOrphan = metadata.ownerReferences?.every(({ uid }) => !owners.includes(uid));
    if (isOrphan && this.#server.get('jobs', keyOf(metadata)))
      this.#server.remove('jobs', keyOf(metadata), CLUSTER);
  }

  #endJob(job: ApiObject, host: string, action: string, end: JobFate['end']): void {
    if (!this.#isOpen(job)) return;
    if (!this.#server.get('nodes', host)) {
      this.#scheduler.after(LOST_JOB_MS, () => this.#markJob(job, 'Failed', 'the host of the pod is gone'));
      return;
    }
    if (end === 'failure') return this.#failJob(job);
    this.#endJobPod(job, 'Succeeded', 0);
    if (end === 'success' && action === REBOOT) return this.#reboot(host, job);
    if (end === 'success') this.#patch(host, action);
    this.#markJob(job, 'Complete', '');
  }

  #failJob(job: ApiObject): void {
    this.#endJobPod(job, 'Failed', 7);
    const key = keyOf(job.metadata);
    const limit = Number(this.#server.get('jobs', key)?.spec?.['backoffLimit'] ?? 0);
    const failures = (this.#failures.get(job.metadata.uid) ?? 0) + 1;
    this.#failures.set(job.metadata.uid, failures);
    if (failures > limit) this.#markJob(job, 'Failed', 'BackoffLimitExceeded');
    else this.#scheduler.after(RERUN_MS, () => this.#run(job));
  }

  /** The one pod of a Job, in a new state. */
  #setJobPod({ metadata }: ApiObject, status: Json): void {
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

  #endJobPod(job: ApiObject, phase: 'Succeeded' | 'Failed', exitCode: number): void {
    const terminated = { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error' };
    this.#setJobPod(job, { phase, containerStatuses: [{ name: 'apply', state: { terminated } }] });
  }

  #removeJobPod({ metadata: { name, namespace = '' } }: ApiObject): void {
    const key = keyOf({ name: `${name}-pod`, namespace });
    if (this.#server.get('pods', key)) this.#server.remove('pods', key, CLUSTER);
  }

  #markJob({ metadata }: ApiObject, type: 'Complete' | 'Failed', reason: string): void {
    const key = keyOf(metadata);
    const found = this.#server.get('jobs', key);
    if (found?.metadata.uid !== metadata.uid || jobEnded(found)) return;
    const status = { conditions: [{ type, status: 'True', reason }] };
    this.#server.update('jobs', key, (job) => ({ ...job, status }), CLUSTER);
  }

  #patch(host: string, id: string): void {
    const { atOnce = {}, atReboot = {} } = this.#options.patches[id] ?? {};
    this.#installed.set(host, { ...this.#installed.get(host), ...atReboot });
    this.#changeNode(host, (status) => ({ ...status, nodeInfo: { ...infoOf(status), ...atOnce } }));
  }

  /** The reboot often kills the Job that requested it. */
  #reboot(host: string, job: ApiObject): void {
    const uid = this.#server.get('nodes', host)?.metadata.uid;
    this.#markJob(job, this.#random.chance(0.5) ? 'Complete' : 'Failed', '');
    this.setDown(host, REBOOT, true);
    this.#scheduler.after(this.#options.rebootMs(), () => {
      if (this.#server.get('nodes', host)?.metadata.uid !== uid) return;
      this.#options.comesBack(host);
      const booted = { ...this.#installed.get(host), bootID: this.#next('boot') };
      this.#installed.delete(host);
      this.#changeNode(host, (status) => ({ ...status, nodeInfo: { ...infoOf(status), ...booted } }));
      this.setDown(host, REBOOT, false);
    });
  }

  #gone(pod: ApiObject): void {
    const heldMs = this.#server.get('nodes', nodeOf(pod)) ? this.#options.heldMs(pod) : 0;
    if (heldMs > 0) this.#scheduler.after(heldMs, () => this.#removed(pod));
    else this.#removed(pod);
  }

  #removed(pod: ApiObject): void {
    const key = keyOf(pod.metadata);
    if (this.#server.get('pods', key)?.metadata.uid !== pod.metadata.uid) return;
    const app = pod.metadata.ownerReferences ? pod.metadata.labels?.[APP_LABEL] : undefined;
    const daemonOf = daemonSetOf(pod);
    const place = this.#options.returnsTo(pod) ?? (daemonOf === undefined ? undefined : nodeOf(pod));
    if (place !== undefined && daemonOf === undefined) this.#returning.add(place);
    this.#server.update(
      'pods',
      key,
      (each) => ({ ...each, metadata: { ...each.metadata, finalizers: [] } }),
      CLUSTER,
    );
    if (this.#server.get('pods', key)) this.#server.remove('pods', key, CLUSTER);
    if (app === undefined) return;
    if (place === undefined) this.#replace(app);
    else
      this.#scheduler.after(this.#random.int(200, 3_000), () =>
        this.#return(app, place, daemonOf === undefined ? {} : { daemonOf }),
      );
  }

  /** A pod starts on the host of the one before it. */
  #return(app: string, host: string, traits: PodTraits): void {
    if (traits.daemonOf === undefined) this.#returning.delete(host);
    if (this.#server.get('nodes', host)) this.addPod(app, host, traits);
  }

  #replace(app: string): void {
    const free = this.#server.list('nodes').filter(takesPods);
    if (free.length > 0) this.addPod(app, this.#random.pick(free).metadata.name);
    else this.#scheduler.after(RESCHEDULE_MS, () => this.#replace(app));
  }

  #setCondition(host: string, condition: Json): void {
    this.#changeNode(host, (status) => {
      const known = status['conditions'];
      const before = (Array.isArray(known) ? known : []) as readonly Json[]; // conditions are objects
      const old = before.find(({ type }) => type === condition['type']);
      if (!old) return { ...status, conditions: [...before, condition] };
      const since = old['status'] === condition['status'] ? old['lastTransitionTime'] : undefined;
      const now = since === undefined ? condition : { ...condition, lastTransitionTime: since };
      return { ...status, conditions: before.map((each) => (each === old ? now : each)) };
    });
  }

  #condition(type: string, status: 'True' | 'False', reason: string, message: string): Json {
    const lastTransitionTime = `${new Date(this.#scheduler.now).toISOString().slice(0, 19)}Z`;
    return { type, status, reason, message, lastTransitionTime };
  }

  #changeNode(name: string, change: (status: Json) => Json): void {
    if (!this.#server.get('nodes', name)) return;
    this.#server.update('nodes', name, (node) => ({ ...node, status: change(node.status ?? {}) }), CLUSTER);
  }

  #next(prefix: string): string {
    this.#serial += 1;
    return `${prefix}-${String(this.#serial)}`;
  }
}

export function nodeOf(pod: ApiObject): string {
  return String(pod.spec?.['nodeName']);
}

export function isReady(node: ApiObject): boolean {
  const conditions = node.status?.['conditions'];
  return Array.isArray(conditions) && at(conditions[0], 'status') === 'True';
}

export function jobEnded(job: ApiObject): boolean {
  return job.status?.['conditions'] !== undefined;
}

/** The API version of the DaemonSet that a pod belongs to. */
export function daemonSetOf({ metadata }: ApiObject): string | undefined {
  const owner = metadata.ownerReferences?.find(({ kind }) => kind === DAEMON_SET);
  return owner && String(at(owner, 'apiVersion'));
}

export function taintsOf(node: ApiObject): readonly unknown[] {
  const taints = node.spec?.['taints'];
  return Array.isArray(taints) ? taints : [];
}

function takesPods(node: ApiObject): boolean {
  return node.spec?.['unschedulable'] !== true && isReady(node) && taintsOf(node).length === 0;
}

function serves({ metadata }: ApiObject): boolean {
  return metadata.deletionTimestamp === undefined;
}

function infoOf(status: Json): Json {
  const info = status['nodeInfo'];
  return typeof info === 'object' && info !== null ? { ...info } : {};
}
