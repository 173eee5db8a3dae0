/**
 * What becomes of the requests that people place on a strategy: each is answered
 * once, and its answer is stored together with what it changed in the run.
 */
import type { Abort, Request } from '../crds/request.ts';
import { begin } from './lifecycle.ts';
import { stamp, type Pass } from './pass.ts';
import { isFinal, newPhase } from './run-state.ts';

/** A request that can be read; an abort comes by an annotation of its own. */
export type RunRequest = Request | (Abort & { readonly verb: 'abort' });

export type Answer = {
  readonly id: string;
  /** Undefined when that could not be read. */
  readonly verb?: string;
  readonly answer: 'accepted' | 'refused';
  readonly message: string;
};

/** Undefined: accepted; otherwise why not, and what to do. */
type Refusal = string | undefined;

/** Answers one request and does to the run what it asks for. */
export function answer(pass: Pass, request: RunRequest): void {
  const refusal = obeyRequest(pass, request);
  const { id, verb } = request;
  pass.answers.push({
    id,
    verb,
    answer: refusal === undefined ? 'accepted' : 'refused',
    message: refusal ?? accepted(request),
  });
}

function obeyRequest(pass: Pass, request: RunRequest): Refusal {
  if (request.verb === 'abort') return abort(pass, request.stage);
  if (pass.run.state === 'aborting') return 'an abort is under way: wait for its end';
  if (pass.turn.order.mode === 'Abort') return 'execution.mode is Abort: set it to Hold or Run first';
  const reviewed = 'plan' in request ? request.plan : undefined;
  if (reviewed !== undefined && reviewed !== pass.plan.digest) {
    return `the plan is now ${pass.plan.digest}, not ${reviewed}: review it, then place the request again with its digest`;
  }
  switch (request.verb) {
    case 'apply-all':
    case 'approve':
      return applyThrough(pass, pass.run.apply.totalStages - 1);
    case 'apply-stage':
      return applyStage(pass, request.stage);
    case 'retry':
    case 'resume':
      return takeUpAgain(pass, request.verb);
    case 'release-host':
      return releaseHost(pass, request.host);
  }
}

/** The rules of the VIM for a stage (starlingx-vim.md §10.1), which are told with what to do instead. */
function applyStage(pass: Pass, stage: number): Refusal {
  const { currentStage, totalStages, stages } = pass.run.apply;
  if (stage >= totalStages)
    return `there is no stage ${String(stage)}: the plan has the stages 0 to ${String(totalStages - 1)}`;
  if (ended(pass)) return ended(pass);
  if (stage < currentStage)
    return `stage ${String(stage)} was applied already; the next one is ${String(currentStage)}`;
  if (stages[currentStage]?.inProgress) return `stage ${String(currentStage)} is under way: wait for its end`;
  if (stage > currentStage)
    return `stage ${String(stage)} is not the next one to be applied, that is ${String(currentStage)}`;
  return applyThrough(pass, stage);
}

function applyThrough(pass: Pass, throughStage: number): Refusal {
  const over = ended(pass);
  if (over !== undefined) return over;
  const { run } = pass;
  if (run.authority && run.authority.throughStage >= throughStage)
    return 'the run goes on that far already: nothing more is needed';
  run.authority = { throughStage };
  return undefined;
}

/** Why a run that has ended cannot be applied any more. */
function ended({ run: { state } }: Pass): Refusal {
  switch (state) {
    case 'applied':
      return 'the run has ended, all its hosts are patched: edit the spec for another one';
    case 'apply-failed':
    case 'apply-timeout':
      return 'the run has failed: place the request retry or resume, or abort it';
    case 'aborted':
    case 'abort-failed':
    case 'abort-timeout':
      return 'the run was aborted: set execution.mode to Hold for a new plan';
    default:
      return undefined;
  }
}

/**
 * Begins the failed stage anew on what is observed: hosts that are current by
 * now have nothing left to do. `retry` works on the failed hosts once more;
 * `resume` repeats nothing that was done, and goes on with hosts that somebody
 * has mended.
 */
function takeUpAgain(pass: Pass, verb: 'retry' | 'resume'): Refusal {
  const { run, plan } = pass;
  if (run.state !== 'apply-failed' && run.state !== 'apply-timeout')
    return `only a run that has failed can be taken up again; this one is ${run.state}`;
  const { heldBack } = pass.turn.order;
  // Its stage would not begin, and its hosts would be kept locked without having failed.
  if (heldBack !== undefined)
    return `the failed stage cannot begin anew: ${heldBack}; mend that, or abort the run`;
  const phase = run.apply;
  const pristine = newPhase(plan.stages).stages[phase.currentStage];
  if (!pristine) return 'the plan has no stage that failed: set execution.mode to Hold for a new one';
  phase.stages[phase.currentStage] = pristine;
  delete phase.reason;
  delete phase.endTime;
  const startedAt = phase.startTime;
  begin(phase, startedAt ?? stamp(pass));
  run.hosts = run.hosts.map(({ patches: _patches, bootIdBefore: _boot, reason: _reason, ...kept }) => ({
    ...kept,
    result: 'wait',
    attempt: verb === 'retry' ? kept.attempt + 1 : kept.attempt,
    ...(verb === 'retry' ? { jobs: [] } : {}),
  }));
  const throughStage = Math.max(phase.stopAtStage - 1, phase.currentStage);
  if (!run.authority || run.authority.throughStage < phase.currentStage) run.authority = { throughStage };
  run.state = 'applying';
  run.currentPhase = 'apply';
  return undefined;
}

function releaseHost({ run }: Pass, host: string): Refusal {
  const outage = run.hosts.find(({ name }) => name === host);
  if (!outage) return `this run holds no host ${host}`;
  if (!isFinal(outage.result) || run.state === 'applying')
    return `${host} is being worked on: abort the run, or wait for the end of the stage`;
  outage.releaseAsked = true;
  return undefined;
}

/** The rules of the VIM (starlingx-vim.md §10.3), but that a second abort is no error. */
function abort({ run, turn }: Pass, stage: number | undefined): Refusal {
  const { apply, state } = run;
  const running = apply.stages[apply.currentStage]?.inProgress ? apply.currentStage : undefined;
  if (state === 'aborting' || state === 'aborted') return undefined;
  if (stage !== undefined && stage !== running) {
    return running === undefined
      ? `stage ${String(stage)} is not under way, no stage is: place the abort without a stage`
      : `stage ${String(stage)} is not under way, stage ${String(running)} is`;
  }
  if (state === 'ready-to-apply' || state === 'applied')
    return `nothing is under way: the strategy is ${state}`;
  if (state === 'abort-failed' || state === 'abort-timeout') run.abort = undefined;
  run.state = 'aborting';
  run.currentPhase = 'apply';
  run.abortedIn = turn.order.mode;
  return undefined;
}

function accepted(request: RunRequest): string {
  switch (request.verb) {
    case 'abort':
      return 'what is under way is awaited, then every host is given back';
    case 'apply-all':
    case 'approve':
      return 'the plan is carried out';
    case 'apply-stage':
      return `stage ${String(request.stage)} is carried out, then the run waits`;
    case 'retry':
      return 'the failed stage begins anew';
    case 'resume':
      return 'the run goes on from what is observed';
    case 'release-host':
      return `${request.host} is given back as it is`;
  }
}
