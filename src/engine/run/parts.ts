/**
 * A large plan in parts of consecutive stages. A run has the stages of one part at hand: those around the open stage. Of
 * the others it keeps sums. Each part names the digest of the next one, so a run that knows one part knows what the
 * others have to be. A session appends its stages: its parts are made of stages that have ended.
 */
import type { PhaseStatus, StageStatus } from '../../crds/observed/strategy-status.ts';
import { MAX_STAGES_OF_PART, type PlanStageSpec } from '../../crds/plan-stage.ts';
import { digest } from '../../planner/digest.ts';
import { countsHosts, hostCount, plannedStep, type Plan, type Stage } from '../../planner/plan.ts';
import { remainingHosts } from '../hosts/leavers.ts';
import { firstStage, newStage } from './run-state.ts';
import { combinedOver, sumOver } from './stage-folds.ts';
import { failedToStage } from '../hosts/staging-budget.ts';
import { leftOutHosts } from '../hosts/unstaged.ts';

/** What a run keeps at hand, in bytes of the JSON of stages that have not begun. */
export type PartLimits = {
  /** Up to here a plan has no parts. */
  readonly wholeBytes: number;
  /** How large a part is, unless it has a single stage. */
  readonly partBytes: number;
  /** So many ended stages of a session are at hand before they become a part. */
  readonly endedStages: number;
};

/** Why: docs/decisions/0026-plan-and-progress-apart.md. */
export const PART_LIMITS: PartLimits = { wholeBytes: 64 * 1024, partBytes: 16 * 1024, endedStages: 24 };

/** The parts of the plan of a strategy; undefined when it is small enough to be one whole. */
export function partsOf(
  { stages }: Pick<Plan, 'stages'>,
  { strategy, run }: { readonly strategy: string; readonly run: string },
  limits: PartLimits = PART_LIMITS,
): readonly PlanStageSpec[] | undefined {
  const sizes = stages.map((stage, id) => JSON.stringify(newStage(stage, id)).length);
  if (stages.length < 2 || sizes.reduce((sum, size) => sum + size, 0) <= limits.wholeBytes) return undefined;
  const firsts = firstStages(sizes, limits.partBytes);
  const parts: PlanStageSpec[] = [];
  // From the last part to the first: each one has the digest of the next.
  for (const [part, first] of [...firsts.entries()].reverse()) {
    const own = stages.slice(first, firsts[part + 1]).map(stored);
    const next = parts[0];
    parts.unshift({
      ...{ strategy, run, part, firstStage: first, hosts: hostCount(own), stages: own },
      ...(next ? { later: sumsFrom(next) } : {}),
    });
  }
  return parts.length > 1 ? parts : undefined;
}

/** The ids of the first stages of the parts. */
function firstStages(sizes: readonly number[], partBytes: number): number[] {
  const firsts: number[] = [];
  let bytes = 0;
  for (const [id, size] of sizes.entries()) {
    const first = firsts.at(-1);
    bytes += size;
    if (first !== undefined && bytes <= partBytes && id - first < MAX_STAGES_OF_PART) continue;
    firsts.push(id);
    bytes = size;
  }
  return firsts;
}

/** A stage as its PlanStage holds it. */
function stored({
  name,
  hosts,
  patches,
  level,
  steps,
  timeoutSeconds,
}: Stage): PlanStageSpec['stages'][number] {
  const planned = steps.map(plannedStep);
  return { name, hosts: [...hosts], patches: [...patches], level, steps: planned, timeoutSeconds };
}

/** The sums over a part and all that follow it. */
function sumsFrom(part: PlanStageSpec): NonNullable<PlanStageSpec['later']> {
  const { stages, hosts, later } = part;
  const away = stages.filter(({ level }) => level === 'away').map(({ hosts: each }) => each.length);
  return {
    part: part.part,
    digest: digest(part),
    stages: stages.length + (later?.stages ?? 0),
    steps: sumOver(stages, ({ steps }) => steps.length) + (later?.steps ?? 0),
    hosts: hosts + (later?.hosts ?? 0),
    largestAway: Math.max(0, ...away, later?.largestAway ?? 0),
    longestTimeoutSeconds: Math.max(
      ...stages.map(({ timeoutSeconds }) => timeoutSeconds),
      later?.longestTimeoutSeconds ?? 0,
    ),
  };
}

/** Whether a part is the one that a phase continues with. */
export function isNextPart({ later }: Pick<PhaseStatus, 'later'>, part: PlanStageSpec): boolean {
  return later !== undefined && digest(part) === later.digest;
}

/** A phase whose stages at hand have all ended, with those of the next part instead. */
export function withNextPart(phase: PhaseStatus, part: PlanStageSpec): PhaseStatus {
  return { ...atHand(phase, part), earlier: sumsThrough(phase) };
}

/** The sums over all stages of a phase up to those at hand, which have ended. */
function sumsThrough(phase: PhaseStatus): NonNullable<PhaseStatus['earlier']> {
  const { stages, earlier } = phase;
  const counting = stages.filter(countsHosts);
  const leftOut = leftOutHosts(phase);
  const failed = failedToStage(phase);
  return {
    stages: firstStage(phase) + stages.length,
    steps: (earlier?.steps ?? 0) + sumOver(stages, ({ steps }) => steps.length),
    hosts: (earlier?.hosts ?? 0) + sumOver(counting, (stage) => remainingHosts(stage).length),
    left: (earlier?.left ?? 0) + sumOver(counting, ({ left = [] }) => left.length),
    ...(leftOut.length > 0 ? { leftOut: [...leftOut] } : {}),
    ...(failed > 0 ? { failedToStage: failed } : {}),
    result: combinedOver(phase).result,
  };
}

/** The ended stages of a session that become the next part, and the phase without them; undefined while they are few. */
export function endedPart(
  phase: PhaseStatus,
  place: Pick<PlanStageSpec, 'strategy' | 'run' | 'part'>,
  { endedStages }: Pick<PartLimits, 'endedStages'> = PART_LIMITS,
): { readonly part: PlanStageSpec; readonly ended: StageStatus[]; readonly phase: PhaseStatus } | undefined {
  const ended = phase.stages.filter(({ id }) => id < phase.currentStage);
  // Workflows tell their begin by it.
  const hasStarted = phase.earlier !== undefined || ended.some(({ name }) => name === 'start-maintenance');
  if (ended.length < endedStages || !hasStarted) return undefined;
  const own = ended.map(({ hosts = [], patches = [], level = 'away', ...stage }) =>
    stored({ ...stage, hosts, patches, level }),
  );
  return {
    part: { ...place, firstStage: firstStage(phase), hosts: hostCount(own), stages: own },
    ended,
    phase: {
      ...phase,
      stages: phase.stages.slice(ended.length),
      earlier: sumsThrough({ ...phase, stages: ended }),
    },
  };
}

/** A phase with the stages of a part at hand. Of a plan in parts it begins with those of the first. */
export function atHand({ later: _, ...phase }: PhaseStatus, part: PlanStageSpec): PhaseStatus {
  const stages = stagesOfPart(part);
  return { ...phase, stages, ...(part.later ? { later: part.later } : {}) };
}

/** The stages of a part, before they begin. */
export function stagesOfPart({ stages, firstStage: first }: PlanStageSpec): StageStatus[] {
  return stages.map((stage, i) => newStage(stage, first + i));
}
