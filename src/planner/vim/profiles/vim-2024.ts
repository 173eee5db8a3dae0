import type { Host } from '../inventory.ts';
import type { Leaving, Profile } from '../profile.ts';
import { hostEntities, instanceEntities, step, wait, type Step } from '../steps.ts';
import { VIM_2020 } from './vim-2020.ts';

/** The VIM of July 2024, the last one with sw-patch. It no longer has a sw-upgrade of this form. */
export const VIM_2024: Profile = {
  ...VIM_2020,
  name: 'vim-2024',
  ignoredAlarms: {
    'sw-patch': [...(VIM_2020.ignoredAlarms['sw-patch'] ?? []), '100.119', '900.701', '750.006'],
  },
  tooFewControllersToPatch: 'not enough controllers to apply software update',
  migrate,
  afterReboot,
};

/** Migrates from hosts, with or without instances at build; the step lists the instances of all hosts of the stage. */
function migrate(profile: Profile, { computeHosts, instances, applyType }: Leaving): readonly Step[] {
  if (computeHosts.length === 0) return [];
  const migration = step(profile, 'migrate-instances-from-host', instanceEntities(instances));
  return applyType === 'parallel'
    ? [step(profile, 'disable-host-services', hostEntities(computeHosts)), migration]
    : [migration];
}

function afterReboot(hosts: readonly Host[]): Step {
  if (hosts.some(({ personality }) => personality.includes('controller')))
    return wait('wait-alarms-clear', 2400);
  if (hosts.some(({ openstackCompute, openstackControl }) => openstackCompute || openstackControl))
    return wait('wait-alarms-clear', 600);
  return wait('system-stabilize', 60);
}
