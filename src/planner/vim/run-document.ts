/** A phase of a run in the format of the VIM's REST answer (starlingx-vim.md §2), without dates. */
import type { StepStatus } from '../../crds/observed/step-status.ts';
import type { PhaseStatus, StageStatus } from '../../crds/observed/strategy-status.ts';
import type { PhaseName } from '../../crds/vocabulary.ts';
import type { Entities, Stage } from '../plan.ts';
import type { PhaseDocument, StageDocument, StepDocument } from './build-document.ts';

/** @param planned the stages of the phase, with the hosts or instances of each step */
export function phaseDocument(name: PhaseName, phase: PhaseStatus, planned: readonly Stage[]): PhaseDocument {
  return {
    'phase-name': name,
    timeout: phase.timeoutSeconds,
    'total-stages': phase.totalStages,
    'current-stage': phase.currentStage,
    'stop-at-stage': phase.stopAtStage,
    stages: phase.stages.map((stage) => stageDocument(stage, planned[stage.id])),
    inprogress: phase.inProgress,
    'completion-percentage': phase.completionPercentage,
    ...outcome(phase),
  };
}

function stageDocument(stage: StageStatus, planned: Stage | undefined): StageDocument {
  return {
    'stage-id': stage.id,
    'stage-name': stage.name,
    timeout: stage.timeoutSeconds,
    'total-steps': stage.totalSteps,
    'current-step': stage.currentStep,
    steps: stage.steps.map((step) => stepDocument(step, planned?.steps[step.id]?.entities)),
    inprogress: stage.inProgress,
    ...outcome(stage),
  };
}

function stepDocument(step: StepStatus, entities: Entities | undefined): StepDocument {
  return {
    'step-id': step.id,
    'step-name': step.name,
    timeout: step.timeoutSeconds,
    'entity-type': entities?.type ?? '',
    'entity-uuids': entities?.uuids ?? [],
    'entity-names': entities?.names ?? [],
    ...outcome(step),
  };
}

function outcome({
  result,
  reason = '',
}: PhaseStatus | StageStatus | StepStatus): Pick<StepDocument, 'result' | 'reason'> {
  return { result, reason };
}
