/** Requests of people on a strategy: each is answered once, and its answer is stored together with the changed run. */
import { beginAbort } from './abort.ts';
import { begin } from './lifecycle.ts';
import { skipMessage } from './skips.ts';
import { stamp, type Pass } from './pass.ts';
import { currentStage, resetStage } from './run-state.ts';
import { stopPhaseTimer } from './timers.ts';
import type { RunRequest } from './turn.ts';

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
      run.authority = { throughStage: run.apply.totalStages - 1, request: request.id };
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
  }
}

function abort(pass: Pass): void {
  const { state } = pass.run;
  if (state === 'aborting') pass.profile.onSecondAbort(pass);
  else if (state !== 'aborted') beginAbort(pass);
}

/**
 * Restarts the failed stage from the observed hosts: a host that is current needs no more work. `retry` works on the
 * failed hosts again, with new Jobs. `resume` repeats no Job of theirs, and continues with those that somebody has
 * repaired. A host that was released meanwhile begins a new outage, with new Jobs: those of the last one may have been
 * deleted. The failed hosts stay locked if the stage fails again before it reaches them.
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
  run.hosts = run.hosts.map(
    ({ patches: _, bootIdBefore: _boot, reason: _why, releaseAsked: _asked, verified: _was, ...kept }) => ({
      ...kept,
      result: 'wait',
      failedBefore: true,
      attempt: verb === 'retry' ? Math.max(kept.attempt + 1, attempt) : kept.attempt,
      ...(verb === 'retry' ? { jobs: [] } : {}),
    }),
  );
  const throughStage = Math.max(phase.stopAtStage - 1, phase.currentStage);
  if (!run.authority || run.authority.throughStage < phase.currentStage)
    run.authority = { throughStage, request };
  run.state = 'applying';
  run.currentPhase = 'apply';
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
  }
}
