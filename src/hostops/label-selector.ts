/** Finds the roles of a host by its labels. Pure; the same for every adapter. */
import type { HostPoolSpec } from '../crds/host-pool.ts';
import { ROLES, type Role } from '../crds/vocabulary.ts';
import { meetsAll, type Labels } from '../planner/hosts/labels.ts';

/** The roles of a host, in the order of `ROLES`; it may have several, or none. */
export function rolesOf(labels: Labels, roles: HostPoolSpec['roles']): readonly Role[] {
  return ROLES.filter((role) => meetsAll(roles[role], labels));
}
