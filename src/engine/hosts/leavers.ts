/**
 * Hosts that leave the cluster or the pool, are skipped, or fail to be staged within the budget, before their stage is
 * done with them. There is nothing to patch there any more: the stage records them, and goes on with its other hosts. The
 * machine behind a removed host may still run our Job: its outage lasts until the Job has ended, too.
 */
import type { StageStatus } from '../../crds/observed/strategy-status.ts';
import { REBOOT, type StepName } from '../../crds/vocabulary.ts';
import { statusText } from '../../crds/text/status-text.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { Effect } from '../effect.ts';
import type { HostVerdict } from '../evaluate.ts';
import { jobsOfPass } from './job-results.ts';
import { lastEffect } from './last-effect.ts';
import { closeOutage, judgedBefore, opensOutage } from './outages.ts';
import type { Pass } from '../pass.ts';
import type { StagesAtHand } from '../run/run-state.ts';
import { skippedBecause } from './skips.ts';
import { excusedHosts, notStaged } from './staging-budget.ts';
import { jobAtWork, withdrawalOf, type Withdrawal } from '../steps/outage-jobs.ts';
import { carriesOurMark } from '../steps/unlock-hosts.ts';
import { ask, hostGone, membershipFailure, type Verdict } from '../steps/verdict.ts';

/** The hosts of a stage without those that have left. */
export function remainingHosts({ hosts = [], left = [] }: StageStatus): readonly HostName[] {
  return left.length === 0 ? hosts : hosts.filter((host) => left.every(({ name }) => name !== host));
}

/** Whether all hosts of the stages of a phase that are over or at hand have left. */
export function hasNobodyLeft({ stages, earlier }: StagesAtHand): boolean {
  return (earlier?.hosts ?? 0) === 0 && stages.every((stage) => remainingHosts(stage).length === 0);
}

/**
 * Records the hosts of the stage that have left, and drops their outages. A host that has failed before it left stays
 * failed: its removal is no repair.
 */
export function recordLeavers(pass: Pass, stage: StageStatus, step: StepName): void {
  if (!pass.profile.goesOnWithoutLeavers) return;
  for (const { name, reason, job, last, isExcused } of leaversOf(pass, stage, step)) {
    if (job !== undefined || last !== undefined) continue;
    closeOutage(pass, name);
    const unstaged = isExcused ? { unstaged: true as const } : {};
    stage.left = [...(stage.left ?? []), { name, reason: statusText(reason), ...unstaged }];
  }
}

/**
 * The verdicts of the hosts that have left, and whose Job has not ended. One that has not started is withdrawn: its pod is
 * bound to the host by name, and would start on the next host of that name.
 */
export function judgeLeavers(pass: Pass, stage: StageStatus, step: StepName): readonly HostVerdict[] {
  if (!pass.profile.goesOnWithoutLeavers) return [];
  return leaversOf(pass, stage, step).map((leaver) => ({
    host: leaver.name,
    verdict: verdictOf(pass, leaver),
  }));
}

function verdictOf({ turn }: Pass, { reason, isSkipped, job, withdrawal, last }: Leaver): Verdict {
  if (withdrawal) return ask(turn, withdrawal.effect, withdrawal.reason, withdrawal.progress);
  if (job === undefined && last) return ask(turn, last, reason);
  const remedy = isSkipped ? ': on a dead host delete it' : '';
  return { kind: 'wait', reason: `${reason}; Job ${job ?? ''} has not ended there yet${remedy}` };
}

/**
 * A host that shuts down, perhaps to leave the cluster, takes its Job with it. The failure of the Job counts once the
 * host is Ready again.
 */
export function unlessLeaving({ run, turn, profile }: Pass, each: HostVerdict): HostVerdict {
  const { host, verdict } = each;
  const jobs = run.hosts.find(({ name }) => name === host)?.jobs ?? [];
  const jobFailed = jobs.some(({ result, action }) => result === 'failed' && action !== REBOOT);
  const isReady = turn.view.host(host)?.ready;
  if (!profile.goesOnWithoutLeavers || verdict.kind !== 'failed' || !jobFailed || isReady !== false)
    return each;
  const reason = `${verdict.reason}; ${host} is not Ready: waiting until it is, or has left`;
  return { host, verdict: { kind: 'blocked', reason } };
}

type Leaver = {
  readonly name: HostName;
  readonly reason: string;
  readonly isSkipped: boolean;
  /** Whether it failed to be staged, and the plan allows that. */
  readonly isExcused: boolean;
  readonly job: string | undefined;
  readonly withdrawal: Withdrawal | undefined;
  /** The effect that ends the outage of a skipped host that still has our mark. */
  readonly last: Effect | undefined;
};

function leaversOf(pass: Pass, stage: StageStatus, step: StepName): readonly Leaver[] {
  const { run, turn } = pass;
  const excused = excusedHosts(pass, stage);
  return remainingHosts(stage).flatMap((name) => {
    const hasFailed = judgedBefore(pass, name);
    // An abort releases every host.
    const skipped = run.state === 'aborting' ? undefined : skippedBecause(pass, name);
    const outage = run.hosts.find((each) => each.name === name);
    const isExcused = skipped === undefined && outage !== undefined && excused.includes(name);
    const failure = isExcused ? notStaged(name, outage.reason ?? '') : undefined;
    const reason = skipped ?? failure ?? (hasFailed ? undefined : leftBecause(pass, stage, step, name));
    if (reason === undefined) return [];
    const facts = turn.view.host(name);
    const job = outage && jobAtWork(turn.view, turn.owner, outage);
    const withdrawal = outage && job !== undefined ? withdrawalOf(jobsOfPass(pass), outage) : undefined;
    const isMarked = outage && facts && carriesOurMark(facts, run.id);
    const last = isMarked ? lastEffect(pass, outage, facts, isExcused) : undefined;
    return [{ name, reason, isSkipped: skipped !== undefined, isExcused, job, withdrawal, last }];
  });
}

/**
 * Why nothing is left to do on a host; undefined while there is. A host with a mark of ours stays: also a copy of the
 * mark on a new host must be removed. A host that was locked and lost its claim has not left either.
 */
function leftBecause(
  { run, turn, profile }: Pass,
  stage: StageStatus,
  step: StepName,
  name: HostName,
): string | undefined {
  const facts = turn.view.host(name);
  const outage = run.hosts.find((each) => each.name === name);
  if (!facts) return hostGone(name).reason;
  if (outage && carriesOurMark(facts, run.id)) return undefined;
  if (outage?.uid !== undefined && outage.uid !== facts.uid)
    return `${name} was removed, and another host has its name now`;
  const wasLocked = outage && !opensOutage(profile, stage, step);
  return wasLocked ? undefined : membershipFailure(name, facts, turn.pool)?.reason;
}
