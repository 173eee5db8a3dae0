/** One compute host: its service at a scripted Nova, and its claim in an API server in memory. */
import type { Effect } from '../../../../src/engine/effect.ts';
import type { Claim } from '../../../../src/engine/view.ts';
import { ClaimLeases } from '../../../../src/hostops/openstack/claim-leases.ts';
import type { HostWriter } from '../../../../src/hostops/openstack/host-writes.ts';
import { ObservedCloud } from '../../../../src/hostops/openstack/observed/observed-cloud.ts';
import { Compute } from '../../../../src/openstack/compute.ts';
import { Placement } from '../../../../src/openstack/placement.ts';
import { answer, NOVA, ScriptedCloud } from '../../openstack/scripted-cloud.ts';
import { ClusterInMemory } from '../../support/cluster-in-memory.ts';
import { ownerNamed } from '../../support/owners.ts';
import { HOST, NOW } from './cloud-objects.ts';

export const KEY = 'secret/lab/';
export const RUN = 'run-1';
export const OWNER = ownerNamed('s');
export const FENCE = { owner: OWNER, run: RUN, epoch: 1 };
export const { signal } = new AbortController();
const quiet = { info: () => undefined, warn: () => undefined };

type StoredService = { status: string; disabled_reason: string | null; state: string; forced_down: boolean };

export function claimOf(fields: Partial<Claim> = {}): Claim {
  return {
    ...{ run: RUN, pool: 'vms', epoch: 1, owner: OWNER, planDigest: 'sha256:0', stage: 0, level: 'away' },
    ...{ closedToNewWorkBefore: false, since: new Date(NOW).toISOString() },
    ...fields,
  };
}

export class OneHost {
  readonly nova = new ScriptedCloud();
  readonly cluster = new ClusterInMemory();
  /** The service as Nova stores it. Others write here. */
  readonly service: StoredService = {
    status: 'enabled',
    disabled_reason: null,
    state: 'up',
    forced_down: false,
  };
  now = NOW;
  /** How often there was news of the servers on the host. */
  timesRead = 0;
  /** How often the hosts became known, or were read for somebody who waits for that. */
  timesObserved = 0;
  /** The hosts of which the migrations were cancelled. */
  readonly cancelled: string[] = [];
  /** Why some cannot be cancelled yet. */
  uncancelled: string | undefined;
  /** The hosts whose claims have changed. */
  readonly changed: string[] = [];
  /** Called before each write to Nova; throws when the process has died. */
  beforeWrite: () => void = () => undefined;
  readonly leases: ClaimLeases;
  readonly cloud: ObservedCloud;
  readonly compute = new Compute(this.nova.session());

  constructor() {
    this.leases = new ClaimLeases({
      ...{
        config: this.cluster.connection.config,
        namespace: 'careen-system',
        now: () => this.now,
        log: quiet,
      },
      changed: (_, host) => this.changed.push(host),
    });
    this.cloud = new ObservedCloud({
      ...{ key: KEY, leases: this.leases, now: () => this.now, log: quiet },
      connect: async () => ({
        compute: this.compute,
        placement: new Placement(this.nova.session()),
        isCurrent: async () => true,
        close: () => undefined,
      }),
      serversRead: () => (this.timesRead += 1),
      ...{ hostChanged: () => undefined, observed: () => (this.timesObserved += 1) },
    });
    this.nova.on(`GET ${NOVA}/os-services?binary=nova-compute&host=${HOST}`, async () =>
      answer(200, { services: [this.#shownService] }),
    );
    this.nova.on(`PUT ${NOVA}/os-services/service-1`, async ({ body = '{}' }) => {
      const { status, disabled_reason = null } = JSON.parse(body) as Partial<StoredService>; // what the client sent
      Object.assign(this.service, { status, disabled_reason });
      return answer(200, { service: this.#shownService });
    });
  }

  get #shownService() {
    return { id: 'service-1', binary: 'nova-compute', host: HOST, ...this.service };
  }

  get writer(): HostWriter {
    return {
      ...{ compute: this.compute, leases: this.leases, cloud: KEY, now: () => NOW },
      beforeWrite: () => this.beforeWrite(),
      written: (service) => this.cloud.noteService(service),
      read: async (host, stopping) => this.cloud.readHost(host, stopping),
      cancelMigrations: async (host) => {
        this.cancelled.push(host);
        return this.uncancelled;
      },
    };
  }

  /** What the process sees of the host now. */
  async seen() {
    const found = await this.cloud.readHost(HOST, signal);
    if (!found) throw new Error('Nova has no such host');
    return found.host;
  }

  /** The state and the reason of the service, and the run whose claim is on the host. */
  async state() {
    const { claim } = await this.seen();
    return [this.service.status, this.service.disabled_reason, claim?.run];
  }

  get novaWrites(): number {
    return this.nova.requests.filter(({ method }) => method === 'PUT').length;
  }

  /** Whoever works with the API server dies at the next request that this names. */
  diesAt(method: string): void {
    this.cluster.before = (request) => {
      if (request.method === method && request.path.includes('/leases')) throw new Error('died');
    };
  }

  /** A new process takes over. */
  lives(): void {
    this.cluster.before = () => undefined;
    this.beforeWrite = () => undefined;
  }

  async effect<Kind extends Effect['kind']>(
    kind: Kind,
    fields: object = {},
  ): Promise<Extract<Effect, { kind: Kind }>> {
    const { revision } = await this.seen();
    const own = { key: kind, host: HOST, revision, run: RUN, claim: claimOf(), reason: 'Job failed' };
    // A cast: these are the fields of all effects on hosts.
    return { kind, ...own, ...fields } as unknown as Extract<Effect, { kind: Kind }>;
  }
}
