/**
 * The engine: from a plan, a run and what is observed, what to do next. Pure and
 * level-triggered: it may be called at any time, any number of times, by any
 * process that has just read the run back; it asks only for what is missing.
 */
import { isDeepStrictEqual } from 'node:util';
import type { HostProgress, PhaseStatus } from '../crds/patch-strategy-status.ts';
import type { Result, StrategyState } from '../crds/vocabulary.ts';
import type { Plan } from '../planner/plan.ts';
import { timeoutOver } from '../planner/stage-steps.ts';
import { evaluateStep, type Evaluate } from './evaluate.ts';
import { begin, endPhase } from './lifecycle.ts';
import { newPass, stamp, wakeAt, type Pass } from './pass.ts';
import { completionPercentage, isFinal, newPhase, type RunState } from './run-state.ts';
import { awaitStep, runStage } from './run-stage.ts';
import { closeOutage, opensOutage } from './run-step.ts';
import { answer, type RunRequest } from './requests.ts';
import { carriesOurMark, lockedByNobody } from './steps/unlock-hosts.ts';
import { effectKey, type Effect } from './effect.ts';
import type { Decision, Turn } from './turn.ts';
import type { EffectKey } from './view.ts';

/** A safety net: a pass at least so often while something is under way. */
const RESYNC_MILLISECONDS = 30_000;

/** Decides what comes next. `evaluate` judges how far a step is; the native judgement unless given. */
export function advance(plan: Plan, run: RunState, turn: Turn, evaluate: Evaluate = evaluateStep): Decision {
  const pass = newPass(plan, run, turn, evaluate);
  for (const request of turn.requests.filter((each) => isHeard(pass, each))) answer(pass, request);
  if (!suspended(pass)) {
    goOn(pass);
    obey(pass);
    walk(pass);
  }
  for (const phase of [pass.run.apply, pass.run.abort]) {
    if (phase) phase.completionPercentage = completionPercentage(phase);
  }
  return decisionOf(pass, run);
}

/** A latched abort comes before `Suspend`, which comes before every other request; they wait for its end. */
function isHeard({ turn }: Pass, { verb }: RunRequest): boolean {
  return verb === 'abort' || turn.order.mode !== 'Suspend';
}

/**
 * In `Suspend` nothing happens: no effect, no judgement, no time passes for the
 * deadlines. Only an abort goes on, and one that was asked for begins.
 */
function suspended({ run, turn, ...pass }: Pass): boolean {
  if (turn.order.mode !== 'Suspend' || run.state === 'aborting') return false;
  if (run.state === 'applying') {
    run.suspendedSince ??= new Date(turn.now).toISOString();
    pass.reasons.push('suspended: nothing is begun, awaited or given back, and deadlines stand still');
  }
  return true;
}

/** Puts the deadline of the open step off by the time that the run was suspended. */
function goOn({ run, turn }: Pass): void {
  if (run.suspendedSince === undefined) return;
  const seconds = Math.ceil((turn.now - Date.parse(run.suspendedSince)) / 1000);
  run.suspendedSince = undefined;
  const stage = run.apply.stages[run.apply.currentStage];
  const step = stage?.inProgress ? stage.steps[stage.currentStep] : undefined;
  if (step && step.result !== 'initial') step.extendedSeconds = (step.extendedSeconds ?? 0) + seconds;
}

/** Brings the run in line with what is ordered. */
function obey(pass: Pass): void {
  const { run, turn } = pass;
  const { mode } = turn.order;
  switch (run.state) {
    case 'ready-to-apply':
      if (stagesAllowed(pass) === 0) return;
      run.state = 'applying';
      run.currentPhase = 'apply';
      begin(run.apply, stamp(pass));
      return setStop(pass);
    case 'applying':
      if (mode !== 'Abort') return setStop(pass);
      return beginAbort(pass);
    case 'apply-failed':
    case 'apply-timeout':
      if (mode === 'Abort') beginAbort(pass);
      return;
    case 'abort-failed':
    case 'abort-timeout':
      // Hold takes note of what the abort could not give back; the next Abort gives it back as it is.
      if (mode !== 'Hold') return;
      run.state = 'apply-failed';
      run.currentPhase = 'apply';
      run.abort = undefined;
      return;
    default:
  }
}

function beginAbort({ run, turn }: Pass): void {
  run.state = 'aborting';
  run.abortedIn = turn.order.mode;
}

