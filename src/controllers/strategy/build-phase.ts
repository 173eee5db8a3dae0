/**
 * The build phase: asks the fleet what the planner needs, in the VIM's three
 * query steps, and keeps what came of it in the status.
 */
import { updateConditions, type Reason } from '../../crds/conditions.ts';
import type { PatchStrategySpec } from '../../crds/patch-strategy-spec.ts';
import type { PatchStrategyStatus, PhaseStatus } from '../../crds/patch-strategy-status.ts';
import { truncate } from '../../crds/truncate.ts';
import { newPhase, newRun, type RunState } from '../../engine/run-state.ts';
import { alarmsPresent } from '../../engine/steps/query-alarms.ts';
import type { View } from '../../engine/view.ts';
import type { HostOps, Scope } from '../../hostops/port.ts';
import { build, type Built } from '../../planner/build.ts';
import { specDigest } from '../../planner/digest.ts';
import type { HostName, HostSeed } from '../../planner/facts.ts';
import { InputError } from '../../planner/input-error.ts';
import { actionsDifference, planDifference } from '../../planner/plan-difference.ts';
import type { Plan } from '../../planner/plan.ts';
import { QueryPhase } from '../../status/query-phase.ts';
import { planOf, runOf, statusOfRun } from '../../status/codec.ts';
import { conditionsFor } from '../../status/conditions.ts';

/** The plan stands whole in the status; this bounds it, with room for what a run adds (decision 0004). */
const MAX_PLAN_BYTES = 128 * 1024;

export type BuildInput = {
  readonly spec: PatchStrategySpec;
  readonly generation: number;
  readonly before: PatchStrategyStatus;
  /** How many hosts of the pool may be out of service, as a number. */
  readonly maxUnavailable: number;
  /** The host of the leading operator, where it is known. */
  readonly activeHost: HostName | undefined;
  /** What of the strategy the pool does not permit; then there is no plan. */
  readonly violations: readonly string[];
  /** Why the spec cannot be read; then there is no plan. */
  readonly unreadable?: string | undefined;
  readonly epoch: number;
  readonly scope: Scope;
  readonly fleetRevision: string;
  /** Becomes the id of the run. */
  readonly runId: string;
};

/**
 * The status while the queries run. It stays as it is where it has what would be lost if the process died before there is
 * another: why the build before failed, or what a request has allowed that has not begun.
 */
export function buildingStatus({ before, generation }: BuildInput, now: number): PatchStrategyStatus {
  const waits = before.state === 'ready-to-apply' && before.run?.authority !== undefined;
  if (waits || before.state === 'build-failed') return before;
  const time = new Date(now).toISOString();
  const message = 'building the plan';
  const conditions = updateConditions(
    before.conditions ?? [],
    conditionsFor('Building', message, { reconciling: true }),
    generation,
    time,
  );
  return {
    observedGeneration: generation,
    state: 'building',
    currentPhase: 'build',
    completionPercentage: 0,
    message,
    ...(before.requests ? { requests: before.requests } : {}),
    conditions,
  };
}

/** Runs the queries and plans; the status with the plan in it, or with the reason why there is none. */
export async function buildPlan(
  input: BuildInput,
  hosts: HostOps,
  clock: () => number,
  signal: AbortSignal,
): Promise<PatchStrategyStatus> {
  const queries = new QueryPhase(clock);
  const failed = (message: string, reason: Reason = 'BuildFailed'): PatchStrategyStatus =>
    buildFailed(input, queries.status, message, reason, clock());

  if (input.unreadable !== undefined) {
    queries.failed(input.unreadable);
    return failed(input.unreadable);
  }
  if (input.violations.length > 0) {
    const refusal = truncate(input.violations.join('; '));
    queries.failed(refusal);
    return failed(refusal, 'NotPermitted');
  }

  const alarms = queryAlarms(hosts.view(input.scope));
  if (alarms) {
    queries.failed(alarms);
    return failed(alarms);
  }
  queries.answered();
  queries.answered(); // The patches stand in the spec; there is nobody to ask.

  const seeds: HostSeed[] = [];
  try {
    for await (const page of hosts.inventory(input.scope, signal)) seeds.push(...page);
  } catch (error) {
    if (signal.aborted) throw error;
    const cause = error instanceof Error ? error.message : String(error);
    const reason = `the hosts of pool ${input.scope.pool} could not be listed: ${cause}`;
    queries.failed(reason);
    return failed(reason);
  }
  queries.answered();

  const built = buildOrRefusal(input, seeds);
  if (typeof built === 'string') {
    queries.ended(built);
    return failed(built);
  }
  queries.ended();
  return builtStatus(input, queries.status, built, clock());
}

/** The whole plan, or why there is none: a pass that threw would leave the state at `building`. */
function buildOrRefusal(input: BuildInput, seeds: readonly HostSeed[]): Built | string {
  try {
    const built = build(input.spec, seeds, input);
    return planTooLarge(built) ?? built;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return truncate(error.message);
  }
}

