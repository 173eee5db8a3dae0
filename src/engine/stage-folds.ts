/**
 * Values over many stages of a phase, at the cost of those that have changed. A stage that has ended does not change any
 * more, and neither does one that has not begun. A pass shares their objects with the run that it began from, so an
 * object stands for all that lies before it, or behind it, and its value is kept.
 */
import type { PhaseStatus, StageStatus } from '../crds/patch-strategy-status.ts';
import { isFinal } from './run-state.ts';

type Stages = readonly StageStatus[];
type Fold = { readonly of: (stage: StageStatus) => number; readonly join: (a: number, b: number) => number };

const sum = (a: number, b: number): number => a + b;

/** Makes the sum of `of` over the first `count` stages. They must have ended, or `of` must not change. */
export function sumOverFirst(of: Fold['of']): (stages: Stages, count: number) => number {
  const known = new WeakMap<StageStatus, number>();
  return (stages, count) => fold(stages, { first: 0, last: count - 1, step: 1 }, { of, join: sum }, known);
}

/** Makes the largest `of` over the stages from `first` on, none of which has begun; 0 without stages. */
export function largestFrom(of: Fold['of']): (stages: Stages, first: number) => number {
  const known = new WeakMap<StageStatus, number>();
  return (stages, first) =>
    fold(stages, { first: stages.length - 1, last: first, step: -1 }, { of, join: Math.max }, known);
}

/** Folds from `first` to `last`; begins behind the last stage whose value is known. */
function fold(
  stages: Stages,
  { first, last, step }: { readonly first: number; readonly last: number; readonly step: 1 | -1 },
  { of, join }: Fold,
  known: WeakMap<StageStatus, number>,
): number {
  let from = last;
  const isIn = (index: number): boolean => (first - index) * step <= 0;
  const valueAt = (index: number): number | undefined => {
    const stage = isIn(index) ? stages[index] : undefined;
    return stage && known.get(stage);
  };
  while (isIn(from) && valueAt(from) === undefined) from -= step;
  let value = valueAt(from) ?? 0;
  for (let index = from + step; (last - index) * step >= 0; index += step) {
    const stage = stages[index];
    if (!stage) break;
    value = join(value, of(stage));
    known.set(stage, value);
  }
  return value;
}

const totalSteps = sumOverFirst(({ steps }) => steps.length);
const endedIn = ({ steps }: StageStatus): number => steps.filter(({ result }) => isFinal(result)).length;
const endedSteps = sumOverFirst(endedIn);

/** The percentage of the steps of a phase that have ended, rounded down; undefined without steps. */
export function endedPercentage({
  stages,
  currentStage,
}: Pick<PhaseStatus, 'stages' | 'currentStage'>): number | undefined {
  const total = totalSteps(stages, stages.length);
  if (total === 0) return undefined;
  const current = stages[currentStage];
  const open = current ? endedIn(current) : 0;
  return Math.floor((100 * (endedSteps(stages, Math.min(currentStage, stages.length)) + open)) / total);
}

/** The stages of a phase that are other objects than before, each with its former state. */
export function changedStages(
  before: PhaseStatus,
  after: PhaseStatus,
): { readonly before: StageStatus | undefined; readonly after: StageStatus }[] {
  const changed = [];
  // A loop, since each pass compares all stages: one closure for each would cost twenty times as much.
  for (let id = 0; id < after.stages.length; id += 1) {
    const stage = after.stages[id];
    if (stage && stage !== before.stages[id]) changed.push({ before: before.stages[id], after: stage });
  }
  return changed;
}
