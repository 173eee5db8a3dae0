/**
 * The deadlines of the running step, its stage and their phase. Each is an absolute time, and follows from three stored
 * values: the start, the timeout and the extension.
 */
import type { HostProgress } from '../../crds/observed/host-progress.ts';
import type { StepStatus } from '../../crds/observed/step-status.ts';
import type { PhaseStatus } from '../../crds/observed/strategy-status.ts';
import { timeoutOver } from '../../planner/stage-steps.ts';
import { stamp, wakeAt, type Draft, type Pass } from '../pass.ts';
import { withMoreTimeToAnswer } from '../session/session-state.ts';
import { openManual } from '../steps/manual-work.ts';
import type { Due } from './results.ts';
import { runningStep, type Running } from './run-state.ts';
import { stagesFrom } from './stage-folds.ts';
import type { Instant } from '../view.ts';

/** The time between two stored observations of an open step. */
const OBSERVATION_MILLISECONDS = 20_000;
/** A longer time without an observation is no fault of the hosts: it extends the deadlines. */
const GAP_MILLISECONDS = 30_000;

type Timed = Pick<StepStatus, 'startTime' | 'timeoutSeconds' | 'extendedSeconds'>;

/** When a step or stage that has begun times out. */
export function deadlineOf({ startTime = '', timeoutSeconds, extendedSeconds = 0 }: Timed): Instant {
  return Date.parse(startTime) + (timeoutSeconds + extendedSeconds) * 1000;
}

function phaseDeadline({ timedSince, ...phase }: PhaseStatus): Instant {
  return timedSince === undefined ? Infinity : deadlineOf({ ...phase, startTime: timedSince });
}

/** The first of the three deadlines that a running step has. */
export function nextDeadline({ phase, stage, step }: Running): Instant {
  return Math.min(deadlineOf(step), deadlineOf(stage), phaseDeadline(phase));
}

/** The first timer that has fired; undefined when none has. */
export function dueTimer(running: Running, now: Instant): Due | undefined {
  const { phase, stage, step } = running;
  const first = nextDeadline(running);
  if (now < first) return undefined;
  if (first === deadlineOf(step)) return { timer: 'step', timeoutSeconds: allowedSeconds(step) };
  if (first === deadlineOf(stage)) return { timer: 'stage', timeoutSeconds: stage.timeoutSeconds };
  return { timer: 'phase', timeoutSeconds: phase.timeoutSeconds };
}

/** How long a step may take, with the time that hosts which were unwell may take to recover. */
function allowedSeconds({ timeoutSeconds, unwellSince, extendedSeconds = 0 }: StepStatus): number {
  return unwellSince === undefined ? timeoutSeconds : timeoutSeconds + extendedSeconds;
}

/**
 * Starts the timer of a phase, for its stages from the current one to `stopAtStage`. Those that are not at hand count as
 * much as the longest of them.
 */
export function startPhaseTimer(phase: PhaseStatus, now: string): void {
  const atHand = stagesFrom(phase, phase.currentStage, phase.stopAtStage);
  const others = Math.max(0, phase.stopAtStage - phase.currentStage - atHand.length);
  const longest = phase.later?.longestTimeoutSeconds ?? 0;
  phase.timeoutSeconds = timeoutOver([
    ...atHand,
    ...(others > 0 ? [{ timeoutSeconds: others * longest }] : []),
  ]);
  stopPhaseTimer(phase);
  if (phase.timeoutSeconds > 0) phase.timedSince = now;
}

export function stopPhaseTimer(phase: PhaseStatus): void {
  delete phase.timedSince;
  delete phase.extendedSeconds;
}

/**
 * Extends the deadlines of the running step, its stage and their phase, and of persons and projects that are waited for. A
 * clock that was set back changes none.
 */
export function extendDeadlines(run: Draft, milliseconds: number): void {
  const running = runningStep(run);
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  if (running) moveDeadlines(running, seconds);
  run.hosts = run.hosts.map((each) => withMoreTime(each, seconds));
  if (run.session) run.session = withMoreTimeToAnswer(run.session, seconds);
}

function withMoreTime(outage: HostProgress, seconds: number): HostProgress {
  if (!openManual(outage)) return outage;
  const later = (deadline: string): string => new Date(Date.parse(deadline) + seconds * 1000).toISOString();
  const manual = outage.manual?.map((each) =>
    each.result === undefined ? { ...each, deadline: later(each.deadline) } : each,
  );
  return { ...outage, ...(manual ? { manual } : {}) };
}

/** Moves the deadlines of a step, its stage and their phase by so many seconds, to later or earlier times. */
export function moveDeadlines(running: Running, seconds: number): void {
  for (const timer of Object.values(running))
    timer.extendedSeconds = Math.max(0, (timer.extendedSeconds ?? 0) + seconds);
}

/**
 * Extends open deadlines by the time without an operator: from the time at which the next observation was due, until
 * now. It never extends them by more, so a crash loop cannot extend a deadline for ever.
 *
 * The new observation is stored with the decision, in the same write. So each gap counts once, wherever the process
 * dies: either both are stored, or neither is, and the next process finds the gap again. A clock that was set back
 * extends nothing, and does not set the last observation back.
 */
export function extendDeadlinesByGap({ run, turn }: Pass): void {
  if (run.lastObservedTime === undefined) return;
  const gap = turn.now - Date.parse(run.lastObservedTime);
  if (gap <= GAP_MILLISECONDS) return;
  extendDeadlines(run, gap - OBSERVATION_MILLISECONDS);
  run.lastObservedTime = undefined;
}

/** Records the observation of an open step when it is due, and requests a pass for the next one. */
export function recordObservation(pass: Pass): void {
  const { run, turn } = pass;
  if (run.suspendedSince !== undefined || !runningStep(run)) {
    run.lastObservedTime = undefined;
    return;
  }
  const last = run.lastObservedTime === undefined ? -Infinity : Date.parse(run.lastObservedTime);
  const due = turn.now - last >= OBSERVATION_MILLISECONDS;
  if (due) run.lastObservedTime = stamp(pass);
  wakeAt(pass, (due ? turn.now : last) + OBSERVATION_MILLISECONDS);
}

/** Restarts all timers with their full timeout, as the VIM does after a restart (starlingx-vim.md §11). */
export function restartTimers(pass: Pass): void {
  const { run, turn } = pass;
  for (const phase of [run.apply, run.abort]) {
    if (!phase) continue;
    stopPhaseTimer(phase);
    phase.timeoutSeconds = 0;
    if (phase.inProgress) startPhaseTimer(phase, stamp(pass));
  }
  const running = runningStep(run);
  for (const timer of running ? [running.stage, running.step] : [])
    timer.extendedSeconds = Math.max(0, Math.ceil((turn.now - Date.parse(timer.startTime ?? '')) / 1000));
}
