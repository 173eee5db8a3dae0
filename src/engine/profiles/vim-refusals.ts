/** The refusals of the VIM, by its rules and with its texts (starlingx-vim.md §10.1, §10.3). */
import type { Pass } from '../pass.ts';
import type { RunRequest } from '../turn.ts';
import { runningStage } from '../run/run-state.ts';
import { refusal as nativeRefusal } from './careen-refusals.ts';

export function refusal(pass: Pass, request: RunRequest): string | undefined {
  switch (request.verb) {
    case 'apply-all':
      return pass.run.currentPhase === 'build' ? unbuilt(pass) : applyAll(pass);
    case 'apply-stage':
      return pass.run.currentPhase === 'build'
        ? firstStage(pass, request.stage)
        : applyStage(pass, request.stage);
    case 'abort':
      return abort(pass, request.stage);
    default:
      return nativeRefusal(pass, request);
  }
}

/** Why there is no plan to apply. */
function unbuilt({ run, turn }: Pass): string | undefined {
  return run.state === 'ready-to-apply' ? undefined : (turn.order.heldBack?.message ?? '');
}

function firstStage(pass: Pass, stage: number): string | undefined {
  const failure = unbuilt(pass);
  // The blank at the end is the VIM's.
  if (failure !== undefined) return `apply of stage id ${String(stage)} failed: ${failure} `;
  return stage === 0 && pass.run.apply.totalStages > 0 ? undefined : noSuchStage(pass, stage);
}

function applyAll(pass: Pass): string | undefined {
  const { run } = pass;
  if (run.currentPhase === 'abort') return 'apply not supported during an abort';
  if (isCompleted(pass)) return 'apply already completed';
  return run.apply.currentStage === run.apply.stopAtStage ? undefined : 'apply already inprogress';
}

function applyStage(pass: Pass, stage: number): string | undefined {
  const { apply, currentPhase } = pass.run;
  if (currentPhase === 'abort') return `apply of stage id ${String(stage)} not supported during an abort`;
  if (isCompleted(pass)) return 'apply already completed';
  if (runningStage(apply)) return 'apply already inprogress';
  if (stage < apply.currentStage) return `apply already complete for stage id ${String(stage)}`;
  if (stage >= apply.totalStages) return noSuchStage(pass, stage);
  if (stage === apply.currentStage) return undefined;
  return (
    `stage id ${String(stage)} is not the next stage to be applied, ` +
    `next-stage = ${String(apply.currentStage)}`
  );
}

function noSuchStage({ run }: Pass, stage: number): string {
  return `invalid stage id ${String(stage)} for the apply, total-stages are ${String(run.apply.totalStages)}`;
}

function isCompleted({ run }: Pass): boolean {
  return run.state !== 'applying' && run.state !== 'aborting';
}

function abort({ run }: Pass, stage: number | undefined): string | undefined {
  if (run.currentPhase !== 'apply') return 'apply not inprogress';
  if (stage !== undefined && runningStage(run.apply)?.id !== stage)
    return `apply not inprogress for stage id ${String(stage)}`;
  return run.state === 'applied' ? 'apply not inprogress' : undefined;
}
