import type { HostProgress } from '../crds/host-progress.ts';
import { begin } from './lifecycle.ts';
import { stamp, type Pass } from './pass.ts';
import { withEarlierFailure, isFinal, newPhase } from './run-state.ts';
import { startPhaseTimer } from './timers.ts';

/**
 * Aborts the run: the running step is awaited, then the abort phase begins.
 * @param because why, when nobody ordered it
 */
export function beginAbort(pass: Pass, because?: string): void {
  const { run, turn } = pass;
  run.state = 'aborting';
  run.currentPhase = 'apply';
  run.abortedIn = turn.order.mode;
  run.abortedBecause = because;
  run.abort = undefined;
  pass.profile.onAbort(pass);
}

/** Begins the abort phase: it has its own stages, which undo the begun steps. */
export function beginAbortPhase(pass: Pass): void {
  const { run, profile } = pass;
  const phase = run.abort ?? newPhase(profile.undo(pass));
  const released = new Set(phase.stages.flatMap(({ hosts = [] }) => hosts));
  run.hosts = run.hosts.map((each) => (released.has(each.name) ? reopened(each) : withEarlierFailure(each)));
  phase.stopAtStage = phase.totalStages;
  startPhaseTimer(phase, stamp(pass));
  begin(phase, stamp(pass));
  run.abort = phase;
  run.currentPhase = 'abort';
}

/**
 * A failed host is released as it is, without another wait for its reboot. It gets a new attempt number, so that
 * refused effects are asked for again.
 */
function reopened(outage: HostProgress): HostProgress {
  if (!isFinal(outage.result)) return outage;
  const { bootIdBefore: _, ...rest } = outage;
  return { ...rest, result: 'wait', attempt: outage.attempt + 1 };
}
