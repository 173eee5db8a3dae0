/**
 * Permits: the rights to take hosts out of service. Only this file grants them, for one guarded write on a pool that
 * was just read. Pure: `PoolLedger` reads and writes.
 */
import { counted } from '../../crds/text/counted.ts';
import type { HostPoolStatus, Permit, PermitRun } from '../../crds/host-pool.ts';
import { isSameOwner, ownerText, type OwnerRef } from '../../crds/owner-ref.ts';
import { allows, type HeldPermits, type PermitFacts, type Wants } from '../turn.ts';
import { compareHostNames, type HostName } from '../../planner/hosts/facts.ts';
import { listed } from '../../planner/listed.ts';
import { againstQuorum, hasNoneToSpare } from '../../planner/hosts/quorum.ts';
import type { Controllers, FleetFacts, MemberHealth } from '../view.ts';

const HAS_LEFT = 'has left the pool since the plan was made';

export type DesiredPermits = {
  readonly run: string;
  readonly owner: OwnerRef;
  readonly wants: Wants['permits'];
  /** True frees the permits beyond `wants`; false keeps them. */
  readonly exactly: boolean;
  /** The controllers that the plan of the run knew, without those that requests gave up. */
  readonly knownControllers?: readonly HostName[];
};

export type PoolCapacity = {
  /** How many hosts may be out of service, as a number. */
  readonly limit: number;
  readonly outOfServiceByOthers: ReadonlySet<HostName>;
  /** Hosts with a claim of level away, of any of our runs. They count with or without a permit. */
  readonly claimedAway: ReadonlySet<HostName>;
  /** Hosts that a session has closed to new work: another run that had a permit for one could not use it. */
  readonly closedByRuns: FleetFacts['closedByRuns'];
  /** Enough of them for a quorum stay in service. */
  readonly controllers: Controllers;
  /** What the controllers said that `membersToAsk` named; undefined when none was asked. */
  readonly members?: MemberHealth | undefined;
  /** Why the pool grants nothing now, such as `HostPool default is paused`. */
  readonly closedBecause: string | undefined;
};

export type Settlement = {
  /** The new status of the pool; the same object when nothing changes. */
  readonly status: HostPoolStatus;
  readonly changed: boolean;
  readonly facts: PermitFacts;
};

/**
 * Settles the permits of a run: grants all that it lacks, or none. A host that others took out of service counts once,
 * with or without a permit.
 */
export function settlePermits(
  status: HostPoolStatus,
  wish: DesiredPermits,
  pool: PoolCapacity,
  now: string,
): Settlement {
  const { run, wants, exactly } = wish;
  const before = status.permits ?? [];
  const kept = exactly
    ? before.filter((permit) => permit.run !== run || wants.hosts.includes(permit.host))
    : before;
  const mine = heldBy(kept, run);
  const lacking = wants.hosts.filter((host) => !allows(mine.get(host), wants.level));
  const refusal = lacking.length > 0 ? refusalOf(status, wish, lacking, kept, pool) : undefined;
  const granted = refusal === undefined ? lacking : [];
  const permits = [
    ...kept.filter((permit) => permit.run !== run || !granted.includes(permit.host)),
    ...granted.map((host): Permit => ({ host, run, level: wants.level, since: now })),
  ];
  const unchanged = kept.length === before.length && granted.length === 0;
  return {
    changed: !unchanged,
    status: unchanged ? status : withPermits(status, permits, { id: run, owner: wish.owner }),
    facts: { held: heldBy(permits, run), ...(refusal === undefined ? {} : { refusal }) },
  };
}

/**
 * The controllers to ask whether they serve before these permits are granted: those that would be left in service. None
 * where the run lacks a permit for no controller, or no quorum is judged.
 */
export function membersToAsk(
  { permits = [] }: HostPoolStatus,
  { run, wants, knownControllers }: Pick<DesiredPermits, 'run' | 'wants' | 'knownControllers'>,
  pool: Pick<PoolCapacity, 'controllers'>,
): readonly HostName[] {
  const { all, down } = withMissing(pool.controllers, missingFrom(pool.controllers, knownControllers));
  if (!isJudgedByQuorum(wants) || hasNoneToSpare(all.size)) return [];
  const mine = heldBy(permits, run);
  const taken = wants.hosts.filter((host) => all.has(host) && !allows(mine.get(host), wants.level));
  return taken.length === 0 ? [] : [...all.difference(down).difference(new Set(taken))];
}

/**
 * The controllers that the plan knew and the pool has no more: a deleted Node takes no member out of etcd. They stay
 * members that do not serve, so that the others do not seem to be a smaller control plane.
 */
function missingFrom({ all }: Controllers, known: readonly HostName[] = []): ReadonlySet<HostName> {
  return new Set(known).difference(all);
}

function withMissing({ all, down }: Controllers, missing: ReadonlySet<HostName>): Controllers {
  return { all: all.union(missing), down: down.union(missing) };
}

/** Work in place may restart what serves; only work that stops nothing leaves the quorum as it is. */
function isJudgedByQuorum({ level, stopsNothing = false }: Wants['permits']): boolean {
  return level === 'away' || !stopsNothing;
}

