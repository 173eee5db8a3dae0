/** The checks before the first stage of a role is planned (starlingx-vim.md §7.2 to §8). */
import { isA, type Fleet } from './fleet.ts';
import type { Host, Personality, Platform } from './inventory.ts';

/** The personality of a host may differ between the patch service and the inventory. */
export function personalityMismatch(personality: Personality, hosts: readonly Host[]): string | undefined {
  return hosts.every((host) => isA(personality, host))
    ? undefined
    : `host inventory personality ${personality} mismatch detected`;
}

/** The check of §7.3. The whole inventory counts, also for sw-upgrade. */
export function storageRefusal(hosts: readonly Host[], fleet: Fleet): string | undefined {
  const mismatch = personalityMismatch('storage', hosts);
  if (mismatch !== undefined) return mismatch;
  return fleet.size('storage') < 2 ? 'not enough storage hosts to apply software updates' : undefined;
}

/**
 * Checks B and C of §7.5. With a reboot, no instance of the whole system may be both stopped and in a group: its peers
 * might need its host.
 */
export function workerRefusal(
  hosts: readonly Host[],
  reboot: boolean,
  platform: Platform,
): string | undefined {
  return personalityMismatch('worker', hosts) ?? (reboot ? lockedGroupMember(platform) : undefined);
}

/** The first in instance order, with its first group in group order. */
function lockedGroupMember({ instances, instanceGroups }: Platform): string | undefined {
  const locked = instances.filter(({ adminState }) => adminState === 'locked');
  if (locked.length === 0) return undefined;
  const groupOf = new Map<string, string>();
  for (const { name, memberUuids } of instanceGroups)
    for (const uuid of memberUuids) if (!groupOf.has(uuid)) groupOf.set(uuid, name);
  const hit = locked.find(({ uuid }) => groupOf.has(uuid));
  return hit && `instance ${hit.name} in group ${groupOf.get(hit.uuid) ?? ''} must not be shut down`;
}
