import type { Host } from './inventory.ts';
import type { Profile } from './profile.ts';
import { hostEntities, step, wait, type Step } from './steps.ts';

/** One list of hosts, and the differences between the stages that take such lists out of service. */
export type Outage = {
  readonly work: 'sw-patch-hosts' | 'upgrade-hosts';
  readonly hosts: readonly Host[];
  /** Hosts to lock and to unlock; all of them, unless some are locked already. */
  readonly toLock?: readonly Host[];
  /** Hosts that are locked already and stay so. */
  readonly toReboot?: readonly Host[];
  readonly before?: readonly Step[];
  readonly after: readonly Step[];
};

/** The steps of a stage with a reboot, in the order that all such stages share (starlingx-vim.md §7.2 to §8). */
export function outageSteps(profile: Profile, outage: Outage): readonly Step[] {
  const { work, hosts, toLock = hosts, toReboot = [], before = [], after } = outage;
  const all = hostEntities(hosts);
  const locking = toLock.length === hosts.length ? all : hostEntities(toLock);
  const settles = work === 'sw-patch-hosts' && profile.settleSeconds > 0;
  return [
    step(profile, 'query-alarms'),
    ...before,
    ...(toLock.length > 0 ? [step(profile, 'lock-hosts', locking)] : []),
    step(profile, work, all),
    ...(settles ? [wait('system-stabilize', profile.settleSeconds)] : []),
    ...(toLock.length > 0 ? [step(profile, 'unlock-hosts', locking)] : []),
    ...(toReboot.length > 0 ? [step(profile, 'reboot-hosts', hostEntities(toReboot))] : []),
    ...after,
  ];
}

/** The steps for a patch without a reboot: hosts stay unlocked, and no instance moves. */
export function inPlaceSteps(profile: Profile, hosts: readonly Host[]): readonly Step[] {
  return [
    step(profile, 'query-alarms'),
    step(profile, 'sw-patch-hosts', hostEntities(hosts)),
    wait('system-stabilize', profile.stabilizeInPlaceSeconds),
  ];
}
