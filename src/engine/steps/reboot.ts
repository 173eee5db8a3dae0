import type { HostProgress } from '../../crds/patch-strategy-status.ts';
import { REBOOT } from '../../crds/vocabulary.ts';
import type { EffectFacts } from '../view.ts';
import { keyOf, type HostStep, type Verdict } from './verdict.ts';

/** Writes the boot id down with the first thing that is done to a host which is ours: later it tells whether it rebooted. */
export function withBootId(step: HostStep, judge: (step: HostStep) => Verdict): Verdict {
  const { facts, outage, run } = step;
  const verdict = judge(step);
  if (verdict.kind !== 'act' || facts?.claim?.run !== run || outage?.bootIdBefore !== undefined)
    return verdict;
  return { ...verdict, progress: { ...verdict.progress, bootIdBefore: facts.bootId } };
}

/** Whether the patches of this outage ask for a reboot. */
export function rebootAsked({ plan }: Pick<HostStep, 'plan'>, outage: HostProgress): boolean {
  return plan.actions.patches.some(
    ({ id, rebootRequired }) => rebootRequired && outage.patches?.includes(id),
  );
}

/** The Job that reboots the host, of whatever step it is. */
export function rebootJob(step: HostStep): EffectFacts | undefined {
  const { rebootsIn, view } = step;
  return rebootsIn === undefined ? undefined : view.effect(keyOf(step, rebootsIn, REBOOT));
}

/**
 * Whether a reboot was started and the host is not back from it. A Job that was only made reboots nothing, and one of
 * before the host was taken up again is not awaited.
 */
export function rebootPending(step: HostStep, outage: HostProgress): boolean {
  const { facts } = step;
  const made =
    rebootAsked(step, outage) &&
    outage.bootIdBefore !== undefined &&
    outage.jobs?.some(({ action }) => action === REBOOT) === true;
  if (!made || !facts || rebootJob(step)?.state === 'suspended') return false;
  return facts.bootId === outage.bootIdBefore || !facts.ready;
}
