/**
 * Values over the stages of a phase. Those at hand are listed; the others of a large plan have left their sums in
 * `earlier` and `later`. So no value costs more than the stages at hand.
 */
import type { PhaseStatus, StageStatus } from '../../crds/observed/strategy-status.ts';
import { combined, type Ending } from './results.ts';
import { firstStage, isFinal, type StagesAtHand } from './run-state.ts';

const endedIn = ({ steps }: StageStatus): number => steps.filter(({ result }) => isFinal(result)).length;

/** The stages at hand whose ids are from `from` to `until`, exclusively. */
export function stagesFrom(phase: StagesAtHand, from: number, until = Infinity): readonly StageStatus[] {
  const first = firstStage(phase);
  return phase.stages.slice(Math.max(0, from - first), Math.max(0, until - first));
}

/** The percentage of the steps of a phase that have ended, rounded down; undefined without steps. */
export function endedPercentage({
  stages,
  earlier,
  later,
}: StagesAtHand & Pick<PhaseStatus, 'later'>): number | undefined {
  const before = earlier?.steps ?? 0;
  const total = before + sumOver(stages, ({ steps }) => steps.length) + (later?.steps ?? 0);
  if (total === 0) return undefined;
  return Math.floor((100 * (before + sumOver(stages, endedIn))) / total);
}

/** The result of a phase (`combined`) over the stages that have ended. */
export function combinedOver({ stages, earlier }: StagesAtHand): Ending {
  return combined(earlier ? [earlier, ...stages] : stages);
}

/** The sum of a value over stages. */
export function sumOver<S>(stages: readonly S[], of: (stage: S) => number): number {
  return stages.reduce((sum, stage) => sum + of(stage), 0);
}

/** The stages of a phase that are other objects than before, each with its former state. */
export function changedStages(
  before: PhaseStatus,
  after: PhaseStatus,
): { readonly before: StageStatus | undefined; readonly after: StageStatus }[] {
  const known = new Map(before.stages.map((stage) => [stage.id, stage]));
  return after.stages
    .filter((stage) => known.get(stage.id) !== stage)
    .map((stage) => ({ before: known.get(stage.id), after: stage }));
}
