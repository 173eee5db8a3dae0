import { alarmsAgainst, alarmsPresent } from './query-alarms.ts';
import { newFaults } from './unwell.ts';
import { DONE, hostGone, type HostStep, type Verdict } from './verdict.ts';

/** How long the steps of the VIM wait at least (starlingx-vim.md §12). */
export const WAITS = { dataSyncSeconds: 120, alarmsClearSeconds: 60 } as const;

/**
 * Waits until no alarm is left, but for so many seconds at least: a host that was given back may take a while to report
 * one. Unlike `system-stabilize` it ends before its timeout, and fails at that.
 */
export function waitUntilClear(leastSeconds: number): (step: HostStep) => Verdict {
  return (step) => {
    const { facts, name, now, stage, stepStartedAt, runStartedAt, view, skipped } = step;
    if (!facts) return hostGone(name);
    const from = stepStartedAt + leastSeconds * 1000;
    if (now < from)
      return { kind: 'blocked', reason: 'giving the hosts time to report what is wrong', until: from };
    const outage = step.outage ?? stage.released?.find((each) => each.name === name);
    const unwell = newFaults(facts, { outage, runStartedAt });
    if (unwell.length > 0)
      return { kind: 'blocked', reason: `${name} ${unwell.join('; ')}`, obstacle: 'HostUnwell' };
    const signal = view.signal('alarms');
    if (!signal || signal.observedAt < from)
      return { kind: 'blocked', reason: 'waiting to observe the alarms' };
    const alarms = alarmsAgainst(signal.alarms, skipped, runStartedAt);
    return alarms.length === 0
      ? DONE
      : { kind: 'blocked', reason: alarmsPresent(alarms), obstacle: 'HostUnwell' };
  };
}
