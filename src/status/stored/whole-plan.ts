import type { StrategyStatus, PhaseStatus, StageStatus } from '../../crds/observed/strategy-status.ts';
import type { PlanStageSpec } from '../../crds/plan-stage.ts';
import { stagesOfPart } from '../../engine/run/parts.ts';
import { firstStage } from '../../engine/run/run-state.ts';

/** What a PlanStage holds: its stages, and how they ended; undefined where it cannot be read, or not yet. */
type Part = {
  readonly spec: PlanStageSpec | undefined;
  readonly stages: readonly StageStatus[] | undefined;
};

/**
 * A status with all stages of its plan: those of the status itself, before them those of its PlanStages as they ended,
 * and behind them those that are to come. While one of them is missing, the status stays as it is.
 */
export function withWholePlan(status: StrategyStatus, parts: readonly Part[]): StrategyStatus {
  const { applyPhase: apply } = status;
  if (!apply?.earlier && !apply?.later) return status;
  const stages = [...parts.flatMap((part) => stagesBeside(apply, part)), ...apply.stages].toSorted(
    (a, b) => a.id - b.id,
  );
  if (stages.length !== apply.totalStages) return status;
  const { earlier: _earlier, later: _later, ...phase } = apply;
  return { ...status, applyPhase: { ...phase, stages } };
}

/** The stages of a PlanStage, unless the phase has them at hand. */
function stagesBeside(apply: PhaseStatus, { spec, stages }: Part): readonly StageStatus[] {
  if (!spec) return [];
  const first = firstStage(apply);
  if (spec.firstStage < first) return stages ?? [];
  return spec.firstStage >= first + apply.stages.length ? stagesOfPart(spec) : [];
}
