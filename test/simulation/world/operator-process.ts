/** One process of the operator: the real parts, wired as in main.ts, on a simulated connection. */
import { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { CareenOperator } from '../../../src/controllers/runtime/careen-operator.ts';
import { LeaderElection } from '../../../src/leadership/leader-election.ts';
import type { Leadership } from '../../../src/leadership/leadership.ts';
import { LEASE_NAME, OPERATOR_NAMESPACE } from '../../../src/crds/names.ts';
import type { PartLimits } from '../../../src/engine/run/parts.ts';
import type { ClientHooks, Transport } from '../../../src/kube/client.ts';
import { HostJobs } from '../../../src/hostops/jobs/host-jobs.ts';
import { KubernetesHostOps } from '../../../src/hostops/kubernetes/kubernetes-host-ops.ts';
import { OpenStackHostOps } from '../../../src/hostops/openstack/openstack-host-ops.ts';
import type { HostOps } from '../../../src/hostops/port.ts';
import { ProvidersHostOps } from '../../../src/hostops/providers-host-ops.ts';
import type { Transport as CloudTransport } from '../../../src/openstack/transport.ts';
import type { Metrics } from '../../../src/telemetry/metrics.ts';
import { connection, type ConnectionOptions } from './connection.ts';
import type { Random } from './random.ts';
import type { Owner } from './scheduler.ts';

/** A client without a cluster: it sends everything over its transport. */
class SimulatedConfig extends KubeConfig implements ClientHooks {
  readonly transport: Transport;
  beforeWrite?: () => void;

  constructor(transport: Transport) {
    super();
    this.transport = transport;
  }
}

export type ProcessOptions = ConnectionOptions & {
  /** A name that no earlier process had. */
  readonly name: string;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly leaseSeconds: number;
  readonly resyncSeconds: number;
  readonly partLimits?: PartLimits;
  /** Carries the requests of a process to the cloud, in a seed with one. */
  readonly toCloud?: (owner: Owner) => CloudTransport;
  /** Called when the process has ended by itself. */
  readonly ended: (why: string) => void;
};

export class OperatorProcess implements Owner {
  readonly name: string;
  readonly chance: () => number;
  stoppedUntil = 0;
  clockErrorMs = 0;
  readonly #options: ProcessOptions;
  #isAlive = true;
  #leadership: Leadership | undefined;
  #leadsSince = 0;

  constructor(options: ProcessOptions) {
    this.name = options.name;
    this.chance = () => options.random.next();
    this.#options = options;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get leads(): boolean {
    return this.#isAlive && this.#leadership?.isValid() === true;
  }

  /** How long it has led; 0 while it does not. */
  get ledForMs(): number {
    return this.leads ? this.#options.scheduler.now - this.#leadsSince : 0;
  }

  /** Kills the process between two of its lines: nothing of it happens any more, except for writes in flight. */
  kill(): void {
    this.#isAlive = false;
  }

  async start(): Promise<void> {
    return this.#options.scheduler.as(this, () => void this.#run());
  }

  async #run(): Promise<void> {
    const { log, metrics, leaseSeconds, resyncSeconds, partLimits, random, name } = this.#options;
    const transport = connection(this.#options, this);
    const config = new SimulatedConfig(transport);
    config.beforeWrite = () => {
      if (!this.#leadership) throw new Error('this process does not lead: it writes nothing');
      this.#leadership.assertValid();
    };
    const clock = (): number => Date.now();
    const jobs = new HostJobs({ config, now: clock, log });
    const nodes = new KubernetesHostOps(config, log, clock, OPERATOR_NAMESPACE, jobs);
    const hosts = this.#withCloud(nodes, { config, namespace: OPERATOR_NAMESPACE, jobs, now: clock, log });
    const election = new LeaderElection({
      ...{ config: new SimulatedConfig(transport), namespace: OPERATOR_NAMESPACE, name: LEASE_NAME },
      ...{ identity: name, leaseSeconds, monotonic: () => performance.now(), log },
    });
    let serial = 0;
    const operator = new CareenOperator({
      ...{ config, hosts, log, clock, metrics, resyncSeconds, ...(partLimits ? { partLimits } : {}) },
      kinds: { outdated: undefined, changed: () => undefined },
      deposed: (error) => this.#exit(error.message),
      events: { record: () => undefined },
      newId: () => `${name}-run-${String(++serial)}-${String(random.int(0, 999_999))}`,
      operatorNamespace: OPERATOR_NAMESPACE,
      activeHost: undefined,
      fetchFile: () => Promise.reject(new Error('there is no network')),
    });
    await nodes.start();
    this.#leadership = await election.lead(new AbortController().signal);
    this.#leadsSince = this.#options.scheduler.now;
    const { lost } = this.#leadership;
    lost.addEventListener('abort', () => this.#exit(String(lost.reason)));
    await operator.start();
  }

  #withCloud(kubernetes: HostOps, options: ConstructorParameters<typeof OpenStackHostOps>[0]): HostOps {
    const transport = this.#options.toCloud?.(this);
    if (!transport) return kubernetes;
    const transportTo = (): { transport: CloudTransport; close: () => Promise<void> } => ({
      transport,
      close: async () => undefined,
    });
    return new ProvidersHostOps({
      kubernetes,
      openstack: new OpenStackHostOps({ ...options, transportTo }),
    });
  }

  #exit(why: string): void {
    if (!this.#isAlive) return;
    this.kill();
    this.#options.ended(why);
  }
}
