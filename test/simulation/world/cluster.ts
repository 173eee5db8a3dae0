/**
 * The changes of a cluster by itself: Jobs run on their hosts and change them, hosts reboot, pods leave within their
 * budgets and start elsewhere. It knows the operator only by the objects that it writes.
 */
import { Refusal, at, type ApiServer } from './api-server.ts';
import { CLUSTER, JobController, REBOOT, type JobControllerOptions } from './job-controller.ts';
import { keyOf, type ApiObject, type Json } from './objects.ts';
import { APP_LABEL, DAEMON_SET, podOf, sizeOf, type PodSize, type PodTraits } from './pod-traits.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

const RESCHEDULE_MS = 5_000;
/** The reason why a node that joins is not Ready. */
const JOINING = 'joining';

/** What a Job changes of its host: node info and labels as soon as it has ended, and node info with the next boot. */
export type HostChange = {
  readonly atOnce?: Json;
  readonly atReboot?: Json;
  readonly labels?: Readonly<Record<string, string>>;
};

/** A condition of a node that reports a problem. */
export type Problem = { readonly type: string; readonly reason: string; readonly message: string };

export type ClusterOptions = Omit<JobControllerOptions, 'patched' | 'rebooted'> & {
  /** What a Job changes of its host, which has this node info. */
  readonly changeBy: (job: ApiObject, nodeInfo: Json) => HostChange;
  /** By app: how many pods must be available. */
  readonly minAvailable: Readonly<Record<string, number>>;
  readonly rebootMs: () => number;
  readonly leaveMs: () => number;
  /** Learns that a host is about to be Ready after its reboot. */
  readonly comesBack: (host: string) => void;
  /** How long a pod that has ended is held by a finalizer of somebody. */
  readonly heldMs: (pod: ApiObject) => number;
  /** Where the next pod of an app starts; undefined: wherever the scheduler places it. */
  readonly returnsTo: (pod: ApiObject) => string | undefined;
  /** Learns of an eviction of a pod that is leaving already: the server accepts that, too. */
  readonly evictedAgain: (pod: ApiObject, by: string) => void;
  /** How many CPUs a host has for pods; absent: nobody counts them. */
  readonly cpusOf?: (host: string) => number;
  /** Whether nothing replaces a pod that has left. */
  readonly isGivenUp?: (pod: ApiObject) => boolean;
};

export class Cluster {
  readonly #server: ApiServer;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #options: ClusterOptions;
  readonly #jobs: JobController;
  /** Node info that the next boot of a host brings. */
  readonly #installed = new Map<string, Json>();
  /** By host: the reasons why it is not Ready. */
  readonly #down = new Map<string, Set<string>>();
  /** The hosts to which a pod is about to return. */
  readonly #returning = new Set<string>();
  #serial = 0;

  constructor(server: ApiServer, scheduler: Scheduler, random: Random, options: ClusterOptions) {
    this.#server = server;
    this.#scheduler = scheduler;
    this.#random = random;
    this.#options = options;
    this.#jobs = new JobController(server, scheduler, {
      ...options,
      patched: (host, job) => this.#patch(host, job),
      rebooted: (host, job) => this.#reboot(host, job),
    });
  }

  addNode(name: string, labels: Readonly<Record<string, string>>, nodeInfo: Json, spec: Json = {}): void {
    const status = {
      conditions: [this.#condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status')],
      nodeInfo: { ...nodeInfo, bootID: this.#next('boot') },
      ...this.#allocatable(name),
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
    const pod = podOf(app, this.#next(app), nodeName, more);
    this.#server.create('pods', pod, CLUSTER);
    return keyOf(pod.metadata);
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

  #patch(host: string, job: ApiObject): void {
    this.changeHost(host, (info) => this.#options.changeBy(job, info));
  }

  /** A Job or a person changes the host, if there is one, which has this node info. */
  changeHost(host: string, changeOf: (nodeInfo: Json) => HostChange): void {
    const node = this.#server.get('nodes', host);
    const { atOnce = {}, atReboot = {}, labels = {} } = changeOf(infoOf(node?.status ?? {}));
    const waiting = Object.entries(this.#installed.get(host) ?? {}).filter(([fact]) => !(fact in atOnce));
    this.#installed.set(host, { ...Object.fromEntries(waiting), ...atReboot });
    this.#changeNode(host, (status) => ({ ...status, nodeInfo: { ...infoOf(status), ...atOnce } }));
    for (const [label, value] of Object.entries(labels)) this.relabel(host, label, value);
  }

  /** The reboot often kills the Job that requested it. */
  #reboot(host: string, job: ApiObject): void {
    const uid = this.#server.get('nodes', host)?.metadata.uid;
    this.#jobs.mark(job, this.#random.chance(0.5) ? 'Complete' : 'Failed', '');
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
    const isThere = place !== undefined && this.#server.get('nodes', place) !== undefined;
    if (isThere && daemonOf === undefined) this.#returning.add(place);
    this.#server.update(
      'pods',
      key,
      (each) => ({ ...each, metadata: { ...each.metadata, finalizers: [] } }),
      CLUSTER,
    );
    if (this.#server.get('pods', key)) this.#server.remove('pods', key, CLUSTER);
    if (app === undefined || this.#options.isGivenUp?.(pod)) return;
    if (place === undefined) this.#replace(app, sizeOf(pod));
    else
      this.#scheduler.after(this.#random.int(200, 3_000), () =>
        this.#return(app, place, { tolerant: true, ...(daemonOf === undefined ? {} : { daemonOf }) }),
      );
  }

  /** A pod starts on the host of the one before it. */
  #return(app: string, host: string, traits: PodTraits): void {
    if (traits.daemonOf === undefined) this.#returning.delete(host);
    if (this.#server.get('nodes', host)) this.addPod(app, host, traits);
  }

  #replace(app: string, size: PodSize): void {
    const free = this.#server
      .list('nodes')
      .filter(
        (node) => takesPods(node) && this.#hasRoom(node, size) && !(size.apart && this.#has(node, app)),
      );
    if (free.length > 0) this.addPod(app, this.#random.pick(free).metadata.name, size);
    else this.#scheduler.after(RESCHEDULE_MS, () => this.#replace(app, size));
  }

  #hasRoom({ metadata: { name } }: ApiObject, { cpu }: PodTraits): boolean {
    const { cpusOf } = this.#options;
    if (cpu === undefined || !cpusOf) return true;
    const here = this.#server.list('pods').filter((each) => nodeOf(each) === name);
    const used = here.reduce((sum, pod) => sum + (sizeOf(pod).cpu ?? 0), 0);
    return used + cpu <= cpusOf(name);
  }

  #has({ metadata: { name } }: ApiObject, app: string): boolean {
    return this.#server
      .list('pods')
      .some((each) => nodeOf(each) === name && each.metadata.labels?.[APP_LABEL] === app);
  }

  #allocatable(name: string): Json {
    const { cpusOf } = this.#options;
    return cpusOf ? { allocatable: { cpu: String(cpusOf(name)) } } : {};
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
