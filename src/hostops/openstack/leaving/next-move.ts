/** Decides how a server leaves its host, by what Nova says of it and of its migrations. Pure. */
import type { Instant } from '../../../engine/view.ts';
import type { Migration, Server } from '../../../openstack/compute-answers.ts';
import type { HostName } from '../../../planner/hosts/facts.ts';

/** What the pool allows. */
export type MovePolicy = {
  /** Whether a running server may be stopped, moved and started again where it cannot move live. */
  readonly coldMigration: boolean;
  /** Whether the servers of a host that is down may be built again elsewhere. */
  readonly evacuation: boolean;
};

export type NextMove =
  | { readonly kind: 'live-migrate' | 'cold-migrate' | 'confirm' | 'evacuate' | 'stop' }
  /** It is on its way. `since`: when that began, RFC 3339; undefined while it is queued. Nova can abort live migrations. */
  | { readonly kind: 'moving'; readonly since: string | undefined; readonly isLive: boolean }
  /** It can be asked to leave once something else has ended. */
  | { readonly kind: 'wait'; readonly reason: string }
  /** It stays until somebody acts. */
  | { readonly kind: 'stuck'; readonly reason: string };

export type Situation = {
  /** The host that it shall leave. */
  readonly host: HostName;
  readonly server: Server;
  /** Its migrations away from the host since the host was claimed, in any order. */
  readonly migrations: readonly Migration[];
  /** By the id of a migration: when it was last seen in a queue. */
  readonly queuedAt: ReadonlyMap<number, Instant>;
  /** Whether it is known to have shares of Manila. */
  readonly hasShares: boolean;
  /** Nova's words about why its last move has failed; undefined where it has none. */
  readonly fault: string | undefined;
  readonly hostIsUp: boolean;
  readonly policy: MovePolicy;
  readonly now: Instant;
};

/** After so many failures a server needs a person. Nova itself tries other hosts within each of them. */
export const MOST_FAILURES = 3;

/**
 * After Nova has found no host for a server, the next attempts come after these times: Nova's scheduler may not know for
 * two minutes that a server has left a host (`scheduler_instance_sync_interval`), and till then keeps those of its group
 * away.
 */
const NO_HOST_PAUSES_MS = [30_000, 120_000];

/** Nova may take a host for down that still works. What is under way there is recorded at shorter intervals. */
const HALTED_AFTER_MS = 60_000;

const QUEUED: ReadonlySet<string> = new Set(['accepted', 'queued', 'preparing']);
const UNDER_WAY: ReadonlySet<string> = new Set([
  ...['running', 'pre-migrating', 'migrating', 'post-migrating', 'confirming', 'reverting'],
]);
const UNCONFIRMED: ReadonlySet<string> = new Set(['finished', 'confirming', 'reverting']);
const FAILED: ReadonlySet<string> = new Set(['error', 'failed']);
/** The states in which a server has no interruption to fear. */
const STOPPED: ReadonlySet<string> = new Set(['SHUTOFF']);
const LIVE: ReadonlySet<string> = new Set(['ACTIVE', 'PAUSED']);

/** The states in which Nova evacuates a server. */
const EVACUATED: ReadonlySet<string> = new Set(['ACTIVE', 'SHUTOFF', 'ERROR']);

/** The tasks of a live migration, and of a cold one. */
const MIGRATION_TASKS: ReadonlySet<string> = new Set([
  ...['migrating', 'resize_prep', 'resize_migrating', 'resize_migrated', 'resize_finish'],
]);
const EVACUATION_TASKS: ReadonlySet<string> = new Set([
  ...['rebuilding', 'rebuild_block_device_mapping', 'rebuild_spawning'],
]);

/** Whether a migration has not ended. One that is `finished` waits for its confirmation. */
export function isOpen({ status }: Migration): boolean {
  return QUEUED.has(status) || UNDER_WAY.has(status) || status === 'finished';
}

/** Whether Nova has come to a migration: it is not only accepted, queued or prepared. */
export function hasBegun({ status }: Migration): boolean {
  return !QUEUED.has(status);
}

/** Whether the server is on another host, and still has its place on the one that it left. */
export function isUnconfirmed({ status }: Pick<Migration, 'status'>): boolean {
  return UNCONFIRMED.has(status);
}

/** Whether Nova works on a migration now: it has not ended, nor waits in a queue or for its confirmation. */
export function isInFlight(migration: Migration): boolean {
  return isOpen(migration) && migration.status !== 'queued' && !isUnconfirmed(migration);
}

/** Whether Nova has begun to move a server, with a migration that may not be recorded yet. */
export function isBeingMoved(server: Pick<Server, 'taskState'>): boolean {
  return isMigrating(server) || isBeingEvacuated(server);
}

