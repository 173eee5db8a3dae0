/** Asks Nova to move one server off its host. Repeatable: what Nova shows of the server decides, never a remembered request. */
import type { Effect, Outcome } from '../../../engine/effect.ts';
import type { Compute } from '../../../openstack/compute.ts';
import type { Migration, Server } from '../../../openstack/compute-answers.ts';
import { OpenStackError } from '../../../openstack/errors.ts';
import { ACCEPTED, ALREADY, blocked, refused } from '../../outcomes.ts';
import type { HostName } from '../../../planner/hosts/facts.ts';
import type { Target } from './choose-target.ts';
import type { NextMove } from './next-move.ts';
import {
  againstGroup,
  migrationsOf,
  nextOf,
  type LeavingPolicy,
  type Moves,
  type SeenServer,
} from './servers-on-host.ts';
import { againstStop } from './against-stop.ts';

const BUSY_PAUSE_MS = 3_000;
const REFUSED_PAUSE_MS = 15_000;

export type Asking = {
  readonly compute: Compute;
  /** The server as it was read a moment ago, if it was not asked since; undefined: it is read. */
  readonly seen: () => SeenServer | undefined;
  /** Called after the last wait before a write, so that requests at the same time know of each other. */
  readonly moves: () => Moves;
  readonly hostIsUp: boolean;
  readonly policy: LeavingPolicy;
  /** The hosts whose servers are stopped for an outage, and since when. */
  readonly stopped: () => ReadonlyMap<HostName, string>;
  readonly target: (server: Server, migrations: readonly Migration[]) => Target;
  /** Why no further server may move now; undefined when one may. */
  readonly againstMore: () => string | undefined;
  /** Called just before the write, with where the server is told to go. Throws when this process may not write any more. */
  readonly beforeWrite: (to: HostName | undefined) => void;
  readonly now: () => number;
};

export async function askToLeave(
  asking: Asking,
  { host, instance: { uid }, by }: Extract<Effect, { kind: 'evict' }>,
  signal: AbortSignal,
): Promise<Outcome> {
  const { compute, hostIsUp, now } = asking;
  const policy = policyFor(by, asking.policy);
  const { server, readAt } = asking.seen() ?? { readAt: now(), server: await compute.find(uid, signal) };
  if (!server || (server.host !== host && server.status !== 'VERIFY_RESIZE')) return ALREADY;
  const moves = asking.moves();
  const move = nextOf({ server, readAt, host, hostIsUp, moves, policy, now: now() });
  if (!move) return ALREADY;
  switch (move.kind) {
    case 'moving':
      return ALREADY;
    case 'wait':
      return blocked(`server ${uid} ${move.reason}`, now() + BUSY_PAUSE_MS);
    case 'stuck':
      return blocked(`server ${uid} ${move.reason}`, now() + REFUSED_PAUSE_MS);
    case 'confirm':
      return carriedOut(asking, uid, { act: 'confirm', to: undefined }, signal);
    case 'stop': {
      const against = await againstStop(asking, server, host, signal);
      if (against !== undefined) return blocked(`server ${uid} ${against}`, now() + REFUSED_PAUSE_MS);
      return carriedOut(asking, uid, { act: 'stop', to: undefined }, signal);
    }
    default: {
      const group = againstGroup(uid, moves);
      const against = asking.againstMore() ?? (group === undefined ? undefined : `server ${uid} ${group}`);
      if (against !== undefined) return blocked(against, now() + BUSY_PAUSE_MS);
      const to = asking.target(server, migrationsOf(server, host, moves, readAt));
      if (to.kind === 'wait') return blocked(`server ${uid} ${to.reason}`, now() + BUSY_PAUSE_MS);
      const isCold = move.kind === 'live-migrate' && by === 'MIGRATE' && policy.coldMigration;
      return carriedOut(asking, uid, { act: isCold ? 'cold-migrate' : move.kind, to: to.host }, signal);
    }
  }
}

/** An owner who has chosen to move live has not agreed to an interruption. */
function policyFor(by: Asked['by'], policy: LeavingPolicy): LeavingPolicy {
  return by === 'LIVE_MIGRATE' ? { ...policy, coldMigration: false } : policy;
}

type Asked = Extract<Effect, { kind: 'evict' }>;
type Act = Exclude<NextMove['kind'], 'moving' | 'wait' | 'stuck'>;

async function carriedOut(
  { compute, beforeWrite, now }: Asking,
  server: string,
  { act, to }: { readonly act: Act; readonly to: HostName | undefined },
  signal: AbortSignal,
): Promise<Outcome> {
  const where = to === undefined ? {} : { host: to };
  beforeWrite(to);
  try {
    switch (act) {
      case 'live-migrate':
        await compute.liveMigrate(server, { ...where, blockMigration: 'auto' }, signal);
        break;
      case 'cold-migrate':
        await compute.migrate(server, where, signal);
        break;
      case 'confirm':
        await compute.confirmResize(server, signal);
        break;
      case 'stop':
        await compute.stop(server, signal);
        break;
      case 'evacuate':
        await compute.evacuate(server, where, signal);
        break;
    }
    return ACCEPTED;
  } catch (error) {
    signal.throwIfAborted();
    return outcomeOfMove(error, `server ${server}: ${act}`, now());
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
