/** The port to the hosts, for the compute hosts of OpenStack clouds. Its Jobs run in the cluster of Careen. */
import type { InstanceAction } from '../../crds/vocabulary.ts';
import type { Effect, Outcome } from '../../engine/effect.ts';
import {
  signalsFrom,
  type FleetFacts,
  type HostFacts,
  type MemberHealth,
  type View,
} from '../../engine/view.ts';
import { explain, httpStatus } from '../../kube/errors.ts';
import type { Client } from '../../kube/client.ts';
import type { Log } from '../../kube/log.ts';
import { allEnded } from '../../kube/writes.ts';
import { networkTransport } from '../../openstack/transport.ts';
import { OpenStackError } from '../../openstack/errors.ts';
import type { HostName, HostSeed } from '../../planner/hosts/facts.ts';
import { hostFactsOf, standingOf } from '../host-state.ts';
import { HostWatchers } from '../host-watchers.ts';
import type { HostJobs } from '../jobs/host-jobs.ts';
import type { RemoteHost } from '../jobs/job.ts';
import { rolesOf } from '../label-selector.ts';
import { membershipOf } from '../membership.ts';
import { OpenFleets } from '../open-fleets.ts';
import { outcomeOf, STALE } from '../outcomes.ts';
import type { Adoption, Fence, HostWatch, MarkedHost, PoolOps, Scope, Subscription } from '../port.ts';
import { indexOf } from './placing/cloud-scene.ts';
import { outcomeOfMove } from './leaving/ask-to-leave.ts';
import { claimIn, ClaimLeases } from './claim-leases.ts';
import type { ComputeHost } from './compute-host.ts';
import { connectCloud, type CloudConnection } from './connection.ts';
import {
  adoptHost,
  claimHost,
  leaveHostLocked,
  lockAgain,
  releaseHost,
  type HostWriter,
} from './host-writes.ts';
import { ObservedCloud } from './observed/observed-cloud.ts';
import { keyOfCloud, providerOf, type OpenStackProvider } from './provider.ts';
import { apartBefore, instancesBefore, placementOn, seedServers } from './placing/server-operations.ts';
import {
  areStoppedOn,
  askServer,
  callOffServer,
  cancelMovesFrom,
  type ServersOfCloud,
} from './servers-of-cloud.ts';
import { SERVER_WORDS } from './leaving/server-words.ts';
import { instancesOn, type MoveLimits } from './leaving/servers-on-host.ts';

export type OpenStackOptions = {
  readonly config: Client;
  /** The operator's own, which has the Secrets and the Leases. */
  readonly namespace: string;
  readonly jobs: HostJobs;
  readonly now: () => number;
  readonly log: Log;
  /** Carries the requests to a cloud in the simulator, which has none; the network by default. */
  readonly transportTo?: typeof networkTransport;
};

type OpenCloud = {
  readonly cloud: ObservedCloud;
  readonly fleets: OpenFleets;
  readonly watchers: HostWatchers;
  users: number;
};

export class OpenStackHostOps implements PoolOps {
  readonly #options: OpenStackOptions;
  readonly #leases: ClaimLeases;
  readonly #clouds = new Map<string, OpenCloud>();
  readonly #stopping = new AbortController();
  #leasesAreKnown: Promise<void> | undefined;

