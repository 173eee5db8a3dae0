import { DONE, failed, hostGone, type HostStep, type Verdict } from './verdict.ts';

/** Whether the host is still well; used while the system is given time to settle. */
export function stabilizeHost({ facts, name, now, stepDeadline }: HostStep): Verdict {
  if (!facts) return hostGone(name);
  const [alarm] = facts.alarms;
  if (alarm) return failed(`${name} changed state unexpectedly: ${alarm}`);
  if (now >= stepDeadline) return DONE;
  return { kind: 'blocked', reason: 'giving the hosts time to settle', until: stepDeadline };
}
