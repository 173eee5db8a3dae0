/**
 * Deadlines: of the running step, its stage and their phase. Each is absolute
 * and follows from what is stored: when it began, how long it may take, and by
 * how much it was put off.
 */
import type { PhaseStatus, StepStatus } from '../crds/patch-strategy-status.ts';
import { timeoutOver } from '../planner/stage-steps.ts';
import { stamp, wakeAt, type Draft, type Pass } from './pass.ts';
import type { Due } from './results.ts';
import { runningStep, type Running } from './run-state.ts';
import type { Instant } from './view.ts';

/** So often it is written down that somebody looks after an open step. */
const OBSERVATION_MILLISECONDS = 20_000;
/** A longer time in which nobody did is no fault of the hosts: deadlines are put off by it. */
const GAP_MILLISECONDS = 30_000;

type Timed = Pick<StepStatus, 'startTime' | 'timeoutSeconds' | 'extendedSeconds'>;

/** When a step or stage that has begun runs out of time. */
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

/** The first timer to fire, if one has by now. */
export function dueTimer(running: Running, now: Instant): Due | undefined {
  const { phase, stage, step } = running;
  const first = nextDeadline(running);
  if (now < first) return undefined;
  if (first === deadlineOf(step)) return { timer: 'step', timeoutSeconds: step.timeoutSeconds };
  if (first === deadlineOf(stage)) return { timer: 'stage', timeoutSeconds: stage.timeoutSeconds };
  return { timer: 'phase', timeoutSeconds: phase.timeoutSeconds };
}

/** Starts the timer of a phase, over the stages that it is to run from here. */
export function startPhaseTimer(phase: PhaseStatus, now: string): void {
  const toRun = phase.stages.slice(phase.currentStage, phase.stopAtStage);
  phase.timeoutSeconds = timeoutOver(toRun);
  stopPhaseTimer(phase);
  if (toRun.length > 0) phase.timedSince = now;
}

export function stopPhaseTimer(phase: PhaseStatus): void {
  delete phase.timedSince;
  delete phase.extendedSeconds;
}

/** Puts the deadlines of the running step, its stage and their phase off; a clock that was set back moves none. */
export function extendDeadlines(run: Draft, milliseconds: number): void {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  for (const timer of Object.values(runningStep(run) ?? {}))
    timer.extendedSeconds = (timer.extendedSeconds ?? 0) + seconds;
}

/**
 * Puts open deadlines off by the time in which no operator looked after the run: from when the look after the last one
 * that is stored was due, until now. Never by more, so that no crash loop puts a deadline off for good.
 *
 * This look is stored with the decision, in the same write. So whatever dies in between, a gap counts once: either both
 * are stored, or neither is, and the gap is found again. A clock that was set back counts for nothing, and the last look
 * is not moved back with it.
 */
export function extendDeadlinesByGap({ run, turn }: Pass): void {
  if (run.lastObservedTime === undefined) return;
  const gap = turn.now - Date.parse(run.lastObservedTime);
  if (gap <= GAP_MILLISECONDS) return;
  extendDeadlines(run, gap - OBSERVATION_MILLISECONDS);
  run.lastObservedTime = undefined;
}

/** Writes down that the open step is looked after, and sees to it that it will be again. */
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

/** All timers begin anew, with their whole time, as in the VIM after a restart (starlingx-vim.md §11). */
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
