import type { HostJob, HostProgress } from '../../crds/patch-strategy-status.ts';
import type { Timing } from '../../crds/timing.ts';
import type { Step } from '../../planner/plan.ts';
import { STEP_KINDS } from '../../planner/step-kinds.ts';
import { findJob, jobAtWork, type JobsOf } from './outage-jobs.ts';
import type { HostFacts } from '../view.ts';
import { rebootPending } from './reboot.ts';
import { DONE, ask, failed, keyOf, type HostStep, type Verdict } from './verdict.ts';

/** The step that releases hosts where the plan has no such step: after a failure, and in an abort. */
export function unlockStep(timing: Timing): Pick<Step, 'name' | 'timeoutSeconds'> {
  return { name: 'unlock-hosts', timeoutSeconds: STEP_KINDS['unlock-hosts'].timeoutSeconds(timing, true) };
}

/**
 * Releases the host: restores the state that its claim found. A running reboot and a running Job are awaited first; the
 * Job has its own deadline. A Job of which no container has started is withdrawn, and has to leave the host. The Job of
 * a host that was removed, or that lost our marks, is awaited, too: the machine may still be there.
 */
export function unlockHost(step: HostStep): Verdict {
  const { facts, outage, name, run } = step;
  if (!outage) return DONE;
  const job = jobAtWork(step.view, step.owner, outage);
  if (!facts || !carriesOurMark(facts, run)) return job === undefined ? DONE : stillOn(name, job);
  const withdrawal = withdrawJob(step, outage);
  if (withdrawal) return withdrawal;
  if (rebootPending(step, outage)) return { kind: 'wait', reason: `${name} has not completed its reboot` };
  if (job !== undefined) return stillOn(name, job);
  const key = keyOf(step, 'unlock-hosts', '');
  const { closedToNewWorkBefore } = outage;
  return ask(
    step,
    { kind: 'release', key, host: name, revision: facts.revision, run, closedToNewWorkBefore },
    `unlocking ${name}`,
    withoutStart(step, outage),
  );
}

function stillOn(host: string, job: string): Verdict {
  return { kind: 'wait', reason: `Job ${job} is still on ${host}` };
}

/** Suspends a Job that has not started, so that it cannot start on a released host. It may start before that. */
function withdrawJob(step: HostStep, outage: HostProgress): Verdict | undefined {
  const { name: host } = step;
  for (const job of outage.jobs ?? []) {
    const found = findJob(jobsOfStep(step), outage, job);
    if (!found) continue;
    const { state, name, uid, revision, containerStarted } = found;
    if (state === 'suspended' && containerStarted !== false)
      return failed(`Job ${name} was suspended on ${host} when a container of it may have started`);
    if (state !== 'running' || containerStarted !== false) continue;
    const key = keyOf(step, 'unlock-hosts', uid);
    const effect = { kind: 'withdraw-job', key, host, name, uid, revision } as const;
    return ask(step, effect, `withdrawing Job ${name}, which has not started on ${host}`);
  }
  return undefined;
}

/** Records that the suspended Jobs did not start: after a restart nobody could tell. */
function withoutStart(step: HostStep, outage: HostProgress): Partial<HostProgress> | undefined {
  const isSuspended = (job: HostJob): boolean =>
    job.result === undefined && findJob(jobsOfStep(step), outage, job)?.state === 'suspended';
  if (!outage.jobs?.some(isSuspended)) return undefined;
  return { jobs: outage.jobs.map((job) => (isSuspended(job) ? { ...job, result: 'not-started' } : job)) };
}

function jobsOfStep({ run, owner, plan, planStage, view }: HostStep): JobsOf {
  return { run, owner, planStage, steps: plan.stages[planStage]?.steps ?? [], view };
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
