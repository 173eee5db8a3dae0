import type { HostProgress } from '../../crds/patch-strategy-status.ts';
import { REBOOT } from '../../crds/vocabulary.ts';
import type { HostStep } from './verdict.ts';

/** Whether the patches of this outage ask for a reboot. */
export function rebootAsked({ plan }: Pick<HostStep, 'plan'>, outage: HostProgress): boolean {
  return plan.actions.patches.some(
    ({ id, rebootRequired }) => rebootRequired && outage.patches?.includes(id),
  );
}

/** Whether a reboot was started and the host is not back from it. */
export function rebootPending(step: HostStep, outage: HostProgress): boolean {
  const { facts } = step;
  const started = outage.bootIdBefore !== undefined && outage.jobs?.some(({ action }) => action === REBOOT);
  return started === true && facts !== undefined && (facts.bootId === outage.bootIdBefore || !facts.ready);
}
