import type { HostProgress } from '../../crds/patch-strategy-status.ts';
import { REBOOT } from '../../crds/vocabulary.ts';
import { keyOf, type HostStep } from './verdict.ts';

/** Whether the patches of this outage ask for a reboot. */
export function rebootAsked({ plan }: Pick<HostStep, 'plan'>, outage: HostProgress): boolean {
  return plan.actions.patches.some(
    ({ id, rebootRequired }) => rebootRequired && outage.patches?.includes(id),
  );
}

/**
 * Whether a reboot was started and the host is not back from it. A Job that was only made reboots nothing, and one of
 * before the host was taken up again is not awaited.
 */
export function rebootPending(step: HostStep, outage: HostProgress): boolean {
  const { facts, view } = step;
  const made =
    rebootAsked(step, outage) &&
    outage.bootIdBefore !== undefined &&
    outage.jobs?.some(({ action }) => action === REBOOT) === true;
  if (!made || !facts || view.effect(keyOf(step, 'sw-patch-hosts', REBOOT))?.state === 'suspended')
    return false;
  return facts.bootId === outage.bootIdBefore || !facts.ready;
}
