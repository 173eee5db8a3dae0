import type { HostPoolSpec, LabelSelector } from '../../crds/host-pool.ts';
import { ROLES, type Role } from '../../crds/vocabulary.ts';

type Labels = Readonly<Record<string, string>>;

export function rolesOf(labels: Labels, roles: HostPoolSpec['roles']): Role[] {
  return ROLES.filter((role) => selects(roles[role], labels));
}

function selects({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Labels): boolean {
  return (
    hasAll(labels, matchLabels) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
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
    })
  );
}

export function hasAll(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}
