/** The limits of a pool on outages, from its spec and its fleet. Pure. */
import type { HeldBack } from '../turn.ts';
import type { FleetFacts, MemberHealth } from '../view.ts';
import { limitOf } from '../../planner/hosts/host-limit.ts';
import type { HostPoolSpec } from '../../crds/host-pool.ts';
import type { PoolCapacity } from './permits.ts';

const NAMED = 3;

/** The part of a pool with its limit and its switches. */
type HostPool = {
  readonly metadata: { readonly name: string };
  readonly spec: HostPoolSpec;
  /** Why the stored spec cannot be read. */
  readonly unreadable?: string | undefined;
};

export function poolCapacity(pool: HostPool, fleet: FleetFacts, members?: MemberHealth): PoolCapacity {
  return {
    limit: limitIn(pool, fleet),
    outOfServiceByOthers: fleet.outOfServiceByOthers,
    claimedAway: fleet.claimedAway,
    closedByRuns: fleet.closedByRuns,
    controllers: fleet.controllers,
    members,
    closedBecause: closedBecause(pool, fleet)?.message,
  };
}

/** How many hosts of a pool may be out of service at once, as a number. */
export function limitIn({ spec }: HostPool, { total }: FleetFacts): number {
  return limitOf(spec.maxUnavailable, total);
}

/** Why the pool grants no permits now; undefined when it does. */
export function closedBecause(
  { metadata: { name }, spec, unreadable }: HostPool,
  fleet: FleetFacts,
): HeldBack | undefined {
  if (unreadable !== undefined) return specUnreadable(name, unreadable);
  if (spec.paused)
    return { reason: 'Paused', message: `HostPool ${name} is paused (spec.paused): no outage begins` };
  if (fleet.unobservable !== undefined)
    return { reason: 'ProviderUnavailable', message: cannotBeObserved(name, fleet.unobservable) };
  const message = overlap(name, fleet);
  return message === undefined ? undefined : { reason: 'Overlap', message };
}

export function cannotBeObserved(pool: string, why: string): string {
  return `the hosts of HostPool ${pool} cannot be observed: ${why}`;
}

/** The problem of a pool whose stored spec cannot be read. */
export function specUnreadable(name: string, why: string): HeldBack {
  return {
    reason: 'SpecUnreadable',
    message: `HostPool ${name}: ${why}; edit the named field, it grants nothing until then`,
  };
}

/** The problem of a pool that selects hosts of an older pool, and its remedy; undefined when it selects none. */
export function overlap(pool: string, { keptByOtherPools }: FleetFacts): string | undefined {
  if (keptByOtherPools.size === 0) return undefined;
  const names = [...keptByOtherPools].toSorted();
  const named = names.slice(0, NAMED).join(', ');
  const more = names.length > NAMED ? ` and ${String(names.length - NAMED)} more` : '';
  return `HostPool ${pool} selects hosts of an older pool (${named}${more}): change its spec.provider, it grants nothing until then`;
}
