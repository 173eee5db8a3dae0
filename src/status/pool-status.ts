import { isDeepStrictEqual } from 'node:util';
import { counted } from '../crds/text/counted.ts';
import {
  updateConditions,
  type Condition,
  type DesiredCondition,
  type Reason,
} from '../crds/observed/conditions.ts';
import { DEFAULT_POOL } from '../crds/names.ts';
import type { HostPoolSpec, HostPoolStatus } from '../crds/host-pool.ts';
import { countedBesides } from '../engine/permits/permits.ts';
import { closedBecause, limitIn } from '../engine/permits/pool-capacity.ts';
import type { FleetFacts } from '../engine/view.ts';
import type { HostName } from '../planner/hosts/facts.ts';

const NAMED = 20;
const CALM = { reason: 'AsExpected', message: '' } as const;

type HostPool = {
  readonly metadata: { readonly name: string; readonly generation: number };
  readonly spec: HostPoolSpec;
  readonly unreadable?: string | undefined;
};

/**
 * The status with the observed facts about the pool; the same object when none has changed.
 * @param selectsAll whether the pool selects every host there is
 * @param spoilt the hosts whose claim is none, and what is wrong with it
 */
export function observedStatus(
  pool: HostPool,
  status: HostPoolStatus,
  fleet: FleetFacts,
  selectsAll: boolean,
  now: string,
  spoilt: ReadonlyMap<HostName, string> = new Map(),
): HostPoolStatus {
  const { generation } = pool.metadata;
  const conditions = updateConditions(
    status.conditions ?? [],
    conditionsOf(pool, fleet, selectsAll, spoilt),
    generation,
    now,
  );
  const { spoiltClaims: _before, ...kept } = status;
  const spoiltClaims = spoilt.size > 0 ? { spoiltClaims: named(spoilt.keys()) } : {};
  const observed = { ...kept, ...spoiltClaims, observedGeneration: generation, conditions };
  const next = pool.unreadable === undefined ? { ...observed, ...factsOf(pool, status, fleet) } : observed;
  return isDeepStrictEqual(next, status) ? status : next;
}

function factsOf(
  pool: HostPool,
  status: HostPoolStatus,
  fleet: FleetFacts,
): Pick<HostPoolStatus, 'limit' | 'hosts' | 'away' | 'outOfService' | 'outOfServiceByOthers'> {
  return {
    limit: limitIn(pool, fleet),
    hosts: fleet.total,
    away: status.away ?? 0,
    outOfService: named(fleet.outOfServiceByOthers),
    outOfServiceByOthers: countedBesides(status, fleet).size,
  };
}

function named(hosts: Iterable<HostName>): NonNullable<HostPoolStatus['outOfService']> {
  const all = [...hosts].toSorted();
  return { count: all.length, hosts: all.slice(0, NAMED) };
}

/** The conditions of a pool while the kinds are outdated. */
export function outdatedPoolConditions(
  before: readonly Condition[],
  message: string,
  generation: number,
  now: string,
): Condition[] {
  return updateConditions(before, stalledFor('KindsOutdated', message), generation, now);
}

function stalledFor(reason: Reason, message: string): DesiredCondition[] {
  return [
    { type: 'Ready', status: 'False', reason, message },
    { type: 'Reconciling', status: 'False', ...CALM },
    { type: 'Stalled', status: 'True', reason, message },
  ];
}

function conditionsOf(
  pool: HostPool,
  fleet: FleetFacts,
  selectsAll: boolean,
  spoilt: ReadonlyMap<HostName, string>,
): DesiredCondition[] {
  const { name } = pool.metadata;
  const why = closedBecause(pool, fleet);
  if (why && why.reason !== 'Paused') return stalledFor(why.reason, why.message);
  const all =
    selectsAll && name !== DEFAULT_POOL ? `; it selects all hosts, so HostPool ${DEFAULT_POOL} has none` : '';
  const message = `at most ${counted(limitIn(pool, fleet), 'host')} out of service at once${all}${aboutSpoilt(spoilt)}`;
  const serving = pool.spec.paused
    ? ({ reason: 'Paused', message: 'no outage begins until spec.paused is false' } as const)
    : ({ reason: 'Serving', message } as const);
  return [
    { type: 'Ready', status: 'True', ...serving },
    { type: 'Reconciling', status: 'False', ...CALM },
    { type: 'Stalled', status: 'False', ...CALM },
  ];
}

function aboutSpoilt(spoilt: ReadonlyMap<HostName, string>): string {
  const [first] = [...spoilt].toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (!first) return '';
  const others = spoilt.size > 1 ? ` and ${counted(spoilt.size - 1, 'other')}` : '';
  return `; no run may take ${first[0]}${others}: ${first[1]} (remove it when nobody works there)`;
}
