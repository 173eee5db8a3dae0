/** The profile of the VIM. Its levels differ only in their plans: the engine carries all of them out alike. */
import type { PhaseStatus, StageStatus } from '../../crds/observed/strategy-status.ts';
import { plannedStage, type Plan, type Stage, type Step, type Undo } from '../../planner/plan.ts';
import { timeoutOver } from '../../planner/stage-steps.ts';
import { show } from '../run/lifecycle.ts';
import { editStage, type EngineProfile, type Pass, type Progressing } from '../pass.ts';
import { newPhase, runningStage, type RunState } from '../run/run-state.ts';
import { endedPercentage } from '../run/stage-folds.ts';
import { STEP_DEFINITIONS } from '../steps/definitions.ts';
import { restartTimers } from '../run/timers.ts';
import { refusal } from './vim-refusals.ts';

export const VIM_ENGINE: EngineProfile = {
  steps: STEP_DEFINITIONS,
  goesOnWithoutLeavers: false,
  judgesQuorum: false,
  earlyResults: true,
  completionPercentage,
  phaseReason: (_stage, { reason = '' }) => reason,
  timeOut: ({ timer }) =>
    timer === 'step' ? { result: 'timed-out' } : { result: 'timed-out', reason: 'timeout', ends: timer },
  afterDowntime: (pass) => {
    if (pass.turn.restarted) restartTimers(pass);
  },
  onFailure: 'abort',
  onAbort,
  onSecondAbort,
  undo: undoneBy,
  refusal,
};

/** §5: a phase that is not in progress counts as complete. */
function completionPercentage(phase: Progressing): number {
  return phase.inProgress ? (endedPercentage(phase) ?? 100) : 100;
}

/**
 * Marks the aborted parts, and shows the stages of the abort phase at once (§10.3, §10.4). Between two stages it has
 * none: the abort is over, and its phase never runs.
 */
function onAbort(pass: Pass): void {
  const { run } = pass;
  const pauses = run.apply.inProgress && !runningStage(run.apply);
  const isOpen = (part: PhaseStatus | StageStatus): boolean => part.inProgress || part.result === 'initial';
  if (isOpen(run.apply)) show(run.apply, { result: 'aborted' });
  for (const { id } of visited(run.apply).filter(isOpen)) {
    const stage = editStage(run.apply, id);
    if (stage) show(stage, { result: 'aborted' });
  }
  run.abort = newPhase(undoneBy(pass));
  if (pauses) run.state = 'aborted';
}

/** A defect of the VIM (§14, 10): the running step is still awaited, but the abort phase never runs. */
function onSecondAbort({ run }: Pass): void {
  run.state = 'aborted';
}

/**
 * The stages that undo each begun step, the last step first (§10.4). A completed stage is left as it is. The result is
 * the same at any time after the abort began, because the apply phase does not advance any more.
 */
export function undoneBy({
  run,
  plan,
}: {
  readonly run: Pick<RunState, 'apply'>;
  readonly plan: Plan;
}): readonly Stage[] {
  return visited(run.apply).flatMap((stage) => {
    const planned = plannedStage(plan, stage.id)?.steps ?? [];
    const begun = stage.currentStep < planned.length ? planned.slice(0, stage.currentStep + 1) : [];
    const steps = begun.toReversed().flatMap((step) => (step.undo ? [undoing(step, step.undo)] : []));
    if (steps.length === 0) return [];
    const { name, hosts = [], level = 'away' } = stage;
    return [{ name, hosts, patches: [], level, steps, timeoutSeconds: timeoutOver(steps) }];
  });
}

function undoing({ entities, hosts }: Step, undo: Undo): Step {
  return { ...undo, ...(entities ? { entities } : {}), ...(hosts ? { hosts } : {}) };
}

/** The stages that a run has reached, the current one first. */
function visited({ stages, currentStage }: PhaseStatus): StageStatus[] {
  return stages.slice(0, currentStage + 1).toReversed();
}
