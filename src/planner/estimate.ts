/**
 * How long a plan will take when all goes well. A guess from what each kind of
 * step typically takes, for people who plan their evening; nothing is decided by it.
 */
import type { Stage, Step } from './plan.ts';
import { timeoutOver } from './stage-steps.ts';
import { kindOf } from './step-kinds.ts';

/** Seconds that a step of the stage will take; never more than its timeout. */
export function estimateStep(step: Step, stage: Pick<Stage, 'level' | 'patches'>): number {
  const { name, timeoutSeconds } = step;
  return Math.min(timeoutSeconds, kindOf(name)?.typicalSeconds?.(stage) ?? timeoutSeconds);
}

/** Seconds that a stage will take: its hosts go together, its steps one after another. */
export function estimateStage(stage: Stage): number {
  return stage.steps.reduce((sum, step) => sum + estimateStep(step, stage), 0);
}

export type Estimate = {
  readonly seconds: number;
  /** When every step takes all of its timeout. */
  readonly atMostSeconds: number;
};

export function estimatePlan(stages: readonly Stage[]): Estimate {
  return {
    seconds: stages.reduce((sum, stage) => sum + estimateStage(stage), 0),
    atMostSeconds: timeoutOver(stages),
  };
}
