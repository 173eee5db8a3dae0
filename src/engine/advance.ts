/**
 * The engine: it decides the next effects from a plan, a run and the observed hosts. Pure and level-triggered: any
 * process that has read the stored run may call it, at any time, any number of times. It asks only for missing work.
 */
import { isDeepStrictEqual } from 'node:util';
import type { PhaseStatus } from '../crds/observed/strategy-status.ts';
import type { Result, StrategyState } from '../crds/vocabulary.ts';
import type { HostName } from '../planner/hosts/facts.ts';
import { plannedStage, type Plan } from '../planner/plan.ts';
import { beginAbort, beginAbortPhase } from './orders/abort.ts';
import { evaluateStep, type Evaluate } from './evaluate.ts';
import { recordJobResults } from './hosts/job-results.ts';
import { recordOverdue } from './hosts/manual-results.ts';
import { endPhase } from './run/lifecycle.ts';
import { recordLostCordons } from './hosts/outages.ts';
import { reconcileLockedHosts } from './hosts/locked-hosts.ts';
import {
  applyOrder,
  endSuspension,
  isAnsweredNow,
  isSuspended,
  pauseDeadlines,
  resumeDeadlines,
} from './orders/orders.ts';
import { newPass, RESYNC_MILLISECONDS, stamp, wakeAt, type Pass } from './pass.ts';
import type { Draft, EngineProfile } from './pass.ts';
import { engineOf } from './engine-of.ts';
import { answer } from './orders/requests.ts';
import { isGood, type Ending } from './run/results.ts';
import { runPhase } from './run/run-phase.ts';
import { currentStage, runningStage, type RunState } from './run/run-state.ts';
import { recordSkipped } from './hosts/skips.ts';
import { takeExtensions } from './session/extensions.ts';
import { takeReplies } from './session/replies.ts';
import { changedStages } from './run/stage-folds.ts';
import { recordObservation } from './run/timers.ts';
import { OBSTACLES, type Decision, type Turn } from './turn.ts';

/**
 * Decides the next run, its effects and its permits.
 * @param profile the differences between the native engine and others; by default that of the plan
 * @param evaluate judges the progress of a step; by default from the observed hosts
 */
export function advance(
  plan: Plan,
  run: RunState,
  turn: Turn,
  profile: EngineProfile = engineOf(plan),
  evaluate: Evaluate = evaluateStep,
): Decision {
  const pass = newPass(plan, run, turn, profile, evaluate);
  profile.afterDowntime(pass);
  recordJobResults(pass);
  recordLostCordons(pass);
  takeReplies(pass);
  takeExtensions(pass);
  for (const request of turn.requests.filter((each) => isAnsweredNow(pass, each))) answer(pass, request);
  endSuspension(pass);
  if (isSuspended(pass)) pauseDeadlines(pass);
  else {
    resumeDeadlines(pass);
    recordOverdue(pass);
    recordSkipped(pass);
    applyOrder(pass);
    advancePhase(pass);
  }
  recordObservation(pass);
  for (const phase of [pass.run.apply, pass.run.abort]) {
    if (phase) phase.completionPercentage = profile.completionPercentage(phase);
  }
  profile.finishPass?.(pass, run);
  if (isUnderWay(pass.run)) wakeAt(pass, turn.now + RESYNC_MILLISECONDS);
  return decisionOf(pass, run);
}

/** Whether something may change without an event: a stage is open, or an abort runs. */
function isUnderWay({ state, apply }: RunState): boolean {
  const isOpen = currentStage(apply)?.inProgress === true;
  return state === 'aborting' || (state === 'applying' && isOpen);
}

function advancePhase(pass: Pass): void {
  const { run } = pass;
  if (FAILED_OR_ABORTED.has(run.state) && !phaseToContinue(run)) return reconcileLockedHosts(pass);
  // An abort phase that begins at the end of the apply phase advances in the same pass.
  if (run.currentPhase === 'apply') advanceApply(pass);
  if (run.currentPhase === 'abort') advanceAbort(pass);
}

const FAILED_OR_ABORTED: ReadonlySet<StrategyState> = new Set([
  'apply-failed',
  'apply-timeout',
  'aborted',
  'abort-failed',
  'abort-timeout',
]);

/** The phase that continues without a new order. The VIM allows this also in other states (§14, 3 and 10). */
function phaseToContinue({ apply, abort, currentPhase, state }: RunState): PhaseStatus | undefined {
  if (currentPhase === 'abort') return abort?.inProgress ? abort : undefined;
  const continues = state === 'applying' || state === 'aborting' || runningStage(apply) !== undefined;
  return apply.inProgress && continues ? apply : undefined;
}

