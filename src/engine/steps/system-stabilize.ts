import { newFaults } from './unwell.ts';
import { DONE, hostGone, type HostStep, type Verdict } from './verdict.ts';

/**
 * Waits until the end of the step. While a host is unwell, the step does not end: src/engine/run/settling.ts. After its release
 * a host is compared with what it was before its outage, as during it.
 */
export function stabilizeHost(step: HostStep): Verdict {
  const { facts, name, now, stage, stepDeadline, runStartedAt } = step;
  if (!facts) return hostGone(name);
  const outage = step.outage ?? stage.released?.find((each) => each.name === name);
  const unwell = newFaults(facts, { outage, runStartedAt });
  if (unwell.length > 0) {
    const reason = `${name} ${unwell.join('; ')}`;
    return { kind: 'blocked', reason, unwell: true, obstacle: 'HostUnwell' };
  }
  if (now >= stepDeadline) return DONE;
  return { kind: 'blocked', reason: 'giving the hosts time to settle', until: stepDeadline };
}
