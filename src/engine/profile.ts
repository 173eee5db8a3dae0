import type { PhaseStatus } from '../crds/patch-strategy-status.ts';
import type { Stage } from '../planner/plan.ts';
import type { Pass } from './pass.ts';
import type { RunRequest } from './requests.ts';
import type { Ending } from './results.ts';
import type { StepDefinitions } from './steps/definitions.ts';
import type { Due, PartEnding } from './timers.ts';

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
