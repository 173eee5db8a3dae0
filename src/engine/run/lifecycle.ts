import type { StepStatus } from '../../crds/observed/step-status.ts';
import type { PhaseStatus, StageStatus } from '../../crds/observed/strategy-status.ts';
import { LONGEST_TEXT, statusText } from '../../crds/text/status-text.ts';
import type { Result } from '../../crds/vocabulary.ts';
import type { Ending } from './results.ts';

/** Begins a phase or a stage; `time` is RFC 3339, here and below. */
export function begin(part: PhaseStatus | StageStatus, time: string): void {
  part.inProgress = true;
  part.result = 'inprogress';
  part.startTime = time;
}

export function beginStep(step: StepStatus, time: string): void {
  step.result = 'wait';
  step.startTime = time;
}

export function endPhase(phase: PhaseStatus, time: string, result: Result, reason?: string): void {
  phase.inProgress = false;
  end(phase, time, result, reason);
}

export function endStage(stage: StageStatus, time: string, result: Result, reason?: string): void {
  stage.inProgress = false;
  delete stage.released;
  end(stage, time, result, reason);
}

export function endStep(step: StepStatus, time: string, result: Result, reason?: string): void {
  end(step, time, result, reason);
}

function end(
  part: PhaseStatus | StageStatus | StepStatus,
  time: string,
  result: Result,
  reason?: string,
): void {
  show(part, { result, ...(reason ? { reason } : {}) });
  part.endTime = time;
}

/** Sets the result and reason of a part; an earlier reason is removed. */
export function show(part: PhaseStatus | StageStatus | StepStatus, { result, reason }: Ending): void {
  part.result = result;
  if (reason) part.reason = statusText(reason, LONGEST_TEXT);
  else delete part.reason;
}
