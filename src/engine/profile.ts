import type { PhaseStatus } from '../crds/patch-strategy-status.ts';
import type { Stage } from '../planner/plan.ts';
import type { Pass } from './pass.ts';
import type { RunRequest } from './requests.ts';
import type { Ending } from './results.ts';
import type { StepDefinitions } from './steps/definitions.ts';
import type { Due, PartEnding } from './timers.ts';

/**
 * The differences between the native engine and the VIM: results, timers, restarts, aborts and refusals. All profiles
 * advance through stages and steps in the same way.
 */
export type EngineProfile = {
  /** The kinds of steps that this engine supports. A step of any other kind fails. */
  readonly steps: StepDefinitions;
  /** Whether a phase or stage shows the result of its ended parts while other parts are still to run. */
  readonly earlyResults: boolean;
  readonly completionPercentage: (phase: Pick<PhaseStatus, 'stages' | 'result' | 'inProgress'>) => number;
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
};
