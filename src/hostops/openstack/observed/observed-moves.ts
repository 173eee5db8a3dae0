/**
 * What is known of the servers on open hosts, and of the moves in the whole cloud. Nova is asked for the migrations at short
 * intervals, longer ones while nothing happens; and for the servers on a host only when these show that its list is out of
 * date. So a server that moves costs few requests, however long that takes.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Instant } from '../../../engine/view.ts';
import type { Compute } from '../../../openstack/compute.ts';
import type { Migration, Server, ServerGroup } from '../../../openstack/compute-answers.ts';
import type { HostName } from '../../../planner/hosts/facts.ts';
import { AskedServers, CLOCK_SKEW_MS } from '../leaving/asked-servers.ts';
import type { ComputeHost } from '../compute-host.ts';
import {
  cameToNothing,
  hasBegun,
  isBeingEvacuated,
  isBeingMoved,
  isHalted,
  isInFlight,
  isOpen,
  isUnconfirmed,
} from '../leaving/next-move.ts';
import { MoveFaults } from './move-faults.ts';
import { isOutOfDate, marksOf, OpenHosts, type ListedServers } from './open-hosts.ts';
import { isCutOff, migrationsOf, type Moves, type SeenServer } from '../leaving/servers-on-host.ts';

/** The pauses between two looks: a part of the time in which nothing has happened. */
const QUIET_SHARE = 1 / 3;
const SHORTEST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 10_000;
/** A server is asked by what a list has shown within this time. Nova refuses one that has got a task since. */
const SEEN_MS = 2_000;
/** Groups change rarely. */
const GROUPS_PAUSE_MS = 60_000;

export type ObservedMovesOptions = {
  readonly compute: () => Promise<Compute>;
  readonly hostNamed: (host: HostName) => ComputeHost | undefined;
  /** Called when there is news of the servers on a host. */
  readonly serversRead: (host: HostName) => void;
  readonly now: () => Instant;
};

/** Whether a server that is on another host now may still have its place on the one that it has left. */
function mayHavePlace(server: Server | undefined): boolean {
  return server !== undefined && (isBeingMoved(server) || server.status === 'VERIFY_RESIZE');
}

export class ObservedMoves {
  readonly #options: ObservedMovesOptions;
  readonly #open = new OpenHosts();
  readonly #asked = new AskedServers();
  readonly #faults = new MoveFaults();
  #groups: { readonly of: readonly ServerGroup[]; readonly readAt: Instant } | undefined;
  #migrations: readonly Migration[] = [];
  /** By the id of a migration that has not ended: when it was last seen in a queue. */
  #queuedAt: ReadonlyMap<number, Instant> = new Map();
  /** When the last look began, when one showed something new, and when the next one is due. */
  #lookedAt: Instant = 0;
  #newsAt: Instant = 0;
  #dueAt: Instant = 0;

  constructor(options: ObservedMovesOptions) {
    this.#options = options;
  }

  get openHosts(): OpenHosts {
    return this.#open;
  }

