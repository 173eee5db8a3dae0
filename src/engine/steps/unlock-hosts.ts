import type { HostProgress } from '../../crds/patch-strategy-status.ts';
import type { Timing } from '../../crds/timing.ts';
import type { Step } from '../../planner/plan.ts';
import { STEP_KINDS } from '../../planner/step-kinds.ts';
import type { HostFacts } from '../view.ts';
import { rebootPending } from './reboot.ts';
import { DONE, ask, keyOf, type HostStep, type Verdict } from './verdict.ts';

/** The step that releases hosts where the plan has no such step: after a failure, and in an abort. */
export function unlockStep(timing: Timing): Pick<Step, 'name' | 'timeoutSeconds'> {
  return { name: 'unlock-hosts', timeoutSeconds: STEP_KINDS['unlock-hosts'].timeoutSeconds(timing, true) };
}

/**
 * Releases the host: restores the state that its claim found. A running reboot and a running Job are awaited first; the
 * Job has its own deadline.
 */
export function unlockHost(step: HostStep): Verdict {
  const { facts, outage, name, run } = step;
  if (!outage || !facts || !carriesOurMark(facts, run)) return DONE;
  if (rebootPending(step, outage)) return { kind: 'wait', reason: `${name} has not completed its reboot` };
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
 * Whether a host in an open outage still has a mark of this run: its claim, or the maintenance mark where somebody
 * removed or spoilt the claim.
 */
export function carriesOurMark({ claim, spoiltClaim, hasMaintenanceMark }: HostFacts, run: string): boolean {
  return claim ? claim.run === run : hasMaintenanceMark || spoiltClaim !== undefined;
}

/** Whether somebody uncordoned a host that we had closed. Their decision counts, whether its claim is there or not. */
export function wasOpenedByOthers({ closedToNewWork }: HostFacts, { level }: HostProgress): boolean {
  return !closedToNewWork && level === 'away';
}