function isMigrating({ taskState = '' }: Pick<Server, 'taskState'>): boolean {
  return MIGRATION_TASKS.has(taskState);
}

export function isBeingEvacuated({ taskState = '' }: Pick<Server, 'taskState'>): boolean {
  return EVACUATION_TASKS.has(taskState);
}

/**
 * Whether a migration has gone down with the host that it leaves: its record stays open, and its server keeps its task,
 * until the host is up again. Nova carries out an evacuation elsewhere.
 */
export function isHalted(
  migration: Migration,
  { hostIsUp, now }: Pick<Situation, 'hostIsUp' | 'now'>,
): boolean {
  const { type, createdAt, updatedAt = createdAt } = migration;
  const isUnderWay = isOpen(migration) && migration.status !== 'finished' && type !== 'evacuation';
  return !hostIsUp && isUnderWay && now - Date.parse(updatedAt) > HALTED_AFTER_MS;
}

export function hasFailed({ status }: Migration): boolean {
  return FAILED.has(status);
}

/** Whether a migration has ended without a move: it has failed, or somebody has cancelled it. */
export function cameToNothing(migration: Migration): boolean {
  return hasFailed(migration) || migration.status === 'cancelled';
}

/** Nova does not say when a migration has left its queue: not before it was last seen there. */
function beganAt({ id, createdAt }: Migration, queuedAt: Situation['queuedAt']): string {
  return new Date(Math.max(Date.parse(createdAt), queuedAt.get(id) ?? 0)).toISOString();
}

const HAS_LEFT: NextMove = { kind: 'wait', reason: 'has left, which Nova has not recorded yet' };

/** How a server leaves its host next. */
export function nextMove(situation: Situation): NextMove {
  const { host, server, migrations, queuedAt, fault, hostIsUp, now } = situation;
  const { status, taskState } = server;
  if (status === 'VERIFY_RESIZE' && taskState === undefined) return afterResize(host, server, migrations);
  const open = migrations.filter((each) => isOpen(each) && each.status !== 'finished');
  const underWay = open.find((each) => !isHalted(each, situation));
  if (underWay) {
    const since = hasBegun(underWay) ? beganAt(underWay, queuedAt) : undefined;
    return { kind: 'moving', since, isLive: underWay.type === 'live-migration' };
  }
  const [halted] = open;
  if (taskState !== undefined && !(halted && isMigrating(server)))
    return { kind: 'wait', reason: `is busy (${taskState}) and is asked to leave after that` };
  // The list of servers, the one of migrations and the server itself were read one after another.
  if (server.host !== undefined && server.host !== host) return HAS_LEFT;
  const attempts = migrations.filter(cameToNothing);
  if (attempts.length >= MOST_FAILURES)
    return { kind: 'stuck', reason: failedOften(server, attempts, fault) };
  const failures = attempts.filter(hasFailed);
  const retryAt = retryAfterNoHost(failures);
  if (now < retryAt) return { kind: 'stuck', reason: noHost(server, failures.length, retryAt) };
  if (!hostIsUp) return whenDown(situation, halted);
  if (LIVE.has(status)) return running(situation, failures);
  if (STOPPED.has(status)) return { kind: 'cold-migrate' };
  if (status === 'BUILD' || status === 'RESIZE' || status === 'MIGRATING' || status === 'REBUILD')
    return { kind: 'wait', reason: `is in status ${status} and is asked to leave after that` };
  return { kind: 'stuck', reason: `is in status ${status}, in which Nova moves no server: ${mend(server)}` };
}

/** When a server may be asked again; in the past when it may be now. A migration that had a host is repeated at once, to another. */
function retryAfterNoHost(failures: readonly Migration[]): Instant {
  const failedAt = failures.flatMap(({ dest, updatedAt, createdAt }) =>
    dest === undefined ? [Date.parse(updatedAt ?? createdAt)] : [],
  );
  return Math.max(...failedAt) + (NO_HOST_PAUSES_MS[failedAt.length - 1] ?? 0);
}

/**
 * A cold migration away from the host is confirmed; a resize is for the owner of the server to confirm. Without a migration
 * from there either one may have been before, also a cold migration that Careen asked for and that began too late.
 */
export function afterResize(
  host: HostName,
  { id, host: at }: Server,
  migrations: readonly Migration[],
): NextMove {
  const finished = migrations.find(({ status }) => status === 'finished');
  if (finished?.type === 'migration') return { kind: 'confirm' };
  if (!finished && at !== host) return HAS_LEFT;
  const what = finished
    ? 'was resized, and its owner has neither confirmed nor reverted that'
    : 'was resized, or came by a cold migration, and nobody has confirmed or reverted that';
  return { kind: 'stuck', reason: `${what}: openstack server resize confirm ${id}, or revert` };
}

