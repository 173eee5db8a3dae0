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
import { tendLockedHosts } from './locked-hosts.ts';
import { goOn, isHeard, obey, suspended } from './orders.ts';
import { newPass, RESYNC_MILLISECONDS, stamp, wakeAt, type Pass } from './pass.ts';
import { answer } from './requests.ts';
import { completionPercentage, isFinal, newPhase, type RunState } from './run-state.ts';
import { awaitStep, runStage } from './run-stage.ts';
import type { Decision, Turn } from './turn.ts';

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
