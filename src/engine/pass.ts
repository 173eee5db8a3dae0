import type { HostProgress, PhaseStatus } from '../crds/patch-strategy-status.ts';
import type { ExecutionMode, OutageLevel, PhaseName, StrategyState } from '../crds/vocabulary.ts';
import type { HostName } from '../planner/facts.ts';
import type { Plan, Stage } from '../planner/plan.ts';
import type { Effect } from './effect.ts';
import type { Evaluate } from './evaluate.ts';
import type { Due, Ending, PartEnding } from './results.ts';
import type { RunState } from './run-state.ts';
import type { StepDefinitions } from './steps/definitions.ts';
import type { Answer, RunRequest, Turn } from './turn.ts';
import type { Instant } from './view.ts';

/** A safety net: a pass at least so often while something is under way. */
export const RESYNC_MILLISECONDS = 30_000;

/** The run as one pass writes on it: a copy, so that the caller's stays as it was. */
export type Draft = {
  id: string;
  state: StrategyState;
  currentPhase: PhaseName;
  apply: PhaseStatus;
  abort: PhaseStatus | undefined;
  hosts: HostProgress[];
  authority: { readonly throughStage: number } | undefined;
  abortedIn: ExecutionMode | undefined;
  suspendedSince: string | undefined;
  lastObservedTime: string | undefined;
};

/** One call of `advance`: its arguments, and what it has decided so far. */
export type Pass = {
  readonly plan: Plan;
  readonly turn: Turn;
  readonly profile: EngineProfile;
  readonly evaluate: Evaluate;
  readonly run: Draft;
  readonly effects: Effect[];
  readonly reasons: string[];
  readonly answers: Answer[];
  /** Hosts whose permits are wanted before their outage is opened. */
  asked: { hosts: readonly HostName[]; level: OutageLevel } | undefined;
  wakeAt: Instant;
};

/**
 * In what the native engine and the VIM differ: how results show, what timers
 * and restarts do, what an abort undoes, what is refused. The walk over stages
 * and steps is the same for all.
 */
export type EngineProfile = {
  /** The kinds of steps that are carried out. A step of any other kind fails. */
  readonly steps: StepDefinitions;
  /** Whether a phase or stage shows the result of its ended parts while others are to come. */
  readonly earlyResults: boolean;
  readonly completionPercentage: (phase: Pick<PhaseStatus, 'stages' | 'result' | 'inProgress'>) => number;
  /** The reason of a phase that a stage has ended. */
  readonly phaseReason: (stage: number, ending: Ending) => string;
  /** What ends when a step has run out of time, or its stage or phase has. */
  readonly timeOut: (due: Due, waitedFor: string) => PartEnding;
  /** What becomes of open deadlines when nobody has looked after the run for a while; called before all else. */
  readonly afterDowntime: (pass: Pass) => void;
  /**
   * hold: the hosts whose own action did not fail are given back, then a person decides.
   * abort: the abort phase begins at once, and gives everything back.
   */
  readonly onFailure: 'hold' | 'abort';
  /** What an abort does at once, while the running step is awaited. */
  readonly onAbort: (pass: Pass) => void;
  /** What another abort does in that time. */
  readonly onSecondAbort: (pass: Pass) => void;
  /** The stages of the abort phase. */
  readonly undo: (pass: Pass) => readonly Stage[];
  /** Why a request is refused, and what to do; undefined when it is granted. */
  readonly refusal: (pass: Pass, request: RunRequest) => string | undefined;
};

export function newPass(
  plan: Plan,
  run: RunState,
  turn: Turn,
  profile: EngineProfile,
  evaluate: Evaluate,
): Pass {
  const draft: Draft = {
    ...run,
    apply: copyOf(run.apply),
    abort: run.abort && copyOf(run.abort),
    hosts: run.hosts.map((host) => ({ ...host })),
  };
  return {
    ...{ plan, turn, profile, evaluate, run: draft },
    ...{ effects: [], reasons: [], answers: [], asked: undefined, wakeAt: Infinity },
  };
}

/** A phase that may be written on. Lists of names stay shared: they are replaced, never changed. */
function copyOf(phase: PhaseStatus): PhaseStatus {
  const stages = phase.stages.map((stage) => ({ ...stage, steps: stage.steps.map((step) => ({ ...step })) }));
  return { ...phase, stages };
}

/** The time of the pass, RFC 3339. */
export function stamp({ turn }: Pass): string {
  return new Date(turn.now).toISOString();
}

/** Wakes the run at a time, if nothing wakes it before. */
export function wakeAt(pass: Pass, instant: Instant): void {
  pass.wakeAt = Math.min(pass.wakeAt, instant);
}

/** Whether an abort only waits for the running step to end. */
export function isAborting({ run }: Pass): boolean {
  return run.currentPhase === 'apply' && (run.state === 'aborting' || run.state === 'aborted');
}
