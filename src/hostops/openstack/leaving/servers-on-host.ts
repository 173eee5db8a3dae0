/** The servers on a host as the instances that must leave it, and which of them is asked next. Pure. */
import type { InstanceFacts, Instant } from '../../../engine/view.ts';
import type { Migration, Server, ServerGroup } from '../../../openstack/compute-answers.ts';
import type { HostName } from '../../../planner/hosts/facts.ts';
import type { InstanceName } from '../../../planner/hosts/host-words.ts';
import {
  cameToNothing,
  isBeingMoved,
  isOpen,
  nextMove,
  type MovePolicy,
  type NextMove,
} from './next-move.ts';
import { nextStop } from './next-stop.ts';

/** What is known of the servers of one host, read at one time. */
export type ServersOnHost = {
  readonly host: HostName;
  readonly hostIsUp: boolean;
  /** With those that were moved by a cold migration that nobody has confirmed. */
  readonly servers: readonly Server[];
  /** When the read of the servers began. */
  readonly readAt: Instant;
};

/** What is known of the moves in the whole cloud. */
export type Moves = {
  /** The migrations that changed since the first open host was claimed. */
  readonly migrations: readonly Migration[];
  readonly groups: readonly ServerGroup[];
  /** By the id of a migration that has not ended: when it was last seen in a queue. */
  readonly queuedAt: ReadonlyMap<number, Instant>;
  /** Nova's words about the last failure of a server that did not leave, by its id; where it has some. */
  readonly faults: ReadonlyMap<string, string>;
  /** The ids of the servers with shares of Manila, as far as they are known: a run learns of them as Nova refuses a move. */
  readonly sharing: ReadonlySet<string>;
  /** How often a request to leave was accepted and nothing came of it, by the id of the server. */
  readonly lost: ReadonlyMap<string, number>;
  /** The servers that were asked to leave a moment ago, or that Nova prepares to move: they may have no migration yet. */
  readonly setOff: ReadonlySet<string>;
};

export type LeavingPolicy = MovePolicy & {
  /** The servers on the host are stopped, and move nowhere. */
  readonly stops: boolean;
};

export type MoveLimits = LeavingPolicy & {
  readonly maxMigrationsPerHost: number;
};

/** A live migration that makes no progress is not given up by Nova either. */
const LONGEST_MOVE_MS = 24 * 3_600_000;
/** The failures of a server count for so long. After that it is asked to leave again. */
const FAILURES_COUNT_MS = 600_000;
/** A server that moves has a task; the lists of servers and of migrations are read within this time. */
const CUT_OFF_MS = 60_000;
/** Nothing is left on the host of a server in these states. */
const NOT_THERE: ReadonlySet<string> = new Set(['DELETED', 'SOFT_DELETED', 'SHELVED_OFFLOADED']);
/** What holds up a server that Nova has not begun to move. */
const NOVAS_QUEUE = 'the queue of Nova';
const ASKS: ReadonlySet<string> = new Set(['live-migrate', 'cold-migrate', 'evacuate']);

/** The servers that keep a host from being empty. Those that wait for their turn come by their age. */
export function instancesOn(
  on: ServersOnHost,
  moves: Moves,
  limits: MoveLimits,
  now: Instant,
): InstanceFacts[] {
  const own = leaversOf(on, moves, limits, now);
  let free = limits.maxMigrationsPerHost - own.filter((each) => isOnTheWay(each, moves)).length;
  const due = new Set<string>();
  return own.map((leaver) => {
    const { server, migrations, next: move } = leaver;
    const attempts = migrations.filter(cameToNothing).length;
    const request = `${move.kind}-${String(attempts)}-${String(moves.lost.get(server.id) ?? 0)}`;
    const instance = { ...instanceOf(server), request };
    switch (move.kind) {
      case 'moving':
        return { ...instance, leaving: { ...leavingSince(move.since, now), revocable: move.isLive } };
      case 'wait':
        return { ...instance, waitsFor: move.reason };
      case 'stuck':
        return { ...instance, stuck: move.reason };
      default: {
        if (!ASKS.has(move.kind) || wasAsked(leaver, moves)) return instance;
        const waitsFor =
          free > 0
            ? againstGroup(server.id, moves, due)
            : `waits for its turn: at most ${String(limits.maxMigrationsPerHost)} may leave ${on.host} at once`;
        if (waitsFor !== undefined) return { ...instance, waitsFor };
        free -= 1;
        due.add(server.id);
        return instance;
      }
    }
  });
}

/** How many servers are on their way from a host: so many fewer may be asked to leave it. */
export function leavingNow(on: ServersOnHost, moves: Moves, policy: LeavingPolicy, now: Instant): number {
  return leaversOf(on, moves, policy, now).filter((each) => isOnTheWay(each, moves)).length;
}

type Leaving = {
  readonly server: Server;
  readonly migrations: readonly Migration[];
  readonly next: NextMove;
};

