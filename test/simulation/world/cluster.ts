/**
 * The changes of a cluster by itself: Jobs run on their hosts and change them, hosts reboot, pods leave within their
 * budgets and start elsewhere. It knows the operator only by the objects that it writes.
 */
import { Refusal, at, type ApiServer, type Change } from './api-server.ts';
import { keyOf, type ApiObject, type Json } from './objects.ts';
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

/** The node info that a patch changes: as soon as its Job has ended, or with the next boot. */
export type PatchChange = { readonly atOnce?: Json; readonly atReboot?: Json };

/** The end of a Job. `lie`: it reports success, and nothing has changed. */
export type JobFate = { readonly end: 'success' | 'failure' | 'lie' | 'hang'; readonly milliseconds: number };

export type ClusterOptions = {
  readonly patches: Readonly<Record<string, PatchChange>>;
  /** By app: how many pods must be available. */
  readonly minAvailable: Readonly<Record<string, number>>;
  readonly fateOf: (host: string, action: string) => JobFate;
  readonly rebootMs: () => number;
  readonly leaveMs: () => number;
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
      conditions: [{ type: 'Ready', status: 'True' }],
      nodeInfo: { ...nodeInfo, bootID: this.#next('boot') },
    };
    this.#server.create(
      'nodes',
      { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec, status },
      CLUSTER,
    );
  }

  addPod(app: string, nodeName: string, more: { unmanaged?: boolean; localData?: boolean } = {}): void {
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: app, uid: app, controller: true };
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
    const ready = reasons.size === 0 ? 'True' : 'False';
    this.#changeNode(name, (status) => ({ ...status, conditions: [{ type: 'Ready', status: ready }] }));
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
    if (resource !== 'jobs' || type === 'DELETED') return;
    if (type === 'ADDED') this.#scheduler.after(COLLECT_MS, () => this.#collectOrphan(object));
    const { uid } = object.metadata;
    if (object.spec?.['suspend'] === true || this.#started.has(uid)) return;
    this.#started.add(uid);
    const [host, action] = [
      object.metadata.annotations?.[HOST_ANNOTATION] ?? '',
      object.metadata.labels?.[ACTION_LABEL] ?? '',
    ];
    const { end, milliseconds } = this.#options.fateOf(host, action);
    const deadline = Number(object.spec?.['activeDeadlineSeconds'] ?? Infinity) * 1000;
    const inTime = end !== 'hang' && milliseconds < deadline;
    if (inTime) this.#scheduler.after(milliseconds, () => this.#endJob(object, host, action, end));
    else if (Number.isFinite(deadline))
      this.#scheduler.after(deadline, () => this.#markJob(object, 'Failed', 'DeadlineExceeded'));
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
    if (this.#server.get('jobs', keyOf(job.metadata))?.metadata.uid !== job.metadata.uid) return;
    if (!this.#server.get('nodes', host)) {
      this.#scheduler.after(LOST_JOB_MS, () => this.#markJob(job, 'Failed', 'the host of the pod is gone'));
      return;
    }
    if (end === 'failure') return this.#failJob(job);
    if (end === 'success' && action === REBOOT) return this.#reboot(host, job);
    if (end === 'success') this.#patch(host, action);
    this.#markJob(job, 'Complete', '');
  }

  #failJob(job: ApiObject): void {
    const { name, namespace = '', labels = {} } = job.metadata;
    const metadata = {
      name: `${name}-pod`,
      namespace,
      labels: { ...labels, 'batch.kubernetes.io/job-name': name },
    };
    const terminated = { exitCode: 7, reason: 'Error' };
    const status = { phase: 'Failed', containerStatuses: [{ name: 'apply', state: { terminated } }] };
    this.#server.create('pods', { apiVersion: 'v1', kind: 'Pod', metadata, spec: {}, status }, CLUSTER);
    this.#markJob(job, 'Failed', 'BackoffLimitExceeded');
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
      const booted = { ...this.#installed.get(host), bootID: this.#next('boot') };
      this.#installed.delete(host);
      this.#changeNode(host, (status) => ({ ...status, nodeInfo: { ...infoOf(status), ...booted } }));
      this.setDown(host, REBOOT, false);
    });
  }

  #gone(pod: ApiObject): void {
    const key = keyOf(pod.metadata);
    if (this.#server.get('pods', key)?.metadata.uid !== pod.metadata.uid) return;
    this.#server.update(
      'pods',
      key,
      (each) => ({ ...each, metadata: { ...each.metadata, finalizers: [] } }),
      CLUSTER,
    );
    if (this.#server.get('pods', key)) this.#server.remove('pods', key, CLUSTER);
    const app = pod.metadata.labels?.[APP_LABEL];
    if (app !== undefined && pod.metadata.ownerReferences) this.#replace(app);
  }

  #replace(app: string): void {
    const free = this.#server.list('nodes').filter(takesPods);
    if (free.length > 0) this.addPod(app, this.#random.pick(free).metadata.name);
    else this.#scheduler.after(RESCHEDULE_MS, () => this.#replace(app));
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

function takesPods(node: ApiObject): boolean {
  const taints = node.spec?.['taints'];
  return (
    node.spec?.['unschedulable'] !== true && isReady(node) && !(Array.isArray(taints) && taints.length > 0)
  );
}

function serves({ metadata }: ApiObject): boolean {
  return metadata.deletionTimestamp === undefined;
}

function infoOf(status: Json): Json {
  const info = status['nodeInfo'];
  return typeof info === 'object' && info !== null ? { ...info } : {};
}