  constructor(options: OpenStackOptions) {
    const { config, namespace, now, log, jobs } = options;
    this.#options = options;
    this.#leases = new ClaimLeases({
      ...{ config, namespace, now, log },
      changed: (cloud, host) => this.#clouds.get(cloud)?.cloud.claimChanged(host),
    });
    jobs.listen((host) => {
      for (const { watchers } of this.#clouds.values()) watchers.tell(host);
    });
  }

  stop(): void {
    this.#stopping.abort();
    this.#leases.stop();
    for (const { cloud } of this.#clouds.values()) cloud.stop();
    this.#clouds.clear();
  }

  async *inventory(scope: Scope): AsyncGenerator<readonly HostSeed[], void> {
    const { cloud } = this.#of(scope);
    await cloud.readHosts();
    await cloud.readServers();
    const { scene } = cloud;
    yield seedsOf(cloud, scope).map((seed) => ({
      ...seed,
      apart: scene && apartBefore(seed.name, scene),
      servers: scene && seedServers(seed.name, scene),
    }));
  }

  watch(scope: Scope, changed: (hosts: ReadonlySet<HostName>) => void): HostWatch {
    return this.#of(scope).watchers.watch(changed);
  }

  fleet(scope: Scope, changed: () => void): Subscription {
    const key = keyOfCloud(providerOf(scope));
    const open = this.#clouds.get(key) ?? this.#observe(key, providerOf(scope));
    this.#clouds.set(key, open);
    open.users += 1;
    const opened = open.fleets.open(scope, changed);
    let isClosed = false;
    return {
      close: () => {
        if (isClosed) return;
        isClosed = true;
        opened.close();
        open.users -= 1;
        if (open.users > 0) return;
        open.cloud.stop();
        if (this.#clouds.get(key) === open) this.#clouds.delete(key);
      },
    };
  }

  view(scope: Scope): View {
    const { cloud, fleets } = this.#of(scope);
    const { jobs } = this.#options;
    const fleet = fleets.of(scope);
    return {
      fleet: { ...fleet.facts, ...this.#observation(cloud) },
      host: (name) => this.#hostFacts(cloud, name, scope),
      effect: (key, owner) => jobs.effect(key, owner),
      job: (uid, owner) => jobs.job(uid, owner),
      jobsOn: (host, owner) => jobs.jobsOn(host, owner),
      signal: signalsFrom({
        alarms: () => {
          const { observedAt } = cloud;
          // A step that asks for the alarms may need a newer observation than this one.
          cloud.awaitObservation();
          return observedAt === undefined ? undefined : { observedAt, alarms: fleet.alarms };
        },
      }),
      words: SERVER_WORDS,
      seeds: () => seedsOf(cloud, scope),
      forecast: (name, action) =>
        cloud.scene && instancesBefore(name, cloud.scene, leavingBy(scope, action), this.#options.now()),
      placement: (away, action) =>
        cloud.scene && placementOn(away, cloud.scene, leavingBy(scope, action), this.#options.now()),
    };
  }

  /** The members of a control plane are no compute hosts: nothing is asked, and the states of the hosts decide. */
  async memberHealth(): Promise<MemberHealth> {
    return { down: new Map() };
  }

  /** Nova was not restored: only the claims are of another time. */
  listAgain(): void {
    void this.#leases.listAgain();
  }

  markedHosts(scope: Scope): readonly MarkedHost[] {
    const { jobs } = this.#options;
    return this.#of(scope)
      .fleets.of(scope)
      .markedHosts.map((marked) => {
        const { host, claim } = marked;
        const busy = claim !== undefined && jobs.jobsOn(host, claim.owner).length > 0;
        return { ...marked, busy, begun: claim !== undefined && jobs.hasBegun(host, claim) };
      });
  }

  /** The claims are known also while the cloud cannot be reached: its hosts then count as they were. */
  async readMarkedHosts(scope: Scope): Promise<readonly MarkedHost[]> {
    const { cloud } = this.#of(scope);
    const failure = await this.#leases.listAgain();
    if (failure !== undefined)
      throw new Error(`the Leases with the claims of hosts cannot be read: ${failure}`);
    await cloud.readHosts().catch(() => undefined); // the pool says why
    const unknown = this.#leases
      .inCloud(keyOfCloud(providerOf(scope)))
      .filter(({ host }) => !cloud.hosts.has(host))
      .map((lease) => ({ lease, ...claimIn(lease, lease.hostUid) }))
      .filter(({ claim }) => claim?.pool === scope.pool);
    const { jobs } = this.#options;
    return [
      ...this.markedHosts(scope),
      ...unknown.map(({ lease: { host, revision }, claim, spoilt: spoiltClaim }) => ({
        ...{ host, revision, claim, spoiltClaim, closedToNewWork: true, leftLocked: false },
        busy: claim !== undefined && jobs.jobsOn(host, claim.owner).length > 0,
        begun: claim !== undefined && jobs.hasBegun(host, claim),
      })),
    ];
  }

  async adopt(
    scope: Scope,
    adoptions: ReadonlyMap<HostName, Adoption>,
    fence: Fence,
    signal: AbortSignal,
  ): Promise<void> {
    const { cloud } = this.#of(scope);
    // A host that is not known counts as one that has left: nothing is decided before all were read once.
    if (cloud.observedAt === undefined) await cloud.readHosts();
    const writer = await this.#writer(scope);
    await allEnded([...adoptions].map(async ([host, adoption]) => adoptHost(writer, host, adoption, signal)));
    const recorded = [...adoptions.values()].flatMap(({ jobs = [] }) => jobs);
    await this.#options.jobs.adopt(recorded, fence, signal);
  }

  async confirm(scope: Scope, hosts: readonly HostName[], signal: AbortSignal): Promise<void> {
    const { cloud } = this.#of(scope);
    await Promise.all(hosts.map(async (host) => cloud.readHost(host, signal)));
  }

  async perform(scope: Scope, effect: Effect, fence: Fence, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    try {
      return await this.#perform(scope, effect, fence, signal);
    } catch (error) {
      signal.throwIfAborted();
      const what = `${effect.kind} of ${effect.host}`;
      if (error instanceof OpenStackError) {
        const isGone = error.kind === 'not-found' && effect.kind !== 'evict';
        return isGone ? STALE : outcomeOfMove(error, what, this.#options.now());
      }
      if (httpStatus(error) !== undefined) return outcomeOf(error, what, this.#options.now());
      this.#options.log.warn(
        { effect: effect.key, err: error },
        'an effect failed in a way that was not foreseen',
      );
      return { kind: 'unknown', reason: explain(error) };
    }
  }

  async #perform(scope: Scope, effect: Effect, fence: Fence, signal: AbortSignal): Promise<Outcome> {
    switch (effect.kind) {
      case 'claim':
        return claimHost(await this.#writer(scope), effect, signal);
      case 'release':
        return releaseHost(await this.#writer(scope), effect, signal);
      case 'recordon':
        return lockAgain(await this.#writer(scope), effect, signal);
      case 'leave-locked':
        return leaveHostLocked(await this.#writer(scope), effect, fence, signal);
      case 'evict':
        return askServer(this.#servers(scope), providerOf(scope), effect, signal);
      case 'call-off':
        return callOffServer(this.#servers(scope), effect, signal);
      case 'create-job':
      case 'start-job':
      case 'mend-job':
      case 'withdraw-job':
      case 'delete-job':
        return this.#options.jobs.perform(effect, fence, signal, this.#remote(scope, effect.host));
    }
  }

  #servers(scope: Scope): ServersOfCloud {
    const { cloud } = this.#of(scope);
    return { cloud, beforeWrite: this.#beforeWrite, now: this.#options.now };
  }

  #remote(scope: Scope, name: HostName): RemoteHost {
    const { address, facts = {} } = this.#of(scope).cloud.hosts.get(name) ?? {};
    return { cloud: keyOfCloud(providerOf(scope)), address, facts };
  }

  async #writer(scope: Scope): Promise<HostWriter> {
    const { cloud } = this.#of(scope);
    const compute = await cloud.compute();
    return {
      ...{ compute, leases: this.#leases, cloud: keyOfCloud(providerOf(scope)), now: this.#options.now },
      beforeWrite: this.#beforeWrite,
      written: (service) => cloud.noteService(service),
      read: async (host, signal) => cloud.readHost(host, signal),
      cancelMigrations: async (host, signal) => cancelMovesFrom(this.#servers(scope), host, signal),
    };
  }

  readonly #beforeWrite = (): void => this.#options.config.beforeWrite?.();

  #observe(key: string, provider: OpenStackProvider): OpenCloud {
    const { config, namespace, now, log, transportTo = networkTransport } = this.#options;
    this.#leasesAreKnown ??= this.#leases.start();
    const known = this.#leasesAreKnown;
    const connect = async (signal: AbortSignal): Promise<CloudConnection> => {
      await known;
      return connectCloud(config, namespace, provider, signal, transportTo);
    };
    const notify = (listener: () => void): void => this.#guarded(listener);
    const cloud: ObservedCloud = new ObservedCloud({
      ...{ key, connect, leases: this.#leases, now, log },
      hostChanged: (before, after) => {
        fleets.change(before, after);
        const host = after?.name ?? before?.name;
        if (host !== undefined) watchers.tell(host);
      },
      serversRead: (host) => watchers.tell(host),
      observed: () => fleets.tellAll(),
    });
    const fleets = new OpenFleets(() => cloud.hosts.values(), notify);
    const watchers = new HostWatchers({
      acquire: (host, inUse) => cloud.acquire(host, inUse),
      release: (host, inUse) => cloud.release(host, inUse),
      isKnown: (host) => cloud.serversOn(host) !== undefined,
      notify,
    });
    cloud.start();
    return { cloud, fleets, watchers, users: 0 };
  }

  #of(scope: Scope): OpenCloud {
    const open = this.#clouds.get(keyOfCloud(providerOf(scope)));
    if (!open) throw new Error(`the fleet of pool ${scope.pool} is not open`);
    return open;
  }

  #observation({ failure, observedAt }: ObservedCloud): Pick<FleetFacts, 'unobservable' | 'isBeingListed'> {
    const { failure: unknown } = this.#leases;
    if (unknown !== undefined)
      return { unobservable: `the Leases with the claims of hosts cannot be read: ${unknown}` };
    if (failure !== undefined || observedAt !== undefined) return { unobservable: failure };
    return { unobservable: 'they are not listed yet', isBeingListed: true };
  }

  #hostFacts(cloud: ObservedCloud, name: HostName, scope: Scope): HostFacts | undefined {
    const host: ComputeHost | undefined = cloud.hosts.get(name);
    const servers = cloud.serversOn(name);
    const limits = { ...providerOf(scope), stops: areStoppedOn(cloud, name) };
    const instances = servers && instancesOn(servers, cloud.moves, limits, this.#options.now());
    const capacity = cloud.scene && indexOf(cloud.scene.survey).roomOf(name)?.capacity['VCPU'];
    const facts = host && hostFactsOf(host, scope, instances);
    return facts && capacity !== undefined ? { ...facts, capacity } : facts;
  }

  #guarded(notify: () => void): void {
    try {
      notify();
    } catch (error) {
      this.#options.log.warn({ err: error }, 'a listener failed');
    }
  }
}

/** How the servers of a pool leave their hosts, by the spec of a strategy. */
function leavingBy(scope: Scope, action: InstanceAction): MoveLimits {
  return { ...providerOf(scope), stops: action === 'stop-start' };
}

function seedsOf(cloud: ObservedCloud, scope: Scope): HostSeed[] {
  return [...cloud.hosts.values()]
    .filter((host) => membershipOf(host, scope) === 'member')
    .map((host) => {
      const { name, labels, facts } = host;
      return { name, roles: rolesOf(labels, scope.roles), facts, ...standingOf(host) };
    });
}
