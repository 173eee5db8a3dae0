/** The status of a strategy while its plan is built, and after the build has succeeded or failed. */
import { counted } from '../../crds/text/counted.ts';
import { strategyWords } from '../../crds/text/strategy-words.ts';
import { updateConditions, type Reason } from '../../crds/observed/conditions.ts';
import type { Finding } from '../../crds/observed/finding.ts';
import type { StrategySpec } from '../../crds/spec/strategy-spec.ts';
import type { StrategyStatus, PhaseStatus } from '../../crds/observed/strategy-status.ts';
import { statusText } from '../../crds/text/status-text.ts';
import { newRun, type RunState } from '../../engine/run/run-state.ts';
import { computeHosts, type SessionProgress } from '../../engine/session/session-state.ts';
import type { HeldBack } from '../../engine/turn.ts';
import type { Instant } from '../../engine/view.ts';
import { specDigest } from '../../planner/digest.ts';
import { actionsDifference, planDifference, type Staged } from '../../planner/plan-difference.ts';
import { hostCount, planSize, type Plan } from '../../planner/plan.ts';
import { decodeRun, statusOfRun } from '../stored/codec.ts';
import { conditionsFor } from './conditions.ts';
import { heldByPin, pinnedElsewhere } from '../stored/pinned-plan.ts';
import { NO_PLAN } from './stalled-status.ts';
import type { StandingOrder } from './waiting.ts';

/** The input of a build, as far as the status records it. */
export type BuildInput = {
  readonly spec: StrategySpec;
  readonly generation: number;
  readonly before: StrategyStatus;
  readonly epoch: number;
  readonly scope: { readonly pool: string };
  readonly fleetRevision: string;
  /** Why the pool grants nothing now. */
  readonly closed?: HeldBack | undefined;
  /** Becomes the id of the run. */
  readonly runId: string;
  /** The stages of a plan in parts that were not carried out. */
  readonly left?: readonly Staged[] | undefined;
  /** The part of that plan that cannot be carried out, and why. */
  readonly lostPart?: string | undefined;
};

/**
 * The status while the queries run. It stays unchanged if a crash before the next write would lose a fact: why the last
 * build failed, since when a query waits, or the authority of a request whose stages have not begun.
 */
export function buildingStatus({ before, generation }: BuildInput, now: Instant): StrategyStatus {
  const waits = before.state === 'ready-to-apply' && before.run?.authority !== undefined;
  const queries = before.state === 'building' && queryingSince(before) !== undefined;
  if (waits || queries || before.state === 'build-failed') return before;
  const time = new Date(now).toISOString();
  const message = 'building the plan';
  const conditions = updateConditions(
    before.conditions ?? [],
    conditionsFor('Building', message, { reconciling: true }),
    generation,
    time,
  );
  return {
    ...NO_PLAN,
    observedGeneration: generation,
    currentPhase: 'build',
    message,
    ...requestsAfter(before, 'the rest is planned again'),
    ...keptIn(before),
    conditions,
  };
}

/** Since when the first query of a build waits for its answer; undefined when none waits. */
export function queryingSince({ buildPhase }: StrategyStatus): Instant | undefined {
  return buildPhase?.inProgress ? Date.parse(buildPhase.startTime ?? '') : undefined;
}

/** The status while the first query waits; `why` says for what. */
export function queryingStatus(
  input: BuildInput,
  buildPhase: PhaseStatus,
  why: string,
  now: Instant,
): StrategyStatus {
  const message = statusText(why);
  const building = buildingStatus(input, now);
  const conditions = updateConditions(
    building.conditions ?? [],
    conditionsFor('HostUnwell', message, { reconciling: true }),
    input.generation,
    new Date(now).toISOString(),
  );
  return { ...building, observedGeneration: input.generation, message, buildPhase, conditions };
}

/**
 * The answers to requests when a run that has not ended is dropped, or goes on without the authority of a request: its
 * answer then says that it ended, and why.
 */
function requestsAfter(
  { state, run, requests }: StrategyStatus,
  why: string,
): Pick<StrategyStatus, 'requests'> {
  if (!requests) return {};
  const ended = state === 'ready-to-apply' || state === 'applying' ? run?.authority?.request : undefined;
  const message = statusText(
    `it ended before its stages were carried out: ${why}; place it again with another id`,
  );
  return {
    requests: requests.map((each) =>
      each.id === ended && each.verb !== 'abort' ? { ...each, message } : each,
    ),
  };
}

/**
 * The fields that outlast a plan: the hosts to leave out, the controllers of a run that has begun, how far the upgrade to
 * a release has ended, how much a session has told, and what it has moved lately.
 */
function keptIn({
  skipped,
  controllers,
  activatedRelease,
  completedRelease,
  completedHooks,
  ...sessions
}: StrategyStatus): Pick<
  StrategyStatus,
  'skipped' | 'controllers' | 'activatedRelease' | 'completedRelease' | 'completedHooks' | 'told' | 'affected'
> {
  const told = toldBefore(sessions);
  const affected = affectedBefore(sessions);
  return {
    ...(skipped ? { skipped } : {}),
    ...(controllers ? { controllers } : {}),
    ...(activatedRelease ? { activatedRelease } : {}),
    ...(completedRelease ? { completedRelease } : {}),
    ...(completedHooks ? { completedHooks } : {}),
    ...(told === undefined ? {} : { told }),
    ...(affected ? { affected } : {}),
  };
}

/** How many events the runs of a session had so far; undefined where there is none. */
export function toldBefore({ session, told }: Pick<StrategyStatus, 'session' | 'told'>): number | undefined {
  return session?.told ?? told;
}

