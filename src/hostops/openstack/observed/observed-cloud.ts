/**
 * What is known of the compute hosts of one cloud. Nova has no watches, so it is asked: for all services and aggregates
 * at long intervals, and for what happens on open hosts at short ones (`ObservedMoves`).
 */
import { isDeepStrictEqual } from 'node:util';
import type { Instant } from '../../../engine/view.ts';
import { explain } from '../../../kube/errors.ts';
import type { Log } from '../../../kube/log.ts';
import type { Compute } from '../../../openstack/compute.ts';
import type { Aggregate, ComputeService, Hypervisor } from '../../../openstack/compute-answers.ts';
import type { HostName } from '../../../planner/hosts/facts.ts';
import type { ClaimLease, ClaimLeases } from '../claim-leases.ts';
import type { CloudScene } from '../placing/cloud-scene.ts';
import { readSurvey, type CloudSurvey } from '../placing/cloud-survey.ts';
import { computeHost, hasId, type ComputeHost } from '../compute-host.ts';
import type { CloudConnection } from '../connection.ts';
import { mayPass, pauseAfter, wasClosed } from './failure-pause.ts';
import { ObservedMoves } from './observed-moves.ts';
import { Repeated } from './repeated.ts';
import type { Moves, SeenServer, ServersOnHost } from '../leaving/servers-on-host.ts';

const FLEET_PAUSE_MS = 15_000;
/** While hosts are worked on: somebody may enable them, and hosts go down. */
const WORK_PAUSE_MS = 10_000;
/** An observation of this age is not repeated at once for somebody who waits for a newer one. */
const FRESH_MS = 1_000;
/** How often it is decided whether to look at the moves; this asks nobody. */
const TICK_MS = 500;
/** Aggregates and hypervisors change rarely. */
const SLOW_PAUSE_MS = 60_000;

export type ObservedCloudOptions = {
  readonly key: string;
  /** Reads the credentials, and makes a client. Throws why there is none. */
  readonly connect: (signal: AbortSignal) => Promise<CloudConnection>;
  readonly leases: Pick<ClaimLeases, 'of' | 'read'>;
  /** Called when a host changes, joins or leaves. */
  readonly hostChanged: (before: ComputeHost | undefined, after: ComputeHost | undefined) => void;
  /** Called when there is news of the servers on a host. */
  readonly serversRead: (host: HostName) => void;
  /** Called when the hosts become known, or cannot be observed any more, and after a read that somebody waits for. */
  readonly observed: () => void;
  readonly now: () => Instant;
  readonly log: Log;
};

