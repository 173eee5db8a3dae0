/** Cancels the live migrations away from a host that Careen has asked for. */
import type { Instant } from '../../engine/view.ts';
import type { Compute } from '../../openstack/compute.ts';
import type { Migration } from '../../openstack/compute-answers.ts';
import { OpenStackError } from '../../openstack/errors.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { CLOCK_SKEW_MS } from './asked-servers.ts';
import { hasBegun, isOpen } from './next-move.ts';
import type { Moves, ServersOnHost } from './servers-on-host.ts';

/** A migration that Nova prepares for longer than this was cut off by a restart. */
const PREPARATION_MS = 60_000 + CLOCK_SKEW_MS;

export type Cancelling = {
  readonly compute: Compute;
  readonly host: HostName;
  /** When the host was claimed. */
  readonly since: Instant;
  /** As they were seen last; undefined when they were not read yet. */
  readonly servers: ServersOnHost | undefined;
  readonly moves: Pick<Moves, 'setOff'>;
  /** Throws when this process may not write any more. */
  readonly beforeWrite: () => void;
  readonly now: () => Instant;
};

/** Resolves with why some cannot be cancelled yet, and will be in a moment; undefined when nothing is left to cancel. */
export async function cancelMigrations(
  { compute, host, since, servers, moves, beforeWrite, now }: Cancelling,
  signal: AbortSignal,
): Promise<string | undefined> {
  const changedSince = new Date(since - CLOCK_SKEW_MS).toISOString();
  const [userId, all] = await Promise.all([
    compute.userId(signal),
    compute.migrations({ changedSince }, signal),
  ]);
  const open = all.filter((each) => each.source === host && isOpen(each));
  const isOurs = ({ type, userId: by }: Migration): boolean =>
    type === 'live-migration' && (by === undefined || by === userId);
  const early: string[] = [];
  for (const each of open.filter(isOurs)) {
    beforeWrite();
    const isCancelled = await isAborted(compute, each, signal);
    if (!isCancelled && isInPreparation(each, now())) early.push(each.server);
  }
  const recorded = new Set(open.map(({ server }) => server));
  const unrecorded = servers?.servers.filter(({ id }) => moves.setOff.has(id) && !recorded.has(id)) ?? [];
  const [server] = [...early, ...unrecorded.map(({ id }) => id)];
  return (
    server &&
    `server ${server} was just asked to leave ${host}: its migration is cancelled once Nova permits that`
  );
}

/** Before it runs Nova refuses to abort it: always while it is only accepted, and before 2.65 also while it is queued. */
function isInPreparation(migration: Migration, now: Instant): boolean {
  return (
    !hasBegun(migration) && now - Date.parse(migration.updatedAt ?? migration.createdAt) < PREPARATION_MS
  );
}

/** False when Nova refuses that: it has ended, is past the point at which it can be stopped, or has not come to it. */
async function isAborted(compute: Compute, { server, id }: Migration, signal: AbortSignal): Promise<boolean> {
  try {
    await compute.abortLiveMigration(server, id, signal);
    return true;
  } catch (error) {
    const isRefused =
      error instanceof OpenStackError && ['not-found', 'bad-request', 'conflict'].includes(error.kind);
    if (!isRefused) throw error;
    return false;
  }
}
