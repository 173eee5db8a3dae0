import type { HostProgress } from '../../crds/observed/host-progress.ts';
import type { Timing } from '../../crds/spec/timing.ts';
import type { Plan, Step } from '../../planner/plan.ts';
import { STEP_KINDS } from '../../planner/step-kinds.ts';
import { findJob, jobAtWork, mayHaveStarted, openJobs, withdrawalOf } from './outage-jobs.ts';
import { stopsInstances } from '../run/prior-state.ts';
import type { HostFacts } from '../view.ts';
import { rebootPending } from './reboot.ts';
import { DONE, ask, failed, keyOf, type HostStep, type Verdict } from './verdict.ts';

/** The step that releases hosts where the plan has no such step: after a failure, and in an abort. */
export function unlockStep(timing: Timing): Pick<Step, 'name' | 'timeoutSeconds'> {
  return { name: 'unlock-hosts', timeoutSeconds: STEP_KINDS['unlock-hosts'].timeoutSeconds(timing, true) };
}

/**
 * Releases the host: restores the state that its claim found. A running reboot and a running Job are awaited first; the
 * Job has its own deadline. A Job of which no container has started is withdrawn first, so that none starts later. The Job of
 * a host that was removed, or that lost our marks, is awaited, too: the machine may still be there.
 */
export function unlockHost(step: HostStep): Verdict {
  const { facts, outage, name, run } = step;
  if (!outage) return DONE;
  const job = jobAtWork(step.view, step.owner, outage);
  if (!facts || !carriesOurMark(facts, run))
    return job === undefined ? DONE : (withdraw(step, outage) ?? stillOn(name, job));
  const stopped = stoppedBefore(step, outage) ?? withdraw(step, outage);
  if (stopped) return stopped;
  if (rebootPending(step, outage)) return { kind: 'wait', reason: `${name} has not completed its reboot` };
  if (job !== undefined) return stillOn(name, job);
  const key = keyOf(step, 'unlock-hosts', '');
  const { closedToNewWorkBefore, level } = outage;
  return ask(
    step,
    {
      ...{ kind: 'release', key, host: name, revision: facts.revision, run, closedToNewWorkBefore },
      ...stoppedSince(step.plan, outage),
    },
    `${level === 'away' ? 'unlocking' : 'releasing'} ${name}`,
  );
}

/** Since when instances may have been stopped for the outage of a host. */
export function stoppedSince(plan: Plan, outage: HostProgress): { readonly stoppedSince?: string } {
  return stopsInstances(plan, outage) ? { stoppedSince: outage.since } : {};
}

function withdraw(step: HostStep, outage: HostProgress): Verdict | undefined {
  const withdrawal = withdrawalOf(step, outage);
  return withdrawal && ask(step, withdrawal.effect, withdrawal.reason, withdrawal.progress);
}

function stillOn(host: string, job: string): Verdict {
  return { kind: 'wait', reason: `Job ${job} is still on ${host}` };
}

/** Fails for a Job that somebody else suspended: its work may have been cut short. */
function stoppedBefore(step: HostStep, outage: HostProgress): Verdict | undefined {
  for (const job of openJobs(outage)) {
    const found = findJob(step, job);
    if (found?.state !== 'suspended' || !mayHaveStarted(found, job)) continue;
    return failed(`Job ${found.name} was suspended on ${step.name} when a container of it may have started`);
  }
  return undefined;
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
