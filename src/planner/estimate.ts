/**
 * How long a plan will take when all goes well. A guess from the assumptions
 * below, for people who plan their evening; nothing is decided by it.
 */
import type { StepName } from '../crds/vocabulary.ts';
import type { Stage, Step } from './plan.ts';
import { timeoutOver } from './stage-steps.ts';

/** What one Job that applies a patch takes. */
const PATCH_SECONDS = 120;
/** A look at a host that was not rebooted. */
const VERIFY_SECONDS = 5;
/** From the end of the last Job until a rebooted host is Ready again. */
const REBOOT_SECONDS = 180;

/** What the other steps take. One that is not among them is taken for as long as it may take. */
const TYPICAL_SECONDS: Readonly<Partial<Record<StepName, number>>> = {
  'query-alarms': 1,
  'lock-hosts': 5,
  'migrate-instances-from-host': 120,
  'unlock-hosts': 5,
};

/** Seconds that a step of the stage will take; never more than its timeout. */
export function estimateStep(step: Step, stage: Pick<Stage, 'level' | 'patches'>): number {
  return Math.min(step.timeoutSeconds, typicalSeconds(step, stage));
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

function typicalSeconds(
  { name, timeoutSeconds }: Step,
  { level, patches }: Pick<Stage, 'level' | 'patches'>,
): number {
  switch (name) {
    case 'sw-patch-hosts':
      return PATCH_SECONDS * patches.length;
    case 'verify':
      return level === 'away' ? REBOOT_SECONDS : VERIFY_SECONDS;
    default:
      return TYPICAL_SECONDS[name] ?? timeoutSeconds;
  }
}
