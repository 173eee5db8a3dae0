import type { HostProgress } from '../../crds/observed/host-progress.ts';
import { statusText } from '../../crds/text/status-text.ts';
import { begin } from '../run/lifecycle.ts';
import { stamp, type Pass } from '../pass.ts';
import { withEarlierFailure, isFinal, newPhase } from '../run/run-state.ts';
import { bootOf, changedUnder } from '../steps/reboot.ts';
import { startPhaseTimer } from '../run/timers.ts';

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
  const unrebooted = run.hosts
    .filter(({ name }) => released.has(name))
    .flatMap((each) => unrebootedOf(pass, each));
  const why = [run.abortedBecause, ...unrebooted].filter((each) => each !== undefined).join('; ');
  run.abortedBecause = why === '' ? undefined : statusText(why);
  run.hosts = run.hosts.map((each) => (released.has(each.name) ? reopened(each) : withEarlierFailure(each)));
  phase.stopAtStage = phase.totalStages;
  startPhaseTimer(phase, stamp(pass));
  begin(phase, stamp(pass));
  run.abort = phase;
  run.currentPhase = 'abort';
}

/** Says that a host is released between its work and the reboot that this requires. */
function unrebootedOf({ plan, turn }: Pass, outage: HostProgress): string[] {
  const jobs = outage.jobs?.filter(({ result }) => result !== undefined) ?? [];
  const changed = changedUnder(plan, { ...outage, jobs });
  const facts = turn.view.host(outage.name);
  const isSo = changed !== undefined && facts !== undefined && changed === bootOf(facts, outage);
  return isSo ? [`${outage.name} was changed and has not rebooted since`] : [];
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
