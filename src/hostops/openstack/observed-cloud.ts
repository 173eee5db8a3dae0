/**
 * What is known of the compute hosts of one cloud. Nova has no watches, so it is asked: for all services and aggregates
 * at long intervals, and for the servers on open hosts at short ones.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Instant } from '../../engine/view.ts';
import { explain } from '../../kube/errors.ts';
import type { Log } from '../../kube/log.ts';
import type { Compute } from '../../openstack/compute.ts';
import type {
  Aggregate,
  ComputeService,
  Hypervisor,
  Migration,
  Server,
} from '../../openstack/compute-answers.ts';
import { OpenStackError } from '../../openstack/errors.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { AskedServers, CLOCK_SKEW_MS } from './asked-servers.ts';
import type { ClaimLease, ClaimLeases } from './claim-leases.ts';
import { computeHost, type ComputeHost } from './compute-host.ts';
import { isBeingMoved, isInFlight, isUnconfirmed } from './next-move.ts';
import { Repeated } from './repeated.ts';
import { isCutOff, migrationsOf, type Moves, type ServersOnHost } from './servers-on-host.ts';

const FLEET_PAUSE_MS = 15_000;
/** While hosts are worked on: a stage waits for alarms that are newer than its begin. */
const WORK_PAUSE_MS = 5_000;
const OPEN_PAUSE_MS = 2_000;
/** Wrong credentials do not become right by themselves. */
const FAILURE_PAUSE_MS = 30_000;
/** Nova, Keystone or the way to them is down for a while. */
const OUTAGE_PAUSE_MS = 5_000;
const PASSING: ReadonlySet<OpenStackError['kind']> = new Set(['unavailable', 'timeout', 'too-many-requests']);
/** Aggregates, hypervisors and groups change rarely. */
const SLOW_PAUSE_MS = 60_000;
/** A server that was scheduled to a host just before its lock arrives within this time. */
const ARRIVALS_MS = 3_000;

export type ObservedCloudOptions = {
  readonly key: string;
  /** Reads the credentials, and makes a client. Throws why there is none. */
  readonly connect: (signal: AbortSignal) => Promise<CloudConnection>;
  readonly leases: Pick<ClaimLeases, 'of' | 'read'>;
  /** Called when a host changes, joins or leaves. */
  readonly hostChanged: (before: ComputeHost | undefined, after: ComputeHost | undefined) => void;
  /** Called when the servers on a host were read. */
  readonly serversRead: (host: HostName) => void;
  /** Called when the hosts become known, or cannot be observed any more. */
  readonly observed: () => void;
  readonly now: () => Instant;
  readonly log: Log;
};

export type CloudConnection = { readonly compute: Compute; readonly close: () => void };

/** What is read apart, each at its own intervals. */
type Reading = 'hosts' | 'servers';

type Open = {
  users: number;
  /** When it was first seen closed or claimed; undefined while it is neither. */
  takenAt: Instant | undefined;
  servers: ServersOnHost | undefined;
};
type Fleet = {
  readonly aggregates: readonly Aggregate[];
  readonly hypervisors: readonly Hypervisor[];
  readonly readAt: Instant;
};

