/** The servers on a host as the instances that must leave it, and which of them is asked next. Pure. */
import type { InstanceFacts, Instant } from '../../engine/view.ts';
import type { Migration, Server, ServerGroup } from '../../openstack/compute-answers.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { hasFailed, isOpen, nextMove, type MovePolicy, type NextMove } from './next-move.ts';

/** What is known of the servers of one host, read at one time. */
export type ServersOnHost = {
  readonly host: HostName;
  readonly hostIsUp: boolean;
  /** With those that were moved by a cold migration that nobody has confirmed. */
  readonly servers: readonly Server[];
};

/** What is known of the moves in the whole cloud. */
export type Moves = {
  /** The migrations that changed since the first open host was claimed. */
  readonly migrations: readonly Migration[];
  readonly groups: readonly ServerGroup[];
  /** How often a request to leave was accepted and nothing came of it, by the id of the server. */
  readonly lost: ReadonlyMap<string, number>;
};

export type MoveLimits = MovePolicy & {
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
const ASKS: ReadonlySet<string> = new Set(['live-migrate', 'cold-migrate', 'evacuate']);

/** The servers that keep a host from being empty. Those that wait for their turn come by their age. */
export function instancesOn(
  { host, hostIsUp, servers }: ServersOnHost,
  moves: Moves,
  limits: MoveLimits,
  now: Instant,
): InstanceFacts[] {
  const there = servers
    .filter(({ status }) => !NOT_THERE.has(status))
    .toSorted((a, b) => compare(a.createdAt, b.createdAt) || compare(a.id, b.id));
  const own = there.map((server) => {
    const migrations = migrationsOf(server, host, moves, now);
    return { server, migrations, next: next(server, migrations) };
  });
  let free = limits.maxMigrationsPerHost - own.filter(({ next: { kind } }) => kind === 'moving').length;
  return own.map(({ server, migrations, next: move }) => {
    const failures = migrations.filter(hasFailed).length;
    const request = `${move.kind}-${String(failures)}-${String(moves.lost.get(server.id) ?? 0)}`;
    const instance = { ...instanceOf(server), request };
    switch (move.kind) {
      case 'moving':
        return { ...instance, leaving: leavingSince(move.since, server, now) };
      case 'wait':
        return { ...instance, waitsFor: move.reason };
      case 'stuck':
        return { ...instance, stuck: move.reason };
      default: {
        const waitsFor = ASKS.has(move.kind) ? turnOf(server, moves, host, free, limits) : undefined;
        if (waitsFor !== undefined) return { ...instance, waitsFor };
        if (ASKS.has(move.kind)) free -= 1;
        return instance;
      }
    }
  });

  function next(server: Server, migrations: readonly Migration[]): NextMove {
    const recent = migrations.filter(
      (each) => !hasFailed(each) || now - Date.parse(each.updatedAt ?? each.createdAt) < FAILURES_COUNT_MS,
    );
    return nextMove({ host, server, migrations: recent, hostIsUp, policy: limits });
  }
}

/** The migrations of a server away from a host, without those that a restart of Nova has cut off. */
export function migrationsOf(
  server: Server,
  host: HostName,
  { migrations }: Pick<Moves, 'migrations'>,
  now: Instant,
): readonly Migration[] {
  const own = migrations.filter((each) => each.server === server.id && each.source === host);
  return own.filter((each) => !isCutOff(each, server, now));
}

/** Its record stays open for ever, while Nova does nothing with the server any more. */
function isCutOff(migration: Migration, { taskState, status }: Server, now: Instant): boolean {
  const changedAt = Date.parse(migration.updatedAt ?? migration.createdAt);
  const isIdle = taskState === undefined && status !== 'VERIFY_RESIZE';
  return isOpen(migration) && isIdle && now - changedAt > CUT_OFF_MS;
}

/** Why a server is not asked yet; undefined when it is its turn. */
function turnOf(
  { id }: Server,
  { migrations, groups }: Moves,
  host: HostName,
  free: number,
  { maxMigrationsPerHost: most }: MoveLimits,
): string | undefined {
  if (free <= 0) return `waits for its turn: at most ${String(most)} may leave ${host} at once`;
  const group = groups.find(({ members }) => members.includes(id));
  // Nova judges each move by where the others of the group are now, not by where they are about to be.
  const others = migrations.filter((each) => each.server !== id && isOpen(each));
  const moving = group && others.find(({ server }) => group.members.includes(server));
  return moving && `waits for server ${moving.server} of its group ${group.name}, which moves`;
}

function instanceOf({ id, name, projectId, createdAt }: Server): InstanceFacts {
  return {
    ...{ uid: id, namespace: projectId, name: name === '' ? id : name, createdAt: Date.parse(createdAt) },
    // Nova keeps a server: no move ends it, and what is on its disks moves with it.
    ...{ leaving: undefined, controller: 'Nova', ignoresClosing: false, localData: false },
  };
}

/** The time in a queue is not that of a move. */
function leavingSince(
  since: string | undefined,
  { createdAt }: Server,
  now: Instant,
): InstanceFacts['leaving'] {
  const began = since === undefined ? Date.parse(createdAt) : Date.parse(since);
  return {
    since: began,
    due: since === undefined ? now + LONGEST_MOVE_MS : began + LONGEST_MOVE_MS,
    heldBy: [],
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
