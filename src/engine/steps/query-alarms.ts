import type { SkippedHost } from '../../crds/observed/strategy-status.ts';
import type { Alarm, Instant } from '../view.ts';
import { holdsUp } from './unwell.ts';
import { DONE, type HostStep, type Verdict } from './verdict.ts';

/**
 * Waits while a host that no run works on is unhealthy: no further host may then go out of service. Only observations
 * after the start of the step count.
 */
export function queryAlarms({ view, stepStartedAt, runStartedAt, skipped }: HostStep): Verdict {
  const signal = view.signal('alarms');
  if (!signal || signal.observedAt < stepStartedAt)
    return { kind: 'blocked', reason: 'waiting to observe the alarms' };
  const alarms = alarmsAgainst(signal.alarms, skipped, runStartedAt);
  return alarms.length === 0
    ? DONE
    : { kind: 'blocked', reason: alarmsPresent(alarms), obstacle: 'HostUnwell' };
}

/** The alarms that hold up a run that began at this time. The faults of skipped hosts do not. */
export function alarmsAgainst(
  alarms: readonly Alarm[],
  skipped: readonly SkippedHost[],
  runStartedAt: Instant,
): readonly Alarm[] {
  return alarms.filter(
    (alarm) => holdsUp(alarm, runStartedAt) && skipped.every(({ name }) => name !== alarm.host),
  );
}

const NAMED = 5;

/** The reason to wait: the hosts and their faults. */
export function alarmsPresent(alarms: readonly Pick<Alarm, 'host' | 'text'>[]): string {
  const named = alarms.slice(0, NAMED).map(({ host, text }) => `${host}: ${text}`);
  const more = alarms.length > NAMED ? [`and ${String(alarms.length - NAMED)} more`] : [];
  return `active alarms present (${[...named, ...more].join('; ')}); mend the host, or place the request skip-host`;
}
