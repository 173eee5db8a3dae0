/** Reads the constraints of a session from the objects of its tenants and the observed instances. Pure. */
import type { InstanceConstraintSpec } from '../../../crds/instance-constraint.ts';
import type { InstanceGroupConstraintSpec } from '../../../crds/instance-group-constraint.ts';
import { INSTANCE_CONSTRAINT, INSTANCE_GROUP_CONSTRAINT } from '../../../crds/names.ts';
import { MOVE_ACTIONS, type MoveAction } from '../../../crds/vocabulary.ts';
import { meetsAll } from '../../../planner/hosts/labels.ts';
import type { InstanceFacts } from '../../view.ts';
import { projectOf } from '../occupancy.ts';
import type { Constraints, GroupConstraint, InstanceConstraint } from './constraints.ts';

/** An object of a tenant. */
export type TenantObject<Spec> = { readonly namespace: string; readonly name: string; readonly spec: Spec };

/** The objects of all tenants. */
export type ConstraintObjects = {
  readonly instances: readonly TenantObject<InstanceConstraintSpec>[];
  readonly groups: readonly TenantObject<InstanceGroupConstraintSpec>[];
};

export type Tenancy = {
  /** The namespace that stands for a project; undefined where none does. On nodes a project is a namespace. */
  readonly namespaceOf: (project: string) => string | undefined;
  /** The ways of moving that the hosts have. */
  readonly actions: readonly MoveAction[];
};

/** Nodes: each namespace is a project, and a pod cannot be moved live. */
export const TENANTS_OF_NODES: Tenancy = {
  namespaceOf: (project) => project,
  actions: MOVE_ACTIONS.filter((action) => action !== 'LIVE_MIGRATE'),
};

/**
 * The constraints of these instances. A tenant constrains only its own instances: an object that names one of another
 * project has no effect. An instance whose constraint does not hold is among the faults, whatever was made or deleted first.
 */
export function constraintsFrom(
  objects: ConstraintObjects,
  observed: readonly InstanceFacts[],
  tenancy: Tenancy,
): Constraints {
  const groups = new Map(objects.groups.map((group) => [keyOf(group), groupOf(group)] as const));
  const instances = new Map<string, InstanceConstraint>();
  const faults = new Map<string, string>();
  for (const instance of observed) {
    const [found, ...others] = objectsFor(instance, objects.instances, tenancy);
    if (!found) continue;
    const mitigates = objects.groups.some(
      (group) => keyOf(group) === groupKeyOf(found) && group.spec.resourceMitigation,
    );
    instances.set(instance.uid, constraintIn(found, mitigates));
    const fault = faultOf(found, others, groups, tenancy);
    if (fault !== undefined) faults.set(instance.uid, fault);
  }
  return { instances, groups, faults, actions: tenancy.actions };
}

type InstanceObject = TenantObject<InstanceConstraintSpec>;

/** The objects that an instance falls under, of those that name it most exactly. */
function objectsFor(
  instance: InstanceFacts,
  all: readonly InstanceObject[],
  tenancy: Tenancy,
): readonly InstanceObject[] {
  const home = tenancy.namespaceOf(projectOf(instance));
  const own = all.filter((each) => each.namespace === home);
  const { uid, name, namespace, labels = {} } = instance;
  const byId = own.filter(({ spec }) => spec.instanceId === uid);
  if (byId.length > 0) return byId;
  const bySelector = own.filter(
    (each) => each.namespace === namespace && each.spec.selector && meetsAll(each.spec.selector, labels),
  );
  return bySelector.length > 0 ? bySelector : own.filter(({ spec }) => spec.instanceName === name);
}

function faultOf(
  found: InstanceObject,
  others: readonly InstanceObject[],
  groups: ReadonlyMap<string, GroupConstraint>,
  { actions }: Tenancy,
): string | undefined {
  if (others.length > 0)
    return `falls under ${[found, ...others].map(nameOf).join(' and ')}: one of them must go`;
  const { groupRef, migrationType } = found.spec;
  if (!groups.has(groupKeyOf(found)))
    return `has ${nameOf(found)}, whose group does not exist: make ${INSTANCE_GROUP_CONSTRAINT} ${groupRef} in ${found.namespace}`;
  if (!actions.includes(migrationType))
    return `is to be moved by ${migrationType} (${nameOf(found)}), which these hosts do not have: it must be ${actions.join(' or ')}`;
  return undefined;
}

function constraintIn(object: InstanceObject, groupMitigates: boolean): InstanceConstraint {
  const { migrationType, maxInterruptionSeconds, leadTimeSeconds, resourceMitigation } = object.spec;
  return {
    isStated: true,
    groups: [groupKeyOf(object)],
    ...{ migrationType, maxInterruptionSeconds, leadTimeSeconds },
    resourceMitigation: resourceMitigation || groupMitigates,
  };
}

function groupOf({ namespace, name, spec }: TenantObject<InstanceGroupConstraintSpec>): GroupConstraint {
  const { antiAffinity, maxInstancesPerHost = 1, maxImpactedMembers, recoverySeconds } = spec;
  return {
    name: `${namespace}/${name}`,
    ...(antiAffinity ? { maxInstancesPerHost } : {}),
    ...{ maxImpactedMembers, recoverySeconds },
  };
}

function keyOf({ namespace, name }: TenantObject<unknown>): string {
  return `${namespace}/${name}`;
}

function groupKeyOf({ namespace, spec }: InstanceObject): string {
  return `${namespace}/${spec.groupRef}`;
}

function nameOf({ namespace, name }: TenantObject<unknown>): string {
  return `${INSTANCE_CONSTRAINT} ${namespace}/${name}`;
}
