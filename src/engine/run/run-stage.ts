import type { HostProgress } from '../../crds/observed/host-progress.ts';
import type { StepStatus } from '../../crds/observed/step-status.ts';
import type { PhaseStatus, StageStatus } from '../../crds/observed/strategy-status.ts';
import { statusText } from '../../crds/text/status-text.ts';
import { isLacking } from '../../planner/hosts/work.ts';
import { jobsOfPass } from '../hosts/job-results.ts';
import { mayHaveChanged } from '../steps/outage-jobs.ts';
import type { HostVerdict } from '../evaluate.ts';
import { judgeHosts, runStartedAt } from '../hosts/judge-hosts.ts';
import { begin, endStage, endStep, show } from './lifecycle.ts';
import { closeOutage, recordProgress, setResult } from '../hosts/outages.ts';
import { REBOOT } from '../../crds/vocabulary.ts';
import { noteReason, stamp, wakeAt, isAborting, type Pass } from '../pass.ts';
import { combined, isGood, type Ending, type PartEnding } from './results.ts';
import { withEarlierFailure, isFinal, isStillFailed } from './run-state.ts';
import { runStep } from './run-step.ts';
import { skippedBecause } from '../hosts/skips.ts';
import { bootOf, changedUnder, jobsThatRan, manualThatBegan } from '../steps/reboot.ts';
import { newFaults } from '../steps/unwell.ts';
import { unlockStep } from '../steps/unlock-hosts.ts';
import { failed, isReached, obstacleOf } from '../steps/verdict.ts';
import { deadlineOf } from './timers.ts';
import type { HostFacts } from '../view.ts';

/**
 * Advances a stage as far as possible now. Undefined while it runs. After an abort the stage ends with its running
 * step. After a failed step the hosts whose own action did not fail are released before the stage ends, unless the
 * abort phase releases them.
 */
export function runStage(pass: Pass, phase: PhaseStatus, stage: StageStatus): PartEnding | undefined {
  const { profile } = pass;
  if (!stage.inProgress) begin(stage, stamp(pass));
  for (;;) {
    const step = stage.steps[stage.currentStep];
    if (!step) return end(pass, stage, combined(stage.steps));
    if (!isFinal(step.result)) {
      const ending = runStep(pass, { phase, stage, step });
      if (!ending || ending.ends === 'phase') return ending;
      if (ending.ends === 'stage') return end(pass, stage, ending);
      endStep(step, stamp(pass), ending.result, ending.reason);
      // From here on it counts the extension of the release, which has a deadline of its own.
      if (!isGood(step.result)) delete step.extendedSeconds;
    }
    if (isAborting(pass)) return end(pass, stage, { result: 'aborted' });
    if (!isGood(step.result))
      return profile.onFailure === 'abort' ? end(pass, stage, step) : releaseHealthyHosts(pass, stage, step);
    stage.currentStep += 1;
    if (profile.earlyResults) show(stage, combined(stage.steps));
  }
}

function end(pass: Pass, stage: StageStatus, ending: Ending): Ending {
  endStage(stage, stamp(pass), ending.result, ending.reason);
  return ending;
}

