/**
 * Ends the migrations away from a host that Careen has asked for: cancels the live ones, and confirms the cold ones that have
 * arrived. Nobody would confirm one that arrives after its host was released.
 */
import type { Instant } from '../../../engine/view.ts';
import type { Compute } from '../../../openstack/compute.ts';
import type { Migration } from '../../../openstack/compute-answers.ts';
import { OpenStackError } from '../../../openstack/errors.ts';
import type { HostName } from '../../../planner/hosts/facts.ts';
import { CLOCK_SKEW_MS } from './asked-servers.ts';
import { hasBegun, isInFlight, isOpen } from './next-move.ts';
import type { Moves, ServersOnHost } from './servers-on-host.ts';

/** A migration that Nova prepares for longer than this was cut off by a restart. */
const PREPARATION_MS = 60_000 + CLOCK_SKEW_MS;

/** An outage whose claim was removed has not begun earlier. */
const LOST_CLAIM_MS = 86_400_000;

export type Cancelling = {
  readonly compute: Compute;
  readonly host: HostName;
  /** When the host was claimed, RFC 3339; undefined where somebody has removed its claim. */
  readonly since: string | undefined;
  /** As they were seen last; undefined when they were not read yet. */
  readonly servers: ServersOnHost | undefined;
  readonly moves: Pick<Moves, 'setOff'>;
  /** Throws when this process may not write any more. */
  readonly beforeWrite: () => void;
  readonly now: () => Instant;
};

/** Resolves with why some cannot be ended yet, and will be; undefined when nothing is left to do. */
export async function cancelMigrations(
  { compute, host, since, servers, moves, beforeWrite, now }: Cancelling,
  signal: AbortSignal,
): Promise<string | undefined> {
  const from = since === undefined ? now() - LOST_CLAIM_MS : Date.parse(since) - CLOCK_SKEW_MS;
  const changedSince = new Date(from).toISOString();
  const [userId, all] = await Promise.all([
    compute.userId(signal),
    compute.migrations({ changedSince }, signal),
  ]);
  const open = all.filter((each) => each.source === host && isOpen(each));
  const ours = open.filter(({ userId: by }) => by === undefined || by === userId);
  const early: string[] = [];
  for (const each of ours.filter(({ type }) => type === 'live-migration')) {
    const { server: id } = each;
    beforeWrite();
    const isCancelled = await isCarriedOut(compute.abortLiveMigration(id, each.id, signal));
    if (!isCancelled && isInPreparation(each, now())) early.push(each.server);
  }
  const recorded = new Set(open.map(({ server }) => server));
  const unrecorded = servers?.servers.filter(({ id }) => moves.setOff.has(id) && !recorded.has(id)) ?? [];
  const cold = ours.filter(({ type }) => type === 'migration');
  for (const { server: id } of cold.filter(({ status }) => status === 'finished')) {
    beforeWrite();
    await isCarriedOut(compute.confirmResize(id, signal));
  }
  const moving = await firstMoving(compute, cold.filter(isInFlight), signal);
  if (moving !== undefined) return `server ${moving} moves, and is confirmed when it has arrived`;
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

/** False when Nova refuses a request: what it is about has ended, is past the point at which it can be done, or has not come to it. */
async function isCarriedOut(request: Promise<void>): Promise<boolean> {
  try {
    await request;
    return true;
  } catch (error) {
    const isRefused =
      error instanceof OpenStackError && ['not-found', 'bad-request', 'conflict'].includes(error.kind);
    if (!isRefused) throw error;
    return false;
  }
}

/** A server that moves cold. A record that a restart of Nova has cut off stays open, while nothing is done with its server. */
async function firstMoving(
  compute: Compute,
  cold: readonly Migration[],
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const { server } of cold) {
    const found = await compute.find(server, signal);
    if (found?.taskState !== undefined || found?.status === 'VERIFY_RESIZE') return server;
  }
  return undefined;
}
