import { newFaults } from './unwell.ts';
import { DONE, hostGone, type HostStep, type Verdict } from './verdict.ts';

/** Waits until the end of the step. While a host is unwell, the step does not end: src/engine/settling.ts. */
export function stabilizeHost(step: HostStep): Verdict {
  const { facts, name, now, stepDeadline } = step;
  if (!facts) return hostGone(name);
  const unwell = newFaults(facts, step);
  if (unwell.length > 0) return { kind: 'blocked', reason: `${name} ${unwell.join('; ')}`, unwell: true };
  if (now >= stepDeadline) return DONE;
  return { kind: 'blocked', reason: 'giving the hosts time to settle', until: stepDeadline };
}
