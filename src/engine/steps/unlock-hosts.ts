import type { HostProgress } from '../../crds/patch-strategy-status.ts';
import type { Timing } from '../../crds/timing.ts';
import type { Step } from '../../planner/plan.ts';
import { STEP_KINDS } from '../../planner/step-kinds.ts';
import type { HostFacts } from '../view.ts';
import { rebootPending } from './reboot.ts';
import { DONE, ask, keyOf, type HostStep, type Verdict } from './verdict.ts';

/** The step that gives hosts back where the plan has none for that: after a failure, and in an abort. */
export function unlockStep(timing: Timing): Pick<Step, 'name' | 'timeoutSeconds'> {
  return { name: 'unlock-hosts', timeoutSeconds: STEP_KINDS['unlock-hosts'].timeoutSeconds(timing, true) };
}

/**
 * Gives the host back as its claim found it. A reboot that is under way there is
 * awaited first, and a Job until it has ended, which its own deadline sees to.
 */
export function unlockHost(step: HostStep): Verdict {
  const { facts, outage, name, run } = step;
  if (!outage || !facts || !carriesOurMark(facts, run)) return DONE;
  if (rebootPending(step, outage))
    return { kind: 'wait', reason: `${name} has not come back from its reboot` };
  if (facts.runningJob !== undefined)
    return { kind: 'wait', reason: `Job ${facts.runningJob} still runs on ${name}` };
  const key = keyOf(step, 'unlock-hosts', '');
  const { closedToNewWorkBefore } = outage;
  return ask(
    step,
    { kind: 'release', key, host: name, revision: facts.revision, run, closedToNewWorkBefore },
    `unlocking ${name}`,
  );
}

/**
 * Whether something of this run is left on a host whose outage is open: its claim, or, where somebody took or spoilt
 * that, what it closed the host with.
 */
export function carriesOurMark({ claim, spoiltClaim, hasMaintenanceMark }: HostFacts, run: string): boolean {
  return claim ? claim.run === run : hasMaintenanceMark || spoiltClaim !== undefined;
}

/** Whether somebody uncordoned a host that we had closed: they have taken the decision about it, whatever became of its claim. */
export function wasOpenedByOthers({ closedToNewWork }: HostFacts, { level }: HostProgress): boolean {
  return !closedToNewWork && level === 'away';
}
