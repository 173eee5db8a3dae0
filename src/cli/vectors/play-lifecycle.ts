/**
 * Plays the recorded operations on a strategy after its build (test/vectors/vim/README.md,
 * Lifecycle cases) on the engine. Each operation becomes a turn: a request, a due
 * timer, or a verdict on a step. Only the verdicts replace code of the engine.
 */
import { z } from 'zod';
import { planActions } from '../../crds/spec/strategy-spec.ts';
import { strategyStatus } from '../../crds/observed/strategy-status.ts';
import { advance } from '../../engine/advance.ts';
import type { Evaluate } from '../../engine/evaluate.ts';
import { VIM_ENGINE, undoneBy } from '../../engine/profiles/vim.ts';
import type { Answer, RunRequest } from '../../engine/turn.ts';
import { newPhase, newRun, runningStep, type RunState } from '../../engine/run/run-state.ts';
import { DONE, failed, type Verdict } from '../../engine/steps/verdict.ts';
import type { Order, Turn } from '../../engine/turn.ts';
import { NO_CONTROLLERS, signalsFrom, type View } from '../../engine/view.ts';
import { NODE_WORDS } from '../../hostops/node-words.ts';
import type { Plan } from '../../planner/plan.ts';
import type { VimBuild } from '../../planner/vim/build.ts';
import { planOfBuild } from '../../planner/vim/plan-of-build.ts';
import { lifecycleEntry, runDocument, type LifecycleEntry, type RunDocument } from './lifecycle-document.ts';

const stageId = z.int().nullish();
const reason = z.string().optional();

export const operation = z.discriminatedUnion('op', [
  z.looseObject({ op: z.enum(['apply-all', 'apply-stage', 'abort', 'abort-stage']), 'stage-id': stageId }),
  z.looseObject({ op: z.enum(['complete-step', 'complete-all', 'reload']) }),
  z.looseObject({ op: z.literal('complete-steps'), count: z.int().min(0) }),
  z.looseObject({ op: z.enum(['fail-step', 'degrade-step']), reason }),
  z.looseObject({ op: z.enum(['timeout-step', 'stage-timeout', 'phase-timeout']) }),
]);
export type Operation = z.infer<typeof operation>;

export type Lifecycle = { readonly operations: readonly LifecycleEntry[]; readonly final: RunDocument };

/** Performs the operations in order, starting at the end of the build. */
export function playLifecycle(build: VimBuild, operations: readonly Operation[]): Lifecycle {
  const played = new RecordedRun(build);
  const entries = operations.map((each) => {
    const answer = played.do(each);
    return lifecycleEntry(each, answer, played.document);
  });
  return { operations: entries, final: played.document };
}

/** Any instant will do: a timer is due by how long it has run. */
const NOW = Date.parse('2026-11-25T09:00:00Z');
const RUNNING: Verdict = { kind: 'wait', reason: 'it runs' };

/** A recording contains only the names of hosts, so the view shows none of them. */
const NO_VIEW: View = {
  host: () => undefined,
  seeds: () => [],
  effect: () => undefined,
  job: () => undefined,
  jobsOn: () => [],
  signal: signalsFrom({ alarms: () => undefined }),
  words: NODE_WORDS,
  fleet: {
    total: 0,
    outOfServiceByOthers: new Set(),
    claimedAway: new Set(),
    closedByRuns: new Map(),
    controllers: NO_CONTROLLERS,
    keptByOtherPools: new Set(),
    revision: '',
  },
};

class RecordedRun {
  readonly #plan: Plan;
  readonly #build: VimBuild;
  #run: RunState;

  constructor(build: VimBuild) {
    this.#build = build;
    this.#plan = planOfBuild(build, planActions.parse(ACTIONS));
    const state = build.failure === undefined ? 'ready-to-apply' : 'build-failed';
    this.#run = { ...newRun('recorded', this.#plan), state };
    this.#turn({});
  }