function advanceApply(pass: Pass): void {
  const { run } = pass;
  const phase = phaseToContinue(run);
  const ending = phase && runPhase(pass, phase);
  if (ending) endApply(pass, ending);
  if (run.state === 'aborting' && !run.apply.inProgress && run.currentPhase === 'apply')
    beginAbortPhase(pass);
}

function endApply(pass: Pass, ending: Ending): void {
  const { run, profile } = pass;
  const { result } = ending;
  const abortWasPlanned = run.abort !== undefined;
  const reason = isGood(result) ? ending.reason : profile.phaseReason(run.apply.currentStage, ending);
  endPhase(run.apply, stamp(pass), result, reason);
  if (result === 'aborted') return;
  if (isGood(result)) {
    run.state = 'applied';
    return;
  }
  run.state = result === 'timed-out' ? 'apply-timeout' : 'apply-failed';
  // The VIM's phase timer may fire while the running step is awaited: the abort continues, the state stays (§14, 3).
  if (abortWasPlanned) beginAbortPhase(pass);
  else if (profile.onFailure === 'abort') beginAbort(pass, run.apply.reason);
}

function advanceAbort(pass: Pass): void {
  const { run } = pass;
  const phase = phaseToContinue(run);
  const ending = phase && runPhase(pass, phase);
  if (!ending) return;
  endPhase(phase, stamp(pass), ending.result, ending.reason);
  if (run.state === 'aborting') run.state = stateAfterAbort(ending.result);
}

function stateAfterAbort(result: Result): StrategyState {
  if (isGood(result)) return 'aborted';
  return result === 'timed-out' ? 'abort-timeout' : 'abort-failed';
}

/** Compares only the stages that the pass has copied. */
function isSameRun({ apply, abort, ...rest }: RunState, after: Draft): boolean {
  const { apply: applyAfter, abort: abortAfter, ...restAfter } = after;
  return (
    isDeepStrictEqual(rest, restAfter) && isSamePhase(apply, applyAfter) && isSamePhase(abort, abortAfter)
  );
}

function isSamePhase(before: PhaseStatus | undefined, after: PhaseStatus | undefined): boolean {
  if (!before || !after) return before === after;
  const { stages: stagesBefore, ...rest } = before;
  const { stages: stagesAfter, ...restAfter } = after;
  return (
    isDeepStrictEqual(rest, restAfter) &&
    stagesBefore.length === stagesAfter.length &&
    changedStages(before, after).every((stage) => isDeepStrictEqual(stage.before, stage.after))
  );
}

function decisionOf(pass: Pass, before: RunState): Decision {
  const { run, asked, lacks, effects, reasons, turn, plan } = pass;
  const phase = run.apply;
  const open = run.hosts.map(({ name }) => name);
  const stage = currentStage(phase);
  const busy = run.state === 'applying' || run.state === 'aborting';
  const changed = !isSameRun(before, run);
  const upcoming =
    busy || run.state === 'ready-to-apply' ? (plannedStage(plan, phase.currentStage)?.hosts ?? []) : [];
  return {
    run: changed ? run : before,
    effects,
    wants: {
      permits: {
        ...(asked ?? { level: stage?.level ?? 'away' }),
        hosts: [...new Set([...open, ...(asked?.hosts ?? [])])],
      },
      watch: new Set([...open, ...(busy ? upcoming : []), ...hostsOfSession(run)]),
    },
    lacks,
    ...(pass.handsOver ? { handsOver: true } : {}),
    ...(Number.isFinite(pass.wakeAt) ? { wakeAt: Math.max(pass.wakeAt, turn.now) } : {}),
    reasons,
    obstacle: OBSTACLES.find((each) => pass.obstacles.has(each)),
    openRemedy: turn.view.words.remedy('kept-locked'),
    answers: pass.answers,
    replies: pass.replies,
    plan,
  };
}

/** A session looks at all its hosts until it has ended and has opened those that it closed. */
function hostsOfSession({ state, session }: Draft): readonly HostName[] {
  if (!session) return [];
  const isOver = !OPEN_STATES.has(state);
  return isOver ? session.closed.map(({ name }) => name) : session.hosts.map(({ name }) => name);
}

const OPEN_STATES: ReadonlySet<StrategyState> = new Set(['ready-to-apply', 'applying', 'aborting']);