  get moves(): Moves {
    const groups = this.#groups?.of ?? [];
    const [migrations, queuedAt] = [this.#migrations, this.#queuedAt];
    const known = { faults: this.#faults.words, sharing: new Set<string>() };
    return { migrations, groups, queuedAt, ...known, lost: this.#asked.lost, setOff: this.#setOff };
  }

  /** A server is asked to leave, until `endAsking`. */
  beginAsking(server: string, to: HostName | undefined): void {
    this.#asked.begin(server, to);
  }

  /** The request has ended. If the server may leave now, the next look comes soon. */
  endAsking(server: string, mayLeave: boolean): void {
    const now = this.#options.now();
    this.#asked.end(server, mayLeave, now);
    if (!mayLeave) return;
    this.#newsAt = now;
    this.#dueAt = Math.min(this.#dueAt, now + SHORTEST_PAUSE_MS);
  }

  /** A server as a list has just shown it; undefined when it has to be read, also since it was asked after that list. */
  justSeen(host: HostName, id: string): SeenServer | undefined {
    const list = this.#open.listOf(host);
    if (!list || this.#options.now() - list.readAt > SEEN_MS) return undefined;
    const server = list.servers.find((each) => each.id === id);
    const isAsked = this.#asked.since(list.readAt).includes(id);
    return server && !isAsked ? { server, readAt: list.readAt } : undefined;
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
    return this.#migrations.filter((each) => isInFlight(each) && !this.#isHalted(each));
  }

  #isHalted(migration: Migration): boolean {
    const { hostNamed, now } = this.#options;
    const hostIsUp = hostNamed(migration.source ?? '')?.ready !== false;
    return isHalted(migration, { hostIsUp, now: now() });
  }

  /**
   * Nova shows the task of a move before it answers, and its migration later. A list may be of before the task: then the
   * migration shows it, also in a queue.
   */
  get #setOff(): ReadonlySet<string> {
    const recorded = this.#migrations.filter((each) => isOpen(each) && !isUnconfirmed(each));
    const serversOf = (isOf: boolean): ReadonlySet<string> =>
      new Set(recorded.filter((each) => this.#isHalted(each) === isOf).map(({ server }) => server));
    const [halted, moved] = [serversOf(true), serversOf(false)];
    const isPrepared = (server: Server): boolean =>
      halted.has(server.id) ? isBeingEvacuated(server) : isBeingMoved(server);
    const there = this.#open.servers.filter((server) => moved.has(server.id) || isPrepared(server));
    return new Set([...this.#asked.since(this.#lookedAt), ...there.map(({ id }) => id)]);
  }

  /** Whether there is anything to look at, and it is time to. */
  get state(): 'nothing-open' | 'due' | 'not-due' {
    const now = this.#options.now();
    const hosts = this.#open.settled(now);
    if (hosts.length === 0) return 'nothing-open';
    const isNew = hosts.some((host) => this.#open.listOf(host) === undefined);
    return isNew || now >= this.#dueAt ? 'due' : 'not-due';
  }

  /** Reads the migrations, and after them the lists of servers that they show to be out of date. Throws OpenStackError. */
  async look(signal: AbortSignal): Promise<void> {
    const { now, compute: connected, hostNamed, serversRead } = this.#options;
    const compute = await connected();
    const beganAt = now();
    const hosts = this.#open.settled(beganAt);
    if (!this.#groups || beganAt - this.#groups.readAt >= GROUPS_PAUSE_MS)
      this.#groups = { of: await compute.serverGroups(signal), readAt: beganAt };
    const changedSince = new Date(this.#firstClaimAt(beganAt) - CLOCK_SKEW_MS).toISOString();
    const migrations = await compute.migrations({ changedSince }, signal);
    const due = hosts.filter((host) => {
      const list = this.#open.listOf(host);
      return !list || isOutOfDate(list, migrations, new Set(this.#asked.since(list.readAt)), beganAt);
    });
    const lists = await Promise.all(due.map(async (host) => this.#list(compute, host, migrations, signal)));
    const isChanged = this.#keep(lists, migrations, beganAt);
    const hasNews = (await this.#faults.read(compute, this.#open.lists, { migrations }, signal)) || isChanged;
    for (const host of hosts) this.#open.setUp(host, hostNamed(host)?.ready === true);
    if (hasNews) this.#newsAt = beganAt;
    const quietMs = (beganAt - this.#newsAt) * QUIET_SHARE;
    this.#dueAt = beganAt + Math.min(Math.max(quietMs, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS);
    if (hasNews || lists.length > 0) for (const host of hosts) serversRead(host);
  }

  /** Returns whether anything is not as it was known. */
  #keep(lists: readonly ListedServers[], read: readonly Migration[], beganAt: Instant): boolean {
    const isKnown = ({ host, servers }: ListedServers): boolean =>
      isDeepStrictEqual(this.#open.listOf(host)?.servers, servers);
    const hasNewServers = !lists.every(isKnown);
    for (const list of lists) this.#open.keep(list);
    const known = this.#open.lists.flatMap(({ servers, readAt }) =>
      servers.map((server) => [server.id, { server, readAt }] as const),
    );
    const lastSeen = new Map(known);
    const migrations = read.filter((each) => {
      const seen = lastSeen.get(each.server);
      return !seen || !isCutOff(each, seen.server, seen.readAt);
    });
    const hasNews = hasNewServers || !isDeepStrictEqual(this.#migrations, migrations);
    this.#migrations = migrations;
    this.#queuedAt = new Map(
      migrations.filter(isOpen).flatMap((each) => {
        const at = hasBegun(each) ? this.#queuedAt.get(each.id) : beganAt;
        return at === undefined ? [] : [[each.id, at] as const];
      }),
    );
    this.#lookedAt = beganAt;
    const now = this.#options.now();
    for (const { servers, readAt } of lists)
      for (const server of servers)
        this.#asked.noteLost(server, migrationsOf(server, server.host ?? '', this.moves, readAt), now);
    return hasNews;
  }

  /**
   * The servers on a host after the migrations were read. One that was moving then, and is not there any more, stays in the
   * list: until its migration is known to have ended, it may still have its place on the host.
   */
  async #list(
    compute: Compute,
    host: HostName,
    migrations: readonly Migration[],
    signal: AbortSignal,
  ): Promise<ListedServers> {
    const readAt = this.#options.now();
    const there = await compute.servers({ host }, signal);
    const ids = new Set(there.map(({ id }) => id));
    const own = migrations.filter((each) => each.source === host && !ids.has(each.server));
    const left = await Promise.all(
      own.filter(isOpen).map(async (each) => {
        const server = await compute.find(each.server, signal);
        // A record that was cut off stays open for ever, also when the server has left since by another one.
        return server && !isCutOff(each, server, readAt) ? server : undefined;
      }),
    );
    // Where the read of the migrations took long, a server may have begun to move since, and have left.
    const explained = new Set(own.filter((each) => !cameToNothing(each)).map(({ server }) => server));
    const before = this.#open.listOf(host)?.servers ?? [];
    const gone = before.filter(({ id }) => !ids.has(id) && !explained.has(id));
    const unexplained = await Promise.all(gone.map(async ({ id }) => compute.find(id, signal)));
    const servers = [
      ...there,
      ...[...left, ...unexplained.filter(mayHavePlace)].flatMap((each) => each ?? []),
    ];
    const hostIsUp = this.#options.hostNamed(host)?.ready === true;
    return { host, hostIsUp, servers, readAt, marks: marksOf({ host, servers }, migrations) };
  }

  #firstClaimAt(now: Instant): Instant {
    const claims = this.#open.names.flatMap((host) => this.#options.hostNamed(host)?.claim ?? []);
    return Math.min(now, this.#open.inUseSince ?? now, ...claims.map(({ since }) => Date.parse(since)));
  }
}
