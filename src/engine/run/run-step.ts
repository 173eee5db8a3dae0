import type { StageStatus } from '../../crds/observed/strategy-status.ts';
import { statusText } from '../../crds/text/status-text.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { HostVerdict } from '../evaluate.ts';
import { judgeHosts } from '../hosts/judge-hosts.ts';
import { judgeLeavers, recordLeavers, remainingHosts, unlessLeaving } from '../hosts/leavers.ts';
import { beginStep } from './lifecycle.ts';
import { judgedBefore, openOutage, opensOutage, record, setResult } from '../hosts/outages.ts';
import { noteReason, stamp, wakeAt, isAborting, type Pass, type RunJudge } from '../pass.ts';
import { failedBecause, isGood, type Due, type Ending, type PartEnding } from './results.ts';
import { isFinal, type Running } from './run-state.ts';
import { settleAnew } from './settling.ts';
import { againstFurtherHosts, mayTakeAll, waitForPermits } from '../permits/stage-permits.ts';
import { beyondBudget, excusedHosts, mayFailToStage } from '../hosts/staging-budget.ts';
import { failed, isOver, isReached, obstacleOf, reasonOf } from '../steps/verdict.ts';
import { dueTimer, moveDeadlines, nextDeadline } from './timers.ts';
import { recordJoined, recordUnstageable, recordUnstaged } from '../hosts/unstaged.ts';

/**
 * Advances a step as far as possible now. Undefined while it runs. Its hosts are judged before its timeout is checked:
 * a host that was done in time counts as done.
 *
 * After a failed host or an abort the step only awaits the actions already started on other hosts. No action begins.
 */
export function runStep(pass: Pass, running: Running): PartEnding | undefined {
  const { stage, step } = running;
  if (step.result === 'initial') beginStep(step, stamp(pass));
  const ofRun = pass.profile.runSteps?.[step.name];
  if (ofRun) return runStepOfRun(pass, running, ofRun);
  const wasThere = remainingHosts(stage).length > 0;
  recordLeavers(pass, stage, step.name);
  if (hasNobodyFor(pass, stage)) {
    if (isAborting(pass)) return { result: 'aborted' };
    // The next pass plans the rest again. A deadline that is over must not end the run before.
    return wasThere ? undefined : waitForPlan(pass, running);
  }
  if (opensOutage(pass.profile, stage, step.name)) {
    recordUnstaged(pass, stage);
    recordUnstageable(pass, stage);
    const against = againstFurtherHosts(pass, stage);
    if (against !== undefined) return failedBecause([against]);
    if (!mayTakeAll(pass, stage)) return waitForPermits(pass, running);
  }

  const givenUp = excusedHosts(pass, stage);
  const verdicts = judge(pass, running);
  settleAnew(pass, running, verdicts);
  for (const each of verdicts) record(pass, stage, step, each);
  const excused = excusedHosts(pass, stage);
  const failures = failuresOf(pass, stage, verdicts, { excused, givenUp });
  const fail = (): Ending => failedBecause([...failures, ...beyondBudget(pass, stage)]);
  const pending = verdicts.filter(({ verdict }) => !isOver(verdict));
  const hasNews = excused.some((name) => !givenUp.includes(name));
  // The next pass gives them back.
  if (hasNews) wakeAt(pass, pass.turn.now);
  else if (pending.length === 0) return failures.length > 0 ? fail() : reached(verdicts);

  const due = dueTimer(running, pass.turn.now);
  if (due) {
    if (failures.length === 0 && goesOnWithout(pass, running, due, pending, hasNews)) return undefined;
    for (const each of pending) setResult(pass, step, each, 'timed-out');
    if (failures.length > 0) return fail();
    const waitedFor = [reasonsOf(pending), ...beyondBudget(pass, stage)].join('; ');
    return pass.profile.timeOut(due, waitedFor);
  }
  if (isAborting(pass) || failures.length > 0) {
    const underWay = pending.filter(({ verdict }) => verdict.kind === 'wait');
    waitFor(pass, running, underWay);
    if (underWay.length > 0) return undefined;
    return failures.length > 0 ? fail() : { result: 'aborted' };
  }
  for (const { verdict } of pending) if (verdict.kind === 'act') pass.effects.push(...verdict.effects);
  waitFor(pass, running, pending);
  return undefined;
}

/** A step that is no work on hosts has one verdict, and no outage. */
function runStepOfRun(pass: Pass, running: Running, judge: RunJudge): PartEnding | undefined {
  const verdict = judge(pass, running);
  if (isReached(verdict)) return { result: 'success' };
  if (verdict.kind === 'failed') return failedBecause([verdict.reason]);
  const due = dueTimer(running, pass.turn.now);
  if (due) return pass.profile.timeOut(due, verdict.reason);
  if (isAborting(pass) && verdict.kind !== 'wait') return { result: 'aborted' };
  if (verdict.kind === 'act') pass.effects.push(...verdict.effects);
  noteReason(pass, verdict.reason, obstacleOf(verdict));
  wakeAt(pass, nextDeadline(running));
  if ('until' in verdict) wakeAt(pass, verdict.until);
  return undefined;
}

