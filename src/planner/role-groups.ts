/** The order in which hosts are planned, the same for all profiles (starlingx-vim.md §7.1, §7.2). */
import type { HostName } from './hosts/facts.ts';

/** Hosts of one role that all need a reboot for their patches, or all need none. */
export type RoleGroup<R, H> = { readonly role: R; readonly reboot: boolean; readonly hosts: readonly H[] };

export type Sorting<R, H> = {
  readonly isOf: (role: R, host: H) => boolean;
  readonly needsReboot: (host: H) => boolean;
};

/** The hosts by role, in the order of the roles, in each role first those without a reboot. No group is empty. */
export function roleGroups<R, H>(
  roles: readonly R[],
  hosts: readonly H[],
  { isOf, needsReboot }: Sorting<R, H>,
): RoleGroup<R, H>[] {
  return roles.flatMap((role) => {
    const ofRole = hosts.filter((host) => isOf(role, host));
    return [false, true]
      .map((reboot) => ({ role, reboot, hosts: ofRole.filter((host) => needsReboot(host) === reboot) }))
      .filter((group) => group.hosts.length > 0);
  });
}

/** The standby controllers first, so that the active one fails over only once, to a host that is done. */
export function activeLast<H extends { readonly name: HostName }>(
  hosts: readonly H[],
  active: HostName | undefined,
): H[] {
  const standby = hosts.filter(({ name }) => name !== active);
  return [...standby, ...hosts.filter(({ name }) => name === active)];
}
