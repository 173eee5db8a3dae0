/** Encodes the run of a plan into the status, and decodes it. */
import { updateConditions } from '../../crds/observed/conditions.ts';
import type { Finding } from '../../crds/observed/finding.ts';
import { planActions, type TargetRelease } from '../../crds/spec/strategy-spec.ts';
import { strategyWords } from '../../crds/text/strategy-words.ts';
import type { StrategyStatus } from '../../crds/observed/strategy-status.ts';
import type { Answer, Obstacle } from '../../engine/turn.ts';
import { currentStage, firstStage, type RunState } from '../../engine/run/run-state.ts';
import { nextDeadline } from '../../engine/run/timers.ts';
import { percentDone } from '../../engine/session/session-state.ts';
import { memoizeByObject } from '../../planner/memoize-by-object.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { plannedStep, type Plan, type Stage } from '../../planner/plan.ts';
import { conditionsOf } from '../shown/conditions.ts';
import { boundedFindings, relevantFindings } from '../shown/findings.ts';
import { messageOf, stagesDone } from '../shown/message.ts';
import { sessionIn, sessionStatusOf } from './session-codec.ts';
import { withAnswers, type Placed, type WaitingRequest } from '../requests/requests.ts';
import type { StandingOrder } from '../shown/waiting.ts';

/** The content of `status.run`. */
export type RunRecord = NonNullable<StrategyStatus['run']>;

/** The run that the status holds; undefined when it holds none. */
export function runOf(status: StrategyStatus): RunState | undefined {
  const { run, state, currentPhase, applyPhase, abortPhase, progress } = status;
  if (!run?.actions || !state || !currentPhase || !applyPhase) return undefined;
  return {
    id: run.id,
    state,
    currentPhase,
    apply: applyPhase,
    abort: abortPhase,
    hosts: progress?.hosts ?? [],
    skipped: status.skipped ?? [],
    authority: run.authority,
    abortedIn: run.abortedIn,
    abortedBecause: run.abortedBecause,
    suspendedSince: run.suspendedSince,
    lastObservedTime: run.lastObservedTime,
    ...(status.session ? { session: sessionIn(status.session) } : {}),
  };
}

/** A run as the status holds it, with its plan. */
export type StoredRun = { readonly record: RunRecord; readonly run: RunState; readonly plan: Plan };

/** The run and the plan that the status holds; undefined when there is no plan. */
export function decodeRun(status: StrategyStatus): StoredRun | undefined {
  const { run: record } = status;
  const run = runOf(status);
  return run && record && { record, run, plan: planOf(status, record, run) };
}

/** The plan as it was built, as far as it is at hand: a later edit of the spec does not change it. */
function planOf({ controllers }: StrategyStatus, record: RunRecord, run: RunState): Plan {
  const stages = run.apply.stages.map(
    ({ name, hosts = [], patches = [], level = 'away', steps, timeoutSeconds }): Stage => ({
      name,
      hosts,
      patches,
      level,
      steps: steps.map(plannedStep),
      timeoutSeconds,
    }),
  );
  const first = firstStage(run.apply);
  return {
    ...{ digest: record.planDigest, stages, actions: actionsOf(record) },
    ...(controllers ? { controllers } : {}),
    ...(first > 0 ? { firstStage: first } : {}),
  };
}

/** Memoized, because pass after pass decodes the same record. */
const actionsOf = memoizeByObject(({ actions }: RunRecord) => planActions.parse(actions));

/** The parts of a decision that the status shows beside the run. */
export type Shown = {
  /** What the run waits for, one sentence each. */
  readonly reasons: readonly string[];
  readonly order: StandingOrder;
  /** What the open stage waits for, where that is neither time nor its own work. */
  readonly obstacle?: Obstacle | undefined;
  /** How a person opens a host that is kept locked. */
  readonly openRemedy?: string;
  /** The hosts that lack a patch or the release after the run was applied. */
  readonly lacking?: readonly HostName[];
  /** The findings as they are now; undefined when nobody looked for them. */
  readonly findings?: readonly Finding[] | undefined;
  readonly answers?: readonly Answer[];
  /** The requests that this pass does not answer. */
  readonly waiting?: readonly WaitingRequest[];
  /** The requests in the annotations; undefined when nobody looked for them. */
  readonly placed?: Placed;
  /** The digest of the plan, where stages were appended to it. */
  readonly planDigest?: string;
};

