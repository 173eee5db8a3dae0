/** Asks Nova to move one server off its host. Repeatable: what Nova shows of the server decides, never a remembered request. */
import type { Effect, Outcome } from '../../engine/effect.ts';
import type { Compute } from '../../openstack/compute.ts';
import type { Migration, Server } from '../../openstack/compute-answers.ts';
import { OpenStackError } from '../../openstack/errors.ts';
import { ACCEPTED, ALREADY, blocked, refused } from '../outcomes.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { Target } from './choose-target.ts';
import { nextMove, type MovePolicy, type NextMove } from './next-move.ts';
import { migrationsOf, type Moves } from './servers-on-host.ts';

const BUSY_PAUSE_MS = 3_000;
const REFUSED_PAUSE_MS = 15_000;

export type Asking = {
  readonly compute: Compute;
  readonly moves: Moves;
  readonly hostIsUp: boolean;
  readonly policy: MovePolicy;
  readonly target: (server: Server, migrations: readonly Migration[]) => Target;
  /** Called with an accepted request. `host`: where the server was told to go. */
  readonly asked: (server: string, host: HostName | undefined) => void;
  /** Why no further server may move now; undefined when one may. */
  readonly againstMore: string | undefined;
  readonly beforeWrite: () => void;
  readonly now: () => number;
};

export async function askToLeave(
  asking: Asking,
  { host, instance: { uid } }: Extract<Effect, { kind: 'evict' }>,
  signal: AbortSignal,
): Promise<Outcome> {
  const { compute, moves, hostIsUp, policy, now } = asking;
  const server = await compute.server(uid, signal).catch((error: unknown) => {
    if (error instanceof OpenStackError && error.kind === 'not-found') return undefined;
    throw error;
  });
  if (!server || (server.host !== host && server.status !== 'VERIFY_RESIZE')) return ALREADY;
  const migrations = migrationsOf(server, host, moves, now());
  const move = nextMove({ host, server, migrations, hostIsUp, policy });
  switch (move.kind) {
    case 'moving':
    case 'wait':
      return ALREADY;
    case 'stuck':
      return blocked(`server ${uid} ${move.reason}`, now() + REFUSED_PAUSE_MS);
    default:
      if (move.kind !== 'confirm' && asking.againstMore !== undefined)
        return blocked(asking.againstMore, now() + BUSY_PAUSE_MS);
      return carriedOut(asking, server, migrations, move.kind, signal);
  }
}

type Act = Exclude<NextMove['kind'], 'moving' | 'wait' | 'stuck'>;

async function carriedOut(
  { compute, target, asked, beforeWrite, now }: Asking,
  server: Server,
  migrations: readonly Migration[],
  act: Act,
  signal: AbortSignal,
): Promise<Outcome> {
  const { id } = server;
  const to = target(server, migrations);
  if (act !== 'confirm' && to.kind === 'wait')
    return blocked(`server ${id} ${to.reason}`, now() + BUSY_PAUSE_MS);
  const host = to.kind === 'to' ? to.host : undefined;
  const where = host === undefined ? {} : { host };
  beforeWrite();
  try {
    switch (act) {
      case 'live-migrate':
        await compute.liveMigrate(id, { ...where, blockMigration: 'auto' }, signal);
        break;
      case 'cold-migrate':
        await compute.migrate(id, where, signal);
        break;
      case 'confirm':
        await compute.confirmResize(id, signal);
        break;
      case 'evacuate':
        await compute.evacuate(id, where, signal);
        break;
    }
    asked(id, act === 'confirm' ? undefined : host);
    return ACCEPTED;
  } catch (error) {
    signal.throwIfAborted();
    return outcomeOfMove(error, `server ${id}: ${act}`, now());
  }
}

/** The outcome of a request to Nova that failed; `what` names it. */
export function outcomeOfMove(error: unknown, what: string, now: number): Outcome {
  if (!(error instanceof OpenStackError)) throw error;
  const reason = `${what}: ${error.message}`;
  if (error.mayHaveHappened) return { kind: 'unknown', reason };
  switch (error.kind) {
    case 'not-found':
      return ALREADY;
    case 'conflict':
      return blocked(reason, now + BUSY_PAUSE_MS);
    case 'forbidden':
    case 'unsupported':
      return refused(reason);
    default:
      return blocked(reason, now + (error.retryAfterSeconds ?? REFUSED_PAUSE_MS / 1000) * 1000);
  }
}
