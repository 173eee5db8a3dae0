/**
 * The hosts whose servers are read, while a run works on them, and what their lists of servers showed last. A list is read
 * again when something may have changed what it shows; the migrations, one list for the whole cloud, say mostly when.
 */
import type { Instant } from '../../../engine/view.ts';
import type { Migration, Server } from '../../../openstack/compute-answers.ts';
import type { HostName } from '../../../planner/hosts/facts.ts';
import type { ComputeHost } from '../compute-host.ts';
import { isOpen } from '../leaving/next-move.ts';
import { isCutOff, type ServersOnHost } from '../leaving/servers-on-host.ts';

/** A server that was scheduled to a host just before its lock arrives within this time. */
const ARRIVALS_MS = 3_000;
/** A list is read again after this time in any case: people start and delete servers, and can move them to any host. */
const LIST_PAUSE_MS = 10_000;
/** While a server of the host moves: the host is not empty before that has ended, which its migration shows. */
const MOVING_LIST_PAUSE_MS = 30_000;

export type ListedServers = ServersOnHost & {
  /** The migrations away from the host as they were known before the list was read. */
  readonly marks: string;
};

type Open = {
  users: number;
  /** How many of them want its servers also while it is neither closed nor claimed. */
  inUse: number;
  /** Since when. */
  readonly inUseSince: Instant;
  /** When it was first seen closed or claimed; undefined while it is neither. */
  takenAt: Instant | undefined;
  list: ListedServers | undefined;
};

export class OpenHosts {
  readonly #open = new Map<HostName, Open>();

  get size(): number {
    return this.#open.size;
  }

  get names(): readonly HostName[] {
    return [...this.#open.keys()];
  }

  acquire(host: HostName, inUse: boolean, now: Instant): void {
    const fresh: Open = { users: 0, inUse: 0, inUseSince: now, takenAt: undefined, list: undefined };
    const open = this.#open.get(host) ?? fresh;
    open.users++;
    if (inUse) open.inUse++;
    this.#open.set(host, open);
  }

  release(host: HostName, inUse: boolean): void {
    const open = this.#open.get(host);
    if (!open) return;
    if (inUse) open.inUse--;
    if (--open.users <= 0) this.#open.delete(host);
  }

  /** A host is known anew: its servers count once it is closed or claimed. */
  noteTaken(name: HostName, host: ComputeHost | undefined, now: Instant): void {
    const open = this.#open.get(name);
    if (!open) return;
    if (!host || (!host.closedToNewWork && host.claim === undefined)) {
      if (open.takenAt !== undefined || open.inUse === 0) open.list = undefined;
      open.takenAt = undefined;
    } else if (open.takenAt === undefined) {
      open.takenAt = now;
      // Only a list that is read from now on shows every server that came before.
      open.list = undefined;
    }
  }

  /** The hosts whose servers can be read: none arrives there any more, or they are wanted in any case. */
  settled(now: Instant): readonly HostName[] {
    return [...this.#open]
      .filter(([, { takenAt, inUse }]) => (takenAt === undefined ? inUse > 0 : now - takenAt >= ARRIVALS_MS))
      .map(([host]) => host);
  }

  /** Since when servers that are in nobody's claim are looked at; undefined where they are not. */
  get inUseSince(): Instant | undefined {
    const since = [...this.#open.values()].flatMap((open) => (open.inUse > 0 ? [open.inUseSince] : []));
    return since.length > 0 ? Math.min(...since) : undefined;
  }

  /** Undefined until its servers were read since it was closed, claimed or opened. */
  listOf(host: HostName): ListedServers | undefined {
    return this.#open.get(host)?.list;
  }

  /** A host that nobody wants any more keeps no list. */
  keep(list: ListedServers): void {
    const open = this.#open.get(list.host);
    if (open) open.list = list;
  }

  setUp(host: HostName, hostIsUp: boolean): void {
    const list = this.#open.get(host)?.list;
    if (list) this.keep({ ...list, hostIsUp });
  }

  get lists(): readonly ListedServers[] {
    return [...this.#open.values()].flatMap(({ list }) => list ?? []);
  }

  /** The servers in all lists. */
  get servers(): readonly Server[] {
    return this.lists.flatMap(({ servers }) => servers);
  }
}

/**
 * What tells that a list may be out of date: how the migrations away from the host have ended, and which of them move
 * servers that the list does not have. The begin of any other shows nothing that the migration itself does not.
 */
export function marksOf(
  { host, servers }: Pick<ListedServers, 'host' | 'servers'>,
  migrations: readonly Migration[],
): string {
  const ids = new Set(servers.map(({ id }) => id));
  const own = migrations.filter(
    (each) => each.source === host && !(isUnderWay(each) && ids.has(each.server)),
  );
  return JSON.stringify(own.map((each) => [each.id, isUnderWay(each) ? 'moves' : each.status]));
}

/**
 * Whether a list may not show what is there now.
 * @param asked has the servers that were asked to leave since the list was read
 */
export function isOutOfDate(
  list: ListedServers,
  migrations: readonly Migration[],
  asked: ReadonlySet<string>,
  now: Instant,
): boolean {
  if (list.marks !== marksOf(list, migrations)) return true;
  const underWay = migrations.filter((each) => each.source === list.host && isUnderWay(each));
  const states = list.servers.map((server) => {
    const open = underWay.find((each) => each.server === server.id);
    // The migration of a server that moves shows how it ends.
    if (open && !isCutOff(open, server, now)) return 'moves';
    if (open && !isCutOff(open, server, list.readAt)) return 'unknown';
    return server.taskState === undefined && !asked.has(server.id) ? 'rests' : 'unknown';
  });
  // A migration that goes down with its host shows nothing any more.
  const pause = states.includes('moves') && list.hostIsUp ? MOVING_LIST_PAUSE_MS : LIST_PAUSE_MS;
  return states.includes('unknown') || now - list.readAt >= pause;
}

function isUnderWay(migration: Migration): boolean {
  return isOpen(migration) && migration.status !== 'finished';
}
