import type { PhaseStatus, StageStatus } from '../../crds/observed/strategy-status.ts';
import type { Result } from '../../crds/vocabulary.ts';
import { begin, beginStep, endPhase, endStage, endStep } from '../../engine/run/lifecycle.ts';
import { newPhase } from '../../engine/run/run-state.ts';
import { plannedStep } from '../../planner/plan.ts';
import { queryStage, timeoutOver } from '../../planner/stage-steps.ts';

/** The build phase as the status shows it: one stage with the queries of its kind, one after another. */
export class QueryPhase {
  readonly status: PhaseStatus;
  readonly #stage: StageStatus;
  readonly #clock: () => number;

  /** `startedAt`: when the first query began, where an earlier pass has waited for its answer. */
  constructor(clock: () => number, startedAt: number, isUpgrade: boolean) {
    this.#clock = clock;
    const { status, stage } = emptyPhase(isUpgrade);
    this.status = status;
    this.#stage = stage;
    const started = new Date(startedAt).toISOString();
    begin(this.status, started);
    begin(stage, started);
    this.#beginStep(started);
  }

  /** The running query got its answer. */
  answered(): void {
    const step = this.#stage.steps[this.#stage.currentStep];
    if (step) endStep(step, this.#time(), 'success');
    this.#stage.currentStep += 1;
    this.#beginStep(this.#time());
  }

  /** The running query got no answer, or one that forbids a plan. */
  failed(reason: string): void {
    const step = this.#stage.steps[this.#stage.currentStep];
    if (step) endStep(step, this.#time(), 'failed', reason);
    endStage(this.#stage, this.#time(), 'failed', reason);
    this.#end('failed', reason);
  }

  /** All queries got their answers; a `refusal` says why there is still no plan. */
  ended(refusal?: string): void {
    endStage(this.#stage, this.#time(), 'success');
    this.status.currentStage = 1;
    this.#end(refusal ? 'failed' : 'success', refusal);
  }

  #end(result: Result, reason?: string): void {
    endPhase(this.status, this.#time(), result, reason);
    // The queries with an answer: a failed build is not complete.
    const { currentStep, totalSteps } = this.#stage;
    this.status.completionPercentage = Math.floor((100 * currentStep) / totalSteps);
  }

  #beginStep(time: string): void {
    const step = this.#stage.steps[this.#stage.currentStep];
    if (step) beginStep(step, time);
  }

  #time(): string {
    return new Date(this.#clock()).toISOString();
  }
}

function emptyPhase(isUpgrade: boolean): { status: PhaseStatus; stage: StageStatus } {
  const { name, steps } = queryStage(isUpgrade);
  const timeoutSeconds = timeoutOver(steps);
  const stage: StageStatus = {
    id: 0,
    name,
    timeoutSeconds,
    totalSteps: steps.length,
    currentStep: 0,
    steps: steps.map((step, id) => ({ id, ...plannedStep(step), result: 'initial' })),
    inProgress: false,
    result: 'initial',
  };
  const phase = newPhase([]);
  const stages = [stage];
  return {
    status: { ...phase, totalStages: 1, stopAtStage: 1, timeoutSeconds: timeoutOver(stages), stages },
    stage,
  };
}
