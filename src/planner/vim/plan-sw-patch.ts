/** The apply phase of a sw-patch strategy (starlingx-vim.md §7). */
import { activeLast, roleGroups } from '../role-groups.ts';
import { isA, type Fleet } from './fleet.ts';
import { storageLists } from './host-lists.ts';
import type { PatchHost, Personality } from './inventory.ts';
import { patchStage, type PatchGroup } from './patch-group.ts';
import { patchWorkers } from './patch-workers.ts';
import { failed, planInOrder, type Planned } from './planned.ts';
import type { Profile } from './profile.ts';
import type { PatchInputs } from './request.ts';
import { personalityMismatch, storageRefusal } from './role-checks.ts';
import { hostEntities, step, wait } from './steps.ts';

const PLANNERS = {
  controller: patchControllers,
  storage: patchStorage,
  swift: patchSwift,
  worker: patchWorkers,
} as const;
const ROLES = ['controller', 'storage', 'swift', 'worker'] as const;

/** The stages of all hosts that are not patch current; in each role first the hosts without a reboot. */
export function planSwPatch(profile: Profile, inputs: PatchInputs, fleet: Fleet): Planned {
  const groups = roleGroups(
    ROLES,
    inputs.hosts.filter(({ patch }) => !patch.patchCurrent),
    { isOf: isSortedTo, needsReboot: ({ patch }) => patch.requiresReboot },
  );
  return planInOrder(
    groups.map(
      ({ role, ...group }) =>
        () =>
          PLANNERS[role]({ profile, inputs, fleet, ...group }),
    ),
  );
}

/** By the personality from the patch service: at most one of controller, storage and swift, and also worker (§7.1). */
function isSortedTo(role: Personality, { patch, personality, availStatus }: PatchHost): boolean {
  const reported = patch.personality ?? personality;
  if (role === 'worker') return reported.includes('worker') && availStatus !== 'offline';
  return (['controller', 'storage', 'swift'] as const).find((each) => reported.includes(each)) === role;
}

/** §7.2. All-in-one nodes are checked here and planned with the workers. */
function patchControllers(group: PatchGroup): Planned {
  const { profile, inputs, fleet, hosts } = group;
  const applyType = inputs.params['controller-apply-type'];
  if (applyType === 'ignore') return { stages: [] };
  const mismatch = personalityMismatch('controller', hosts);
  if (mismatch !== undefined) return failed(mismatch);
  if (!inputs.singleController && fleet.size('controller') < 2)
    return failed(profile.tooFewControllersToPatch);
  if (applyType === 'parallel') return failed('parallel apply type not allowed for controllers');

  const alone = hosts.filter((host) => !isA('worker', host));
  return {
    stages: activeLast(alone, inputs.activeController).map((host) =>
      patchStage(group, 'sw-patch-controllers', [host], () => ({
        before: [step(profile, 'swact-hosts', hostEntities([host]))],
        after: [profile.afterReboot([host])],
      })),
    ),
  };
}

/** §7.3 */
function patchStorage(group: PatchGroup): Planned {
  const { inputs, fleet, hosts } = group;
  const applyType = inputs.params['storage-apply-type'];
  if (applyType === 'ignore') return { stages: [] };
  const refusal = storageRefusal(hosts, fleet);
  if (refusal !== undefined) return failed(refusal);
  return {
    stages: storageLists(hosts, applyType, inputs).map((list) =>
      patchStage(group, 'sw-patch-storage-hosts', list, () => ({ after: [wait('wait-data-sync', 1800)] })),
    ),
  };
}

/** §7.4. Parallel is the same as serial. */
function patchSwift(group: PatchGroup): Planned {
  const { inputs, fleet, hosts } = group;
  if (inputs.params['swift-apply-type'] === 'ignore') return { stages: [] };
  const mismatch = personalityMismatch('swift', hosts);
  if (mismatch !== undefined) return failed(mismatch);
  if (fleet.size('swift') < 2) return failed('not enough swift hosts to apply software patches');
  return {
    stages: hosts.map((host) =>
      patchStage(group, 'sw-patch-swift-hosts', [host], () => ({ after: [wait('system-stabilize', 60)] })),
    ),
  };
}
