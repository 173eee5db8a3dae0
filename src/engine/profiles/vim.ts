/** The profile of the VIM: its levels differ in their plans, not in how these are carried out. */
import type { PhaseStatus, StageStatus } from '../../crds/patch-strategy-status.ts';
import type { Plan, Stage, Step, Undo } from '../../planner/plan.ts';
import { timeoutOver } from '../../planner/stage-steps.ts';
import { show } from '../lifecycle.ts';
import type { EngineProfile, Pass } from '../pass.ts';
import { isFinal, newPhase, runningStage, type RunState } from '../run-state.ts';
import { STEP_DEFINITIONS } from '../steps/definitions.ts';
import { restartTimers } from '../timers.ts';
import { refusal } from './vim-refusals.ts';

export const VIM_ENGINE: EngineProfile = {
  steps: STEP_DEFINITIONS,
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

/** §5: what is not under way counts as complete. */
function completionPercentage({ stages, inProgress }: Pick<PhaseStatus, 'stages' | 'inProgress'>): number {
  const steps = stages.flatMap((stage) => stage.steps);
  if (!inProgress || steps.length === 0) return 100;
  return Math.floor((100 * steps.filter((step) => isFinal(step.result)).length) / steps.length);
}

/**
 * Marks what is aborted and shows at once what will be undone (§10.3, §10.4). Between two stages that is nothing, and
 * the abort is over; its phase is never run.
 */
function onAbort(pass: Pass): void {
  const { run } = pass;
  const pauses = run.apply.inProgress && !runningStage(run.apply);
  for (const part of [run.apply, ...visited(run.apply)]) {
    if (part.inProgress || part.result === 'initial') show(part, { result: 'aborted' });
  }
  run.abort = newPhase(undoneBy(pass));
  if (pauses) run.state = 'aborted';
}

/** A defect of the VIM (§14, 10): the step is still awaited, but what was to be undone is not. */
function onSecondAbort({ run }: Pass): void {
  run.state = 'aborted';
}

/**
 * What undoes each step that was begun, from the last one back (§10.4). A stage that ran to its end is left as it is.
 * The same at any time after the abort was asked for: nothing moves what the apply phase had come to.
 */
export function undoneBy({
  run,
  plan,
}: {
  readonly run: Pick<RunState, 'apply'>;
  readonly plan: Plan;
}): readonly Stage[] {
  return visited(run.apply).flatMap((stage) => {
    const planned = plan.stages[stage.id]?.steps ?? [];
    const begun = stage.currentStep < planned.length ? planned.slice(0, stage.currentStep + 1) : [];
    const steps = begun.toReversed().flatMap((step) => (step.undo ? [undoing(step, step.undo)] : []));
    if (steps.length === 0) return [];
    const { name, hosts = [], level = 'away' } = stage;
    return [{ name, hosts, patches: [], level, steps, timeoutSeconds: timeoutOver(steps) }];
  });
}

function undoing({ entities }: Step, undo: Undo): Step {
  return { ...undo, ...(entities ? { entities } : {}) };
}

/** The stages that a run has come to, the current one first. */
function visited({ stages, currentStage }: PhaseStatus): StageStatus[] {
  return stages.slice(0, currentStage + 1).toReversed();
}
