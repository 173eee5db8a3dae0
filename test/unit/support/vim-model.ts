/**
 * The life of a VIM strategy after its build, written from the text of
 * starlingx-vim.md (§3 to §5, §10, §11) and from no code of ours, to compare
 * the engine with it on cases that nobody has recorded.
 */
type Word = 'initial' | 'inprogress' | 'wait' | 'success' | 'degraded' | 'failed' | 'timed-out' | 'aborted';
type Part = { result: Word; reason: string };
export type ModelStep = Part & { readonly name: string; readonly timeout: number };
export type ModelStage = Part & {
  readonly name: string;
  readonly timeout: number;
  readonly steps: ModelStep[];
  current: number;
  inprogress: boolean;
};
export type ModelPhase = Part & {
  stages: ModelStage[];
  current: number;
  stop: number;
  inprogress: boolean;
  timeout: number;
};
export type Planned = { readonly name: string; readonly steps: readonly { name: string; timeout: number }[] };

const UNDO: Readonly<Record<string, readonly [name: string, timeout: number]>> = {
  'lock-hosts': ['unlock-hosts', 1800],
  'stop-instances': ['start-instances', 900],
  'disable-host-services': ['enable-host-services', 180],
};
const WORSE_THAN_SUCCESS: readonly Word[] = ['aborted', 'timed-out', 'failed', 'degraded'];
const BAD: readonly Word[] = ['aborted', 'timed-out', 'failed'];

function timeoutOf(parts: readonly { timeout: number }[]): number {
  return parts.length === 0 ? 0 : parts.reduce((sum, { timeout }) => sum + timeout, 1);
}

function stageOf({ name, steps }: Planned): ModelStage {
  const fresh = { result: 'initial', reason: '' } as const;
  return {
    ...{ name, timeout: timeoutOf(steps), current: 0, inprogress: false, ...fresh },
    steps: steps.map((step) => ({ ...step, ...fresh })),
  };
}

function phaseOf(stages: readonly Planned[]): ModelPhase {
  const fresh = { result: 'initial', reason: '', inprogress: false } as const;
  return { stages: stages.map(stageOf), current: 0, stop: 0, timeout: 0, ...fresh };
}

/** Combines the result of a child into that of its parent (§4). */
function combine(parent: Part, { result, reason }: Part): void {
  const takes =
    parent.result === 'initial' ||
    parent.result === 'inprogress' ||
    (parent.result === 'success' && WORSE_THAN_SUCCESS.includes(result)) ||
    (parent.result === 'degraded' && BAD.includes(result));
  if (takes) Object.assign(parent, { result, reason });
}

export class VimModel {
  state = 'ready-to-apply';
  phase: 'build' | 'apply' | 'abort' = 'build';
  readonly apply: ModelPhase;
  abort: ModelPhase = phaseOf([]);

  constructor(stages: readonly Planned[]) {
    this.apply = phaseOf(stages);
  }

