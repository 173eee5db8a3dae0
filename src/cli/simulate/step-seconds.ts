/** The time that each host takes for each step, without the time that others decide. Pure. */
import { createHash } from 'node:crypto';
import type { StepName } from '../../crds/vocabulary.ts';
import { estimateStep } from '../../planner/estimate.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { Stage, Step } from '../../planner/plan.ts';
import { hostStep, type WhatIf } from './what-if.ts';

/** With a seed a step takes up to this share of its time more or less. */
const SPREAD = 0.25;
/** A step with an estimate as long as its timeout ends this much before the timeout. */
const MOMENT_SECONDS = 0.001;

/** The time of a host in a step of a stage, by the position of the stage in the plan. */
export type StepSeconds = (stage: number, host: HostName, step: StepName) => number;

/**
 * The estimates of the plan, or the supposed times instead. With a seed the
 * estimates vary a little; equal seeds give equal times. No estimate reaches the
 * timeout of its step.
 */
export function stepSeconds(
  stageOf: (id: number) => Stage | undefined,
  { seconds, seed }: Pick<WhatIf, 'seconds' | 'seed'>,
): StepSeconds {
  return (id, host, name) => {
    const supposed = seconds.get(hostStep(host, name));
    if (supposed !== undefined) return supposed;
    const stage = stageOf(id);
    const step = stage?.steps.find((each) => each.name === name);
    return stage && step ? estimate(stage, step, host, seed) : 0;
  };
}

function estimate(stage: Stage, step: Step, host: HostName, seed: number | undefined): number {
  const factor = seed === undefined ? 1 : varied(`${String(seed)}/${host}/${step.name}`);
  const seconds = Math.round(estimateStep(step, stage) * factor);
  return Math.min(seconds, step.timeoutSeconds - MOMENT_SECONDS);
}

function varied(key: string): number {
  return 1 + SPREAD * (2 * share(key) - 1);
}

/** A number from 0 to 1 that follows from a text. */
function share(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE() / 0xffff_ffff;
}
