import type { HostJob, HostProgress, ManualWork } from '../../crds/observed/host-progress.ts';
import { REBOOT } from '../../crds/vocabulary.ts';
import type { Plan } from '../../planner/plan.ts';
import type { EffectFacts, HostFacts } from '../view.ts';
import { keyOf, type HostStep, type Verdict } from './verdict.ts';

/** Records the boot id together with the first effect on a claimed host. A later change of it shows the reboot. */
export function withBootId(step: HostStep, judge: (step: HostStep) => Verdict): Verdict {
  const { facts, outage, run } = step;
  const verdict = judge(step);
  const isDue = verdict.kind === 'act' && facts?.claim?.run === run && outage?.bootIdBefore === undefined;
  if (!isDue) return verdict;
  return { ...verdict, progress: { ...verdict.progress, bootIdBefore: bootOf(facts, outage) } };
}

/** The boots of a host whose platform shows no boot id: before its reboot, and after it. */
const UNSHOWN = { before: 'not shown', after: 'not shown, after a reboot' };

/** The boot that the host is in. Where the platform shows none, it changes with the success of the reboot Job. */
export function bootOf({ bootId }: Pick<HostFacts, 'bootId'>, outage: HostProgress | undefined): string {
  if (bootId !== undefined) return bootId;
  const isAfter = outage?.jobs?.some(({ action, result }) => action === REBOOT && result === 'succeeded');
  return isAfter ? UNSHOWN.after : UNSHOWN.before;
}

/** Whether a patch of this outage requires a reboot, or one from before a restart of the stage still does. */
export function rebootAsked(
  { plan, facts }: Pick<HostStep, 'plan' | 'facts'>,
  outage: HostProgress,
): boolean {
  const { patches = [], unrebooted, bootIdBefore = facts && bootOf(facts, outage) } = outage;
  return requireReboot(plan, patches) || (unrebooted !== undefined && unrebooted === bootIdBefore);
}

/** The Jobs of the work that was begun since the last restart of the stage, without those that changed nothing. */
export function jobsThatRan({ patches = [], jobs = [] }: HostProgress): readonly HostJob[] {
  return jobs.filter(({ action, result }) => patches.includes(action) && result !== 'not-started');
}

/** The work that persons may have begun since the last restart of the stage. */
export function manualThatBegan({ patches = [], manual = [] }: HostProgress): readonly ManualWork[] {
  return manual.filter(({ action }) => patches.includes(action));
}

/** The boot id under which work that requires a reboot may have changed the host; undefined when none may have. */
export function changedUnder(plan: Plan, outage: HostProgress): string | undefined {
  const ran = [...jobsThatRan(outage), ...manualThatBegan(outage)].map(({ action }) => action);
  const changed = requireReboot(plan, ran) ? outage.bootIdBefore : outage.unrebooted;
  const hasRebooted = changed === UNSHOWN.before && bootOf({ bootId: undefined }, outage) === UNSHOWN.after;
  return hasRebooted ? undefined : changed;
}

/** Whether one of these pieces of work requires a reboot. */
function requireReboot({ actions }: Plan, ids: readonly string[]): boolean {
  return actions.patches.some(({ id, rebootRequired }) => rebootRequired && ids.includes(id));
}

/** The Job that reboots the host, whichever step it belongs to. */
export function rebootJob(step: HostStep): EffectFacts | undefined {
  const { rebootsIn, view, owner } = step;
  return rebootsIn === undefined ? undefined : view.effect(keyOf(step, rebootsIn, REBOOT), owner);
}

/**
 * Whether the reboot that this outage requires did not happen: the boot id decides. Where the platform shows none, the
 * Job of the reboot does.
 */
export function isUnrebooted(step: Pick<HostStep, 'plan' | 'facts'>, outage: HostProgress): boolean {
  const { facts } = step;
  if (!facts || !rebootAsked(step, outage)) return false;
  if (facts.bootId !== undefined) return facts.bootId === outage.bootIdBefore;
  return outage.jobs?.some(({ action, result }) => action === REBOOT && result !== 'succeeded') === true;
}

/**
 * Whether a reboot was started and the host has not completed it. A suspended Job reboots nothing. A Job from before a
 * retry is not awaited.
 */
export function rebootPending(step: HostStep, outage: HostProgress): boolean {
  const { facts } = step;
  const made =
    rebootAsked(step, outage) &&
    outage.bootIdBefore !== undefined &&
    outage.jobs?.some(({ action, result }) => action === REBOOT && result !== 'not-started') === true;
  if (!made || !facts || rebootJob(step)?.state === 'suspended') return false;
  return facts.bootId === outage.bootIdBefore || !facts.ready;
}