function releaseHealthyHosts(pass: Pass, stage: StageStatus, failedStep: StepStatus): Ending | undefined {
  stage.result = failedStep.result;
  const unlock: StepStatus = {
    ...unlockStep(pass.plan.actions.timing),
    id: failedStep.id,
    result: 'wait',
    startTime: failedStep.endTime,
    extendedSeconds: failedStep.extendedSeconds ?? 0,
  };
  recordFailedJobs(pass, failedStep);
  pass.run.hosts = pass.run.hosts.map((host) => (failedItself(pass, host) ? host : withEarlierFailure(host)));
  const names = pass.run.hosts.filter((each) => !staysLocked(pass, each)).map(({ name }) => name);
  let open = 0;
  for (const judged of judgeHosts(pass, stage, unlock, names)) {
    const each = unlessUnfit(pass, judged);
    const { host, verdict } = each;
    if (isReached(verdict)) closeOutage(pass, host);
    else if (verdict.kind === 'failed') setResult(pass, unlock, each, 'failed');
    else if (pass.turn.now >= deadlineOf(unlock)) setResult(pass, unlock, each, 'timed-out');
    else {
      open += 1;
      noteReason(pass, verdict.reason, obstacleOf(verdict));
      if (verdict.kind === 'act') {
        recordProgress(pass, host, verdict.progress);
        pass.effects.push(...verdict.effects);
      }
      if (verdict.kind === 'blocked' && verdict.until !== undefined) wakeAt(pass, verdict.until);
    }
  }
  if (open > 0) {
    wakeAt(pass, deadlineOf(unlock));
    return undefined;
  }
  const kept = pass.run.hosts.filter(({ step, result }) => step === unlock.name && isFinal(result));
  const reasons = new Set([failedStep.reason, ...kept.map(({ reason }) => reason)].filter(Boolean));
  return end(pass, stage, {
    result: failedStep.result,
    ...(reasons.size > 0 ? { reason: statusText([...reasons].join('; ')) } : {}),
  });
}

/** Another host failed first: a host whose own Job fails while that one's stage ends has failed, too. */
function recordFailedJobs(pass: Pass, step: StepStatus): void {
  for (const { name: host, result, jobs = [] } of pass.run.hosts) {
    const job = jobs.find((each) => each.result === 'failed' && each.action !== REBOOT);
    if (!job || isFinal(result)) continue;
    const reason = `Job ${job.name} for ${job.action} failed on ${host}: ${job.reason ?? 'no reason is known'}`;
    setResult(pass, step, { host, verdict: { kind: 'failed', reason } }, 'failed');
  }
}

/**
 * A host that was worked on is not released with a fault that it did not have before: nobody has verified it. Nor when it
 * shows work whose reboot is still to come: no plan would find it any more.
 */
function unlessUnfit(pass: Pass, judged: HostVerdict): HostVerdict {
  const { host, verdict } = judged;
  const outage = pass.run.hosts.find(({ name }) => name === host);
  const facts = pass.turn.view.host(host);
  const isRelease = verdict.kind === 'act' && verdict.effects.some(({ kind }) => kind === 'release');
  if (!isRelease || !facts || !outage || !mayHaveChanged(jobsOfPass(pass), outage)) return judged;
  if (looksDone(pass, outage, facts))
    return { host, verdict: failed(`${host} was changed and has not rebooted since`) };
  const faults = newFaults(facts, { outage, runStartedAt: runStartedAt(pass.run) });
  if (faults.length === 0) return judged;
  return {
    host,
    verdict: {
      kind: 'blocked',
      reason: `${host} is not released: it ${faults.join('; it ')}`,
      obstacle: 'HostUnwell',
    },
  };
}

/** Whether a host shows work that requires a reboot, and has not rebooted since. */
function looksDone({ plan }: Pass, outage: HostProgress, host: HostFacts): boolean {
  const shown = plan.actions.patches.filter((work) => !isLacking(work, host.facts)).map(({ id }) => id);
  const isShown = ({ action }: { readonly action: string }): boolean => shown.includes(action);
  const jobs = jobsThatRan(outage).filter(isShown);
  const manual = manualThatBegan(outage).filter(isShown);
  const changed = changedUnder(plan, { ...outage, jobs, manual });
  return changed !== undefined && changed === bootOf(host, outage);
}

/** Whether an action on the host itself failed, not one that depends on other parties, or that never began. */
function failedItself(pass: Pass, host: HostProgress): boolean {
  const { result, step } = host;
  return (
    isFinal(result) && pass.profile.steps[step]?.ownAction === true && mayHaveChanged(jobsOfPass(pass), host)
  );
}

/**
 * A host of level touched was never locked, so it does not stay locked either. The outage of a skipped host is ended
 * after the stage.
 */
function staysLocked(pass: Pass, host: HostProgress): boolean {
  const hasFailed = failedItself(pass, host) || isStillFailed(host);
  const isLocked = host.level === 'away' && hasFailed && pass.turn.view.host(host.name) !== undefined;
  return isLocked || skippedBecause(pass, host.name) !== undefined;
}
