import { counted } from '../crds/counted.ts';
import { updateConditions, type Condition, type DesiredCondition, type Reason } from '../crds/conditions.ts';
import type { HostPoolSpec, HostPoolStatus } from '../crds/host-pool.ts';
import { limitIn, overlap } from '../engine/permits/pool-capacity.ts';
import type { FleetFacts } from '../engine/view.ts';

const NAMED = 20;
const CALM = { reason: 'AsExpected', message: '' } as const;

type HostPool = {
  readonly metadata: { readonly name: string; readonly generation: number };
  readonly spec: HostPoolSpec;
};

/** The status with the observed facts about the pool; the same object when none has changed. */
export function observedStatus(
  pool: HostPool,
  status: HostPoolStatus,
  fleet: FleetFacts,
  now: string,
): HostPoolStatus {
  const { generation } = pool.metadata;
  const out = [...fleet.outOfServiceByOthers].toSorted();
  const next: HostPoolStatus = {
    ...status,
    observedGeneration: generation,
    limit: limitIn(pool, fleet),
    hosts: fleet.total,
    outOfService: { count: out.length, hosts: out.slice(0, NAMED) },
    conditions: updateConditions(status.conditions ?? [], conditionsOf(pool, fleet), generation, now),
  };
  return JSON.stringify(next) === JSON.stringify(status) ? status : next;
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

function conditionsOf(pool: HostPool, fleet: FleetFacts): DesiredCondition[] {
  const problem = overlap(pool.metadata.name, fleet);
  if (problem !== undefined) return stalledFor('Overlap', problem);
  const message = `at most ${counted(limitIn(pool, fleet), 'host')} out of service at once`;
  const serving = pool.spec.paused
    ? ({ reason: 'Paused', message: 'no outage begins until spec.paused is false' } as const)
    : ({ reason: 'Serving', message } as const);
  return [
    { type: 'Ready', status: 'True', ...serving },
    { type: 'Reconciling', status: 'False', ...CALM },
    { type: 'Stalled', status: 'False', ...CALM },
  ];
}