/** The status with these permits; `run` is a run that may hold one for the first time. */
export function withPermits(
  status: HostPoolStatus,
  permits: readonly Permit[],
  run?: PermitRun,
): HostPoolStatus {
  const holders = new Set(permits.map((permit) => permit.run));
  const known = status.runs ?? [];
  const all = run && !known.some(({ id }) => id === run.id) ? [...known, run] : known;
  return {
    ...status,
    permits: [...permits],
    runs: all.filter(({ id }) => holders.has(id)),
    away: permits.filter(({ level }) => level === 'away').length,
  };
}

/**
 * The status without the permits of an owner, of all its runs; the same object when it has none.
 * @param claimants by host, the run that has claimed it: a permit stays while its run has the claim
 */
export function withoutPermitsOf(
  status: HostPoolStatus,
  owner: OwnerRef,
  claimants: ReadonlyMap<HostName, string | undefined>,
): HostPoolStatus {
  const ours = new Set(status.runs?.filter((run) => isSameOwner(run.owner, owner)).map(({ id }) => id));
  const permits = status.permits ?? [];
  const kept = permits.filter(({ host, run }) => !ours.has(run) || claimants.get(host) === run);
  return kept.length === permits.length ? status : withPermits(status, kept);
}

/** The hosts for which a run holds permits, with their levels. */
export function heldBy(permits: readonly Permit[], run: string): HeldPermits {
  return new Map(permits.filter((permit) => permit.run === run).map(({ host, level }) => [host, level]));
}

/** The hosts for which other runs hold permits, with the words for these runs. */
export function heldByOthers(
  { permits = [], runs = [] }: Pick<HostPoolStatus, 'permits' | 'runs'>,
  own: string,
): ReadonlyMap<HostName, string> {
  const owners = new Map(runs.map(({ id, owner }) => [id, ownerText(owner)]));
  const others = permits.filter(({ run }) => run !== own);
  return new Map(others.map(({ host, run }) => [host, owners.get(run) ?? `run ${run}`]));
}

/** Whether a run holds a permit that it did not hold before, or did with another level. */
export function hasMore(now: HeldPermits, before: HeldPermits): boolean {
  return [...now].some(([host, level]) => before.get(host) !== level);
}

/** The hosts that count against the limit without a permit of level away. */
export function countedBesides(
  { permits = [] }: HostPoolStatus,
  { outOfServiceByOthers, claimedAway }: Pick<PoolCapacity, 'outOfServiceByOthers' | 'claimedAway'>,
): ReadonlySet<HostName> {
  return outOfServiceByOthers.union(claimedAway).difference(awayWith(permits));
}

function awayWith(permits: readonly Permit[]): ReadonlySet<HostName> {
  return new Set(permits.filter(({ level }) => level === 'away').map(({ host }) => host));
}

function refusalOf(
  { runs = [] }: HostPoolStatus,
  { run, wants, knownControllers }: DesiredPermits,
  lacking: readonly HostName[],
  kept: readonly Permit[],
  pool: PoolCapacity,
): string | undefined {
  const { limit, outOfServiceByOthers, claimedAway, closedBecause } = pool;
  if (closedBecause !== undefined) return closedBecause;
  const others = heldByOthers({ runs, permits: [...kept] }, run);
  const taken = lacking.find((host) => others.has(host));
  if (taken !== undefined) return `${taken} has a permit of ${others.get(taken) ?? ''}`;
  const closed = lacking.flatMap((host) => {
    const claim = pool.closedByRuns.get(host);
    return claim && claim.run !== run ? `${host} is held by ${ownerText(claim.owner)}` : [];
  })[0];
  if (closed !== undefined) return closed;
  const away = awayWith(kept);
  const out = away.union(claimedAway).union(outOfServiceByOthers);
  const after = out.union(new Set(lacking)).size;
  if (wants.level === 'touched' || after <= limit) {
    if (!isJudgedByQuorum(wants)) return undefined;
    const touched = new Set(kept.filter((permit) => permit.run !== run).map(({ host }) => host));
    const missing = missingFrom(pool.controllers, knownControllers);
    return againstControlPlane(pool, missing, out.union(touched), lacking);
  }
  const foreign = [...outOfServiceByOthers].filter((host) => !away.has(host) && !lacking.includes(host));
  return (
    `${String(lacking.length)} more would make ${counted(after, 'host')} out of service, the pool allows ${String(limit)}` +
    (foreign.length > 0 ? ` (out of service by others: ${foreign.toSorted().slice(0, 5).join(', ')})` : '')
  );
}

/**
 * @param missing the controllers that have left the pool
 * @param out the hosts that a run or somebody else keeps from serving
 */
function againstControlPlane(
  { controllers, members }: PoolCapacity,
  missing: ReadonlySet<HostName>,
  out: ReadonlySet<HostName>,
  lacking: readonly HostName[],
): string | undefined {
  const { all, down } = withMissing(controllers, missing);
  const said = members?.down ?? new Map<HostName, string>();
  const why = new Map([...said, ...[...missing].map((name) => [name, HAS_LEFT] as const)]);
  const refusal = againstQuorum(all, out.union(down).union(new Set(said.keys())), lacking, why);
  if (refusal === undefined || missing.size === 0) return refusal ?? members?.unknown;
  const names = listed([...missing].toSorted(compareHostNames));
  return (
    `${refusal}; bring ${names} back, or place the request skip-host for each that is gone for good, ` +
    'from etcd, too'
  );
}
