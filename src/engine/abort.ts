import type { HostProgress } from '../crds/patch-strategy-status.ts';
import { begin } from './lifecycle.ts';
import { stamp, type Pass } from './pass.ts';
import { withEarlierFailure, isFinal, newPhase } from './run-state.ts';
import { startPhaseTimer } from './timers.ts';

/** Turns the run to its abort: the running step is awaited, then the abort phase begins. */
export function beginAbort(pass: Pass): void {
  const { run, turn } = pass;
  run.state = 'aborting';
  run.currentPhase = 'apply';
  run.abortedIn = turn.order.mode;
  run.abort = undefined;
  pass.profile.onAbort(pass);
}

/** Begins the abort phase: a plan of its own, of what is to be undone. */
export function beginAbortPhase(pass: Pass): void {
  const { run, profile } = pass;
  const phase = run.abort ?? newPhase(profile.undo(pass));
  const given = new Set(phase.stages.flatMap(({ hosts = [] }) => hosts));
  run.hosts = run.hosts.map((each) => (given.has(each.name) ? reopened(each) : withEarlierFailure(each)));
  phase.stopAtStage = phase.totalStages;
  startPhaseTimer(phase, stamp(pass));
  begin(phase, stamp(pass));
  run.abort = phase;
  run.currentPhase = 'abort';
}

/**
 * A host that was judged failed is given back as it is: nobody waits again for a reboot that did not come. It is
 * another attempt, so that what was refused before is asked for again.
 */
function reopened(outage: HostProgress): HostProgress {
  if (!isFinal(outage.result)) return outage;
  const { bootIdBefore: _, ...rest } = outage;
  return { ...rest, result: 'wait', attempt: outage.attempt + 1 };
}