/** @param halted the migration that has gone down with the host. One that had begun may have taken the server elsewhere */
function whenDown(
  { server: { id, status }, hasShares, policy: { evacuation } }: Situation,
  halted: Migration | undefined,
): NextMove {
  const stuck = (reason: string): NextMove => ({ kind: 'stuck', reason });
  if (halted && hasBegun(halted))
    return stuck(
      `was moving${halted.dest === undefined ? '' : ` to ${halted.dest}`} when its host went down, and may run there: ` +
        `bring the host up, or openstack server evacuate ${id} once it surely runs nowhere`,
    );
  if (!evacuation)
    return stuck(
      'is on a host that is down, and the pool does not allow evacuation ' +
        `(spec.provider.openstack.evacuation): bring the host up, or openstack server evacuate ${id}`,
    );
  if (hasShares)
    return stuck(
      'has shares of Manila, so Nova does not evacuate it: bring the host up, or detach them ' +
        `(DELETE /servers/${id}/shares/SHARE), then openstack server evacuate ${id}`,
    );
  if (!halted && !EVACUATED.has(status))
    return stuck(
      `is in status ${status}, in which Nova evacuates no server: bring the host up, or ` +
        `openstack server set --state active ${id}, and it is evacuated`,
    );
  return { kind: 'evacuate' };
}

function running(
  { server, hasShares, policy: { coldMigration } }: Situation,
  failures: readonly Migration[],
): NextMove {
  const { id, status } = server;
  const obstacle = hasShares ? 'it has shares of Manila' : liveObstacle(server);
  const hasFailedLive = failures.some(({ type }) => type === 'live-migration');
  if (obstacle === undefined && !(coldMigration && hasFailedLive && status === 'ACTIVE'))
    return { kind: 'live-migrate' };
  if (coldMigration && status === 'ACTIVE') return { kind: 'cold-migrate' };
  const reason =
    `cannot move live (${obstacle ?? 'no reason is known'}), and the pool allows no cold migration of running servers ` +
    `(spec.provider.openstack.coldMigration): stop it, or move it: openstack server migrate ${id}`;
  return { kind: 'stuck', reason };
}

/** Why a server does not move live, by its flavor and its image; undefined when nothing is known against it. */
export function liveObstacle({
  flavor,
  imageProperties,
}: Pick<Server, 'flavor' | 'imageProperties'>): string | undefined {
  const { extraSpecs = {} } = flavor ?? {};
  const asks = (spec: string, property: string): string | undefined =>
    isAskedFor(extraSpecs[spec])
      ? 'its flavor asks for'
      : isAskedFor(imageProperties[property])
        ? 'its image asks for'
        : undefined;
  if (extraSpecs['pci_passthrough:alias'] !== undefined) return 'its flavor asks for a PCI device';
  if (extraSpecs['accel:device_profile'] !== undefined) return 'its flavor asks for an accelerator';
  const encryption = asks('hw:mem_encryption', 'hw_mem_encryption');
  if (encryption !== undefined) return `${encryption} encrypted memory`;
  const tpm = asks('hw:tpm_version', 'hw_tpm_version');
  if (tpm !== undefined && extraSpecs['hw:tpm_secret_security'] !== 'host')
    return `${tpm} a vTPM without hw:tpm_secret_security=host`;
  return undefined;
}

/** Nova takes some texts for false. */
function isAskedFor(value: unknown): boolean {
  if (typeof value === 'string') return !/^(|0|false|f|no|n|off)$/i.test(value.trim());
  return value !== undefined && value !== null && value !== false;
}

function failedOften({ id }: Server, failures: readonly Migration[], fault: string | undefined): string {
  const why = fault === undefined ? '' : `: ${fault}`;
  return (
    `did not leave in ${String(failures.length)} attempts${why}: see openstack server show ${id} and the log of ` +
    'nova-conductor, move it by hand, or retry'
  );
}

function noHost({ id }: Server, attempts: number, retryAt: Instant): string {
  return (
    `found no host in attempt ${String(attempts)} of ${String(MOST_FAILURES)}: no other has room for it, or its server ` +
    `group, zone or flavor excludes them (log of nova-scheduler, openstack server show ${id}); the next attempt ` +
    `follows at ${new Date(retryAt).toISOString()}`
  );
}

export function mend({ id, status, fault }: Server): string {
  const why = fault ? `${fault.message}; ` : '';
  return status === 'ERROR'
    ? `${why}openstack server set --state active ${id} when it is well, or delete it`
    : `openstack server show ${id}`;
}
