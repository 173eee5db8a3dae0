/** A whole installation for the end-to-end tests: control plane, stand-in, operator under its own account. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BatchV1Api, CoreV1Api, type KubeConfig, type V1Job, type V1Node } from '@kubernetes/client-node';
import { z } from 'zod';
import { CLAIM_ANNOTATION, MAINTENANCE_TAINT } from '../../src/crds/names.ts';
import { hostPoolStatus, type HostPoolStatus } from '../../src/crds/host-pool.ts';
import { anyStatus, type StrategyStatus } from '../../src/crds/observed/strategy-status.ts';
import { call } from '../../src/kube/client.ts';
import { apply, mergePatch, read, type Manifest } from '../support/controlplane/apply.ts';
import { auditArgs } from '../support/audit/audit.ts';
import { connect, startControlPlane, type ControlPlane } from '../support/controlplane/controlplane.ts';
import { untilObject } from '../support/controlplane/until-object.ts';
import { eventually } from '../support/eventually.ts';
import {
  allowJobs,
  installCareen,
  startOperator,
  writeOperatorKubeconfig,
  type RunningOperator,
} from '../support/operator/operator.ts';
import { createNodes, type SimulatedNode } from '../support/hosts/simulated-nodes.ts';
import { startHostStandin } from '../support/hosts/start-host-standin.ts';
import {
  poolManifest,
  sessionManifest,
  strategyManifest,
  upgradeManifest,
} from '../support/operator/strategies.ts';

const NAMESPACE = 'careen-hosts';
const patched = {
  'kernel-6.12.48': { kernelVersion: '6.12.48' },
  'kubelet-1.36.4': { kubeletVersion: 'v1.36.4' },
  ...{ controller: { kubeletVersion: 'v1.36.4' }, worker: { kubeletVersion: 'v1.36.4' } },
  ...{ 'stage-controller': {}, 'stage-worker': {}, start: {}, activate: {}, complete: {} },
  maintain: {},
};

/** The software of all hosts: the effects of the patches, with short times. */
export const STANDIN = { patches: patched, workSeconds: 0.2, bootDelay: '500ms' };

export class Cluster {
  readonly admin: KubeConfig;
  readonly operatorKubeconfig: string;
  operator: RunningOperator;
  readonly plane: ControlPlane;
  readonly #closing: (() => Promise<unknown>)[];

  private constructor(
    plane: ControlPlane,
    admin: KubeConfig,
    operatorKubeconfig: string,
    operator: RunningOperator,
    closing: (() => Promise<unknown>)[],
  ) {
    this.plane = plane;
    this.admin = admin;
    this.operatorKubeconfig = operatorKubeconfig;
    this.operator = operator;
    this.#closing = closing;
  }

  /**
   * `startFirst` starts the operator with the given kubeconfig; by default it does nothing else. `args` are further
   * arguments of the control plane; by default those for the audit of the test run.
   */
  static async start(
    startFirst: (kubeconfig: string) => Promise<RunningOperator> = startOperator,
    args?: readonly string[],
  ): Promise<Cluster> {
    const folder = await mkdtemp(join(tmpdir(), 'careen-e2e-'));
    const plane = await startControlPlane({ args: args ?? (await auditArgs()) });
    const admin = connect(plane.kubeconfig);
    await installCareen(admin);
    const standin = await startHostStandin(admin, STANDIN);
    const kubeconfig = join(folder, 'operator.kubeconfig');
    await writeOperatorKubeconfig(admin, kubeconfig);
    const closing = [
      () => standin.stop(),
      () => plane.stop(),
      () => rm(folder, { recursive: true, force: true }),
    ];
    return new Cluster(plane, admin, kubeconfig, await startFirst(kubeconfig), closing);
  }

