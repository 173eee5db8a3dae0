/** How far a run is, in hosts and in time, from the status of its strategy. Pure. */
import type { StrategyStatus, PhaseStatus, StageStatus } from '../../crds/observed/strategy-status.ts';
import { remainingHosts } from '../../engine/hosts/leavers.ts';
import { isFinal, runningStage } from '../../engine/run/run-state.ts';
import { stagesFrom, sumOver } from '../../engine/run/stage-folds.ts';
import { estimateStage, estimateStep } from '../../planner/estimate.ts';
import { countsHosts, type Stage } from '../../planner/plan.ts';
import { secondsBetween } from '../text/since.ts';

/** Hosts of the plan that are still there. */
export type HostCounts = {
  readonly total: number;
  readonly done: number;
  /** Worked on now. */
  readonly open: number;
  readonly failed: number;
  /** Left out of the run at a request. */
  readonly skipped: number;
};

export function hostCounts({ applyPhase, progress, skipped = [] }: StrategyStatus): HostCounts {
  const stages = (applyPhase?.stages ?? []).filter(countsHosts);
  const before = applyPhase?.earlier?.hosts ?? 0;
  const held = progress?.hosts ?? [];
  const failed = held.filter(({ result }) => isFinal(result) && result !== 'success').length;
  const isHeld = new Set(held.map(({ name }) => name));
  return {
    total:
      before + sumOver(stages, (stage) => remainingHosts(stage).length) + (applyPhase?.later?.hosts ?? 0),
    done: before + stages.flatMap(doneHosts).filter((name) => !isHeld.has(name)).length,
    open: held.length - failed,
    failed,
    skipped: skipped.length,
  };
}

/** How many hosts a plan has, those that have left included. */
export function plannedHosts({ stages, earlier, later }: PhaseStatus): number {
  const before = (earlier?.hosts ?? 0) + (earlier?.left ?? 0);
  return before + sumOver(stages.filter(countsHosts), ({ hosts = [] }) => hosts.length) + (later?.hosts ?? 0);
}

/** The hosts that a stage is done with. */
function doneHosts(stage: StageStatus): readonly string[] {
  if (stage.result === 'success' || stage.result === 'degraded') return remainingHosts(stage);
  const remaining = new Set(remainingHosts(stage));
  return (stage.released ?? []).map(({ name }) => name).filter((name) => remaining.has(name));
}

export type Times = {
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly elapsedSeconds?: number;
  /** About how long the rest takes, without failures. */
  readonly leftSeconds?: number;
  /** When the running step times out. */
  readonly deadline?: string;
};

/** The times of the current phase: an abort has its own. */
export function timesOf(status: StrategyStatus, now: number): Times {
  const { applyPhase: apply, abortPhase, currentPhase, progress, state } = status;
  const phase = currentPhase === 'abort' ? abortPhase : apply;
  if (!phase || !apply) return {};
  const { startTime: startedAt, endTime: endedAt } = phase;
  const until = endedAt === undefined ? now : Date.parse(endedAt);
  const isLeft = phase === apply && endedAt === undefined && state !== 'aborting';
  return {
    ...(startedAt === undefined
      ? {}
      : { startedAt, elapsedSeconds: secondsBetween(Date.parse(startedAt), until) }),
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(isLeft ? { leftSeconds: leftSeconds(apply, now) } : {}),
    ...(progress?.deadline === undefined ? {} : { deadline: progress.deadline }),
  };
}

function leftSeconds(apply: PhaseStatus, now: number): number {
  const running = runningStage(apply);
  const rest = stagesFrom(apply, apply.currentStage + (running ? 1 : 0));
  const estimate = (stage: StageStatus): number => estimateStage(planned(stage));
  // Those that are not at hand take as long as an average one that is.
  const average = sumOver(apply.stages, estimate) / Math.max(1, apply.stages.length);
  const further = sumOver(rest, estimate) + (apply.later?.stages ?? 0) * average;
  return Math.ceil(further + (running ? leftOfStage(running, now) : 0));
}

function leftOfStage(stage: StageStatus, now: number): number {
  const ofPlan = planned(stage);
  return stage.steps.slice(stage.currentStep).reduce((sum, step) => {
    const whole = estimateStep(step, ofPlan);
    const { startTime } = step;
    const elapsed = startTime === undefined ? 0 : secondsBetween(Date.parse(startTime), now);
    return sum + Math.max(0, whole - elapsed);
  }, 0);
}

/** A stage as the plan has it. */
function planned({
  name,
  hosts = [],
  patches = [],
  level = 'away',
  steps,
  timeoutSeconds,
}: StageStatus): Stage {
  return { name, hosts, patches, level, steps, timeoutSeconds };
}