/** The status that shows a run; it keeps the other fields of the status before. */
export function statusOfRun(
  before: StrategyStatus,
  run: RunState,
  {
    reasons,
    order,
    obstacle,
    openRemedy,
    lacking,
    findings,
    answers = [],
    waiting = [],
    placed,
    planDigest,
  }: Shown,
  generation: number,
  now: string,
): StrategyStatus {
  const {
    progress: _progress,
    abortPhase: _abort,
    findings: _findings,
    skipped: _skipped,
    requests,
    run: record,
    ...kept
  } = before;
  const found = relevantFindings(run, findings ?? before.findings ?? []);
  const words = strategyWords({ release: record && releaseOf(record), session: run.session });
  const message = messageOf(run, {
    ...{ summary: summaryOf(record), reasons, order, openRemedy, words },
    ...(lacking ? { lacking } : {}),
    findings: found,
  });
  return {
    ...kept,
    ...(record ? { run: recordOf({ ...record, planDigest: planDigest ?? record.planDigest }, run) } : {}),
    ...(record ? releaseEndedBy(record, run) : {}),
    ...(placed ? withAnswers(requests, [...answers, ...waiting], now, placed) : requests && { requests }),
    observedGeneration: generation,
    state: run.state,
    stages: `${String(stagesDone(run.apply))}/${String(run.apply.totalStages)}`,
    message,
    currentPhase: run.currentPhase,
    completionPercentage: percentageOf(run),
    ...(found.length > 0 ? { findings: boundedFindings(found) } : {}),
    applyPhase: run.apply,
    ...(run.abort ? { abortPhase: run.abort } : {}),
    ...(run.session ? { session: sessionStatusOf(run.session) } : {}),
    ...progressOf(run),
    ...(run.skipped.length > 0 ? { skipped: [...run.skipped] } : {}),
    conditions: updateConditions(
      before.conditions ?? [],
      conditionsOf(run, message, order, words, obstacle, lacking),
      generation,
      now,
    ),
  };
}

/** Nobody knows how many stages a session will have: its percentage is that of its hosts. */
function percentageOf({ currentPhase, apply, abort, session }: RunState): number {
  const phase = currentPhase === 'abort' ? abort : apply;
  return session && currentPhase !== 'abort' ? percentDone(session) : (phase?.completionPercentage ?? 0);
}

/** How far a run has ended the upgrade to its release: recorded with the Job that begins to activate or to complete it. */
function releaseEndedBy(
  record: RunRecord,
  { state, hosts }: RunState,
): Pick<StrategyStatus, 'activatedRelease' | 'completedRelease' | 'completedHooks'> {
  const isActivated = hosts.some(({ jobs = [], manual = [] }) =>
    [...jobs, ...manual].some(({ action }) => ENDING.has(action)),
  );
  if (state !== 'applied' && !isActivated) return {};
  const release = releaseOf(record);
  if (!release || release.rollback) return {};
  const { version } = release;
  return {
    ...(isActivated ? { activatedRelease: version } : {}),
    ...(state === 'applied' ? { completedRelease: version, completedHooks: hooksOf(record) } : {}),
  };
}

function hooksOf({ actions }: RunRecord): string[] {
  const { patches } = planActions.pick({ patches: true }).parse(actions ?? {});
  return patches.filter(({ kind }) => kind === 'hook').map(({ id }) => id);
}

const onlyRelease = planActions.pick({ release: true });

function releaseOf({ actions }: RunRecord): TargetRelease | undefined {
  return onlyRelease.parse(actions ?? {}).release;
}

/** The hooks after which hosts are not brought back to the release before. */
const ENDING: ReadonlySet<string> = new Set(['activate', 'complete']);

/** The plan in one sentence. Versions before 0.2 stored a remedy with it, which contradicts some orders. */
function summaryOf(record: RunRecord | undefined): string {
  return record?.summary?.replace('; set execution.mode to Run to carry the plan out', '') ?? '';
}

function recordOf(record: RunRecord, run: RunState): RunRecord {
  const { authority, abortedIn, abortedBecause, suspendedSince, lastObservedTime } = run;
  const {
    authority: _authority,
    abortedIn: _aborted,
    abortedBecause: _because,
    suspendedSince: _suspended,
    lastObservedTime: _observed,
    ...kept
  } = record;
  return {
    ...kept,
    ...(authority ? { authority } : {}),
    ...(abortedIn ? { abortedIn } : {}),
    ...(abortedBecause ? { abortedBecause } : {}),
    ...(suspendedSince ? { suspendedSince } : {}),
    ...(lastObservedTime ? { lastObservedTime } : {}),
  };
}

function progressOf(run: RunState): Pick<StrategyStatus, 'progress'> {
  const abort = run.currentPhase === 'abort' ? run.abort : undefined;
  // After an abort that has ended, or had no host to release, failed hosts are shown in the stage in which they failed.
  const phase = abort && currentStage(abort) ? abort : run.apply;
  const stage = currentStage(phase);
  const step = stage?.steps[stage.currentStep];
  const open = stage?.inProgress === true && step !== undefined;
  const shown = open
    ? step
    : (stage?.steps.findLast(({ result }) => result !== 'initial') ?? stage?.steps[0]);
  if (!stage || !shown || (!open && run.hosts.length === 0)) return {};
  const deadline =
    open && step.result === 'wait'
      ? { deadline: new Date(nextDeadline({ phase, stage, step })).toISOString() }
      : {};
  return { progress: { stage: stage.id, step: shown.name, ...deadline, hosts: [...run.hosts] } };
}