  async stop(): Promise<void> {
    await this.operator.stop();
    for (const close of this.#closing) await close();
  }

  /** Kills the operator like a crash, and starts it again. */
  async crashOperator(): Promise<void> {
    await this.operator.kill();
    await this.startOperator();
  }

  /** Starts the operator again after it has ended. */
  async startOperator(): Promise<void> {
    this.operator = await startOperator(this.operatorKubeconfig);
  }

  /** What the API server answers to an administrator. */
  async get(path: string): Promise<unknown> {
    return call(this.admin, { method: 'GET', path });
  }

  /** Creates a namespace for strategies. A pool has to list it to admit it. */
  async namespace(name: string): Promise<void> {
    await apply(this.admin, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    await allowJobs(this.admin, name);
  }

  /** A pool of its own for a test, with workers and controllers named after it. */
  async fleet(
    pool: string,
    workers: number,
    maxUnavailable: number | string,
    annotations: Record<string, string> = {},
    controllers = 0,
  ): Promise<Fleet> {
    const control = Array.from({ length: controllers }, (_, i) => `${pool}-control-${String(i)}`);
    await createOldNodes(this.admin, pool, control, {
      labels: { 'node-role.kubernetes.io/control-plane': '' },
    });
    const hosts = await createWorkers(this.admin, pool, workers, annotations);
    await apply(this.admin, poolManifest(pool, maxUnavailable));
    return new Fleet(this, pool, [...control, ...hosts]);
  }
}

/** Creates the nodes of a pool, named after it, without the effects of `patched`; returns their names. */
export async function createWorkers(
  admin: KubeConfig,
  pool: string,
  workers: number,
  annotations: Record<string, string> = {},
): Promise<string[]> {
  const hosts = Array.from({ length: workers }, (_, i) => `${pool}-${String(i)}`);
  await createOldNodes(admin, pool, hosts, { annotations });
  return hosts;
}

async function createOldNodes(
  admin: KubeConfig,
  pool: string,
  names: readonly string[],
  { labels = {}, annotations = {} }: Pick<SimulatedNode, 'labels' | 'annotations'>,
): Promise<void> {
  const software = { kernelVersion: '6.12.41', kubeletVersion: 'v1.36.3' };
  const node = { labels: { ...labels, pool }, annotations, ...software };
  await createNodes(
    admin,
    names.map((name) => ({ name, ...node })),
  );
}

/** The cluster, as far as a fleet needs it. */
type Surroundings = Pick<Cluster, 'admin' | 'operator'>;

/** The hosts of one test, and the strategy on them. */
export class Fleet {
  readonly poolName: string;
  readonly hosts: readonly string[];
  readonly #cluster: Surroundings;
  readonly #strategy: Manifest;

  constructor(
    cluster: Surroundings,
    pool: string,
    hosts: readonly string[],
    strategy: Manifest = strategyManifest(pool, NAMESPACE),
  ) {
    this.hosts = hosts;
    this.#cluster = cluster;
    this.poolName = pool;
    this.#strategy = strategy;
  }

  /** The same hosts, and another strategy on them. */
  also(name: string, namespace: string = NAMESPACE): Fleet {
    return new Fleet(this.#cluster, this.poolName, this.hosts, strategyManifest(name, namespace));
  }

  /** The same hosts, and an upgrade of them with the name of the strategy. */
  upgrade(): Fleet {
    const strategy = upgradeManifest(this.poolName, NAMESPACE);
    return new Fleet(this.#cluster, this.poolName, this.hosts, strategy);
  }

  /** The same hosts, and a session on them. */
  session(name: string = this.poolName): Fleet {
    return new Fleet(this.#cluster, this.poolName, this.hosts, sessionManifest(name));
  }

  /** Changes the pool: all of its spec except its hosts. */
  async pool(maxUnavailable: number | string, spec: Record<string, unknown> = {}): Promise<void> {
    await apply(this.#cluster.admin, poolManifest(this.poolName, maxUnavailable, spec));
  }

  get strategy(): Manifest {
    return this.#strategy;
  }

  /** Applies a strategy on the pool of this fleet. */
  async apply(spec: Record<string, unknown> = {}): Promise<void> {
    const { spec: base } = z.looseObject({ spec: z.looseObject({}) }).parse(this.#strategy);
    await apply(this.#cluster.admin, {
      ...this.#strategy,
      spec: { ...base, poolRef: this.poolName, ...spec },
    });
  }

  async order(execution: Record<string, unknown>): Promise<void> {
    await mergePatch(this.#cluster.admin, this.#strategy, { spec: { execution } });
  }

  async status(): Promise<StrategyStatus> {
    return strategyStatusOf(await read(this.#cluster.admin, this.#strategy));
  }

  /** The pool, for requests by its name. */
  get poolObject(): Manifest {
    return poolManifest(this.poolName, 1);
  }

  async poolStatus(): Promise<HostPoolStatus> {
    return poolStatusOf(await read(this.#cluster.admin, this.poolObject));
  }

  /** Waits until the status of the pool fits; fails with its last state. */
  async untilPool(
    what: string,
    fits: (status: HostPoolStatus) => boolean,
    seconds = 30,
  ): Promise<HostPoolStatus> {
    let seen: HostPoolStatus = {};
    const look = (object: unknown): HostPoolStatus | false => fits((seen = poolStatusOf(object))) && seen;
    return untilObject(what, this.#cluster.admin, this.poolObject, look, { describe: () => seen, seconds });
  }

  /** Waits until the status fits; fails with its last state. */
  async until(
    what: string,
    fits: (status: StrategyStatus) => boolean,
    seconds = 45,
  ): Promise<StrategyStatus> {
    let seen: StrategyStatus = {};
    const log = (): unknown => this.#cluster.operator.lines.slice(-8);
    const look = (object: unknown): StrategyStatus | false => fits((seen = strategyStatusOf(object))) && seen;
    return untilObject(what, this.#cluster.admin, this.#strategy, look, {
      seconds,
      describe: () => ({ state: seen.state, message: seen.message, progress: seen.progress, log: log() }),
    });
  }

  /** Waits for the answer to a request or an abort, such as `refused: this run holds no host worker-3`. */
  async answer(id: string): Promise<string> {
    const { requests = [] } = await this.until(`an answer to ${id}`, (status) =>
      Boolean(status.requests?.some((each) => each.id === id && each.answer !== 'waiting')),
    );
    const { answer, message } = requests.find((each) => each.id === id) ?? { answer: 'none', message: '' };
    return `${answer}: ${message}`;
  }

  async untilState(state: string, seconds?: number): Promise<StrategyStatus> {
    return this.until(`state ${state}`, (status) => status.state === state, seconds);
  }

  async nodes(): Promise<V1Node[]> {
    const { items } = await this.#cluster.admin
      .makeApiClient(CoreV1Api)
      .listNode({ labelSelector: `pool=${this.poolName}` });
    return items;
  }

  /** Waits until all hosts report this kernel. */
  async untilKernel(version: string): Promise<void> {
    await eventually(`kernel ${version}`, async () =>
      (await this.nodes()).every(({ status }) => status?.nodeInfo?.kernelVersion === version),
    );
  }

  async jobs(): Promise<V1Job[]> {
    const { items } = await this.#cluster.admin
      .makeApiClient(BatchV1Api)
      .listNamespacedJob({ namespace: NAMESPACE });
    return items.filter((job) => this.hosts.includes(job.spec?.template.spec?.nodeName ?? ''));
  }

  async annotate(host: string, annotations: Record<string, string>): Promise<void> {
    await mergePatch(
      this.#cluster.admin,
      { apiVersion: 'v1', kind: 'Node', metadata: { name: host } },
      { metadata: { annotations } },
    );
  }
}

/** The status of a strategy as the API server returns it. */
export function strategyStatusOf(object: unknown): StrategyStatus {
  return z.looseObject({ status: anyStatus.default({}) }).parse(object ?? {}).status;
}

function poolStatusOf(object: unknown): HostPoolStatus {
  return z.looseObject({ status: hostPoolStatus.default({}) }).parse(object).status;
}

/** Names of the nodes that Careen, or anybody else, keeps cordoned. */
export function closed(nodes: readonly V1Node[]): string[] {
  return nodes.filter(({ spec }) => spec?.unschedulable).map(({ metadata }) => metadata?.name ?? '');
}

/** Names of the nodes that carry any mark of ours. */
export function marked(nodes: readonly V1Node[]): string[] {
  return nodes
    .filter(
      ({ metadata, spec }) =>
        metadata?.annotations?.[CLAIM_ANNOTATION] !== undefined ||
        spec?.taints?.some(({ key }) => key === MAINTENANCE_TAINT),
    )
    .map(({ metadata }) => metadata?.name ?? '');
}