function queryAlarms(view: View): string | undefined {
  const signal = view.signal('alarms');
  if (!signal) return 'the alarms could not be read';
  return signal.alarms.length > 0 ? alarmsPresent(signal.alarms) : undefined;
}

function planTooLarge({ plan }: Built): string | undefined {
  const bytes = JSON.stringify([newPhase(plan.stages), plan.actions]).length;
  if (bytes <= MAX_PLAN_BYTES) return undefined;
  const kib = Math.ceil(bytes / 1024);
  return (
    `the plan of ${String(plan.stages.length)} stages takes ${String(kib)} KiB, more than one object may hold ` +
    `(${String(MAX_PLAN_BYTES / 1024)} KiB): raise maxParallelWorkerHosts, or split the hosts into several pools`
  );
}

function builtStatus(
  input: BuildInput,
  buildPhase: PhaseStatus,
  { plan, withoutRole }: Built,
  now: number,
): PatchStrategyStatus {
  const time = new Date(now).toISOString();
  const hostCount = plan.stages.reduce((sum, stage) => sum + stage.hosts.length, 0);
  const leftOut = withoutRole.length > 0 ? `; no role of the pool selects ${listed(withoutRole)}` : '';
  const change = changeOf(input.before, plan);
  // Where the order names another plan, the difference is told with that.
  const pinnedElsewhere = (input.spec.execution.plan ?? plan.digest) !== plan.digest;
  const message = truncate(
    `${String(hostCount)} hosts in ${String(plan.stages.length)} stages; set execution.mode to Run to carry the plan out` +
      `${leftOut}${change && !pinnedElsewhere ? `; other than before: ${change}` : ''}`,
  );
  const before: PatchStrategyStatus = {
    conditions: input.before.conditions,
    message,
    buildPhase,
    ...(input.before.requests ? { requests: input.before.requests } : {}),
    run: {
      id: input.runId,
      planDigest: plan.digest,
      specDigest: specDigest(input.spec),
      fleetRevision: input.fleetRevision,
      builtAt: time,
      pool: input.scope.pool,
      epoch: input.epoch,
      actions: plan.actions,
      ...(change ? { change } : {}),
    },
  };
  const run = { ...newRun(input.runId, plan), authority: authorityOver(input, plan) };
  const ready = plan.stages.length > 0 ? run : nothingToDo(run, time);
  return statusOfRun(before, ready, { reasons: [] }, input.generation, time);
}

/** How the plan differs from what was left of the one before; for the same plan, what was said of it before. */
function changeOf(before: PatchStrategyStatus, plan: Plan): string | undefined {
  const run = runOf(before);
  if (!run || !before.run) return undefined;
  if (before.run.planDigest === plan.digest) return before.run.change;
  const old = planOf(before.run, run);
  const left = old.stages.filter((_, id) => run.apply.stages[id]?.result !== 'success');
  const differences = [
    planDifference(left, plan.stages),
    actionsDifference(old.actions, plan.actions),
  ].filter((each) => each !== undefined);
  if (differences.length > 0) return truncate(differences.join('; '));
  return left.length < old.stages.length
    ? 'the stages that were carried out are no longer in it'
    : 'the limit of the pool, or the steps of this version of Careen; hosts and stages are the same';
}

/** What a request has allowed that waits for its beginning: it was about this plan, and ends with another, or an edit. */
function authorityOver({ before: { state, run }, spec }: BuildInput, plan: Plan): RunState['authority'] {
  const isSame = run?.planDigest === plan.digest && run.specDigest === specDigest(spec);
  return state === 'ready-to-apply' && isSame ? run.authority : undefined;
}

/** A plan without stages is carried out as soon as it is made. */
function nothingToDo(run: RunState, time: string): RunState {
  const apply: PhaseStatus = {
    ...run.apply,
    result: 'success',
    completionPercentage: 100,
    startTime: time,
    endTime: time,
  };
  return { ...run, state: 'applied', currentPhase: 'apply', apply };
}

function buildFailed(
  input: BuildInput,
  buildPhase: PhaseStatus,
  message: string,
  reason: Reason,
  now: number,
): PatchStrategyStatus {
  const time = new Date(now).toISOString();
  const conditions = updateConditions(
    input.before.conditions ?? [],
    conditionsFor(reason, message, { stalled: true }),
    input.generation,
    time,
  );
  return {
    observedGeneration: input.generation,
    state: 'build-failed',
    currentPhase: 'build',
    completionPercentage: buildPhase.completionPercentage,
    message,
    ...(input.before.requests ? { requests: input.before.requests } : {}),
    run: {
      id: input.runId,
      planDigest: 'none',
      specDigest: specDigest(input.spec),
      fleetRevision: input.fleetRevision,
      builtAt: time,
      pool: input.scope.pool,
      epoch: input.epoch,
    },
    buildPhase,
    conditions,
  };
}

function listed(hosts: readonly string[]): string {
  return hosts.length <= 5
    ? hosts.join(', ')
    : `${hosts.slice(0, 5).join(', ')} and ${String(hosts.length - 5)} more`;
}
