import { DONE, hostGone, type HostStep, type Verdict } from './verdict.ts';

/** Waits until the end of the step. While a host is unwell, the step does not end: src/engine/settling.ts. */
export function stabilizeHost({ facts, name, now, stepDeadline }: HostStep): Verdict {
  if (!facts) return hostGone(name);
  if (facts.alarms.length > 0)
    return { kind: 'blocked', reason: `${name} ${facts.alarms.join('; ')}`, unwell: true };
  if (now >= stepDeadline) return DONE;
  return { kind: 'blocked', reason: 'giving the hosts time to settle', until: stepDeadline };
}
