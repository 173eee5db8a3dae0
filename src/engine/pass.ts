import type { HostProgress, PhaseStatus, StageStatus, StepStatus } from '../crds/patch-strategy-status.ts';
import type { OutageLevel, PhaseName, Result, StrategyState } from '../crds/vocabulary.ts';
import type { HostName } from '../planner/facts.ts';
import type { Plan } from '../planner/plan.ts';
import type { Effect } from './effect.ts';
import type { Evaluate } from './evaluate.ts';
import { completionPercentage, type RunState } from './run-state.ts';
import type { Turn } from './turn.ts';
import type { Instant } from './view.ts';

/** The run as one pass writes on it: a copy, so that the caller's stays as it was. */
export type Draft = {
  id: string;
  state: StrategyState;
  currentPhase: PhaseName;
  apply: PhaseStatus;
  abort: PhaseStatus | undefined;
  hosts: HostProgress[];
};

/** One call of `advance`: its arguments, and what it has decided so far. */
export type Pass = {
  readonly plan: Plan;
  readonly turn: Turn;
  readonly evaluate: Evaluate;
  readonly run: Draft;
  readonly effects: Effect[];
  readonly reasons: string[];
  /** Hosts whose permits are wanted before their outage is opened. */
  asked: { hosts: readonly HostName[]; level: OutageLevel } | undefined;
  wakeAt: Instant;
};

export function newPass(plan: Plan, run: RunState, turn: Turn, evaluate: Evaluate): Pass {
  const draft: Draft = { ...structuredClone(run), hosts: structuredClone([...run.hosts]) };
  return { plan, turn, evaluate, run: draft, effects: [], reasons: [], asked: undefined, wakeAt: Infinity };
}

export function stamp({ turn }: Pass): string {
  return new Date(turn.now).toISOString();
}

export function beginPhase(pass: Pass, phase: PhaseStatus): void {
  phase.inProgress = true;
  phase.result = 'inprogress';
  phase.startTime = stamp(pass);
}

export function endPhase(pass: Pass, phase: PhaseStatus, result: Result, reason?: string): void {
  phase.inProgress = false;
  phase.result = result;
  if (reason) phase.reason = reason;
  phase.endTime = stamp(pass);
  phase.completionPercentage = completionPercentage(phase);
}

export function beginStage(pass: Pass, stage: StageStatus): void {
  stage.inProgress = true;
  stage.result = 'inprogress';
  stage.startTime = stamp(pass);
}

export function endStage(pass: Pass, stage: StageStatus, result: Result, reason?: string): void {
  stage.inProgress = false;
  stage.result = result;
  if (reason) stage.reason = reason;
  stage.endTime = stamp(pass);
}

export function beginStep(pass: Pass, step: StepStatus): void {
  step.result = 'wait';
  step.startTime = stamp(pass);
}

export function endStep(pass: Pass, step: StepStatus, result: Result, reason?: string): void {
  step.result = result;
  if (reason) step.reason = reason;
  step.endTime = stamp(pass);
}

/** Wakes the run at a time, if nothing wakes it before. */
export function wakeAt(pass: Pass, instant: Instant): void {
  pass.wakeAt = Math.min(pass.wakeAt, instant);
}