/** How many stages may be begun: as far as the standing order goes, or the requests, whichever is further. */
function stagesAllowed({ run, turn: { order } }: Pass): number {
  if (order.heldBack !== undefined || order.mode === 'Abort') return 0;
  const { totalStages } = run.apply;
  const byOrder = order.mode === 'Run' ? (order.throughStage ?? totalStages) + 1 : 0;
  const byRequest = run.authority ? run.authority.throughStage + 1 : 0;
  return Math.min(totalStages, Math.max(byOrder, byRequest));
}

/** Sets the stage before which the run stops. A stage that has taken no host yet is put back to its beginning. */
function setStop(pass: Pass): void {
  const { plan, run } = pass;
  const phase = run.apply;
  const wished = stagesAllowed(pass);
  const stage = phase.stages[phase.currentStage];
  if (stage?.inProgress && wished <= phase.currentStage && untouched({ run, stage })) {
    const pristine = newPhase(plan.stages).stages[phase.currentStage];
    if (pristine) phase.stages[phase.currentStage] = pristine;
  }
  const running = phase.stages[phase.currentStage]?.inProgress ? 1 : 0;
  const stop = Math.max(wished, phase.currentStage + running);
  if (stop === phase.stopAtStage) return;
  phase.stopAtStage = stop;
  phase.timeoutSeconds = timeoutOver(phase.stages.slice(phase.currentStage, stop));
}

function untouched({ run, stage }: { run: Pass['run']; stage: PhaseStatus['stages'][number] }): boolean {
  const opening = stage.steps.findIndex(({ name }) => opensOutage(stage, name));
  return stage.currentStep <= opening && run.hosts.length === 0;
}

function walk(pass: Pass): void {
  switch (pass.run.state) {
    case 'applying':
      return walkApply(pass);
    case 'aborting':
      return walkAbort(pass);
    case 'apply-failed':
    case 'apply-timeout':
    case 'aborted':
    case 'abort-failed':
    case 'abort-timeout':
      return tendLockedHosts(pass);
    default:
  }
}

function walkApply(pass: Pass): void {
  const { run } = pass;
  const phase = run.apply;
  while (phase.currentStage < phase.stopAtStage) {
    const stage = phase.stages[phase.currentStage];
    if (!stage) return;
    const ending = runStage(pass, stage);
    if (!ending) return;
    if (ending.result !== 'success') {
      run.state = ending.result === 'timed-out' ? 'apply-timeout' : 'apply-failed';
      return endPhase(phase, stamp(pass), ending.result, `stage ${String(stage.id)}: ${ending.reason ?? ''}`);
    }
    phase.currentStage += 1;
  }
  if (phase.currentStage < phase.totalStages) return;
  endPhase(phase, stamp(pass), 'success');
  run.state = 'applied';
}

/**
 * An abort first awaits the running step, then gives every open host back
 * (starlingx-vim.md §10.3). Between two stages there is nothing to await.
 */
function walkAbort(pass: Pass): void {
  const { run } = pass;
  const phase = run.apply;
  const stage = phase.stages[phase.currentStage];
  if (stage?.inProgress && !awaitStep(pass, stage)) return;
  if (phase.inProgress) endPhase(phase, stamp(pass), 'aborted');
  run.abort ??= abortPhase(pass);
  run.currentPhase = 'abort';
  if (isFinal(run.abort.result)) return;
  const undo = run.abort.stages[0];
  const ending = undo ? runStage(pass, undo) : ({ result: 'success' } as const);
  if (!ending) return;
  if (ending.result === 'success') run.abort.currentStage = run.abort.totalStages;
  endPhase(run.abort, stamp(pass), ending.result, ending.reason);
  run.state = stateAfterAbort(ending.result);
}

function stateAfterAbort(result: Result): StrategyState {
  if (result === 'success') return 'aborted';
  return result === 'timed-out' ? 'abort-timeout' : 'abort-failed';
}

/** One stage that unlocks every host whose outage is open, under the name of the stage that took them. */
function abortPhase(pass: Pass): PhaseStatus {
  const { run, plan } = pass;
  const interrupted = run.apply.stages[run.apply.currentStage];
  // Who deletes a strategy has decided nothing about the hosts that failed: those are left locked.
  const given = run.hosts.filter(({ result }) => !pass.turn.order.lettingGo || !isFinal(result));
  const hosts = given.map(({ name }) => name);
  run.hosts = run.hosts.map((each) => (given.includes(each) ? takenUpAgain(each) : each));
  const steps = [{ name: 'unlock-hosts', timeoutSeconds: plan.actions.timing.unlockTimeoutSeconds }] as const;
  const stages =
    hosts.length > 0 && interrupted
      ? [
          {
            name: interrupted.name,
            hosts,
            patches: [],
            level: 'away' as const,
            steps,
            timeoutSeconds: timeoutOver(steps),
          },
        ]
      : [];
  const phase = newPhase(stages);
  phase.stopAtStage = phase.totalStages;
  phase.timeoutSeconds = timeoutOver(phase.stages);
  begin(phase, stamp(pass));
  return phase;
}

