import { DONE, failed, hostGone, type HostStep, type Verdict } from './verdict.ts';

/** Waits until the end of the step, and fails when the host becomes unhealthy. */
export function stabilizeHost({ facts, name, now, stepDeadline }: HostStep): Verdict {
  if (!facts) return hostGone(name);
  const [alarm] = facts.alarms;
  if (alarm) return failed(`${name} changed state unexpectedly: ${alarm}`);
  if (now >= stepDeadline) return DONE;
  return { kind: 'blocked', reason: 'giving the hosts time to settle', until: stepDeadline };
}
