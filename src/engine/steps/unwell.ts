import type { HostProgress } from '../../crds/patch-strategy-status.ts';
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
    outage?.alarmsBefore ? isNew(alarm, outage, outage.alarmsBefore) : holdsUp(alarm, runStartedAt),
  );
  const taints = facts.foreignTaints.filter((taint) => outage?.taintsBefore?.includes(taint) === false);
  return [
    ...alarms.map(({ text }) => text),
    ...taints.map((taint) => `has the taint ${taint}, new since its outage began at ${outage?.since ?? ''}`),
  ];
}

function isNew({ id, since }: HostAlarm, outage: Outage, before: readonly string[]): boolean {
  return (
    id === NOT_READY || !before.includes(id) || (since !== undefined && since >= Date.parse(outage.since))
  );
}
