/**
 * Permits, the rights to take hosts out of service. This is the only place that
 * grants them, in one guarded write on the pool, and it decides on what it has
 * just read, never on a cache.
 */
import type { HostPoolStatus, Permit, PermitRun } from '../crds/host-pool.ts';
import type { PermitFacts, Wants } from '../engine/turn.ts';
import type { HostName } from '../planner/facts.ts';

export type PermitWish = {
  readonly run: string;
  /** namespace/name, for people. */
  readonly strategy: string;
  readonly wants: Wants['permits'];
};

export type PoolFacts = {
  readonly maxUnavailable: number;
  readonly permits: readonly Permit[];
  /** Whose the permits are. */
  readonly runs: readonly PermitRun[];
  readonly outOfServiceByOthers: ReadonlySet<HostName>;
};

export type Settlement = {
  /** What the pool's status becomes; undefined when it is right already. */
  readonly status: HostPoolStatus | undefined;
  readonly facts: PermitFacts;
};

/**
 * Brings a run's permits in line with its wish: frees what it no longer wants,
 * and grants what it lacks, all of it or nothing. A host that others took out
 * of service counts, once, whether it has a permit or not.
 */
export function settlePermits(wish: PermitWish, pool: PoolFacts, now: string): Settlement {
  const { run, strategy, wants } = wish;
  const kept = pool.permits.filter((permit) => permit.run !== run || wants.hosts.includes(permit.host));
  const mine = new Set(kept.filter((permit) => permit.run === run).map(({ host }) => host));
  const lacking = wants.hosts.filter((host) => !mine.has(host));
  const granted = lacking.map((host): Permit => ({ host, run, level: wants.level, since: now }));
  const refusal = lacking.length > 0 ? refusalOf(lacking, granted, kept, pool) : undefined;
  const permits = refusal ? kept : [...kept, ...granted];
  const held = new Set(permits.filter((permit) => permit.run === run).map(({ host }) => host));
  const unchanged = permits.length === pool.permits.length && kept.length === pool.permits.length;
  return {
    status: unchanged ? undefined : permitStatus(permits, [...pool.runs, { id: run, strategy }]),
    facts: { held, ...(refusal ? { refusal } : {}) },
  };
}

/** The status that shows these permits: how many are away, and of `runs` those that hold one. */
export function permitStatus(permits: Permit[], runs: readonly PermitRun[]): HostPoolStatus {
  const strategies = new Map(runs.map(({ id, strategy }) => [id, strategy]));
  const holding = new Set(permits.map(({ run }) => run));
  return {
    permits,
    away: permits.filter(({ level }) => level === 'away').length,
    runs: [...strategies].filter(([id]) => holding.has(id)).map(([id, strategy]) => ({ id, strategy })),
  };
}

function refusalOf(
  lacking: readonly HostName[],
  granted: readonly Permit[],
  kept: readonly Permit[],
  { maxUnavailable, runs, outOfServiceByOthers }: PoolFacts,
): string | undefined {
  const taken = kept.find(({ host }) => lacking.includes(host));
  if (taken) {
    const owner = runs.find(({ id }) => id === taken.run)?.strategy;
    return `${taken.host} has a permit of ${owner === undefined ? `run ${taken.run}` : `strategy ${owner}`}`;
  }
  if (granted.every(({ level }) => level === 'touched')) return undefined;
  const away = new Set(kept.filter(({ level }) => level === 'away').map(({ host }) => host));
  const out = away.union(outOfServiceByOthers);
  const after = out.union(new Set(lacking)).size;
  if (after <= maxUnavailable) return undefined;
  const others = [...outOfServiceByOthers].filter((host) => !away.has(host) && !lacking.includes(host));
  return (
    `${String(lacking.length)} more would make ${String(after)} hosts out of service, the pool allows ${String(maxUnavailable)}` +
    (others.length > 0 ? ` (cordoned or not Ready: ${others.toSorted().slice(0, 5).join(', ')})` : '')
  );
}
