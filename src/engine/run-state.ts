import type { HostProgress, PhaseStatus, StageStatus } from '../crds/patch-strategy-status.ts';
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
  /** There once an abort was asked for and its running step has ended. */
  readonly abort: PhaseStatus | undefined;
  /** Hosts whose outage is open: recorded before they are claimed, gone once they are released. */
  readonly hosts: readonly HostProgress[];
  /** How far requests allow the run to go, whatever the mode is; undefined when none did. */
  readonly authority: { readonly throughStage: number } | undefined;
  /** The mode in which the abort was asked for. */
  readonly abortedIn: ExecutionMode | undefined;
  /** RFC 3339; there while `Suspend` lets no time pass. */
  readonly suspendedSince: string | undefined;
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
    steps: stage.steps.map((step, index) => ({ id: index, ...step, result: 'initial' })),
    inProgress: false,
    result: 'initial',
  };
}

/** Whether a result is an end. */
export function isFinal(result: Result): boolean {
  return result !== 'initial' && result !== 'inprogress' && result !== 'wait';
}

/**
 * Share of the steps that are over, rounded down. Unlike in the VIM a phase that
 * has not begun shows 0, and one that failed shows how far it came.
 */
export function completionPercentage({ stages, result }: Pick<PhaseStatus, 'stages' | 'result'>): number {
  const steps = stages.flatMap((stage) => stage.steps);
  if (steps.length === 0) return isFinal(result) ? 100 : 0;
  return Math.floor((100 * steps.filter((step) => isFinal(step.result)).length) / steps.length);
}
