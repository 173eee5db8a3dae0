/** A run in the form of a recorded lifecycle (test/vectors/vim/README.md, Lifecycle cases). */
import type { PhaseStatus } from '../../crds/observed/strategy-status.ts';
import type { Result, StrategyState } from '../../crds/vocabulary.ts';
import type { Answer } from '../../engine/turn.ts';
import type { RunState } from '../../engine/run/run-state.ts';
import type { Stage } from '../../planner/plan.ts';
import type { PhaseDocument } from '../../planner/vim/build-document.ts';
import { phaseDocument } from '../../planner/vim/run-document.ts';

/** The current state of the strategy, without its build phase, which no longer changes. */
export type RunDocument = {
  readonly state: StrategyState;
  readonly 'current-phase': RunState['currentPhase'];
  readonly 'current-phase-completion-percentage': number;
  readonly 'apply-phase': PhaseDocument;
  readonly 'abort-phase': PhaseDocument;
};

type ShortStage = {
  readonly 'stage-name': string;
  readonly 'current-step': number;
  readonly inprogress: boolean;
  readonly result: Result;
  readonly reason: string;
  readonly 'step-results': readonly Result[];
};

type ShortPhase = Omit<PhaseDocument, 'phase-name' | 'total-stages' | 'stages'> & {
  readonly stages: readonly ShortStage[];
};

/** One operation, its answer, and the state of the strategy after it in short form. */
export type LifecycleEntry = {
  readonly op: unknown;
  readonly success?: boolean;
  /** Empty when the operation was granted. */
  readonly reason?: string;
  readonly after: Omit<RunDocument, 'apply-phase' | 'abort-phase'> & {
    readonly 'apply-phase': ShortPhase;
    readonly 'abort-phase': ShortPhase;
  };
};

export function runDocument(
  { state, currentPhase, apply }: RunState,
  applied: readonly Stage[],
  abort: PhaseStatus,
  undone: readonly Stage[],
): RunDocument {
  const percentages = {
    build: 100,
    apply: apply.completionPercentage,
    abort: abort.completionPercentage,
  };
  return {
    state,
    'current-phase': currentPhase,
    'current-phase-completion-percentage': percentages[currentPhase],
    'apply-phase': phaseDocument('apply', apply, applied),
    'abort-phase': phaseDocument('abort', abort, undone),
  };
}

export function lifecycleEntry(
  op: unknown,
  answer: Answer | undefined,
  document: RunDocument,
): LifecycleEntry {
  const granted = answer?.answer === 'accepted';
  return {
    op,
    ...(answer ? { success: granted, reason: granted ? '' : answer.message } : {}),
    after: {
      ...document,
      'apply-phase': shortPhase(document['apply-phase']),
      'abort-phase': shortPhase(document['abort-phase']),
    },
  };
}

function shortPhase(phase: PhaseDocument): ShortPhase {
  const { 'phase-name': _name, 'total-stages': _total, stages, ...rest } = phase;
  return {
    ...rest,
    stages: stages.map((stage) => ({
      'stage-name': stage['stage-name'],
      'current-step': stage['current-step'],
      inprogress: stage.inprogress,
      result: stage.result,
      reason: stage.reason,
      'step-results': stage.steps.map(({ result }) => result),
    })),
  };
}
