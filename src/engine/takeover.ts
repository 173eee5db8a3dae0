/**
 * What a leader does to a pool before it decides anything about it. Pure.
 * Raising the pool's epoch makes every write of a leader before fail; a status
 * that somebody wiped or restored is made again from the claims on the hosts.
 */
import type { HostPoolStatus, Permit } from '../crds/host-pool.ts';
import type { HostName } from '../planner/facts.ts';
import type { Claim } from './view.ts';
import { withPermits } from './permits.ts';

/** A host that carries a mark of ours, and the claim where that can be read. */
type Marked = { readonly host: HostName; readonly claim: Claim | undefined };

/** Another leader has raised the pool's epoch: this process leads no more, and must end at once. */
export class DeposedError extends Error {
  override readonly name = 'DeposedError';
}

/** What the status of a pool says about who leads. `own`: the epoch that this process has raised it to, if it has. */
export type EpochState = 'ours' | 'not raised' | 'wiped';

/** Throws DeposedError. */
export function epochState(pool: string, { epoch }: HostPoolStatus, own: number | undefined): EpochState {
  if (own === undefined) return epoch === undefined ? 'wiped' : 'not raised';
  if (epoch === own) return 'ours';
  if (epoch !== undefined && epoch > own)
    throw new DeposedError(
      `another operator leads: it raised the epoch of HostPool ${pool} from ${String(own)} to ${String(epoch)}`,
    );
  return 'wiped';
}

/**
 * The status under a new epoch, above every one that was ever seen. Where the
 * status is older than the claims, these say which permits there are: each
 * carries its run, owner and time.
 */
export function takenOver(
  status: HostPoolStatus,
  marked: readonly Marked[],
  own: number | undefined,
): { readonly status: HostPoolStatus; readonly rebuilt: boolean } {
  const claims = marked.flatMap(({ host, claim }) => (claim ? [{ host, claim }] : []));
  const claimedEpoch = Math.max(0, ...claims.map(({ claim }) => claim.epoch));
  const known = status.epoch ?? 0;
  const rebuilt = known < Math.max(claimedEpoch, own ?? 0);
  const epoch = Math.max(known, claimedEpoch, own ?? 0) + 1;
  const base = rebuilt ? permitsOfClaims(status, claims) : status;
  return { status: { ...base, epoch }, rebuilt };
}

function permitsOfClaims(
  status: HostPoolStatus,
  claims: readonly { readonly host: string; readonly claim: Claim }[],
): HostPoolStatus {
  const permits = claims.map(({ host, claim: { run, level, since } }): Permit => ({
    host,
    run,
    level,
    since,
  }));
  const owners = new Map(claims.map(({ claim: { run, owner } }) => [run, owner]));
  const runs = [...owners].map(([id, owner]) => ({ id, owner }));
  return withPermits({ ...status, runs }, permits);
}
