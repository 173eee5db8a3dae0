/**
 * The estimated duration of a plan without failures, from the typical duration of each kind of step. It is for people
 * who schedule maintenance; no decision uses it.
 */
import type { StepName } from '../crds/vocabulary.ts';
import type { Stage, Step } from './plan.ts';
import { timeoutOver } from './stage-steps.ts';
import { kindOf } from './step-kinds.ts';

/** Of the steps that only sessions have. The others of them wait for people, as long as their timeout. */
const SESSION_SECONDS: Readonly<Partial<Record<StepName, number>>> = {
  ...{ 'close-hosts': 5, 'move-instances': 60, 'await-empty': 1 },
};

/** The estimated seconds of a step of the stage; never more than its timeout. */
export function estimateStep(step: Step, stage: Pick<Stage, 'level' | 'patches' | 'steps'>): number {
  const { name, timeoutSeconds } = step;
  return Math.min(
    timeoutSeconds,
    kindOf(name)?.typicalSeconds?.(stage) ?? SESSION_SECONDS[name] ?? timeoutSeconds,
  );
}

/** The estimated seconds of a stage: its hosts take each step together, its steps follow one another. */
export function estimateStage(stage: Stage): number {
  return stage.steps.reduce((sum, step) => sum + estimateStep(step, stage), 0);
}

export type Estimate = {
  readonly seconds: number;
  /** The duration if every step takes its whole timeout. */
  readonly atMostSeconds: number;
};

export function estimatePlan(stages: readonly Stage[]): Estimate {
  return {
    seconds: stages.reduce((sum, stage) => sum + estimateStage(stage), 0),
    atMostSeconds: timeoutOver(stages),
  };
}
