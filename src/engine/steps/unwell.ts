import { KEPT_FROM_BEFORE, type HostProgress } from '../../crds/observed/host-progress.ts';
import { NOT_READY, type HostAlarm, type HostFacts, type Instant } from '../view.ts';
import type { HostStep } from './verdict.ts';

/** Whether an alarm holds up a run that began at this time. */
export function holdsUp({ since }: Pick<HostAlarm, 'since'>, runStartedAt: Instant): boolean {
  return since === undefined || since >= runStartedAt;
}

type Outage = Pick<HostProgress, 'since' | 'alarmsBefore' | 'taintsBefore'>;

/** What is wrong with a host and was not so before its outage, or before the run where none is known. */
export function newFaults(
  facts: HostFacts,
  { outage, runStartedAt }: Pick<HostStep, 'runStartedAt'> & { readonly outage: Outage | undefined },
): string[] {
  const alarms = facts.alarms.filter((alarm) =>
    outage?.alarmsBefore ? isNew(alarm, outage.alarmsBefore) : holdsUp(alarm, runStartedAt),
  );
  const taints = facts.foreignTaints.filter((taint) => outage?.taintsBefore?.includes(taint) === false);
  return [
    ...alarms.map(({ text }) => text),
    ...taints.map((taint) => `has the taint ${taint}, new since its outage began at ${outage?.since ?? ''}`),
  ];
}

/** The alarms and taints of a host, as its outage records them. */
export function faultsOf({
  alarms,
  foreignTaints,
}: Pick<HostFacts, 'alarms' | 'foreignTaints'>): Pick<HostProgress, 'alarmsBefore' | 'taintsBefore'> {
  const reported = alarms.filter(({ id }) => id !== NOT_READY).map(withTime);
  return {
    alarmsBefore: reported.slice(0, KEPT_FROM_BEFORE),
    taintsBefore: foreignTaints.slice(0, KEPT_FROM_BEFORE),
  };
}

/**
 * An alarm that went away and came back has another time. Both times are those of the host: our own clock may be wrong
 * against them.
 */
function isNew(alarm: HostAlarm, before: readonly string[]): boolean {
  // An earlier version recorded no times.
  return alarm.id === NOT_READY || !(before.includes(withTime(alarm)) || before.includes(alarm.id));
}

function withTime({ id, since }: HostAlarm): string {
  return since === undefined ? id : `${id} since ${new Date(since).toISOString()}`;
}
