/**
 * Builds a plan: queries the fleet in the three query steps of the VIM, and
 * returns a status with the plan, or with the reason why there is none.
 */
import { counted } from '../../crds/text/counted.ts';
import { MAX_HOSTS_OF_STAGE } from '../../crds/plan-stage.ts';
import type { Reason } from '../../crds/observed/conditions.ts';
import type { Finding } from '../../crds/observed/finding.ts';
import type { StrategyStatus } from '../../crds/observed/strategy-status.ts';
import { strategyWords } from '../../crds/text/strategy-words.ts';
import { statusText } from '../../crds/text/status-text.ts';
import { cannotBeObserved } from '../../engine/permits/pool-capacity.ts';
import { newPhase } from '../../engine/run/run-state.ts';
import { alarmsAgainst, alarmsPresent } from '../../engine/steps/query-alarms.ts';
import type { HeldBack } from '../../engine/turn.ts';
import type { Instant, View } from '../../engine/view.ts';
import type { HostOps, Scope } from '../../hostops/port.ts';
import { planSession } from '../../engine/session/plan-session.ts';
import type { SessionProgress } from '../../engine/session/session-state.ts';
import type { Built } from '../../planner/build.ts';
import type { HostName, HostSeed } from '../../planner/hosts/facts.ts';
import { InputError } from '../../planner/problems/input-error.ts';
import { nobodyToPatch } from '../../planner/hosts/needs.ts';
import { planStrategy } from '../../planner/plan-strategy.ts';
import { BuildRefusal } from '../../planner/problems/build-refusal.ts';
import { shownBy } from '../../planner/hosts/shown-release.ts';
import type { Stage } from '../../planner/plan.ts';
import { QUERY_TIMEOUT_SECONDS } from '../../planner/step-kinds.ts';
import type { OwnWorkflows } from '../session/load-workflows.ts';
import {
  builtStatus,
  affectedBefore,
  failedStatus,
  queryingSince,
  queryingStatus,
  toldBefore,
  type BuildInput,
} from '../../status/shown/build-status.ts';
import { QueryPhase } from '../../status/stored/query-phase.ts';

/** The status holds the patches and at least one stage. This limit leaves room for the fields that a run adds. */
const MAX_HELD_BYTES = 128 * 1024;
/** The ids of stages are bounded in the schema. */
const MAX_STAGES = 10_000;
/** How long the query for alarms may wait until there are none. */
export const QUERY_MILLISECONDS = QUERY_TIMEOUT_SECONDS * 1000;

export type PlanInput = BuildInput & {
  readonly scope: Scope;
  /** How many hosts of the pool may be out of service at once; never a percentage. */
  readonly maxUnavailable: number;
  /** The host of the leading operator, where it is known. */
  readonly activeHost: HostName | undefined;
  /** The workflows of sessions that the administrator has added. */
  readonly workflows?: OwnWorkflows | undefined;
  /** The parts of the strategy that the pool does not permit, one sentence each; the build then fails. */
  readonly violations: readonly string[];
  /** Why the pool grants nothing: it selects hosts of an older pool. A plan without stages then fails. */
  readonly overlap?: string | undefined;
  /** What will block these stages or hurt them. */
  readonly findings: (stages: readonly Stage[]) => readonly Finding[];
  /** Why the spec cannot be read; the build then fails. */
  readonly unreadable?: string | undefined;
};

/**
 * Runs the queries and plans. Resolves with the status that holds the plan, or the reason why there is none. A query for
 * alarms that finds some waits for its timeout: it is repeated in the next passes. Throws if `signal` is aborted.
 */
export async function buildPlan(
  input: PlanInput,
  hosts: HostOps,
  clock: () => Instant,
  signal: AbortSignal,
): Promise<StrategyStatus> {
  const startedAt = queryingSince(input.before) ?? clock();
  const isUpgrade = input.spec.release !== undefined;
  const queries = new QueryPhase(clock, startedAt, isUpgrade);
  const failed = (message: string, reason: Reason = 'BuildFailed'): StrategyStatus =>
    failedStatus(input, queries.status, message, reason, clock());

  if (input.unreadable !== undefined) {
    queries.failed(input.unreadable);
    return failed(input.unreadable);
  }
  if (input.violations.length > 0) {
    const refusal = statusText(input.violations.join('; '));
    queries.failed(refusal);
    return failed(refusal, 'NotPermitted');
  }

  const unknown = unobservableBecause(hosts.view(input.scope), input.scope.pool);
  if (unknown !== undefined) {
    queries.failed(unknown);
    return failed(unknown, 'ProviderUnavailable');
  }
  const alarms = queryAlarms(hosts.view(input.scope), input.before.skipped);
  if (alarms) {
    const hasWaited = input.before.buildPhase?.stages[0]?.steps[0]?.result === 'failed';
    if (!hasWaited && clock() < startedAt + QUERY_MILLISECONDS)
      return queryingStatus(input, queries.status, alarms, clock());
    queries.failed(alarms);
    return failed(alarms);
  }
  queries.answered();
  // The spec lists the patches: that query needs no request.
  if (!isUpgrade) queries.answered();

  const seeds: HostSeed[] = [];
  try {
    for await (const page of hosts.inventory(input.scope, signal)) seeds.push(...page);
    // A run takes a host that it does not see for one that has left.
    const view = hosts.view(input.scope);
    const unseen = seeds.filter(({ name }) => view.host(name) === undefined);
    await hosts.confirm(
      input.scope,
      unseen.map(({ name }) => name),
      signal,
    );
  } catch (error) {
    if (signal.aborted) throw error;
    const cause = error instanceof Error ? error.message : String(error);
    const reason = `the hosts of pool ${input.scope.pool} could not be listed: ${cause}`;
    queries.failed(reason);
    return failed(reason);
  }
  const built = input.spec.session
    ? sessionOrRefusal(input, seeds, hosts.view(input.scope), clock())
    : buildOrRefusal(input, seeds);
  if (typeof built !== 'string' && built.plan.stages.length === 0) {
    const nobody = nobodyBecause(input, built, seeds.length);
    if (nobody) {
      queries.failed(nobody.message);
      return failed(nobody.message, nobody.reason);
    }
  }
  queries.answered();
  if (typeof built === 'string') {
    queries.ended(built);
    return failed(built);
  }
  queries.ended();
  return builtStatus(input, queries.status, built, input.findings(built.plan.stages), clock());
}