function leaversOf(
  { host, hostIsUp, servers, readAt }: ServersOnHost,
  moves: Moves,
  policy: LeavingPolicy,
  now: Instant,
): readonly Leaving[] {
  return serversThere(servers).flatMap((server) => {
    const migrations = migrationsOf(server, host, moves, readAt);
    const next = nextOf({ server, readAt, host, hostIsUp, moves, policy, now });
    return next ? [{ server, migrations, next }] : [];
  });
}

function isOnTheWay(leaver: Leaving, moves: Moves): boolean {
  const { server, next } = leaver;
  // A server whose migration has gone down with its host keeps the task, and is on no way.
  const isPrepared = next.kind === 'wait' && isBeingMoved(server);
  return next.kind === 'moving' || isPrepared || wasAsked(leaver, moves);
}

/** Nova may show nothing yet of a server that was asked a moment ago. */
function wasAsked({ server, next }: Leaving, { setOff }: Moves): boolean {
  return ASKS.has(next.kind) && setOff.has(server.id);
}

/** The servers of a host of which something is there, by their age. */
export function serversThere(servers: readonly Server[]): readonly Server[] {
  return servers
    .filter(({ status }) => !NOT_THERE.has(status))
    .toSorted((a, b) => compare(a.createdAt, b.createdAt) || compare(a.id, b.id));
}

/** A server, and when it was read. */
export type SeenServer = { readonly server: Server; readonly readAt: Instant };

export type Leaver = SeenServer & {
  readonly host: HostName;
  readonly hostIsUp: boolean;
  readonly moves: Moves;
  readonly policy: LeavingPolicy;
  readonly now: Instant;
};

/**
 * How a server leaves its host next, or stops running there; undefined where it is stopped already, and need not leave.
 * Failures of long ago do not count.
 */
export function nextOf(leaver: Leaver): NextMove | undefined {
  const { server, readAt, host, hostIsUp, moves, policy, now } = leaver;
  if (policy.stops) return nextStop({ server, host, hostIsUp });
  const recent = migrationsOf(server, host, moves, readAt).filter(
    (each) => !cameToNothing(each) || now - Date.parse(each.updatedAt ?? each.createdAt) < FAILURES_COUNT_MS,
  );
  const { queuedAt, sharing } = moves;
  const hasShares = sharing.has(server.id);
  const fault = server.fault?.message ?? moves.faults.get(server.id);
  const known = { host, server, migrations: recent, queuedAt, hasShares, fault };
  return nextMove({ ...known, hostIsUp, policy, now });
}

/** The migrations of a server away from a host, without those that a restart of Nova has cut off. */
export function migrationsOf(
  server: Server,
  host: HostName,
  { migrations }: Pick<Moves, 'migrations'>,
  readAt: Instant,
): readonly Migration[] {
  const own = migrations.filter((each) => each.server === server.id && each.source === host);
  return own.filter((each) => !isCutOff(each, server, readAt));
}

/**
 * Its record stays open for ever, while Nova does nothing with the server any more.
 * @param readAt when the server was read: one that was read before its migration began shows no task either
 */
export function isCutOff(migration: Migration, { taskState, status }: Server, readAt: Instant): boolean {
  const changedAt = Date.parse(migration.updatedAt ?? migration.createdAt);
  const isIdle = taskState === undefined && status !== 'VERIFY_RESIZE';
  return isOpen(migration) && isIdle && readAt - changedAt > CUT_OFF_MS;
}

/**
 * Why a server is not asked while another of its group moves, or is `due` to; undefined when none does. Nova judges each
 * move by where the others of the group are now, not by where they are about to be.
 */
export function againstGroup(
  id: string,
  { migrations, groups, setOff }: Moves,
  due: ReadonlySet<string> = new Set(),
): string | undefined {
  const group = groups.find(({ members }) => members.includes(id));
  const moves = (server: string): boolean =>
    due.has(server) ||
    setOff.has(server) ||
    migrations.some((each) => each.server === server && isOpen(each));
  if (!group) return undefined;
  const moving = group.members.find((server) => server !== id && moves(server));
  return moving && `waits for server ${moving} of its group ${group.name}, which moves`;
}

/** A server is named by its project and its name, or its id where it has no name. */
export function nameOf({ id, name, projectId }: Server): InstanceName {
  return { namespace: projectId, name: name === '' ? id : name };
}

function instanceOf(server: Server): InstanceFacts {
  return {
    ...{ uid: server.id, ...nameOf(server), createdAt: Date.parse(server.createdAt) },
    // Nova keeps a server: no move ends it, and what is on its disks moves with it.
    ...{ leaving: undefined, controller: 'Nova', ignoresClosing: false, localData: false },
    ...(server.flavor ? { size: server.flavor.vcpus } : {}),
  };
}

/** The time in a queue is not that of a move: one that waits there begins now, whenever that is. */
function leavingSince(since: string | undefined, now: Instant): NonNullable<InstanceFacts['leaving']> {
  const began = since === undefined ? now : Date.parse(since);
  return { since: began, due: began + LONGEST_MOVE_MS, heldBy: since === undefined ? [NOVAS_QUEUE] : [] };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
