/** Calls off the live migration of one server. A cold one cannot be aborted. */
import type { Effect, Outcome } from '../../../engine/effect.ts';
import type { Instant } from '../../../engine/view.ts';
import type { Compute } from '../../../openstack/compute.ts';
import { OpenStackError } from '../../../openstack/errors.ts';
import { ACCEPTED, ALREADY, blocked, refused } from '../../outcomes.ts';
import { isOpen } from './next-move.ts';
import type { Moves } from './servers-on-host.ts';

const PAUSE_MS = 5_000;

export type CallingOff = {
  readonly compute: Pick<Compute, 'abortLiveMigration'>;
  readonly moves: Pick<Moves, 'migrations'>;
  /** Throws when this process may not write any more. */
  readonly beforeWrite: () => void;
  readonly now: () => Instant;
};

export async function callOff(
  { compute, moves, beforeWrite, now }: CallingOff,
  { host, instance: { uid } }: Extract<Effect, { kind: 'call-off' }>,
  signal: AbortSignal,
): Promise<Outcome> {
  const migration = moves.migrations.find(
    (each) => each.server === uid && each.source === host && isOpen(each),
  );
  if (!migration) return ALREADY;
  if (migration.type !== 'live-migration')
    return refused(`server ${uid} migrates cold, which Nova cannot abort`);
  beforeWrite();
  try {
    await compute.abortLiveMigration(uid, migration.id, signal);
    return ACCEPTED;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof OpenStackError)) throw error;
    if (error.kind === 'not-found') return ALREADY;
    // Nova aborts a migration only while it runs, or waits in a queue.
    if (error.kind === 'conflict' || error.kind === 'bad-request')
      return blocked(`server ${uid}: ${error.message}`, now() + PAUSE_MS);
    throw error;
  }
}