  get document(): RunDocument {
    const empty = newPhase([]);
    const none = { ...empty, completionPercentage: VIM_ENGINE.completionPercentage(empty) };
    const abort = this.#run.abort ?? none;
    return runDocument(this.#run, this.#plan.stages, abort, undoneBy({ plan: this.#plan, run: this.#run }));
  }

  /** Performs one operation. Returns the answer to a request. */
  do(operation: Operation): Answer | undefined {
    switch (operation.op) {
      case 'apply-all':
      case 'apply-stage':
      case 'abort':
      case 'abort-stage':
        return this.#turn({ request: requestOf(operation) });
      case 'complete-step':
        return this.#turn({ verdict: DONE });
      case 'complete-steps':
        for (let i = 0; i < operation.count; i += 1) this.#turn({ verdict: DONE });
        return undefined;
      case 'complete-all':
        while (runningStep(this.#run)) this.#turn({ verdict: DONE });
        return undefined;
      case 'fail-step':
        return this.#turn({ verdict: failed(operation.reason ?? '') });
      case 'degrade-step':
        return this.#turn({ verdict: { kind: 'degraded', reason: operation.reason ?? '' } });
      case 'timeout-step':
        this.#fire('step');
        return undefined;
      case 'stage-timeout':
        this.#fire('stage');
        return undefined;
      case 'phase-timeout':
        this.#fire('phase');
        return undefined;
      case 'reload':
        this.#run = readBack(this.#run);
        return this.#turn({ restarted: true });
    }
  }

  /** Moves the start of one timer back by its whole time, so that the next turn finds only this timer due. */
  #fire(timer: 'step' | 'stage' | 'phase'): void {
    this.#run = structuredClone(this.#run);
    const running = runningStep(this.#run);
    if (!running) return;
    const { timeoutSeconds, extendedSeconds = 0 } = running[timer];
    const began = new Date(NOW - (timeoutSeconds + extendedSeconds) * 1000).toISOString();
    if (timer === 'phase') running.phase.timedSince = began;
    else running[timer].startTime = began;
    this.#turn({});
  }

  /** @param verdict the verdict on the running step; it counts once, and the next step runs */
  #turn({ request, verdict, restarted = false }: TurnInput): Answer | undefined {
    const turn: Turn = {
      owner: { kind: '', namespace: '', name: '', uid: '' },
      order: orderFor(this.#build),
      requests: request ? [request] : [],
      pool: '',
      epoch: 1,
      view: NO_VIEW,
      permits: {
        held: new Map(this.#plan.stages.flatMap(({ hosts }) => hosts.map((host) => [host, 'away']))),
      },
      outcomes: new Map(),
      now: NOW,
      restarted,
    };
    const { run, answers } = advance(this.#plan, this.#run, turn, VIM_ENGINE, judgedOnce(verdict));
    this.#run = run;
    return answers[0];
  }
}

type TurnInput = {
  readonly request?: RunRequest;
  readonly verdict?: Verdict;
  readonly restarted?: boolean;
};

/** The run advances on request only, and never after a failed build. */
function orderFor({ failure }: VimBuild): Order {
  if (failure === undefined) return { mode: 'Hold' };
  return { mode: 'Hold', heldBack: { reason: 'BuildFailed', message: failure } };
}

/** All hosts of a recorded step get the same verdict. Only system-stabilize ends by itself, when its time is over. */
function judgedOnce(given: Verdict | undefined): Evaluate {
  let verdict = given;
  return ({ name }, hosts) => {
    const said = verdict;
    verdict = undefined;
    return hosts.map((host) => ({
      host: host.name,
      verdict: said ?? (name === 'system-stabilize' && host.now >= host.stepDeadline ? DONE : RUNNING),
    }));
  };
}

/** The presence of a stage decides, not the name of the action, as in the VIM (starlingx-vim.md §1.4). */
function requestOf({ op, ...rest }: Operation): RunRequest {
  const stage = 'stage-id' in rest && typeof rest['stage-id'] === 'number' ? rest['stage-id'] : undefined;
  const id = 'recorded';
  if (op === 'abort' || op === 'abort-stage')
    return stage === undefined ? { id, verb: 'abort' } : { id, verb: 'abort', stage };
  return stage === undefined ? { id, verb: 'apply-all' } : { id, verb: 'apply-stage', stage };
}

/** A recording does not contain the actions on hosts. */
const ACTIONS = { patches: [], drain: {}, timing: {}, onForeignUncordon: 'pause' };

const { run, state, currentPhase, applyPhase, abortPhase, progress } = strategyStatus.shape;
const storedRun = z.object({
  ...run.unwrap().pick({
    id: true,
    authority: true,
    abortedIn: true,
    abortedBecause: true,
    suspendedSince: true,
    lastObservedTime: true,
  }).shape,
  state: state.unwrap(),
  currentPhase: currentPhase.unwrap(),
  apply: applyPhase.unwrap(),
  abort: abortPhase,
  hosts: progress.unwrap().shape.hosts,
  skipped: strategyStatus.shape.skipped.unwrap(),
});

/** The run as read from the status: parsed from JSON, with only the fields that the status holds. */
function readBack(before: RunState): RunState {
  const { abort, authority, abortedIn, abortedBecause, suspendedSince, lastObservedTime, ...rest } =
    storedRun.parse(JSON.parse(JSON.stringify(before)));
  return { ...rest, abort, authority, abortedIn, abortedBecause, suspendedSince, lastObservedTime };
}
