import type { PhaseStatus } from '../../crds/observed/strategy-status.ts';
import { show } from './lifecycle.ts';
import { againstCompletion } from '../hosts/completion.ts';
import { editStage, isAborting, noteReason, type Pass } from '../pass.ts';
import { isGood, type Ending } from './results.ts';
import { runStage } from './run-stage.ts';
import { currentStage, runningStage } from './run-state.ts';
import { combinedOver } from './stage-folds.ts';
import { stopPhaseTimer } from './timers.ts';

/**
 * Advances a phase as far as possible now, stage by stage. Undefined while it runs, and while it pauses before
 * `stopAtStage` or waits for a person.
 */
export function runPhase(pass: Pass, phase: PhaseStatus): Ending | undefined {
  if (isAborting(pass)) return awaitStep(pass, phase);
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
    if (!ending || !isGood(ending.result)) return ending;
    phase.currentStage += 1;
    editStage(phase, phase.currentStage);
    if (pass.profile.earlyResults) show(phase, combinedOver(phase));
  }
  if (phase.currentStage === phase.totalStages) return combinedOver(phase);
  stopPhaseTimer(phase);
  return undefined;
}

/** An abort awaits the running step first. Between two stages no step runs. */
function awaitStep(pass: Pass, phase: PhaseStatus): Ending | undefined {
  const stage = runningStage(phase);
  const ending = stage && runStage(pass, phase, stage);
  if (stage && !ending) return undefined;
  return ending?.ends === 'phase' ? ending : { result: 'aborted' };
}
