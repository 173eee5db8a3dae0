/**
 * The servers of a whole cloud at one time, and the room on its hosts: what a plan is judged by. The number of requests
 * does not depend on the number of hosts or servers, but for the pages of long lists, and the servers that may have shares.
 */
import { explain } from '../../../kube/errors.ts';
import type { Compute } from '../../../openstack/compute.ts';
import type {
  Aggregate,
  Hypervisor,
  Migration,
  Server,
  ServerGroup,
} from '../../../openstack/compute-answers.ts';
import type { HostRoom, Placement } from '../../../openstack/placement.ts';
import { serversWithShares } from './shares.ts';

/** Those that began longer ago say nothing about the servers as they are now. */
const MIGRATIONS_COUNT_MS = 24 * 3_600_000;
/** A plan is made also while Placement does not answer. */
const PLACEMENT_LIMIT_MS = 10_000;

export type CloudSurvey = {
  /** When its read began. */
  readonly readAt: number;
  readonly servers: readonly Server[];
  readonly groups: readonly ServerGroup[];
  readonly migrations: readonly Migration[];
  readonly aggregates: readonly Aggregate[];
  readonly hypervisors: readonly Hypervisor[];
  readonly rooms: Rooms;
  /** The ids of the servers with shares of Manila. */
  readonly sharing: ReadonlySet<string>;
};

/** By the id of the hypervisor, or why it is not known. A host that is full is not there. */
export type Rooms =
  | { readonly kind: 'known'; readonly of: ReadonlyMap<string, HostRoom> }
  | { readonly kind: 'unknown'; readonly why: string };

/** Reads all but the hosts themselves. Throws OpenStackError, but not because of Placement. */
export async function readSurvey(
  { compute, placement }: { readonly compute: Compute; readonly placement: Placement },
  hosts: Pick<CloudSurvey, 'aggregates' | 'hypervisors'>,
  now: number,
  signal: AbortSignal,
): Promise<CloudSurvey> {
  const changedSince = new Date(now - MIGRATIONS_COUNT_MS).toISOString();
  const [servers, groups, migrations, rooms] = await Promise.all([
    compute.servers({}, signal),
    compute.serverGroups(signal),
    compute.migrations({ changedSince }, signal),
    roomsIn(placement, signal),
  ]);
  const { hypervisors } = hosts;
  const sharing = await serversWithShares({ compute, placement }, { servers, hypervisors }, signal);
  return { readAt: now, servers, groups, migrations, rooms, sharing, ...hosts };
}

async function roomsIn(placement: Placement, signal: AbortSignal): Promise<Rooms> {
  const limit = AbortSignal.timeout(PLACEMENT_LIMIT_MS);
  try {
    return { kind: 'known', of: await placement.rooms(AbortSignal.any([signal, limit])) };
  } catch (error) {
    signal.throwIfAborted();
    const late = `Placement has not answered within ${String(PLACEMENT_LIMIT_MS / 1000)} s`;
    return { kind: 'unknown', why: limit.aborted ? late : explain(error) };
  }
}
