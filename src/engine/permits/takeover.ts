/**
 * The takeover of a pool by a leader, before its first decision about it. Pure. The leader raises the epoch of the
 * pool, so that every write of an earlier leader fails. It rebuilds a wiped or restored status from the claims on the
 * hosts.
 */
import type { HostPoolStatus, Permit } from '../../crds/host-pool.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { Claim } from '../view.ts';
import { withPermits } from './permits.ts';

/** A host with a mark of ours, and its claim where that is valid. */
type Marked = { readonly host: HostName; readonly claim: Claim | undefined };

/** Another leader has raised the epoch of the pool: this process no longer leads, and must end at once. */
export class DeposedError extends Error {
  override readonly name = 'DeposedError';
}

/** Whose epoch the status of a pool has. `wiped`: none, or one from a restored status. */
export type EpochState = 'ours' | 'not raised' | 'wiped';

/**
 * @param own the epoch to which this process has raised the pool; undefined before that
 * @throws DeposedError when the epoch of the pool is above it
 */
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
 * An epoch rises by one with each change of leader, so no claim of ours is further above what is known. A stranger's
 * claim beyond that would use up the numbers; it is ignored.
 */
const REACH = 1_000_000;

/**
 * The status under a new epoch, above every epoch in the status, in the claims and of this process. A status that is
 * older than the claims gets its permits from them: each claim has its run, owner and time.
 */
export function takenOver(
  status: HostPoolStatus,
  marked: readonly Marked[],
  own: number | undefined,
): { readonly status: HostPoolStatus; readonly rebuilt: boolean } {
  const known = status.epoch ?? 0;
  const reach = Math.max(known, own ?? 0) + REACH;
  const claims = marked.flatMap(({ host, claim }) =>
    claim && claim.epoch <= reach ? [{ host, claim }] : [],
  );
  const claimedEpoch = claims.reduce((highest, { claim }) => Math.max(highest, claim.epoch), 0);
  const rebuilt = known < Math.max(claimedEpoch, own ?? 0);
  const epoch = Math.max(known, claimedEpoch, own ?? 0) + 1;
  const base = rebuilt ? permitsOfClaims(status, claims) : status;
  return { status: { ...base, epoch }, rebuilt };
}

function permitsOfClaims(
  status: HostPoolStatus,
  claims: readonly { readonly host: string; readonly claim: Claim }[],
): HostPoolStatus {
  const permits = claims.flatMap(({ host, claim: { run, level, since } }): Permit[] =>
    level === 'closed' ? [] : [{ host, run, level, since }],
  );
  const owners = new Map(claims.map(({ claim: { run, owner } }) => [run, owner]));
  const runs = [...owners].map(([id, owner]) => ({ id, owner }));
  return withPermits({ ...status, runs }, permits);
}
