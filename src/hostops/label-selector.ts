/** Selects objects by their labels, and finds the roles of a host. Pure; the same for every adapter. */
import type { HostPoolSpec } from '../crds/host-pool.ts';
import type { LabelSelector } from '../crds/spec/label-selector.ts';
import { ROLES, type Role } from '../crds/vocabulary.ts';
import { hasAll, type Labels } from '../planner/hosts/labels.ts';

/** The roles of a host, in the order of `ROLES`; it may have several, or none. */
export function rolesOf(labels: Labels, roles: HostPoolSpec['roles']): readonly Role[] {
  return ROLES.filter((role) => meetsAll(roles[role], labels));
}

/** Whether labels meet all requirements of a selector. */
export function meetsAll(
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  labels: Labels,
): boolean {
  return hasAll(labels, matchLabels) && matchExpressions.every((each) => meets(labels, each));
}

type Requirement = NonNullable<LabelSelector['matchExpressions']>[number];

function meets(labels: Labels, { key, operator, values = [] }: Requirement): boolean {
  const found = labels[key];
  switch (operator) {
    case 'In':
      return found !== undefined && values.includes(found);
    case 'NotIn':
      return found === undefined || !values.includes(found);
    case 'Exists':
      return found !== undefined;
    case 'DoesNotExist':
      return found === undefined;
  }
}