/** The instances that a session has moved, or was about to, while they count as affected; undefined where there is none. */
export function affectedBefore({
  session,
  affected,
}: Pick<StrategyStatus, 'session' | 'affected'>): StrategyStatus['affected'] {
  const { questions = [], recovering = [] } = session ?? affected ?? {};
  const agreed = questions.filter(({ answer }) => answer?.kind === 'ACK');
  return agreed.length + recovering.length > 0 ? { questions: agreed, recovering } : undefined;
}

/** The status that holds the plan. */
export function builtStatus(
  input: BuildInput,
  buildPhase: PhaseStatus,
  { plan, session }: { readonly plan: Plan; readonly session?: SessionProgress },
  findings: readonly Finding[],
  now: Instant,
): StrategyStatus {
  const time = new Date(now).toISOString();
  const change = changeOf(input, plan);
  // If the order pins another plan, the message about that names the difference.
  const isPinned = (input.spec.execution.plan ?? plan.digest) === plan.digest;
  const summary = statusText(
    (session ? sessionSize(session) : planSize(hostCount(plan.stages), plan.stages.length)) +
      (change && isPinned ? `; differs from the last plan: ${change}` : ''),
  );
  const authority = authorityOver(input, plan);
  const controllers = new Set([...(input.before.controllers ?? []), ...(plan.controllers ?? [])]);
  const before: StrategyStatus = {
    ...keptIn(input.before),
    ...(controllers.size > 0 ? { controllers: [...controllers] } : {}),
    conditions: input.before.conditions,
    buildPhase,
    ...(authority
      ? { requests: input.before.requests }
      : requestsAfter(input.before, `the plan has changed${change ? ` (${change})` : ''}`)),
    run: {
      id: input.runId,
      planDigest: plan.digest,
      specDigest: specDigest(input.spec),
      fleetRevision: input.fleetRevision,
      builtAt: time,
      pool: input.scope.pool,
      epoch: input.epoch,
      actions: plan.actions,
      summary,
      ...(change ? { change } : {}),
    },
  };
  const skipped = input.before.skipped ?? [];
  const run = { ...newRun(input.runId, plan), authority, skipped, ...(session ? { session } : {}) };
  const ready = plan.stages.length > 0 ? run : nothingToDo(run, time);
  const order = orderAtBuild(input, plan, change);
  return statusOfRun(before, ready, { reasons: [], order, findings }, input.generation, time);
}

/** The order as far as it is known when the plan is built; the next pass, which follows at once, judges the rest. */
function orderAtBuild(
  { spec: { execution }, closed }: BuildInput,
  { digest }: Plan,
  change: string | undefined,
): StandingOrder {
  const pinned = pinnedElsewhere(execution.plan, { planDigest: digest, change });
  const heldBack = pinned === undefined ? closed : heldByPin(pinned);
  return { ...execution, heldBack: execution.mode === 'Abort' ? undefined : heldBack };
}

/** The status after a failed build, with the reason. */
export function failedStatus(
  input: BuildInput,
  buildPhase: PhaseStatus,
  why: string,
  reason: Reason,
  now: Instant,
): StrategyStatus {
  const message = statusText(why);
  const time = new Date(now).toISOString();
  const conditions = updateConditions(
    input.before.conditions ?? [],
    // Hosts may join without anybody's help; the other reasons need some.
    conditionsFor(reason, message, reason === 'NoHosts' ? { reconciling: true } : { stalled: true }),
    input.generation,
    time,
  );
  return {
    ...NO_PLAN,
    observedGeneration: input.generation,
    state: 'build-failed',
    currentPhase: 'build',
    message,
    ...requestsAfter(input.before, message),
    ...keptIn(input.before),
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

/** How the plan differs from the stages that the last plan had left. The same plan keeps its recorded difference. */
function changeOf({ before, left: leftOfParts, lostPart }: BuildInput, plan: Plan): string | undefined {
  const stored = decodeRun(before);
  if (!stored) return undefined;
  const { record, run, plan: old } = stored;
  if (record.planDigest === plan.digest) return record.change;
  if (plan.actions.session) return 'the hosts or the terms of the session';
  const left = leftOfParts ?? old.stages.filter((_, i) => run.apply.stages[i]?.result !== 'success');
  if (lostPart !== undefined) return lostPart;
  const differences = [
    planDifference(left, plan.stages, strategyWords(plan.actions).pieces),
    actionsDifference(old.actions, plan.actions),
  ].filter((each) => each !== undefined);
  if (differences.length > 0) return statusText(differences.join('; '));
  return left.length < run.apply.totalStages
    ? 'the stages that were carried out are no longer in it'
    : 'the limit of the pool, or the steps of this version of Careen; hosts and stages are the same';
}

/** A session in one sentence: nobody knows how many stages it will have. */
function sessionSize(session: SessionProgress): string {
  const hosts = computeHosts(session);
  const others = session.hosts.length - hosts.length;
  return `${counted(hosts.length, 'host')} in turn${others > 0 ? `, and ${String(others)} that keep their work` : ''}`;
}

/** The authority of a request whose stages have not begun. It ends with another plan or an edit of the spec. */
function authorityOver({ before: { state, run }, spec }: BuildInput, plan: Plan): RunState['authority'] {
  const isSame = run?.planDigest === plan.digest && run.specDigest === specDigest(spec);
  return state === 'ready-to-apply' && isSame ? run.authority : undefined;
}

/** A plan without stages is applied as soon as it is built. */
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
