import type { PhaseStatus } from '../../crds/observed/strategy-status.ts';
import { show } from './lifecycle.ts';
import { againstCompletion } from '../hosts/completion.ts';
import { editStage, isAborting, noteReason, stamp, type Pass } from '../pass.ts';
import { failedBecause, isGood, type Ending } from './results.ts';
import { runStage } from './run-stage.ts';
import { currentStage, newStage, runningStage } from './run-state.ts';
import { mayAppend } from '../orders/orders.ts';
import { combinedOver } from './stage-folds.ts';
import { startPhaseTimer, stopPhaseTimer } from './timers.ts';
import { digest } from '../../planner/digest.ts';
import type { Stage } from '../../planner/plan.ts';

/**
 * How many rounds may end in one pass. None of them had anything to do, so the next one has nothing either: a workflow of a
 * user may be wrong, and a pass without an end would stop the whole operator.
 */
const MOST_ROUNDS = 100;

/**
 * Advances a phase as far as possible now, stage by stage. Undefined while it runs, and while it pauses before
 * `stopAtStage` or waits for a person.
 */
export function runPhase(pass: Pass, phase: PhaseStatus): Ending | undefined {
  if (isAborting(pass)) return awaitStep(pass, phase);
  for (let rounds = 0; ; rounds += 1) {
    const ending = runStages(pass, phase);
    if (ending || phase.currentStage < phase.totalStages) return ending;
    if (phase !== pass.run.apply || !pass.profile.next) return combinedOver(phase);
    if (!mayAppend(pass)) {
      stopPhaseTimer(phase);
      return undefined;
    }
    if (rounds === MOST_ROUNDS)
      return failedBecause([
        `${String(MOST_ROUNDS)} rounds in a row had nothing to do: the workflow asks for the same again`,
      ]);
    const next = pass.profile.next(pass);
    switch (next.kind) {
      case 'complete':
        return { result: 'success' };
      case 'failed':
        return failedBecause([next.reason]);
      case 'wait':
        noteReason(pass, next.reason);
        return undefined;
      case 'stages':
        appendStages(pass, phase, next.stages);
    }
  }
}

/** Advances the stages up to `stopAtStage` as far as possible now. */
function runStages(pass: Pass, phase: PhaseStatus): Ending | undefined {
  while (phase.currentStage < phase.stopAtStage) {
    const stage = currentStage(phase);
    if (!stage) return undefined;
    const against = againstCompletion(pass, stage);
    if (against !== undefined) {
      noteReason(pass, against, 'HostsLackRelease');
      phase.stopAtStage = phase.currentStage;
      break;
    }
    const ending = runStage(pass, phase, stage);
    if (!ending) return undefined;
    const goesOn = isGood(ending.result) || pass.profile.goesOnAfter?.(pass, stage) === true;
    if (!goesOn) return ending;
    phase.currentStage += 1;
    editStage(phase, phase.currentStage);
    if (pass.profile.earlyResults) show(phase, combinedOver(phase));
  }
  if (phase.currentStage < phase.totalStages) stopPhaseTimer(phase);
  return undefined;
}

/** Appends stages to the plan. Its digest covers the one before, so no earlier stage can change. */
function appendStages(pass: Pass, phase: PhaseStatus, stages: readonly Stage[]): void {
  const { plan } = pass;
  pass.plan = {
    ...plan,
    stages: [...plan.stages, ...stages],
    digest: digest({ after: plan.digest, stages }),
  };
  phase.stages.push(...stages.map((stage, index) => newStage(stage, phase.totalStages + index)));
  phase.totalStages += stages.length;
  phase.stopAtStage = phase.totalStages;
  startPhaseTimer(phase, stamp(pass));
}

/** An abort awaits the running step first. Between two stages no step runs. */
function awaitStep(pass: Pass, phase: PhaseStatus): Ending | undefined {
  const stage = runningStage(phase);
  const ending = stage && runStage(pass, phase, stage);
  if (stage && !ending) return undefined;
  return ending?.ends === 'phase' ? ending : { result: 'aborted' };
}