  get #open(): { phase: ModelPhase; stage: ModelStage; step: ModelStep } | undefined {
    const phase = this.phase === 'abort' ? this.abort : this.apply;
    const stage = phase.stages[phase.current];
    const step = stage?.steps[stage.current];
    return phase.inprogress && stage?.inprogress && step ? { phase, stage, step } : undefined;
  }

  get isRunning(): boolean {
    return this.#open !== undefined;
  }

  /** Returns why it was refused, or undefined. */
  applyRequest(stage?: number): string | undefined {
    const { apply } = this;
    const total = apply.stages.length;
    if (this.phase === 'build') {
      if (stage !== undefined && stage !== 0)
        return `invalid stage id ${String(stage)} for the apply, total-stages are ${String(total)}`;
      this.state = 'applying';
      this.phase = 'apply';
      this.#goOn(stage === undefined ? total : 1);
      return undefined;
    }
    if (this.phase === 'abort')
      return stage === undefined
        ? 'apply not supported during an abort'
        : `apply of stage id ${String(stage)} not supported during an abort`;
    if (!['applying', 'aborting'].includes(this.state)) return 'apply already completed';
    if (stage === undefined && apply.current === apply.stop) {
      this.#goOn(total);
      return undefined;
    }
    if (stage === undefined || apply.stages[apply.current]?.inprogress) return 'apply already inprogress';
    if (stage < apply.current) return `apply already complete for stage id ${String(stage)}`;
    if (stage >= total)
      return `invalid stage id ${String(stage)} for the apply, total-stages are ${String(total)}`;
    if (stage !== apply.current)
      return `stage id ${String(stage)} is not the next stage to be applied, next-stage = ${String(apply.current)}`;
    this.#goOn(stage + 1);
    return undefined;
  }

  /** Returns why it was refused, or undefined. */
  abortRequest(stage?: number): string | undefined {
    if (this.phase !== 'apply') return 'apply not inprogress';
    const current = this.apply.stages[this.apply.current];
    const runs = current?.inprogress === true;
    if (stage !== undefined && !(runs && stage === this.apply.current))
      return `apply not inprogress for stage id ${String(stage)}`;
    if (this.state === 'applied') return 'apply not inprogress';
    if (this.state !== 'applying') this.state = 'aborted';
    else {
      this.#buildAbort();
      this.state = runs ? 'aborting' : 'aborted';
    }
    return undefined;
  }

  endStep(result: Word, reason = ''): void {
    const open = this.#open;
    if (!open) return;
    const { phase, stage, step } = open;
    Object.assign(step, { result, reason });
    combine(stage, step);
    if (BAD.includes(stage.result)) return this.#endStage(phase, stage);
    stage.current += 1;
    const next = stage.steps[stage.current];
    if (next) next.result = 'wait';
    else this.#endStage(phase, stage);
  }

  timeoutStep(): void {
    this.endStep(this.#open?.step.name === 'system-stabilize' ? 'success' : 'timed-out');
  }

  timeoutStage(): void {
    const open = this.#open;
    if (!open) return;
    Object.assign(open.stage, { result: 'timed-out', reason: 'timeout' });
    this.#endStage(open.phase, open.stage);
  }

  timeoutPhase(): void {
    const open = this.#open;
    if (!open) return;
    Object.assign(open.phase, { result: 'timed-out', reason: 'timeout' });
    this.#endPhase(open.phase);
  }

  reload(): void {
    for (const phase of [this.apply, this.abort])
      phase.timeout = phase.inprogress ? timeoutOf(phase.stages.slice(phase.current, phase.stop)) : 0;
  }

  #goOn(stop: number): void {
    const { apply } = this;
    apply.stop = stop;
    apply.timeout = timeoutOf(apply.stages.slice(apply.current, stop));
    if (!apply.inprogress) Object.assign(apply, { inprogress: true, result: 'inprogress' });
    this.#startStage(apply);
  }

  #startStage(phase: ModelPhase): void {
    const stage = phase.stages[phase.current];
    const [step] = stage?.steps ?? [];
    if (!stage || !step) return;
    Object.assign(stage, { inprogress: true, result: 'inprogress' });
    step.result = 'wait';
  }

  #endStage(phase: ModelPhase, stage: ModelStage): void {
    stage.inprogress = false;
    combine(phase, stage);
    if (BAD.includes(phase.result)) return this.#endPhase(phase);
    phase.current += 1;
    if (phase.current < phase.stop) this.#startStage(phase);
    else if (phase.current === phase.stages.length) this.#endPhase(phase);
  }

  #endPhase(phase: ModelPhase): void {
    phase.inprogress = false;
    const { result } = phase;
    if (phase === this.abort) {
      if (this.state !== 'aborting') return;
      this.state = BAD.includes(result)
        ? result === 'timed-out'
          ? 'abort-timeout'
          : 'abort-failed'
        : 'aborted';
    } else if (this.state === 'applying') {
      this.state = 'applied';
      if (!BAD.includes(result)) return;
      this.state = 'aborting';
      this.#buildAbort();
      this.#startAbort();
    } else {
      if (result === 'timed-out') this.state = 'apply-timeout';
      if (this.state !== 'aborted') this.#startAbort();
    }
  }

  #buildAbort(): void {
    const { apply } = this;
    const visited = apply.stages.slice(0, apply.current + 1).toReversed();
    for (const part of [apply, ...visited])
      if (part.inprogress || part.result === 'initial')
        Object.assign(part, { result: 'aborted', reason: '' });
    const stages = visited.map(({ name, steps, current }) => {
      const begun = current < steps.length ? steps.slice(0, current + 1).toReversed() : [];
      const undo = begun.flatMap((step) => {
        const [undoName, timeout] = UNDO[step.name] ?? [];
        return undoName === undefined || timeout === undefined ? [] : [{ name: undoName, timeout }];
      });
      return { name, steps: undo };
    });
    this.abort = phaseOf(stages.filter(({ steps }) => steps.length > 0));
  }

  #startAbort(): void {
    const { abort } = this;
    this.phase = 'abort';
    abort.stop = abort.stages.length;
    abort.timeout = timeoutOf(abort.stages);
    Object.assign(abort, { inprogress: true, result: 'inprogress' });
    if (abort.stages.length > 0) return this.#startStage(abort);
    abort.result = 'success';
    this.#endPhase(abort);
  }
}

/** The part of a phase that both the model and the recordings report. */
export function shown(phase: ModelPhase) {
  const steps = phase.stages.flatMap((stage) => stage.steps);
  const ended = steps.filter(({ result }) => result !== 'initial' && result !== 'wait');
  const all = !phase.inprogress || steps.length === 0;
  return {
    'current-stage': phase.current,
    'stop-at-stage': phase.stop,
    inprogress: phase.inprogress,
    'completion-percentage': all ? 100 : Math.floor((100 * ended.length) / steps.length),
    timeout: phase.timeout,
    result: phase.result,
    reason: phase.reason,
    stages: phase.stages.map((stage) => ({
      'stage-name': stage.name,
      'current-step': stage.current,
      inprogress: stage.inprogress,
      result: stage.result,
      reason: stage.reason,
      'step-results': stage.steps.map(({ result }) => result),
    })),
  };
}