export class ObservedCloud {
  readonly #options: ObservedCloudOptions;
  readonly #stopping = new AbortController();
  readonly #hosts = new Map<HostName, ComputeHost>();
  readonly #services = new Map<HostName, ComputeService & { readonly id: string }>();
  /** The number of the last read that each host is known from: a read that began earlier may end later. */
  readonly #knownFrom = new Map<HostName, number>();
  #reads = 0;
  readonly #open = new Map<HostName, Open>();
  readonly #asked = new AskedServers();
  /** When the last read of the open hosts began. */
  #lookedAt: Instant = 0;
  #slow: Fleet | undefined;
  #groups: { readonly of: Moves['groups']; readonly readAt: Instant } | undefined;
  #migrations: readonly Migration[] = [];
  #servers: ReadonlyMap<HostName, readonly Server[]> | undefined;
  #connection: Promise<CloudConnection> | undefined;
  #observedAt: Instant | undefined;
  /** Why each kind of read failed last: a success of the one says nothing about the other. */
  readonly #failures = new Map<Reading, string>();
  readonly #fleetReads = new Repeated(async () =>
    this.#pauseAfter('hosts', this.#readFleet(), () =>
      this.#open.size > 0 ? WORK_PAUSE_MS : FLEET_PAUSE_MS,
    ),
  );
  readonly #openReads = new Repeated(async () =>
    this.#pauseAfter('servers', this.#readOpenHosts(), () => OPEN_PAUSE_MS),
  );

  constructor(options: ObservedCloudOptions) {
    this.#options = options;
  }

  start(): void {
    void this.#fleetReads.run(this.#stopping.signal);
    void this.#openReads.run(this.#stopping.signal);
  }

  stop(): void {
    this.#stopping.abort();
    this.#disconnect();
  }

  get hosts(): ReadonlyMap<HostName, ComputeHost> {
    return this.#hosts;
  }

  /** The last time at which the hosts were as they are known; undefined before the first. */
  get observedAt(): Instant | undefined {
    return this.#observedAt;
  }

  /** Why the hosts cannot be observed now; undefined when they can. */
  get failure(): string | undefined {
    return this.#failures.get('hosts') ?? this.#failures.get('servers');
  }

  get moves(): Moves {
    const groups = this.#groups?.of ?? [];
    return { migrations: this.#migrations, groups, lost: this.#asked.lost, setOff: this.#setOff };
  }

  /** The servers on a wanted host; undefined until they were read since it was closed or claimed. */
  serversOn(host: HostName): ServersOnHost | undefined {
    return this.#open.get(host)?.servers;
  }

  acquire(host: HostName): void {
    if (this.#open.size === 0) this.#fleetReads.wake();
    const open = this.#open.get(host) ?? { users: 0, takenAt: undefined, servers: undefined };
    open.users++;
    this.#open.set(host, open);
    this.#noteTaken(host);
  }

  release(host: HostName): void {
    const open = this.#open.get(host);
    if (open && --open.users <= 0) this.#open.delete(host);
  }

  /** A server is asked to leave, until `endAsking`. */
  beginAsking(server: string, to: HostName | undefined): void {
    this.#asked.begin(server, to);
  }

  /** The request has ended. If the server may leave now, it is looked at again soon. */
  endAsking(server: string, mayLeave: boolean): void {
    this.#asked.end(server, mayLeave, this.#options.now());
    if (mayLeave) this.#openReads.wake();
  }

  /** How many servers move, or were asked to and do not show it yet. */
  get inFlight(): number {
    return this.#onTheWay.size;
  }

  /** How many servers move to a host, or were told to and do not show it yet. */
  arriving(host: HostName): number {
    const seen = new Map(this.#moving.map(({ server, dest }) => [server, dest]));
    const whither = (server: string): HostName | undefined => seen.get(server) ?? this.#asked.toldTo(server);
    return [...this.#onTheWay].filter((server) => whither(server) === host).length;
  }

  get #onTheWay(): ReadonlySet<string> {
    return this.#setOff.union(new Set(this.#moving.map(({ server }) => server)));
  }

  get #moving(): readonly Migration[] {
    return this.#migrations.filter(isInFlight);
  }

  /** Nova shows the task of a move before it answers, and its migration later. */
  get #setOff(): ReadonlySet<string> {
    const there = [...this.#open.values()].flatMap(({ servers }) => servers?.servers ?? []);
    return new Set([...this.#asked.since(this.#lookedAt), ...there.filter(isBeingMoved).map(({ id }) => id)]);
  }

  /** Reads all hosts now, with all that changes rarely. Throws OpenStackError, or why the credentials cannot be read. */
  async readHosts(): Promise<void> {
    this.#slow = undefined;
    try {
      await this.#readFleet();
      this.#succeeded('hosts');
    } catch (error) {
      this.#failed('hosts', error);
      throw error;
    }
  }

  /** Reads the servers of all hosts, as they are before anything moves. Throws OpenStackError. */
  async readServers(): Promise<void> {
    const compute = await this.compute();
    const servers = await compute.servers({}, this.#stopping.signal);
    this.#servers = Map.groupBy(servers, ({ host = '' }) => host);
  }

  /** The servers on a host at the last `readServers`; undefined before the first. */
  serversBefore(host: HostName): ServersOnHost | undefined {
    const servers = this.#servers && (this.#servers.get(host) ?? []);
    return servers && { host, hostIsUp: this.#hosts.get(host)?.ready === true, servers };
  }

  /** A client for writes and single reads. Throws why there is none. */
  async compute(): Promise<Compute> {
    this.#connection ??= this.#options.connect(this.#stopping.signal);
    return (await this.#connection).compute;
  }

  /** Reads one host and its claim past all caches; undefined when Nova has no such host. */
  async readHost(
    host: HostName,
    signal: AbortSignal,
  ): Promise<{ readonly host: ComputeHost; readonly lease: ClaimLease | undefined } | undefined> {
    const compute = await this.compute();
    const { leases, key } = this.#options;
    const read = ++this.#reads;
    const [lease, services] = await Promise.all([
      leases.read(key, host, signal),
      compute.services(signal, host),
    ]);
    const service = services.find(hasId);
    if (!service) return undefined;
    const state = this.#stateOf(service, lease);
    if (this.#isNews(host, read)) {
      this.#services.set(host, service);
      this.#keep(state);
    }
    return { host: state, lease };
  }

  /** The claim of a host has changed. */
  claimChanged(host: HostName): void {
    const service = this.#services.get(host);
    if (service) this.#keep(this.#stateOf(service, this.#options.leases.of(this.#options.key, host)));
  }

  /** The pause after a read, in milliseconds; a longer one when it failed. */
  async #pauseAfter(of: Reading, read: Promise<void>, pauseMs: () => number): Promise<number> {
    const succeeded = (): number => {
      this.#succeeded(of);
      return pauseMs();
    };
    return read.then(succeeded, (error: unknown) => this.#failed(of, error));
  }

  #succeeded(of: Reading): void {
    if (this.#failures.delete(of)) this.#options.observed();
  }

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Records a failure. Returns the pause before the next try, in milliseconds. */
  #failed(of: Reading, error: unknown): number {
    const reason = explain(error);
    const mayPass = error instanceof OpenStackError && PASSING.has(error.kind);
    // Somebody may have mended the credentials: the next try reads them again.
    if (!mayPass) this.#disconnect();
    if (this.#failures.get(of) !== reason && !this.#isStopped) {
      this.#failures.set(of, reason);
      this.#options.log.warn({ cloud: this.#options.key, error: reason }, 'the cloud cannot be observed');
      this.#options.observed();
    }
    return mayPass ? OUTAGE_PAUSE_MS : FAILURE_PAUSE_MS;
  }

  #disconnect(): void {
    void this.#connection?.then(({ close }) => close()).catch(() => undefined); // it was never made
    this.#connection = undefined;
  }

  async #readFleet(): Promise<void> {
    const { signal } = this.#stopping;
    const { now, key, leases } = this.#options;
    const compute = await this.compute();
    const beganAt = now();
    if (!this.#slow || beganAt - this.#slow.readAt >= SLOW_PAUSE_MS) {
      const [aggregates, hypervisors] = await Promise.all([
        compute.aggregates(signal),
        compute.hypervisors(signal),
      ]);
      if (!this.#slow || this.#slow.readAt <= beganAt)
        this.#slow = { aggregates, hypervisors, readAt: beganAt };
    }
    const read = ++this.#reads;
    const services = (await compute.services(signal)).filter(hasId);
    if (services.length === 0) throw new Error('Nova has no compute service in this region');
    const gone = new Set(this.#hosts.keys()).difference(new Set(services.map(({ host }) => host)));
    for (const service of services) {
      if (!this.#isNews(service.host, read)) continue;
      this.#services.set(service.host, service);
      this.#keep(this.#stateOf(service, leases.of(key, service.host)));
    }
    for (const host of gone) if (this.#isNews(host, read)) this.#drop(host);
    const isFirst = this.#observedAt === undefined;
    this.#observedAt = beganAt;
    if (isFirst) this.#options.observed();
  }

  async #readOpenHosts(): Promise<void> {
    const { now } = this.#options;
    const due = [...this.#open].filter(
      ([, { takenAt }]) => takenAt !== undefined && now() - takenAt >= ARRIVALS_MS,
    );
    if (due.length === 0) return;
    const { signal } = this.#stopping;
    const compute = await this.compute();
    const beganAt = now();
    if (!this.#groups || beganAt - this.#groups.readAt >= SLOW_PAUSE_MS)
      this.#groups = { of: await compute.serverGroups(signal), readAt: beganAt };
    const changedSince = new Date(this.#firstClaimAt(beganAt) - CLOCK_SKEW_MS).toISOString();
    // In this order: a server that has left is then found in a migration.
    const lists = await Promise.all(due.map(async ([host]) => compute.servers({ host }, signal)));
    const known = new Map(lists.flat().map((server) => [server.id, server]));
    this.#migrations = (await compute.migrations({ changedSince }, signal)).filter((each) => {
      const server = known.get(each.server);
      return !server || !isCutOff(each, server, beganAt);
    });
    for (const [i, [host]] of due.entries()) {
      const servers = [...(lists[i] ?? []), ...(await this.#unconfirmed(compute, host, lists[i] ?? []))];
      const open = this.#open.get(host);
      if (!open) continue;
      open.servers = { host, hostIsUp: this.#hosts.get(host)?.ready === true, servers };
    }
    this.#lookedAt = beganAt;
    for (const server of known.values())
      this.#asked.noteLost(server, migrationsOf(server, server.host ?? '', this.moves, now()), now());
    for (const [host] of due) this.#options.serversRead(host);
  }

  /** The servers that a cold migration has moved, and that still hold their place on this host. */
  async #unconfirmed(compute: Compute, host: HostName, there: readonly Server[]): Promise<Server[]> {
    const ids = new Set(there.map(({ id }) => id));
    const unconfirmed = this.#migrations.filter(
      (each) => each.source === host && isUnconfirmed(each) && !ids.has(each.server),
    );
    const servers = unconfirmed.map(async ({ server }) => compute.find(server, this.#stopping.signal));
    return (await Promise.all(servers)).flatMap((server) => server ?? []);
  }

  #firstClaimAt(now: Instant): Instant {
    const claims = [...this.#open.keys()].flatMap((host) => this.#hosts.get(host)?.claim ?? []);
    return Math.min(now, ...claims.map(({ since }) => Date.parse(since)));
  }

  #stateOf(service: ComputeService & { readonly id: string }, lease: ClaimLease | undefined): ComputeHost {
    const { aggregates = [], hypervisors = [] } = this.#slow ?? {};
    const hypervisor = hypervisors.find(({ serviceHost }) => serviceHost === service.host);
    return computeHost({ service, aggregates, hypervisor, lease });
  }

  /** Whether nothing newer is known of a host than this read; if so, it is known from this read. */
  #isNews(host: HostName, read: number): boolean {
    if ((this.#knownFrom.get(host) ?? 0) > read) return false;
    this.#knownFrom.set(host, read);
    return true;
  }

  #keep(after: ComputeHost): void {
    const before = this.#hosts.get(after.name);
    this.#hosts.set(after.name, after);
    this.#noteTaken(after.name);
    if (isDeepStrictEqual(before, after)) return;
    this.#options.hostChanged(before, after);
  }

  #drop(host: HostName): void {
    const before = this.#hosts.get(host);
    this.#hosts.delete(host);
    this.#services.delete(host);
    this.#options.hostChanged(before, undefined);
  }

  #noteTaken(name: HostName): void {
    const open = this.#open.get(name);
    if (!open) return;
    const host = this.#hosts.get(name);
    const isTaken = host !== undefined && (host.closedToNewWork || host.claim !== undefined);
    if (!isTaken) {
      open.takenAt = undefined;
      open.servers = undefined;
    } else if (open.takenAt === undefined) open.takenAt = this.#options.now();
  }
}

function hasId(service: ComputeService): service is ComputeService & { readonly id: string } {
  return service.id !== undefined;
}
