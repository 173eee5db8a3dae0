import type { HostProgress, StageStatus, StepStatus } from '../crds/patch-strategy-status.ts';
import type { StepName } from '../crds/vocabulary.ts';
import { isFinal, type Running } from './run-state.ts';
import { truncate } from '../crds/truncate.ts';
import type { HostVerdict } from './evaluate.ts';
import { beginStep } from './lifecycle.ts';
import { stamp, wakeAt, isAborting, type Pass } from './pass.ts';
import type { Ending } from './results.ts';
import { isOver, isReached, membershipFailure, type HostStep, type Verdict } from './steps/verdict.ts';
import { deadlineOf, dueTimer, nextDeadline, type PartEnding } from './timers.ts';

/**
 * Takes a step as far as it goes now. Undefined while it runs. It is looked at
 * before it is timed out: what was reached in time was reached.
 *
 * When a host fails, or an abort was asked for, the step winds down: what is
 * under way on the other hosts is awaited, nothing more is begun.
 */
export function runStep(pass: Pass, running: Running): PartEnding | undefined {
  const { stage, step } = running;
  if (step.result === 'initial') beginStep(step, stamp(pass));
  if (opensOutage(stage, step.name)) {
    const against = againstFurtherHosts(pass, stage);
    if (against !== undefined) return failedBecause([against]);
    if (!outagesOpen(pass, stage)) return waitForPermits(pass, running);
  }

  const verdicts = judge(pass, running);
  for (const each of verdicts) record(pass, stage, step, each);
  const failures = failuresOf(pass, stage, verdicts);
  const pending = verdicts.filter(({ verdict }) => !isOver(verdict));
  if (pending.length === 0) return failures.length > 0 ? failedBecause(failures) : reached(verdicts);

  const due = dueTimer(running, pass.turn.now);
  if (due) {
    for (const each of pending) setResult(pass, step, each, 'timed-out');
    return failures.length > 0 ? failedBecause(failures) : pass.profile.timeOut(due, reasonsOf(pending));
  }
  if (isAborting(pass) || failures.length > 0) {
    const underWay = pending.filter(({ verdict }) => verdict.kind === 'wait');
    waitFor(pass, running, underWay);
    if (underWay.length > 0) return undefined;
    return failures.length > 0 ? failedBecause(failures) : { result: 'aborted' };
  }
  for (const { verdict } of pending) if (verdict.kind === 'act') pass.effects.push(...verdict.effects);
  waitFor(pass, running, pending);
  return undefined;
}

/** The steps after which nobody holds the host any more. */
function closesOutage(stage: StageStatus, step: StepName): boolean {
  return step === (stage.level === 'touched' ? 'verify' : 'unlock-hosts');
}

/** The step that takes the hosts out of service: until then nothing has been touched. */
export function opensOutage(stage: StageStatus, step: StepName): boolean {
  return step === (stage.level === 'touched' ? 'sw-patch-hosts' : 'lock-hosts');
}

/** What a step may look at, for each of the hosts. */
export function hostSteps(
  pass: Pass,
  stage: StageStatus,
  step: StepStatus,
  hosts: readonly string[],
  endsBy = deadlineOf(step),
): HostStep[] {
  const { plan, run, turn } = pass;
  return hosts.map((name) => ({
    plan,
    run: run.id,
    pool: turn.pool,
    epoch: turn.epoch,
    owner: turn.owner,
    stage,
    planStage: run.apply.currentStage,
    stepStartedAt: Date.parse(step.startTime ?? ''),
    stepDeadline: deadlineOf(step),
    endsBy,
    name,
    facts: turn.view.host(name),
    outage: run.hosts.find((each) => each.name === name),
    permitted: turn.permits.held.has(name),
    view: turn.view,
    outcomes: turn.outcomes,
    now: turn.now,
  }));
}

/**
 * Why a stage that is taken up again may take no further hosts, when something stands against it since. It cannot be put
 * back to its beginning as others are: it has hosts that stay locked, and that it is to decide about.
 */
function againstFurtherHosts({ run, turn }: Pass, { hosts = [] }: StageStatus): string | undefined {
  const isWhole = hosts.every((host) => run.hosts.some(({ name }) => name === host));
  return run.hosts.length === 0 || isWhole ? undefined : turn.order.heldBack?.message;
}

function outagesOpen({ run, turn }: Pass, stage: StageStatus): boolean {
  const isOpen = (host: string): boolean => run.hosts.some(({ name }) => name === host);
  const isPermitted = (host: string): boolean => run.state === 'applying' && turn.permits.held.has(host);
  return (stage.hosts ?? []).every((host) => isOpen(host) || isPermitted(host));
}

