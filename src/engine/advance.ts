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
import { lockedByNobody } from './steps/unlock-hosts.ts';
import { effectKey } from './effect.ts';
import type { Decision, Turn } from './turn.ts';
import type { EffectKey } from './view.ts';

/** A safety net: a pass at least so often while something is under way. */
const RESYNC_MILLISECONDS = 30_000;

/** Decides what comes next. `evaluate` judges how far a step is; the native judgement unless given. */
export function advance(plan: Plan, run: RunState, turn: Turn, evaluate: Evaluate = evaluateStep): Decision {
  const pass = newPass(plan, run, turn, evaluate);
  obey(pass);
  walk(pass);
  for (const phase of [pass.run.apply, pass.run.abort]) {
    if (phase) phase.completionPercentage = completionPercentage(phase);
  }
  return decisionOf(pass, run);
}

/** Brings the run in line with the standing order. */
function obey(pass: Pass): void {
  const { run, turn } = pass;
  const { mode } = turn.order;
  switch (run.state) {
    case 'ready-to-apply':
      if (mode !== 'Run') return;
      run.state = 'applying';
      run.currentPhase = 'apply';
      begin(run.apply, stamp(pass));
      return setStop(pass);
    case 'applying':
      if (mode !== 'Abort') return setStop(pass);
      run.state = 'aborting';
      return;
    case 'apply-failed':
    case 'apply-timeout':
      if (mode === 'Abort') run.state = 'aborting';
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

/** Sets the stage before which the run stops. A stage that has taken no host yet is put back to its beginning. */
function setStop({ plan, run, turn }: Pass): void {
  const phase = run.apply;
  const { mode, throughStage } = turn.order;
  const wished = mode === 'Run' ? Math.min(phase.totalStages, (throughStage ?? phase.totalStages) + 1) : 0;
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
  const hosts = run.hosts.map(({ name }) => name);
  run.hosts = run.hosts.map(takenUpAgain);
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
 * abort gives them back, and so does `kubectl uncordon`, after which only what
 * is left of ours is taken off.
 */
function tendLockedHosts(pass: Pass): void {
  const { run, turn } = pass;
  for (const { name, attempt } of [...run.hosts]) {
    const facts = turn.view.host(name);
    if (facts?.claim?.run !== run.id) closeOutage(pass, name);
    else if (lockedByNobody(facts)) {
      const key = effectKey(run.id, run.apply.currentStage, 'unlock-hosts', name, 'uncordoned', attempt);
      const refusal = notNow(turn, key);
      if (refusal) {
        pass.reasons.push(refusal);
        wakeAt(pass, turn.now + RESYNC_MILLISECONDS);
      } else {
        pass.effects.push({ kind: 'release', key, host: name, revision: facts.revision, run: run.id });
      }
    }
  }
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
  };
}
