import type { HostProgress } from '../crds/observed/host-progress.ts';
import type { PhaseStatus, SkippedHost, StageStatus } from '../crds/observed/strategy-status.ts';
import type { ExecutionMode, PhaseName, StepName, StrategyState } from '../crds/vocabulary.ts';
import type { Plan, Stage } from '../planner/plan.ts';
import type { Effect } from './effect.ts';
import type { Evaluate } from './evaluate.ts';
import type { Due, Ending, PartEnding } from './run/results.ts';
import { firstStage, type Authority, type RunState, type Running } from './run/run-state.ts';
import type { ReplyVerdict } from './session/session-state.ts';
import type { SessionProgress } from './session/session-state.ts';
import type { Verdict } from './steps/verdict.ts';
import type { StepDefinitions } from './steps/definitions.ts';
import type { Answer, Obstacle, RunRequest, Turn, Wants } from './turn.ts';
import type { Instant } from './view.ts';

/** The longest time between two passes while a run is busy: a safety net for lost events. */
export const RESYNC_MILLISECONDS = 30_000;

/** The run that one pass changes: a copy, so the caller's run stays as it was. */
export type Draft = {
  id: string;
  state: StrategyState;
  currentPhase: PhaseName;
  apply: PhaseStatus;
  abort: PhaseStatus | undefined;
  hosts: HostProgress[];
  skipped: readonly SkippedHost[];
  authority: Authority | undefined;
  abortedIn: ExecutionMode | undefined;
  abortedBecause: string | undefined;
  suspendedSince: string | undefined;
  lastObservedTime: string | undefined;
  session?: SessionProgress | undefined;
};

/** One call of `advance`: its arguments, and its decisions so far. */
export type Pass = {
  /** Replaced when stages are appended. */
  plan: Plan;
  readonly turn: Turn;
  readonly profile: EngineProfile;
  readonly evaluate: Evaluate;
  readonly run: Draft;
  readonly effects: Effect[];
  readonly reasons: string[];
  readonly obstacles: Set<Obstacle>;
  readonly answers: Answer[];
  readonly replies: ReplyVerdict[];
  /** Hosts whose permits are wanted before their outage is opened. */
  asked: Wants['permits'] | undefined;
  lacks: Wants['permits'] | undefined;
  /** Whether this process gives the lead up. */
  handsOver: boolean;
  wakeAt: Instant;
};

/** What the percentage of a phase follows from. */
export type Progressing = Pick<
  PhaseStatus,
  'stages' | 'earlier' | 'later' | 'currentStage' | 'result' | 'inProgress'
>;

/** Judges a step that is no work on hosts, once for its stage. It records its progress in the pass, before its effects. */
export type RunJudge = (pass: Pass, running: Running) => Verdict;

/** What comes after the last stage: stages to append, the end, or why there is neither. */
export type NextStages =
  | { readonly kind: 'stages'; readonly stages: readonly Stage[] }
  | { readonly kind: 'complete' }
  | { readonly kind: 'wait' | 'failed'; readonly reason: string };

/**
 * The differences between the native engine and the VIM: results, timers, restarts, aborts and refusals. All profiles
 * advance through stages and steps in the same way.
 */
export type EngineProfile = {
  /** The kinds of steps that this engine supports. A step of any other kind fails. */
  readonly steps: StepDefinitions;
  /** Whether a stage goes on without the hosts that leave the cluster or the pool. Otherwise its step fails. */
  readonly goesOnWithoutLeavers: boolean;
  /** Whether the work on a controller waits while less than a quorum of the others is in service. */
  readonly judgesQuorum: boolean;
  /** Whether a phase or stage shows the result of its ended parts while other parts are still to run. */
  readonly earlyResults: boolean;
  readonly completionPercentage: (phase: Progressing) => number;
  /** The reason of a phase that ends with this stage. */
  readonly phaseReason: (stage: number, ending: Ending) => string;
  /** How a step, stage or phase ends when its timer fires. */
  readonly timeOut: (due: Due, waitedFor: string) => PartEnding;
  /** Corrects open deadlines after a time without an operator. Called first in each pass. */
  readonly afterDowntime: (pass: Pass) => void;
  /**
   * hold: the hosts whose own action did not fail are released, then a person decides.
   * abort: the abort phase begins at once, and releases every host.
   */
  readonly onFailure: 'hold' | 'abort';
  /** Called when an abort begins, while the running step is awaited. */
  readonly onAbort: (pass: Pass) => void;
  /** Called for another abort during that time. */
  readonly onSecondAbort: (pass: Pass) => void;
  /** The stages of the abort phase. */
  readonly undo: (pass: Pass) => readonly Stage[];
  /** Why a request is refused, and how to proceed; undefined when it is accepted. */
  readonly refusal: (pass: Pass, request: RunRequest) => string | undefined;
  /** The steps that are no work on hosts. */
  readonly runSteps?: Readonly<Partial<Record<StepName, RunJudge>>>;
  /** Asked after the last stage of the apply phase; without it the run is complete then. */
  readonly next?: (pass: Pass) => NextStages;
  /** Whether the run goes on after this stage although it has failed. */
  readonly goesOnAfter?: (pass: Pass, stage: StageStatus) => boolean;
  /** Called when a failed run is restarted. */
  readonly onRestart?: (pass: Pass) => void;
  /** Called last in each pass, with the run before it. */
  readonly finishPass?: (pass: Pass, before: RunState) => void;
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
    ...{
      effects: [],
      reasons: [],
      obstacles: new Set(),
      answers: [],
      replies: [],
      asked: undefined,
      lacks: undefined,
      handsOver: false,
      wakeAt: Infinity,
    },
  };
}

/** A copy of a phase that a pass may change: the phase itself and its current stage. */
function copyOf(phase: PhaseStatus): PhaseStatus {
  const copy = { ...phase, stages: phase.stages.slice() };
  editStage(copy, copy.currentStage);
  return copy;
}

/**
 * Replaces the stage with this id by a copy that the pass may change; every other stage is shared with the run before. Lists of names
 * stay shared: they are replaced, never changed. Returns undefined when there is no such stage.
 */
export function editStage(phase: PhaseStatus, id: number): StageStatus | undefined {
  const index = id - firstStage(phase);
  const stage = phase.stages[index];
  if (!stage) return undefined;
  const copy = { ...stage, steps: stage.steps.map((step) => ({ ...step })) };
  phase.stages[index] = copy;
  return copy;
}

/** The time of the pass, RFC 3339. */
export function stamp({ turn }: Pass): string {
  return new Date(turn.now).toISOString();
}

/** Requests a pass at this time at the latest. */
export function wakeAt(pass: Pass, instant: Instant): void {
  pass.wakeAt = Math.min(pass.wakeAt, instant);
}

/** Notes what the run waits for. */
export function noteReason(pass: Pass, reason: string, obstacle?: Obstacle): void {
  pass.reasons.push(reason);
  if (obstacle !== undefined) pass.obstacles.add(obstacle);
}

/** Whether an abort only waits for the running step to end. */
export function isAborting({ run }: Pass): boolean {
  return run.currentPhase === 'apply' && (run.state === 'aborting' || run.state === 'aborted');
}