function waitForPermits(pass: Pass, running: Running): PartEnding | undefined {
  if (isAborting(pass)) return { result: 'aborted' };
  const { view, pool } = pass.turn;
  const gone = (running.stage.hosts ?? []).flatMap(
    (name) => membershipFailure(name, view.host(name), pool) ?? [],
  );
  if (gone.length > 0) return failedBecause(gone.map(({ reason: why }) => why));
  const reason = `waiting for permits: ${pass.turn.permits.refusal ?? 'asked for'}`;
  const due = dueTimer(running, pass.turn.now);
  if (due) return pass.profile.timeOut(due, reason);
  const { stage } = running;
  pass.asked = { hosts: stage.hosts ?? [], level: stage.level ?? 'away' };
  pass.reasons.push(reason);
  wakeAt(pass, nextDeadline(running));
  return undefined;
}

function judge(pass: Pass, running: Running): readonly HostVerdict[] {
  const { stage, step } = running;
  const hosts = stage.hosts ?? [];
  if (opensOutage(stage, step.name)) for (const name of hosts) openOutage(pass, stage, step, name);
  const judged = hosts.filter((name) => !judgedBefore(pass, name));
  return pass.evaluate(step, hostSteps(pass, stage, step, judged, nextDeadline(running)));
}

function openOutage({ run, turn }: Pass, stage: StageStatus, step: StepStatus, name: string): void {
  if (run.hosts.some((each) => each.name === name) || !turn.permits.held.has(name)) return;
  const since = new Date(turn.now).toISOString();
  const { level = 'away', attempt = 1 } = stage;
  run.hosts.push({ name, level, step: step.name, attempt, since, result: 'wait' });
}

function judgedBefore({ run }: Pass, name: string): boolean {
  const outage = run.hosts.find((each) => each.name === name);
  return outage !== undefined && isFinal(outage.result);
}

/** Writes down where the host stands, before anything is done about it. */
function record(pass: Pass, stage: StageStatus, step: StepStatus, each: HostVerdict): void {
  const { verdict } = each;
  if (verdict.kind === 'failed') return setResult(pass, step, each, 'failed');
  const over = isReached(verdict);
  if (over && closesOutage(stage, step.name)) return closeOutage(pass, each.host);
  const outage = pass.run.hosts.find(({ name }) => name === each.host);
  if (!outage) return;
  outage.step = step.name;
  // A cordon from before the claim ended with that: who cordons the host from now on does so that the work goes on.
  if (!isReached(verdict) && verdict.uncordoned)
    Object.assign(outage, { uncordoned: true, closedToNewWorkBefore: false });
  else delete outage.uncordoned;
  if (over) delete outage.reason;
  else outage.reason = truncate(reasonOf(verdict));
  if (verdict.kind === 'act' || verdict.kind === 'wait') Object.assign(outage, verdict.progress);
}

/** Forgets a host that was given back; its permit is freed once this is stored. */
export function closeOutage({ run }: Pass, name: string): void {
  run.hosts = run.hosts.filter((each) => each.name !== name);
}

export function setResult(
  { run }: Pass,
  step: StepStatus,
  { host, verdict }: HostVerdict,
  result: HostProgress['result'],
): void {
  const outage = run.hosts.find(({ name }) => name === host);
  if (!outage) return;
  Object.assign(outage, { step: step.name, result, reason: truncate(reasonOf(verdict)) });
}

function waitFor(pass: Pass, running: Running, pending: readonly HostVerdict[]): void {
  wakeAt(pass, nextDeadline(running));
  for (const { verdict } of pending) {
    pass.reasons.push(reasonOf(verdict));
    if (verdict.kind === 'blocked' && verdict.until !== undefined) wakeAt(pass, verdict.until);
  }
}

/** Why hosts of the stage failed in this step, in this pass or in one before. */
function failuresOf({ run }: Pass, stage: StageStatus, verdicts: readonly HostVerdict[]): string[] {
  const before = run.hosts.filter(({ name, result }) => stage.hosts?.includes(name) && isFinal(result));
  const now = verdicts
    .filter(({ verdict }) => verdict.kind === 'failed')
    .map(({ verdict }) => reasonOf(verdict));
  return [...new Set([...before.map(({ reason }) => reason ?? ''), ...now])];
}

function reached(verdicts: readonly HostVerdict[]): Ending {
  const degraded = verdicts.filter(({ verdict }) => verdict.kind === 'degraded');
  return degraded.length > 0
    ? { result: 'degraded', reason: truncate(reasonsOf(degraded)) }
    : { result: 'success' };
}

function failedBecause(reasons: readonly string[]): Ending {
  return { result: 'failed', reason: truncate(reasons.join('; ')) };
}

function reasonsOf(verdicts: readonly HostVerdict[]): string {
  return [...new Set(verdicts.map(({ verdict }) => reasonOf(verdict)))].join('; ');
}

function reasonOf(verdict: Verdict): string {
  return verdict.kind === 'done' ? '' : verdict.reason;
}