/** What is read apart, each at its own intervals. */
type Reading = 'hosts' | 'servers';

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
  readonly #moves: ObservedMoves;
  #slow: Fleet | undefined;
  #survey: CloudSurvey | undefined;
  #surveying: Promise<void> | undefined;
  /** Made anew when the survey or a host has changed. */
  #scene: CloudScene | undefined;
  #connection: Promise<CloudConnection> | undefined;
  #observedAt: Instant | undefined;
  #isAwaited = false;
  /** Why each kind of read failed last: a success of the one says nothing about the other. */
  readonly #failures = new Map<Reading, string>();
  readonly #fleetReads = new Repeated(async () =>
    this.#pauseAfter('hosts', this.#readFleet(SLOW_PAUSE_MS), () =>
      this.#moves.openHosts.size > 0 || this.#isAwaited ? WORK_PAUSE_MS : FLEET_PAUSE_MS,
    ),
  );
  readonly #looks = new Repeated(async () => this.#lookIfDue());

  constructor(options: ObservedCloudOptions) {
    const { now, serversRead } = options;
    this.#options = options;
    this.#moves = new ObservedMoves({
      ...{ now, serversRead },
      compute: async () => this.compute(),
      hostNamed: (host) => this.#hosts.get(host),
    });
  }

  start(): void {
    void this.#fleetReads.run(this.#stopping.signal);
    void this.#looks.run(this.#stopping.signal);
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

  /** The caller waits for an observation that is newer than now: `observed` is called after the next one. */
  awaitObservation(): void {
    this.#isAwaited = true;
    if (this.#options.now() - (this.#observedAt ?? 0) >= FRESH_MS) this.#wakeFleetReads();
  }

  /** The pause after a failure is kept, whoever waits: it spares a cloud that has too much to do. */
  #wakeFleetReads(): void {
    if (!this.#failures.has('hosts')) this.#fleetReads.wake();
  }

  /** Why the hosts cannot be observed now; undefined when they can. */
  get failure(): string | undefined {
    return this.#failures.get('hosts') ?? this.#failures.get('servers');
  }

  get moves(): Moves {
    return this.#moves.moves;
  }

  /** The servers on a wanted host; undefined until they were read since it was closed or claimed. */
  serversOn(host: HostName): ServersOnHost | undefined {
    return this.#moves.openHosts.listOf(host);
  }

  /** A server on an open host, if it was read just now and not asked to leave since. */
  justSeen(host: HostName, server: string): SeenServer | undefined {
    return this.#moves.justSeen(host, server);
  }

  /** @param inUse whether its servers are wanted while it is neither closed nor claimed */
  acquire(host: HostName, inUse: boolean): void {
    const { openHosts } = this.#moves;
    const now = this.#options.now();
    if (openHosts.size === 0) this.#wakeFleetReads();
    openHosts.acquire(host, inUse, now);
    if (inUse && !this.#survey) this.#surveyOnce();
    openHosts.noteTaken(host, this.#hosts.get(host), now);
  }

  release(host: HostName, inUse: boolean): void {
    this.#moves.openHosts.release(host, inUse);
  }

  /** A server is asked to leave, until `endAsking`. */
  beginAsking(server: string, to: HostName | undefined): void {
    this.#moves.beginAsking(server, to);
  }

  /** The request has ended. If the server may leave now, it is looked at again soon. */
  endAsking(server: string, mayLeave: boolean): void {
    this.#moves.endAsking(server, mayLeave);
    if (!this.#failures.has('servers')) this.#looks.wake();
  }

  /** How many servers move, or were asked to and do not show it yet. */
  get inFlight(): number {
    return this.#moves.inFlight;
  }

  /** How many servers move to a host, or were told to and do not show it yet. */
  arriving(host: HostName): number {
    return this.#moves.arriving(host);
  }

  /** Reads all hosts now, with all that changes rarely. Throws OpenStackError, or why the credentials cannot be read. */
  async readHosts(): Promise<void> {
    try {
      await this.#readFleet(0);
      this.#succeeded('hosts');
    } catch (error) {
      this.#failed('hosts', error);
      throw error;
    }
  }

  /** Surveys the cloud, as it is before anything moves; `readHosts` comes first. Throws OpenStackError. */
  async readServers(): Promise<void> {
    const connection = await this.#connected();
    const { aggregates = [], hypervisors = [] } = this.#slow ?? {};
    const { signal } = this.#stopping;
    this.#survey = await readSurvey(connection, { aggregates, hypervisors }, this.#options.now(), signal);
    this.#scene = undefined;
  }

  /** A process that goes on with a session has built nothing, and knows no room on hosts. */
  #surveyOnce(): void {
    this.#surveying ??= this.readServers()
      .catch((error: unknown) => {
        this.#options.log.warn({ cloud: this.#options.key, err: error }, 'the room on hosts cannot be read');
      })
      .finally(() => {
        this.#surveying = undefined;
      });
  }

  /** The cloud at the last `readServers`, with its hosts as they are now; undefined before the first. */
  get scene(): CloudScene | undefined {
    this.#scene ??= this.#survey && { survey: this.#survey, hosts: new Map(this.#hosts) };
    return this.#scene;
  }

  /** A client for writes and single reads. Throws why there is none. */
  async compute(): Promise<Compute> {
    return (await this.#connected()).compute;
  }

  async #connected(): Promise<CloudConnection> {
    this.#connection ??= this.#options.connect(this.#stopping.signal);
    return this.#connection;
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

  /** A write has left the service of a host like this. */
  noteService(service: ComputeService): void {
    if (!hasId(service) || !this.#isNews(service.host, ++this.#reads)) return;
    this.#services.set(service.host, service);
    this.claimChanged(service.host);
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
    // The other read has told why.
    if (wasClosed(error)) return pauseAfter(error);
    const reason = explain(error);
    // Somebody may have mended the credentials: the next try reads them again.
    if (mayPass(error)) void this.#leaveOutdated();
    else this.#disconnect();
    if (!isSame(this.#failures.get(of), reason) && !this.#isStopped) {
      this.#failures.set(of, reason);
      this.#options.log.warn({ cloud: this.#options.key, error: reason }, 'the cloud cannot be observed');
      this.#options.observed();
    }
    return pauseAfter(error);
  }

  /** An address may be wrong where nobody answers. Requests to the cloud go on, unless the Secret has changed. */
  async #leaveOutdated(): Promise<void> {
    const asked = this.#connection;
    const connection = await asked?.catch(() => undefined); // it was never made: its failure was told
    if (!connection || (await connection.isCurrent(this.#stopping.signal))) return;
    if (this.#connection === asked) this.#disconnect();
  }

  #disconnect(): void {
    void this.#connection?.then(({ close }) => close()).catch(() => undefined); // it was never made
    this.#connection = undefined;
  }

  /**
   * @param slowMs what changes rarely is read again at this age. Until then the old counts for all others: a host without
   *   its aggregates would have left its pool
   */
  async #readFleet(slowMs: number): Promise<void> {
    const { signal } = this.#stopping;
    const { now, key, leases } = this.#options;
    const compute = await this.compute();
    const beganAt = now();
    if (!this.#slow || beganAt - this.#slow.readAt >= slowMs) {
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
    const isNews = this.#isAwaited || this.#observedAt === undefined;
    this.#observedAt = beganAt;
    this.#isAwaited = false;
    if (isNews) this.#options.observed();
  }

  /** Returns the pause before this is decided again. */
  async #lookIfDue(): Promise<number> {
    switch (this.#moves.state) {
      case 'nothing-open':
        this.#succeeded('servers');
        return TICK_MS;
      case 'not-due':
        return TICK_MS;
      case 'due':
        return this.#pauseAfter('servers', this.#moves.look(this.#stopping.signal), () => TICK_MS);
    }
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
    this.#moves.openHosts.noteTaken(after.name, after, this.#options.now());
    if (isDeepStrictEqual(before, after)) return;
    this.#scene = undefined;
    this.#options.hostChanged(before, after);
  }

  #drop(host: HostName): void {
    const before = this.#hosts.get(host);
    this.#hosts.delete(host);
    this.#services.delete(host);
    this.#scene = undefined;
    this.#options.hostChanged(before, undefined);
  }
}

/** Each answer of OpenStack has an id of its own, which is no news. */
function isSame(before: string | undefined, now: string): boolean {
  const withoutId = (text: string): string => text.replaceAll(/req-[0-9a-f-]+/g, 'req-');
  return before !== undefined && withoutId(before) === withoutId(now);
}
