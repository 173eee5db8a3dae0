import type { HostProgress } from '../../crds/observed/host-progress.ts';
import type { StepStatus } from '../../crds/observed/step-status.ts';
import type { PhaseStatus, SkippedHost, StageStatus } from '../../crds/observed/strategy-status.ts';
import type { ExecutionMode, PhaseName, Result, StrategyState } from '../../crds/vocabulary.ts';
import { plannedStage, plannedStep, type Plan, type Stage } from '../../planner/plan.ts';
import type { SessionProgress } from '../session/session-state.ts';

/**
 * One execution of one plan: the only mutable memory. Its shape is that of `.status`, so people read the same state
 * from which the engine continues.
 */
export type RunState = {
  readonly id: string;
  readonly state: StrategyState;
  readonly currentPhase: PhaseName;
  readonly apply: PhaseStatus;
  /** The abort phase. It exists after the running step has ended; in the VIM, from the request for the abort. */
  readonly abort: PhaseStatus | undefined;
  /** Hosts in an open outage: recorded before they are claimed, removed after they are released. */
  readonly hosts: readonly HostProgress[];
  /** Hosts that requests leave out of the run. */
  readonly skipped: readonly SkippedHost[];
  /** The last stage that requests allow, in any mode; undefined without such a request. */
  readonly authority: Authority | undefined;
  /** The mode at the time of the abort. */
  readonly abortedIn: ExecutionMode | undefined;
  /** Why the run was aborted without an order for it, and which hosts it gives back before their reboot. */
  readonly abortedBecause: string | undefined;
  /** RFC 3339; set while `Suspend` pauses the deadlines. */
  readonly suspendedSince: string | undefined;
  /** RFC 3339; the last stored time at which an operator observed the open step. */
  readonly lastObservedTime: string | undefined;
  /** Only the run of a session has it. */
  readonly session?: SessionProgress | undefined;
};

/** How far requests allow a run to continue, and the id of the last of them. */
export type Authority = { readonly throughStage: number; readonly request?: string | undefined };

/** The run of a new plan, before its first stage. */
export function newRun(id: string, plan: Plan): RunState {
  return {
    id,
    state: 'ready-to-apply',
    currentPhase: 'build',
    apply: newPhase(plan.stages),
    abort: undefined,
    hosts: [],
    skipped: [],
    authority: undefined,
    abortedIn: undefined,
    abortedBecause: undefined,
    suspendedSince: undefined,
    lastObservedTime: undefined,
  };
}

/** A phase that has not begun. */
export function newPhase(stages: readonly Stage[]): PhaseStatus {
  return {
    totalStages: stages.length,
    currentStage: 0,
    stopAtStage: 0,
    timeoutSeconds: 0,
    stages: stages.map((stage, id) => newStage(stage, id)),
    inProgress: false,
    completionPercentage: 0,
    result: 'initial',
  };
}

/** A stage that has not begun. */
export function newStage(stage: Stage, id: number): StageStatus {
  return {
    id,
    name: stage.name,
    hosts: [...stage.hosts],
    patches: [...stage.patches],
    level: stage.level,
    timeoutSeconds: stage.timeoutSeconds,
    totalSteps: stage.steps.length,
    currentStep: 0,
    steps: stage.steps.map((step, index) => ({ id: index, ...plannedStep(step), result: 'initial' })),
    inProgress: false,
    result: 'initial',
  };
}

/**
 * Resets the current stage of a phase to its beginning, under this attempt number. Hosts that left are not awaited; those
 * that were only not staged are tried again.
 */
export function resetStage(phase: PhaseStatus, plan: Plan, attempt: number): void {
  const id = phase.currentStage;
  const stage = plannedStage(plan, id);
  if (!stage) return;
  const left = currentStage(phase)?.left?.filter(({ unstaged }) => !unstaged) ?? [];
  phase.stages[id - firstStage(phase)] = {
    ...newStage(stage, id),
    ...(left.length > 0 ? { left } : {}),
    ...(attempt > 1 ? { attempt } : {}),
  };
}

/** Whether a host had failed when its stage restarted, and no work has begun on it since. */
export function isStillFailed({ failedBefore, patches }: HostProgress): boolean {
  return failedBefore === true && patches === undefined;
}

/** Marks such a host as failed, and leaves any other as it is. */
export function withEarlierFailure(host: HostProgress): HostProgress {
  if (!isStillFailed(host)) return host;
  return { ...host, result: 'failed', reason: `${host.name} had failed before, and was not worked on again` };
}

/** Whether a part with this result has ended. */
export function isFinal(result: Result): boolean {
  return result !== 'initial' && result !== 'inprogress' && result !== 'wait';
}

/** The stages of a phase that are at hand: all of them, or those of one part of a large plan. */
export type StagesAtHand = Pick<PhaseStatus, 'stages' | 'earlier'>;

/** The id of the first stage at hand. Those before it have ended. */
export function firstStage({ earlier }: Pick<PhaseStatus, 'earlier'>): number {
  return earlier?.stages ?? 0;
}

/**
 * The running or next stage of a phase, or the one in which it failed; undefined after the last one, and while the next
 * one is not at hand (`needsNextPart`).
 */
export function currentStage(
  phase: StagesAtHand & Pick<PhaseStatus, 'currentStage'>,
): StageStatus | undefined {
  return phase.stages[phase.currentStage - firstStage(phase)];
}

/** Whether every stage at hand has ended, and others follow. */
export function needsNextPart(phase: PhaseStatus): boolean {
  return phase.later !== undefined && phase.currentStage === firstStage(phase) + phase.stages.length;
}

/** The stage in progress. */
export function runningStage(phase: PhaseStatus): StageStatus | undefined {
  const stage = currentStage(phase);
  return stage?.inProgress ? stage : undefined;
}

/** The running step, with its stage and phase. */
export type Running = {
  readonly phase: PhaseStatus;
  readonly stage: StageStatus;
  readonly step: StepStatus;
};

/** The running step of a run; undefined when the run has not begun, pauses between two stages, or has ended. */
export function runningStep({ currentPhase, apply, abort }: RunState): Running | undefined {
  const phase = currentPhase === 'abort' ? abort : apply;
  const stage = phase?.inProgress ? runningStage(phase) : undefined;
  const step = stage?.steps[stage.currentStep];
  return phase && stage && step ? { phase, stage, step } : undefined;
}
