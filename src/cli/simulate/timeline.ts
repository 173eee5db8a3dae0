/** Records when each host ended each step, by the verdicts of the engine. */
import type { StepStatus } from '../../crds/observed/step-status.ts';
import type { PhaseStatus, StageStatus } from '../../crds/observed/strategy-status.ts';
import type { OutageLevel, Result, StageName, StepName } from '../../crds/vocabulary.ts';
import type { HostVerdict } from '../../engine/evaluate.ts';
import type { Instant } from '../../engine/view.ts';
import type { HostName } from '../../planner/hosts/facts.ts';

/** Seconds count from the beginning of the run. */
export type Span = { readonly startSeconds: number; readonly endSeconds: number };
export type HostStepSpan = Span & {
  readonly name: StepName;
  readonly result: Result;
  readonly reason?: string;
};
export type HostSpans = { readonly name: HostName; readonly steps: readonly HostStepSpan[] };
export type StageSpan = Partial<Span> & {
  readonly id: number;
  readonly name: StageName;
  readonly level: OutageLevel;
  readonly result: Result;
  readonly reason?: string;
  readonly hosts: readonly HostSpans[];
};

type Judged = { readonly verdict: HostVerdict['verdict']; readonly since: Instant };
type StepOf = Pick<StepStatus, 'id' | 'name'>;

export class Timeline {
  readonly #judged = new Map<string, Judged>();

  /** Records the verdicts of the engine on the hosts of a step. */
  note(stage: StageStatus, step: StepStatus, verdicts: readonly HostVerdict[], now: Instant): void {
    for (const { host, verdict } of verdicts) {
      const key = keyOf(stage, step, host);
      const before = this.#judged.get(key);
      const since = before?.verdict.kind === verdict.kind ? before.since : now;
      this.#judged.set(key, { verdict, since });
    }
  }

  /** Whether the engine has judged this host in this step. */
  knows(stage: StageStatus, step: StepOf, host: HostName): boolean {
    return this.#judged.has(keyOf(stage, step, host));
  }

  /** All stages of a phase. A stage that has not begun has no times. */
  stagesOf(phase: PhaseStatus, end: Instant): StageSpan[] {
    const clock = { start: Date.parse(phase.startTime ?? ''), end };
    return phase.stages.map((stage) => ({
      ...{ id: stage.id, name: stage.name, level: stage.level ?? 'away', result: stage.result },
      ...(stage.reason === undefined ? {} : { reason: stage.reason }),
      ...(stage.startTime === undefined ? {} : spanOf(stage, clock)),
      hosts: (stage.hosts ?? []).map((name) => ({ name, steps: this.#stepsOf(stage, name, clock) })),
    }));
  }

  #stepsOf(stage: StageStatus, host: HostName, clock: Clock): HostStepSpan[] {
    const hasLeft = stage.left?.some(({ name }) => name === host) === true;
    const begun = stage.steps.filter(
      (step) => step.startTime !== undefined && (!hasLeft || this.knows(stage, step, host)),
    );
    const spans = begun.map((step) => this.#stepOf(stage, step, host, clock));
    const last = begun.at(-1);
    return last ? [...spans, ...this.#released(stage, last, host, clock)] : spans;
  }

  #stepOf(stage: StageStatus, step: StepStatus, host: HostName, clock: Clock): HostStepSpan {
    const span = spanOf(step, clock);
    const judged = this.#judged.get(keyOf(stage, step, host));
    const ended = judged?.verdict.kind === 'done' || judged?.verdict.kind === 'failed';
    const endSeconds = judged && ended ? secondsAt(judged.since, clock) : span.endSeconds;
    const result = resultOf(step, judged);
    const reason = result === 'success' ? undefined : reasonOf(step, judged);
    return { name: step.name, ...span, endSeconds, result, ...(reason ? { reason } : {}) };
  }

  /** After a failed step the engine unlocks the hosts that it releases. */
  #released(stage: StageStatus, failed: StepStatus, host: HostName, clock: Clock): HostStepSpan[] {
    if (failed.name === UNLOCK) return [];
    const judged = this.#judged.get(keyOf(stage, { id: failed.id, name: UNLOCK }, host));
    if (!judged || !failed.endTime) return [];
    const startSeconds = secondsAt(Date.parse(failed.endTime), clock);
    const { verdict, since } = judged;
    // There was nothing to release.
    if (verdict.kind === 'done' && secondsAt(since, clock) === startSeconds) return [];
    if (verdict.kind === 'done')
      return [{ name: UNLOCK, startSeconds, endSeconds: secondsAt(since, clock), result: 'success' }];
    const result = verdict.kind === 'failed' ? 'failed' : 'timed-out';
    return [
      { name: UNLOCK, startSeconds, endSeconds: secondsAt(clock.end, clock), result, reason: verdict.reason },
    ];
  }
}

const UNLOCK = 'unlock-hosts';

type Clock = { readonly start: Instant; readonly end: Instant };

function resultOf(step: StepStatus, judged: Judged | undefined): Result {
  switch (judged?.verdict.kind) {
    case 'done':
      return 'success';
    case 'failed':
      return 'failed';
    default:
      // The engine aborted the step because other hosts failed.
      return step.result === 'failed' ? 'aborted' : step.result;
  }
}

function reasonOf(step: StepStatus, judged: Judged | undefined): string | undefined {
  return judged && judged.verdict.kind !== 'done' ? judged.verdict.reason : step.reason;
}

function keyOf({ id }: StageStatus, step: StepOf, host: HostName): string {
  return [id, step.id, step.name, host].join('/');
}

function spanOf({ startTime, endTime }: Pick<StageStatus, 'startTime' | 'endTime'>, clock: Clock): Span {
  const end = endTime === undefined ? clock.end : Date.parse(endTime);
  return { startSeconds: secondsAt(Date.parse(startTime ?? ''), clock), endSeconds: secondsAt(end, clock) };
}

function secondsAt(instant: Instant, { start }: Clock): number {
  return (instant - start) / 1000;
}
