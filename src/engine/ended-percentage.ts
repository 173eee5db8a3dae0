import type { Progressing } from './pass.ts';
import { isFinal } from './run-state.ts';
import { sumOverFirst } from './stage-folds.ts';

const totalSteps = sumOverFirst(({ steps }) => steps.length);
const endedSteps = sumOverFirst(({ steps }) => steps.filter(({ result }) => isFinal(result)).length);

/** The percentage of the steps of a phase that have ended, rounded down; undefined without steps. */
export function endedPercentage({ stages, currentStage }: Progressing): number | undefined {
  const total = totalSteps(stages, stages.length);
  if (total === 0) return undefined;
  const open = stages[currentStage]?.steps.filter(({ result }) => isFinal(result)).length ?? 0;
  return Math.floor((100 * (endedSteps(stages, Math.min(currentStage, stages.length)) + open)) / total);
}
