/**
 * The refusals of the native engine, each with the next action for the user. The rules for apply and abort are those of
 * the VIM (starlingx-vim.md §10.1, §10.3), with two differences: a request may extend a running apply, and a second
 * abort is no error.
 */
import { strategyWords } from '../../crds/text/strategy-words.ts';
import type { Pass } from '../pass.ts';
import { jobAtWork } from '../steps/outage-jobs.ts';
import type { RunRequest } from '../turn.ts';
import { againstCompletion } from '../hosts/completion.ts';
import { currentStage, isFinal, runningStage } from '../run/run-state.ts';
import { againstDone } from '../hosts/manual-results.ts';
import { againstSkip } from '../hosts/skips.ts';

/** Undefined: accepted. Otherwise the reason, and the next action for the user. */
type Refusal = string | undefined;

export function refusal(pass: Pass, request: RunRequest): Refusal {
  if (request.verb === 'abort') return abort(pass, request.stage);
  // An abort waits for the work that it ends.
  if (request.verb === 'done') return againstDone(pass, request);
  if (pass.run.state === 'aborting') return 'an abort is under way: wait for its end';
  if (pass.turn.order.mode === 'Abort') return 'execution.mode is Abort: set it to Hold or Run first';
  const reviewed = 'plan' in request ? request.plan : undefined;
  if (reviewed !== undefined && reviewed !== pass.plan.digest) {
    return `the plan is now ${pass.plan.digest}, not ${reviewed}: review it, then place the request again with its digest`;
  }
  const { lacks, field } = strategyWords(pass.plan.actions);
  switch (request.verb) {
    case 'apply-all':
    case 'approve':
      if (pass.run.state === 'applied' && reviewed === undefined)
        return `the run has ended, and no host ${lacks}: edit ${field} for another plan`;
      return applyThrough(pass, pass.run.apply.totalStages - 1);
    case 'apply-stage':
      return applyStage(pass, request.stage);
    case 'retry':
      return restartRefusal(pass) ?? runningJobRefusal(pass);
    case 'resume':
      return restartRefusal(pass);
    case 'release-host':
      return releaseHost(pass, request.host);
    case 'skip-host':
      return skipHost(pass, request.host);
  }
}

function applyStage(pass: Pass, stage: number): Refusal {
  const { apply } = pass.run;
  const { currentStage, totalStages } = apply;
  if (stage >= totalStages)
    return `there is no stage ${String(stage)}: the plan has ${stagesOf(totalStages)}`;
  if (ended(pass)) return ended(pass);
  if (stage < currentStage)
    return `stage ${String(stage)} was applied already; the next one is ${String(currentStage)}`;
  if (runningStage(apply)) return `stage ${String(currentStage)} is under way: wait for its end`;
  if (stage > currentStage)
    return `stage ${String(stage)} is not the next one; the next one is ${String(currentStage)}`;
  return applyThrough(pass, stage);
}

function stagesOf(total: number): string {
  if (total === 0) return 'no stage';
  return total === 1 ? 'only stage 0' : `the stages 0 to ${String(total - 1)}`;
}

function applyThrough(pass: Pass, throughStage: number): Refusal {
  const over = ended(pass);
  if (over !== undefined) return over;
  const { authority, apply } = pass.run;
  const next = currentStage(apply);
  const against = next && againstCompletion(pass, next);
  if (against !== undefined) return against;
  return authority && authority.throughStage >= throughStage
    ? 'the run already continues to that stage: nothing more is needed'
    : undefined;
}

/** Why a run that has ended cannot be applied again. */
function ended({ run: { state, hosts }, plan }: Pass): Refusal {
  const [first] = hosts;
  const { act, lacks } = strategyWords(plan.actions);
  switch (state) {
    case 'applied':
      return `the run has ended: place the request apply-all, without a plan, to ${act} what ${lacks} since`;
    case 'apply-failed':
    case 'apply-timeout':
      return `the run has failed: place the request retry or resume, ${first ? `release-host for ${first.name}, ` : ''}or abort it`;
    case 'aborted':
    case 'abort-failed':
    case 'abort-timeout':
      return first
        ? `the run was aborted and still holds ${first.name}: place the request release-host, or abort it again`
        : 'the run was aborted: edit the spec for a new plan';
    default:
      return undefined;
  }
}

function restartRefusal({ run: { state, apply }, turn: { order }, profile }: Pass): Refusal {
  if (state !== 'apply-failed' && state !== 'apply-timeout')
    return `only a failed run can be restarted; this one is ${state}`;
  // Its stage would not begin, and its hosts would stay locked without a failure.
  if (order.heldBack !== undefined)
    return `the failed stage cannot restart: ${order.heldBack.message}; fix that, or abort the run`;
  return currentStage(apply) || profile.next
    ? undefined
    : 'the plan has no stage that failed: abort the run, or edit the spec for a new plan';
}

/** A retry creates new Jobs, and a host runs one Job at a time. */
function runningJobRefusal({ run, turn }: Pass): Refusal {
  for (const outage of run.hosts) {
    const job = jobAtWork(turn.view, turn.owner, outage);
    if (job !== undefined)
      return `Job ${job} still runs on ${outage.name}: wait for its end or delete it, then place another request`;
  }
  return undefined;
}

function releaseHost({ run }: Pass, host: string): Refusal {
  const outage = run.hosts.find(({ name }) => name === host);
  if (!outage) return `this run holds no host ${host}`;
  return !isFinal(outage.result) || run.state === 'applying'
    ? `${host} is being worked on: abort the run, or wait for the end of the stage`
    : undefined;
}

/** A failed run may be continued without a host; any other end is one. */
function skipHost(pass: Pass, host: string): Refusal {
  const { plan, run, turn, profile } = pass;
  if (!profile.goesOnWithoutLeavers) return 'this profile works on whole stages: abort the run instead';
  const over = run.state === 'apply-failed' || run.state === 'apply-timeout' ? undefined : ended(pass);
  const isPlanned =
    run.apply.stages.some(({ hosts = [] }) => hosts.includes(host)) ||
    plan.controllers?.includes(host) === true;
  const isKnown = isPlanned || turn.view.host(host)?.isMember === true;
  return over ?? againstSkip(host, run.skipped, isKnown, turn.pool);
}

function abort({ run: { apply, state } }: Pass, stage: number | undefined): Refusal {
  if (state === 'aborting' || state === 'aborted') return undefined;
  const running = runningStage(apply)?.id;
  if (stage !== undefined && stage !== running) {
    return running === undefined
      ? `stage ${String(stage)} is not under way, no stage is: place the abort without a stage`
      : `stage ${String(stage)} is not under way, stage ${String(running)} is`;
  }
  return state === 'ready-to-apply' || state === 'applied'
    ? `nothing is under way: the strategy is ${state}`
    : undefined;
}