/** Why a plan without stages is no success: nobody could have been patched. */
function nobodyBecause(
  { overlap, scope: { pool } }: PlanInput,
  { hosts }: Built,
  inPool: number,
): HeldBack | undefined {
  if (overlap !== undefined) return { reason: 'Overlap', message: overlap };
  if (hosts > 0) return undefined;
  const { message, remedy } = nobodyToPatch(pool, inPool);
  return { reason: 'NoHosts', message: `${message}; ${remedy}` };
}

/** The plan of a session with its hosts, or why there is none. */
function sessionOrRefusal(
  { spec, before, scope: { pool, provider }, workflows }: PlanInput,
  seeds: readonly HostSeed[],
  view: View,
  now: Instant,
): (Built & { readonly session: SessionProgress }) | string {
  const planned = planSession(spec, seeds, {
    ...{ pool, view, now, onNodes: provider.openstack === undefined, workflows },
    ...{ told: toldBefore(before), affected: affectedBefore(before) },
  });
  return planned.problems
    ? statusText(planned.problems.join('; '))
    : { ...planned, hosts: planned.session.hosts.length };
}

/** The plan, or why there is none. Does not throw for bad input, because the state would then stay `building`. */
function buildOrRefusal(input: PlanInput, seeds: readonly HostSeed[]): Built | string {
  try {
    const { activatedRelease, completedRelease, completedHooks, skipped = [] } = input.before;
    const limits = {
      ...input,
      activatedRelease,
      completedRelease,
      completedHooks,
      skipped: skipped.map(({ name }) => name),
    };
    const built = planStrategy(shownBy(input.scope.provider, input.spec), seeds, limits);
    return planTooLarge(built) ?? built;
  } catch (error) {
    if (!(error instanceof InputError || error instanceof BuildRefusal)) throw error;
    return statusText(error.message);
  }
}

/** Why nothing can be observed of the hosts before somebody mends that; undefined where they were observed before. */
function unobservableBecause(view: View, pool: string): string | undefined {
  const { unobservable, isBeingListed } = view.fleet;
  if (unobservable === undefined || isBeingListed || view.signal('alarms')) return undefined;
  return statusText(cannotBeObserved(pool, unobservable));
}

function queryAlarms(view: View, skipped: StrategyStatus['skipped'] = []): string | undefined {
  const signal = view.signal('alarms');
  if (!signal) return 'the alarms could not be read';
  const alarms = alarmsAgainst(signal.alarms, skipped, Infinity);
  return alarms.length > 0 ? alarmsPresent(alarms) : undefined;
}

/** Why no object could hold the plan, in one sentence; undefined when it fits. */
function planTooLarge({ plan: { stages, actions } }: Built): string | undefined {
  if (stages.length > MAX_STAGES)
    return (
      `the plan has ${String(stages.length)} stages, more than ${String(MAX_STAGES)}: ` +
      'raise maxParallelWorkerHosts, or split the hosts into several pools'
    );
  const large = stages.findIndex(({ hosts }) => hosts.length > MAX_HOSTS_OF_STAGE);
  if (large >= 0)
    return (
      `stage ${String(large)} has ${counted(stages[large]?.hosts.length ?? 0, 'host')}, more than ` +
      `${String(MAX_HOSTS_OF_STAGE)}: use serial, or split the hosts into several pools`
    );
  const beside = JSON.stringify([newPhase([]), actions]).length;
  const sizes = stages.map((stage) => beside + JSON.stringify(stage).length);
  const bytes = Math.max(0, ...sizes);
  if (bytes <= MAX_HELD_BYTES) return undefined;
  const stage = sizes.indexOf(bytes);
  const { pieces, jobs } = strategyWords(actions);
  return (
    `stage ${String(stage)} with ${counted(stages[stage]?.hosts.length ?? 0, 'host')} and the ${pieces} take ` +
    `${String(Math.ceil(bytes / 1024))} KiB, more than one object may hold (${String(MAX_HELD_BYTES / 1024)} KiB): ` +
    `shorten the Jobs of ${jobs}`
  );
}