/** Whether the only host on which a stage has yet to do something for all hosts has left: the rest is planned again. */
export function hasNobodyFor({ profile }: Pick<Pass, 'profile'>, stage: StageStatus): boolean {
  const isForAll = stage.steps.some(
    ({ name, result }) => profile.steps[name]?.forAll === true && !isGood(result),
  );
  return isForAll && remainingHosts(stage).length === 0;
}

function waitForPlan(pass: Pass, running: Running): PartEnding | undefined {
  const reason = `no host is left for ${running.step.name}: the rest is planned again`;
  const due = dueTimer(running, pass.turn.now);
  if (due) return pass.profile.timeOut(due, reason);
  noteReason(pass, reason);
  wakeAt(pass, nextDeadline(running));
  return undefined;
}

function judge(pass: Pass, running: Running): readonly HostVerdict[] {
  const { stage, step } = running;
  const hosts = remainingHosts(stage);
  if (opensOutage(pass.profile, stage, step.name)) {
    for (const name of hosts) openOutage(pass, stage, step, name);
    recordJoined(pass, stage);
  }
  const leavers = judgeLeavers(pass, stage, step.name);
  const judged = hosts.filter(
    (name) =>
      isOfStep(pass, running, name) &&
      !judgedBefore(pass, name) &&
      leavers.every(({ host }) => host !== name),
  );
  const verdicts = judgeHosts(pass, stage, step, judged, nextDeadline(running));
  return [...leavers, ...verdicts.map((each) => unlessLeaving(pass, each))];
}

/** Whether a step is about a host of its stage. The step that takes hosts out of service takes all of them. */
function isOfStep({ profile }: Pass, { stage, step }: Running, name: HostName): boolean {
  return step.hosts?.includes(name) !== false || opensOutage(profile, stage, step.name);
}

function waitFor(pass: Pass, running: Running, pending: readonly HostVerdict[]): void {
  wakeAt(pass, nextDeadline(running));
  for (const { verdict } of pending) {
    noteReason(pass, reasonOf(verdict), obstacleOf(verdict));
    if ('until' in verdict) wakeAt(pass, verdict.until);
  }
}

/**
 * Whether a step goes on although its time is over: the hosts that it waits for may fail to be staged. It then has the
 * time that giving them back may take.
 */
function goesOnWithout(
  pass: Pass,
  running: Running,
  due: Due,
  pending: readonly HostVerdict[],
  hasNews: boolean,
): boolean {
  const { run, profile, plan } = pass;
  const late = pending.filter(({ host }) => !judgedBefore(pass, host));
  const names = late.map(({ host }) => host);
  const areHeld = names.every((name) => run.hosts.some((each) => each.name === name));
  if (!areHeld || !mayFailToStage(pass, running.stage, names) || !(hasNews || late.length > 0)) return false;
  for (const { host, verdict } of late) {
    const { reason = '' } = profile.timeOut(due, reasonOf(verdict));
    setResult(pass, running.step, { host, verdict: failed(reason) }, 'timed-out');
  }
  moveDeadlines(running, plan.actions.timing.unlockTimeoutSeconds);
  wakeAt(pass, pass.turn.now);
  return true;
}

/**
 * Why hosts of the stage failed in this step, in this pass or an earlier one.
 * @param excused hosts that may fail to be staged. Those that were so before, `givenUp`, are being given back: a failure of
 * that counts
 */
function failuresOf(
  { run }: Pass,
  stage: StageStatus,
  verdicts: readonly HostVerdict[],
  { excused, givenUp }: { readonly excused: readonly HostName[]; readonly givenUp: readonly HostName[] },
): string[] {
  const isSkipped = (host: string): boolean => run.skipped.some(({ name }) => name === host);
  const before = run.hosts.filter(
    ({ name, result }) =>
      stage.hosts?.includes(name) && isFinal(result) && !isSkipped(name) && !excused.includes(name),
  );
  const now = verdicts
    .filter(
      ({ host, verdict }) =>
        verdict.kind === 'failed' && !(excused.includes(host) && !givenUp.includes(host)),
    )
    .map(({ verdict }) => reasonOf(verdict));
  return [...new Set([...before.map(({ reason }) => reason ?? ''), ...now])];
}

function reached(verdicts: readonly HostVerdict[]): Ending {
  const degraded = verdicts.filter(({ verdict }) => verdict.kind === 'degraded');
  return degraded.length > 0
    ? { result: 'degraded', reason: statusText(reasonsOf(degraded)) }
    : { result: 'success' };
}

function reasonsOf(verdicts: readonly HostVerdict[]): string {
  return [...new Set(verdicts.map(({ verdict }) => reasonOf(verdict)))].join('; ');
}
