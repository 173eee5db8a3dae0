import type { StageName } from '../../crds/vocabulary.ts';
import type { Fleet } from './fleet.ts';
import type { PatchHost } from './inventory.ts';
import { inPlaceSteps, outageSteps, type Outage } from './outage.ts';
import type { Profile } from './profile.ts';
import type { PatchInputs } from './request.ts';
import type { Stage } from './steps.ts';

/** Hosts of one role that all need a reboot for their patch, or all need none. */
export type PatchGroup = {
  readonly profile: Profile;
  readonly inputs: PatchInputs;
  readonly fleet: Fleet;
  readonly hosts: readonly PatchHost[];
  readonly reboot: boolean;
};

/** @param outage the differences of a stage with a reboot; called only for such a stage */
export function patchStage(
  { profile, reboot }: PatchGroup,
  name: StageName,
  hosts: readonly PatchHost[],
  outage: () => Omit<Outage, 'work' | 'hosts'>,
): Stage {
  const steps = reboot
    ? outageSteps(profile, { work: 'sw-patch-hosts', hosts, ...outage() })
    : inPlaceSteps(profile, hosts);
  return { name, steps };
}
