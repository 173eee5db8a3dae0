/** Applies orders to a run, in this precedence: an abort, `Suspend`, requests, the standing order of the spec. */
import type { StageStatus } from '../../crds/observed/strategy-status.ts';
import { beginAbort } from './abort.ts';
import { begin } from '../run/lifecycle.ts';
import { opensOutage } from '../hosts/outages.ts';
import { recordJoinedBefore } from '../hosts/unstaged.ts';
import { stamp, wakeAt, type Pass } from '../pass.ts';
import type { Order, RunRequest } from '../turn.ts';
import { currentStage, resetStage, runningStage, type RunState } from '../run/run-state.ts';
import { extendDeadlines, startPhaseTimer } from '../run/timers.ts';
import type { Instant } from '../view.ts';

/**
 * Whether a request is answered in this pass. An abort comes before `Suspend`. Other requests wait until `Suspend`
 * ends. During an abort they are refused at once; later they would restart the work that it has ended.
 */
export function isAnsweredNow({ run, turn }: Pass, { verb }: RunRequest): boolean {
  return verb === 'abort' || turn.order.mode !== 'Suspend' || run.state === 'aborting';
}

/** Whether `Suspend` pauses the run. A running abort continues, and a requested one begins. */
export function isSuspended({ run, turn }: Pass): boolean {
  return turn.order.mode === 'Suspend' && run.state !== 'aborting';
}

/**
 * When `Suspend` has held a host out of service for as long as the pool allows; undefined while nothing bounds it. The
 * outage counts from its beginning, so a run that is resumed and suspended again gains no time.
 */
export function suspensionEndsAt(
  { state, hosts }: Pick<RunState, 'state' | 'hosts'>,
  { mode }: Pick<Order, 'mode'>,
  maxOutageSeconds: number | undefined,
): Instant | undefined {
  if (mode !== 'Suspend' || state !== 'applying' || hosts.length === 0) return undefined;
  if (maxOutageSeconds === undefined) return undefined;
  return Math.min(...hosts.map(({ since }) => Date.parse(since))) + maxOutageSeconds * 1000;
}

/** Aborts a run that `Suspend` has held for too long. */
export function endSuspension(pass: Pass): void {
  const { run, turn } = pass;
  const seconds = turn.limits?.maxOutageSeconds;
  const endsAt = suspensionEndsAt(run, turn.order, seconds);
  if (turn.limits === undefined || endsAt === undefined) return;
  if (turn.limits.readAt < endsAt) return wakeAt(pass, endsAt);
  const [first] = run.hosts.toSorted((a, b) => Date.parse(a.since) - Date.parse(b.since));
  beginAbort(
    pass,
    `Suspend has kept ${first?.name ?? ''} out of service for longer than the ${String(seconds)} s that ` +
      `maxOutageSeconds of HostPool ${turn.pool} allows`,
  );
}

/** Pauses the deadlines of a run that is under way. */
export function pauseDeadlines({ run, turn, reasons }: Pass): void {
  if (run.state !== 'applying') return;
  run.suspendedSince ??= new Date(turn.now).toISOString();
  reasons.push('suspended: no step begins or ends, no host is released, and deadlines are paused');
}

/** Extends open deadlines by the time that the run was suspended. */
export function resumeDeadlines({ run, turn }: Pass): void {
  if (run.suspendedSince === undefined) return;
  extendDeadlines(run, turn.now - Date.parse(run.suspendedSince));
  run.suspendedSince = undefined;
}

/** Applies the standing order of the spec, and the stages that requests allow. */
export function applyOrder(pass: Pass): void {
  const { run, turn } = pass;
  const { mode } = turn.order;
  switch (run.state) {
    case 'ready-to-apply':
      if (stagesAllowed(pass) === 0) return;
      run.state = 'applying';
      run.currentPhase = 'apply';
      begin(run.apply, stamp(pass));
      recordJoinedBefore(pass);
      return setStop(pass);
    case 'applying':
      if (mode !== 'Abort') return setStop(pass);
      return beginAbort(pass);
    case 'apply-failed':
    case 'apply-timeout':
      if (mode === 'Abort') beginAbort(pass);
      return;
    case 'abort-failed':
    case 'abort-timeout':
      // Hold makes the hosts that the abort could not release failed ones; the next Abort releases them as they are.
      if (mode !== 'Hold' || run.abortedIn === 'Hold') return;
      run.state = 'apply-failed';
      run.currentPhase = 'apply';
      run.abort = undefined;
      return;
    default:
  }
}

/** How many stages of the plan may begin. */
function stagesAllowed(pass: Pass): number {
  return Math.min(pass.run.apply.totalStages, stagesOrdered(pass));
}

/** Whether the run may go on after the last stage of its plan, where more are appended. */
export function mayAppend(pass: Pass): boolean {
  return stagesOrdered(pass) > pass.run.apply.totalStages;
}

/** So many stages the standing order or the requests allow, whichever are more, whether or not the plan has them. */
function stagesOrdered({ run, turn: { order } }: Pass): number {
  if (order.heldBack !== undefined || order.mode === 'Abort') return 0;
  const byOrder = order.mode === 'Run' ? (order.throughStage ?? Infinity) + 1 : 0;
  const byRequest = run.authority ? run.authority.throughStage + 1 : 0;
  return Math.max(byOrder, byRequest);
}

/** Sets the stage before which the run stops. A stage without an outage so far is reset to its beginning. */
function setStop(pass: Pass): void {
  const { plan, run } = pass;
  const phase = run.apply;
  const wished = stagesAllowed(pass);
  const stage = currentStage(phase);
  if (stage?.inProgress && wished <= phase.currentStage && untouched(pass, stage))
    resetStage(phase, plan, stage.attempt ?? 1);
  const running = runningStage(phase) ? 1 : 0;
  const stop = Math.max(wished, phase.currentStage + running);
  const timed = stop === phase.currentStage || phase.timedSince !== undefined;
  if (stop === phase.stopAtStage && timed) return;
  phase.stopAtStage = stop;
  startPhaseTimer(phase, stamp(pass));
}

function untouched({ profile, run }: Pass, stage: StageStatus): boolean {
  const opening = stage.steps.findIndex(({ name }) => opensOutage(profile, stage, name));
  return stage.currentStep <= opening && run.hosts.length === 0;
}