/**
 * A host that was judged failed is given back as it is: nobody waits again for a reboot that did not come. It is
 * another attempt, so that what was refused before is asked for again.
 */
function takenUpAgain(outage: HostProgress): HostProgress {
  if (!isFinal(outage.result)) return outage;
  const { bootIdBefore: _, ...rest } = outage;
  return { ...rest, result: 'wait', attempt: outage.attempt + 1 };
}

/**
 * Hosts that stay locked after a failure are a person's to decide about: an
 * abort gives them back, a request release-host one of them, and `kubectl
 * uncordon` too, after which only what is left of ours is taken off. When the
 * strategy goes, they are left locked with a note that says why.
 */
function tendLockedHosts(pass: Pass): void {
  const { run, turn } = pass;
  for (const outage of [...run.hosts]) {
    const facts = turn.view.host(outage.name);
    if (!facts || !carriesOurMark(facts, run.id)) closeOutage(pass, outage.name);
    else if (outage.releaseAsked || lockedByNobody(facts)) {
      const { revision } = facts;
      const effect = { kind: 'release', host: outage.name, revision, run: run.id, closedBefore: outage.closedBefore } as const;
      tend(pass, outage, { ...effect, key: lastKey(pass, outage, 'release') });
    } else if (turn.order.lettingGo) {
      const effect = { kind: 'leave-locked', host: outage.name, revision: facts.revision, run: run.id } as const;
      const reason = outage.reason ?? 'its strategy was deleted';
      tend(pass, outage, { ...effect, key: lastKey(pass, outage, 'leave-locked'), reason });
    }
  }
}

/** Asks for the last effect on a host. What is refused while the strategy goes is given up: an event names the host. */
function tend(pass: Pass, { name }: HostProgress, effect: Effect): void {
  const { turn, reasons } = pass;
  const outcome = turn.outcomes.get(effect.key);
  if (outcome?.kind === 'refused' && turn.order.lettingGo) return closeOutage(pass, name);
  const refusal = notNow(turn, effect.key);
  if (refusal === undefined) pass.effects.push(effect);
  else {
    reasons.push(refusal);
    wakeAt(pass, turn.now + RESYNC_MILLISECONDS);
  }
}

function lastKey({ run }: Pass, { name, attempt }: HostProgress, subject: string): EffectKey {
  return effectKey(run.id, run.apply.currentStage, 'unlock-hosts', name, subject, attempt);
}

/** Why an effect is of no use now: it was refused, or blocked until later. */
function notNow({ outcomes, now }: Turn, key: EffectKey): string | undefined {
  const outcome = outcomes.get(key);
  if (outcome?.kind === 'refused') return outcome.reason;
  return outcome?.kind === 'blocked' && (outcome.retryAt ?? 0) > now ? outcome.reason : undefined;
}

function decisionOf(pass: Pass, before: RunState): Decision {
  const { run, asked, effects, reasons, turn, plan } = pass;
  const phase = run.apply;
  const open = run.hosts.map(({ name }) => name);
  const stage = phase.stages[phase.currentStage];
  const busy = run.state === 'applying' || run.state === 'aborting';
  const changed = !isDeepStrictEqual({ ...before }, { ...run });
  if (busy && (stage?.inProgress || run.state === 'aborting')) wakeAt(pass, turn.now + RESYNC_MILLISECONDS);
  const upcoming =
    busy || run.state === 'ready-to-apply' ? (plan.stages[phase.currentStage]?.hosts ?? []) : [];
  return {
    run: changed ? run : before,
    effects,
    wants: {
      permits: {
        hosts: [...new Set([...open, ...(asked?.hosts ?? [])])],
        level: asked?.level ?? stage?.level ?? 'away',
      },
      watch: new Set([...open, ...(busy ? upcoming : [])]),
    },
    ...(Number.isFinite(pass.wakeAt) ? { wakeAt: Math.max(pass.wakeAt, turn.now) } : {}),
    reasons,
    answers: pass.answers,
  };
}
