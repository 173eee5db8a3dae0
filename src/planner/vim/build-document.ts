/**
 * A build in the format of the VIM's REST answer (starlingx-vim.md §2): the strategy directly after its build phase,
 * without dates.
 */
import type { PhaseName, Result } from '../../crds/vocabulary.ts';
import type { Entities } from '../plan.ts';
import { timeoutOver } from '../stage-steps.ts';
import type { VimBuild } from './build.ts';
import type { Stage, Step } from './steps.ts';

export type StepDocument = {
  readonly 'step-id': number;
  readonly 'step-name': string;
  readonly timeout: number;
  readonly 'entity-type': Entities['type'];
  readonly 'entity-uuids': readonly string[];
  readonly 'entity-names': readonly string[];
  readonly result: Result;
  readonly reason: string;
};

export type StageDocument = {
  readonly 'stage-id': number;
  readonly 'stage-name': string;
  readonly timeout: number;
  readonly 'total-steps': number;
  readonly 'current-step': number;
  readonly steps: readonly StepDocument[];
  readonly inprogress: boolean;
  readonly result: Result;
  readonly reason: string;
};

export type PhaseDocument = {
  readonly 'phase-name': PhaseName;
  readonly timeout: number;
  readonly 'total-stages': number;
  readonly 'current-stage': number;
  readonly 'stop-at-stage': number;
  readonly stages: readonly StageDocument[];
  readonly inprogress: boolean;
  readonly 'completion-percentage': number;
  readonly result: Result;
  readonly reason: string;
};

export type BuildDocument = {
  readonly state: 'ready-to-apply' | 'build-failed';
  readonly 'current-phase': 'build';
  readonly 'current-phase-completion-percentage': number;
  readonly 'build-phase': PhaseDocument;
  readonly 'apply-phase': PhaseDocument;
  /** Only in a failed build; empty when a query got no answer. */
  readonly failure?: string;
};

export function buildDocument(build: VimBuild): BuildDocument {
  const { failure } = build;
  return {
    state: failure === undefined ? 'ready-to-apply' : 'build-failed',
    'current-phase': 'build',
    'current-phase-completion-percentage': 100,
    'build-phase': buildPhase(build),
    'apply-phase': plannedPhase(build.stages),
    ...(failure === undefined ? {} : { failure }),
  };
}

/** The phase also fails with the checks after its stage; the stage and its steps have still succeeded (§6.2). */
function buildPhase({ query, unanswered, failure }: VimBuild): PhaseDocument {
  const failing = query.steps.findIndex(({ name }) => name === unanswered);
  const ended = failing < 0 ? query.steps.length : failing;
  const resultOf = (index: number): Result =>
    index === failing ? 'failed' : index < ended ? 'success' : 'initial';
  const stage: StageDocument = {
    ...stageDocument(query, 0, resultOf),
    'current-step': ended,
    result: failing < 0 ? 'success' : 'failed',
  };
  return {
    ...phase('build', [stage]),
    timeout: timeoutOver([{ timeoutSeconds: stage.timeout }]),
    'current-stage': failing < 0 ? 1 : 0,
    'stop-at-stage': 1,
    result: failure === undefined ? 'success' : 'failed',
    reason: failure ?? '',
  };
}

function plannedPhase(stages: readonly Stage[]): PhaseDocument {
  return phase(
    'apply',
    stages.map((stage, id) => stageDocument(stage, id, () => 'initial')),
  );
}

/** A phase that has not begun: its timeout is not known yet, and it counts as complete (§5). */
function phase(name: PhaseName, stages: readonly StageDocument[]): PhaseDocument {
  return {
    'phase-name': name,
    timeout: 0,
    'total-stages': stages.length,
    'current-stage': 0,
    'stop-at-stage': 0,
    stages,
    inprogress: false,
    'completion-percentage': 100,
    result: 'initial',
    reason: '',
  };
}

function stageDocument(
  { name, steps }: Stage,
  id: number,
  resultOf: (index: number) => Result,
): StageDocument {
  return {
    'stage-id': id,
    'stage-name': name,
    timeout: timeoutOver(steps),
    'total-steps': steps.length,
    'current-step': 0,
    steps: steps.map((step, index) => stepDocument(step, index, resultOf(index))),
    inprogress: false,
    result: 'initial',
    reason: '',
  };
}

function stepDocument({ name, timeoutSeconds, entities }: Step, id: number, result: Result): StepDocument {
  return {
    'step-id': id,
    'step-name': name,
    timeout: timeoutSeconds,
    'entity-type': entities.type,
    'entity-uuids': entities.uuids,
    'entity-names': entities.names,
    result,
    reason: '',
  };
}
