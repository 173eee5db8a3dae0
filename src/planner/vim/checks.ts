/**
 * The checks between the queries and the planning (starlingx-vim.md §6.2), in their order. Each function returns the
 * reason of the first failed check; undefined when all pass.
 */
import { countingAlarms } from './alarms.ts';
import { isA } from './fleet.ts';
import type { Host } from './inventory.ts';
import type { Profile } from './profile.ts';
import type { PatchRequest, UpgradeRequest } from './request.ts';

export function patchRefusal(profile: Profile, request: PatchRequest): string | undefined {
  const { patches, hosts, extraPatchHosts } = request.inputs;
  if (patches.length === 0) return 'no software patches found';
  if (countingAlarms(profile, request).length > 0) return 'active alarms present';
  for (const host of hosts) {
    if (isA('worker', host) && !isA('controller', host)) {
      if (!isInService(host) && !isOutOfService(host))
        return 'all worker hosts must be unlocked-enabled-available, locked-disabled-online or locked-disabled-offline';
    } else if (!isInService(host)) return notInService(host);
  }
  // The patch service lists the hosts of the inventory first, so their reason comes first.
  if (hosts.some(({ patch }) => patch.interimState))
    return 'at least one host is in pending patch current state';
  return extraPatchHosts.length > 0 ? 'host inventory mismatch detected' : undefined;
}

export function upgradeRefusal(profile: Profile, request: UpgradeRequest): string | undefined {
  const { upgrade, activeController, hosts } = request.inputs;
  if (!upgrade) return 'no upgrade in progress';
  if (!['upgrading-controllers', 'upgrading-hosts'].includes(upgrade.state))
    return `invalid upgrade state for orchestration: ${upgrade.state}`;
  if (upgrade.state === 'upgrading-controllers' && activeController !== 'controller-1')
    return 'controller-1 must be active for orchestration to upgrade controller-0';
  if (countingAlarms(profile, request).length > 0) return 'active alarms present';
  const unfit = hosts.find((host) => !isInService(host));
  return unfit && notInService(unfit);
}

function notInService({ personality }: Host): string {
  return `all ${personality.join(',')} hosts must be unlocked-enabled-available`;
}

function isInService({ adminState, operState, availStatus }: Host): boolean {
  return adminState === 'unlocked' && operState === 'enabled' && availStatus === 'available';
}

function isOutOfService({ adminState, operState, availStatus }: Host): boolean {
  return adminState === 'locked' && operState === 'disabled' && ['online', 'offline'].includes(availStatus);
}
