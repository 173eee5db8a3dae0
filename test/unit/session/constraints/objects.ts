/** Builders of constraints and of what they are about. */
import { instanceConstraintSpec } from '../../../../src/crds/instance-constraint.ts';
import { instanceGroupConstraintSpec } from '../../../../src/crds/instance-group-constraint.ts';
import { MOVE_ACTIONS } from '../../../../src/crds/vocabulary.ts';
import type { Constraints, GroupConstraint } from '../../../../src/engine/session/constraints/constraints.ts';
import type { ConstraintObjects } from '../../../../src/engine/session/constraints/read-constraints.ts';
import type { HostFacts, InstanceFacts, View } from '../../../../src/engine/view.ts';

export const NOW = Date.parse('2026-11-27T10:00:00Z');

export function later(seconds: number): string {
  return new Date(NOW + seconds * 1000).toISOString();
}

export function pod(name: string, fields: Partial<InstanceFacts> = {}): InstanceFacts {
  return {
    ...{
      uid: `uid-${name}`,
      namespace: 'web',
      name,
      createdAt: 0,
      leaving: undefined,
      controller: 'ReplicaSet w',
    },
    ...{ ignoresClosing: false, localData: false },
    ...fields,
  };
}

export const LEAVING = { since: NOW - 5000, due: NOW + 60_000, heldBy: [] };

type Of = ConstraintObjects['instances'][number];

export function constraint(name: string, spec: object, namespace = 'web'): Of {
  const usual = { groupRef: 'g', migrationType: 'MIGRATE' };
  return { namespace, name, spec: instanceConstraintSpec.parse({ ...usual, ...spec }) };
}

export function group(
  name: string,
  spec: object = {},
  namespace = 'web',
): ConstraintObjects['groups'][number] {
  return { namespace, name, spec: instanceGroupConstraintSpec.parse({ maxImpactedMembers: 1, ...spec }) };
}

/** Instances that are members of one group `g`. */
export function membersOf(
  instances: readonly InstanceFacts[],
  bounds: Partial<GroupConstraint> = {},
): Constraints {
  const own = { isStated: true, groups: ['g'], migrationType: 'MIGRATE', leadTimeSeconds: 30 } as const;
  return {
    instances: new Map(instances.map(({ uid }) => [uid, { ...own, resourceMitigation: false }])),
    groups: new Map([['g', { name: 'web/g', maxImpactedMembers: 1, recoverySeconds: 0, ...bounds }]]),
    ...{ faults: new Map(), actions: MOVE_ACTIONS },
  };
}

type Seen = Pick<View, 'host' | 'fleet'>;

/** Hosts with these instances; those in `closed` take no new work. */
export function viewOf(
  hosts: Readonly<Record<string, readonly InstanceFacts[]>>,
  closed: readonly string[] = [],
  total = Object.keys(hosts).length,
): Seen {
  return {
    host: (name) => {
      const instances = hosts[name];
      // Only these facts are looked at.
      return (
        instances &&
        ({ name, instances, ready: true, closedToNewWork: closed.includes(name) } as unknown as HostFacts)
      );
    },
    fleet: { total } as Seen['fleet'],
  };
}

export function computes(...names: string[]) {
  return names.map((name) => ({ name, type: 'compute', maintained: false }) as const);
}
