import type { HostProgress, PhaseStatus, StageStatus, StepStatus } from '../crds/patch-strategy-status.ts';
import type { ExecutionMode, PhaseName, Result, StrategyState } from '../crds/vocabulary.ts';
import type { Plan, Stage } from '../planner/plan.ts';

/**
 * One execution of one plan: the only mutable memory. It has the shape in which
 * it is kept in `.status`, so what people read is what the engine goes on from.
 */
export type RunState = {
  readonly id: string;
  readonly state: StrategyState;
  readonly currentPhase: PhaseName;
  readonly apply: PhaseStatus;
  /** What an abort puts back: there once its running step has ended, in the VIM as soon as it was asked for. */
  readonly abort: PhaseStatus | undefined;
  /** Hosts whose outage is open: recorded before they are claimed, gone once they are released. */
  readonly hosts: readonly HostProgress[];
  /** How far requests allow the run to go, whatever the mode is; undefined when none did. */
  readonly authority: { readonly throughStage: number } | undefined;
  /** The mode in which the abort was asked for. */
  readonly abortedIn: ExecutionMode | undefined;
  /** RFC 3339; there while `Suspend` lets no time pass. */
  readonly suspendedSince: string | undefined;
  /** RFC 3339; when an open step was last looked after, as far as that is written down. */
  readonly lastObservedTime: string | undefined;
};

/** The run of a new plan, in which nothing has happened yet. */
export function newRun(id: string, plan: Plan): RunState {
  return {
    id,
    state: 'ready-to-apply',
    currentPhase: 'build',
    apply: newPhase(plan.stages),
    abort: undefined,
    hosts: [],
    authority: undefined,
    abortedIn: undefined,
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
    stages: stages.map(newStage),
    inProgress: false,
    completionPercentage: 0,
    result: 'initial',
  };
}

function newStage(stage: Stage, id: number): StageStatus {
  return {
    id,
    name: stage.name,
    hosts: [...stage.hosts],
    patches: [...stage.patches],
    level: stage.level,
    timeoutSeconds: stage.timeoutSeconds,
    totalSteps: stage.steps.length,
    currentStep: 0,
    steps: stage.steps.map(({ name, timeoutSeconds }, index) => ({
      ...{ id: index, name, timeoutSeconds },
      result: 'initial',
    })),
    inProgress: false,
    result: 'initial',
  };
}

/** Puts the current stage of a phase back to its beginning, as this attempt at it. */
export function resetStage(phase: PhaseStatus, stages: readonly Stage[], attempt: number): void {
  const { currentStage } = phase;
  const stage = stages[currentStage];
  if (!stage) return;
  phase.stages[currentStage] = { ...newStage(stage, currentStage), ...(attempt > 1 ? { attempt } : {}) };
}

/** Whether a host had failed when its stage began anew, and nothing was done about that since. */
export function isStillFailed({ failedBefore, patches }: HostProgress): boolean {
  return failedBefore === true && patches === undefined;
}

/** Says of such a host that it has failed, and leaves any other as it is. */
export function withEarlierFailure(host: HostProgress): HostProgress {
  if (!isStillFailed(host)) return host;
  return { ...host, result: 'failed', reason: `${host.name} had failed before, and was not worked on again` };
}

/** Whether a result is an end. */
export function isFinal(result: Result): boolean {
  return result !== 'initial' && result !== 'inprogress' && result !== 'wait';
}

/** The stage that is under way. */
export function runningStage({ stages, currentStage }: PhaseStatus): StageStatus | undefined {
  const stage = stages[currentStage];
  return stage?.inProgress ? stage : undefined;
}

/** The step that runs, and what it is in. */
export type Running = {
  readonly phase: PhaseStatus;
  readonly stage: StageStatus;
  readonly step: StepStatus;
};

/** The step that a run is in; undefined when it has not begun, pauses between two stages, or has ended. */
export function runningStep({ currentPhase, apply, abort }: RunState): Running | undefined {
  const phase = currentPhase === 'abort' ? abort : apply;
  const stage = phase?.inProgress ? runningStage(phase) : undefined;
  const step = stage?.steps[stage.currentStep];
  return phase && stage && step ? { phase, stage, step } : undefined;
}
