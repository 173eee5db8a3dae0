import type { Leaving, Profile } from '../profile.ts';
import { hostEntities, instanceEntities, step, wait, type Step } from '../steps.ts';

/** The VIM of May 2020, nearest to the old API reference. The other profiles are defined by their differences to it. */
export const VIM_2020: Profile = {
  name: 'vim-2020',
  ignoredAlarms: {
    'sw-patch': ['900.001', '900.005', '900.101', '200.001', '700.004', '280.002'],
    'sw-upgrade': ['900.005', '900.201'],
  },
  timeoutSeconds: {
    'query-alarms': 60,
    'query-sw-patches': 60,
    'query-sw-patch-hosts': 60,
    'query-upgrade': 60,
    'swact-hosts': 900,
    'lock-hosts': 900,
    'unlock-hosts': 1800,
    'reboot-hosts': 900,
    'sw-patch-hosts': 1800,
    'upgrade-hosts': 3600,
    'migrate-instances': 1800,
    'migrate-instances-from-host': 1800,
    'stop-instances': 900,
    'start-instances': 900,
    'disable-host-services': 180,
    'enable-host-services': 180,
    'activate-upgrade': 900,
    'complete-upgrade': 300,
  },
  settleSeconds: 15,
  stabilizeInPlaceSeconds: 30,
  controllerDataSyncSeconds: 14_400,
  tooFewControllersToPatch: 'not enough controllers to apply software patches',
  migrate,
  afterReboot: () => wait('system-stabilize', 60),
};

/** Migrates only existing instances. The first host decides whether services are disabled on all hosts. */
function migrate(profile: Profile, { hosts, computeHosts, instances, applyType }: Leaving): readonly Step[] {
  if (instances.length === 0) return [];
  const migration = step(profile, 'migrate-instances', instanceEntities(instances));
  return applyType === 'parallel' && computeHosts[0] === hosts[0]
    ? [step(profile, 'disable-host-services', hostEntities(hosts)), migration]
    : [migration];
}
