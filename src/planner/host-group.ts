import type { StrategySpec } from '../crds/spec/strategy-spec.ts';
import type { Role } from '../crds/vocabulary.ts';

export type ApplyTypes = Pick<StrategySpec, 'controllerApplyType' | 'storageApplyType' | 'workerApplyType'>;

/**
 * The single group of a host. As in the VIM, a controller that is also a worker is planned with the workers. A storage
 * host that is also a worker is planned with the storage hosts, because their stages are more careful.
 */
export function groupOf({ roles }: { readonly roles: readonly Role[] }): Role | undefined {
  if (roles.includes('controller')) return roles.includes('worker') ? 'worker' : 'controller';
  return roles.includes('storage') ? 'storage' : roles.find((role) => role === 'worker');
}

/** How the hosts of a group are taken; `ignore` leaves them out of the plan. */
export function applyTypeOf(spec: ApplyTypes, group: Role): ApplyTypes['storageApplyType'] {
  return spec[applyTypeField(group)];
}

/** The field of a spec that says how the hosts of a group are taken. */
export function applyTypeField(group: Role): keyof ApplyTypes {
  return `${group}ApplyType`;
}
