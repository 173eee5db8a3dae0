/** Requests of people on a strategy: each is answered once, and its answer is stored together with the changed run. */
import type { HostProgress } from '../../crds/observed/host-progress.ts';
import type { Plan } from '../../planner/plan.ts';
import { beginAbort } from './abort.ts';
import { begin } from '../run/lifecycle.ts';
import { recordDone } from '../hosts/manual-results.ts';
import { skipMessage } from '../hosts/skips.ts';
import { stamp, type Pass } from '../pass.ts';
import { currentStage, resetStage } from '../run/run-state.ts';
import { isManualDone } from '../steps/manual-work.ts';
import { changedUnder, jobsThatRan, manualThatBegan } from '../steps/reboot.ts';
import { stopPhaseTimer } from '../run/timers.ts';
import type { RunRequest } from '../turn.ts';

/** So many stages a run may have. */
const MOST_STAGES = 10_000;

/** Answers one request, and applies it to the run when it is accepted. */
export function answer(pass: Pass, request: RunRequest): void {
  const refusal = pass.profile.refusal(pass, request);
  if (refusal === undefined) carryOut(pass, request);
  const { id, verb } = request;
  pass.answers.push({
    id,
    verb,
    answer: refusal === undefined ? 'accepted' : 'refused',
    message: refusal ?? accepted(pass, request),
  });
}

function carryOut(pass: Pass, request: RunRequest): void {
  const { run } = pass;
  switch (request.verb) {
    case 'abort':
      return abort(pass);
    case 'apply-all':
    case 'approve':
      run.authority = { throughStage: lastStage(pass), request: request.id };
      return;
    case 'apply-stage':
      run.authority = { throughStage: request.stage, request: request.id };
      return;
    case 'retry':
    case 'resume':
      return restartStage(pass, request.verb, request.id);
    case 'release-host':
      run.hosts = run.hosts.map((each) =>
        each.name === request.host ? { ...each, releaseAsked: true } : each,
      );
      return;
    case 'skip-host':
      run.skipped = [...run.skipped, { name: request.host, request: request.id }];
      return;
    case 'done':
      return recordDone(pass, request);
  }
}

/** The id of the last stage that a plan may have: a session appends stages. */
function lastStage({ run, profile }: Pass): number {
  return profile.next ? MOST_STAGES - 1 : run.apply.totalStages - 1;
}

function abort(pass: Pass): void {
  const { state } = pass.run;
  if (state === 'aborting') pass.profile.onSecondAbort(pass);
  else if (state !== 'aborted') beginAbort(pass);
}

/**
 * Restarts the failed stage from the observed hosts: a host that is current needs no more work, unless its Job failed or
 * its reboot is still to come. `retry` works on the failed hosts again, with new Jobs. `resume` repeats no Job of theirs,
 * and continues with those that somebody has repaired. A host that was released meanwhile begins a new outage, with new
 * Jobs: those of the last one may have been deleted. The failed hosts stay locked if the stage fails again before it
 * reaches them.
 */
function restartStage(pass: Pass, verb: 'retry' | 'resume', request: string): void {
  const { run, plan } = pass;
  const phase = run.apply;
  const attempt = (currentStage(phase)?.attempt ?? 1) + 1;
  resetStage(phase, plan, attempt);
  delete phase.reason;
  delete phase.endTime;
  stopPhaseTimer(phase);
  begin(phase, phase.startTime ?? stamp(pass));
  run.hosts = run.hosts.map((outage) => {
    const { patches: _, bootIdBefore: _boot, verified: _was, ...rest } = outage;
    const { unfinished: _open, unrebooted: _not, reason: _why, releaseAsked: _asked, ...kept } = rest;
    return {
      ...kept,
      ...workBefore(plan, outage, verb),
      ...manualAfter(outage, verb, request),
      result: 'wait',
      failedBefore: true,
      attempt: verb === 'retry' ? Math.max(kept.attempt + 1, attempt) : kept.attempt,
      ...(verb === 'retry' ? { jobs: [] } : {}),
    };
  });
  const throughStage = Math.max(phase.stopAtStage - 1, phase.currentStage);
  if (!run.authority || run.authority.throughStage < phase.currentStage)
    run.authority = { throughStage, request };
  run.state = 'applying';
  run.currentPhase = 'apply';
  pass.profile.onRestart?.(pass);
}

/**
 * What the Jobs did to the host before the restart, which its facts alone do not show. Work that has not begun since the
 * restart before adds nothing. Who asks to resume answers for work that has no Job in this attempt.
 */
function workBefore(
  plan: Plan,
  outage: HostProgress,
  verb: 'retry' | 'resume',
): Pick<HostProgress, 'unfinished' | 'unrebooted'> {
  const { jobs = [], unfinished = [] } = outage;
  const ran = jobsThatRan(outage);
  const asked = verb === 'retry' ? manualThatBegan(outage) : [];
  const failed = [
    ...ran.filter(({ result }) => result !== 'succeeded'),
    ...asked.filter((each) => !isManualDone(each)),
  ].map(({ action }) => action);
  const isOpen = (id: string): boolean =>
    [...ran, ...asked].every(({ action }) => action !== id) &&
    (verb === 'retry' || jobs.some(({ action }) => action === id));
  const open = [...unfinished.filter(isOpen), ...failed];
  const unrebooted = changedUnder(plan, outage);
  return {
    ...(open.length > 0 ? { unfinished: open } : {}),
    ...(unrebooted === undefined ? {} : { unrebooted }),
  };
}

/** A retry asks persons again. Who asks to resume says that their work is done. */
function manualAfter(
  { manual }: HostProgress,
  verb: 'retry' | 'resume',
  request: string,
): Pick<HostProgress, 'manual'> {
  if (!manual) return {};
  if (verb === 'retry') return { manual: [] };
  return {
    manual: manual.map((each) => (isManualDone(each) ? each : { ...each, result: 'done' as const, request })),
  };
}

function accepted(pass: Pass, request: RunRequest): string {
  const { heldBack } = pass.turn.order;
  const later = heldBack === undefined ? '' : `, but not yet: ${heldBack.message}`;
  switch (request.verb) {
    case 'abort':
      return 'the running step is awaited, then every host is released';
    case 'apply-all':
    case 'approve':
      return `the plan is carried out${later}`;
    case 'apply-stage':
      return `stage ${String(request.stage)} is carried out, then the run waits${later}`;
    case 'retry':
      return 'the failed stage restarts';
    case 'resume':
      return 'the run continues from the observed hosts';
    case 'release-host':
      return `${request.host} is released as it is`;
    case 'skip-host':
      return skipMessage(pass, request.host);
    case 'done':
      return request.failed === true
        ? `the work on ${request.host} has failed`
        : `the work on ${request.host} is done: the run goes on with it`;
  }
}
