/** The judges of the steps in plans of the VIM, on real hosts. */
import type { StepName } from '../../crds/vocabulary.ts';
import { STEP_KINDS, VIM_STEP_KINDS } from '../../planner/step-kinds.ts';
import { STEP_DEFINITIONS, type Judge, type StepDefinition, type StepDefinitions } from './definitions.ts';
import { doWork, rebootsApart, type WorkStepName } from './host-work.ts';
import { lockHost } from './lock-hosts.ts';
import { migrateInstances } from './migrate-instances-from-host.ts';
import { stabilizeHost } from './system-stabilize.ts';
import { unlockHost } from './unlock-hosts.ts';
import { DONE, type HostStep, type Verdict } from './verdict.ts';
import { checkHost, releaseVerified } from './verify.ts';
import { waitUntilClear, WAITS } from './wait-clear.ts';

/** Closes the host under the claim, where no earlier step of the stage has done that. */
function close(step: HostStep): Verdict {
  return step.opensOutage ? lockHost(step) : DONE;
}

/** Empties a closed host: in the steps that move or stop instances, and of the rest when it is locked. */
function closeAndEmpty(step: HostStep): Verdict {
  const closed = close(step);
  return closed.kind === 'done' ? migrateInstances(step) : closed;
}

/**
 * Does the work of a host, with the reboot that it requires, and verifies it: the VIM has no step for that. A host that
 * others had locked is rebooted and verified later.
 */
function work(name: WorkStepName): Judge {
  const doIt = doWork(name);
  return (step) => {
    const isFirst = step.opensOutage && step.outage?.level === 'away';
    const emptied = isFirst ? closeAndEmpty(step) : DONE;
    if (emptied.kind !== 'done') return emptied;
    const done = doIt(step);
    return done.kind !== 'done' || rebootsApart(step) ? done : checkHost(step);
  };
}

/** Reboots a host that others had locked, verifies it, and gives it back: it stays locked. */
function reboot(step: HostStep): Verdict {
  if (step.outage?.verified || !step.outage) return unlockHost(step);
  const done = doWork('reboot-hosts')(step);
  const verified = done.kind === 'done' ? checkHost(step) : done;
  return verified.kind === 'done' ? releaseVerified(step) : verified;
}

/** Gives a host back that was worked on in place, then waits as after a lock. */
function giveBackAndSettle(step: HostStep): Verdict {
  const released = step.outage?.level === 'touched' ? unlockHost(step) : DONE;
  return released.kind === 'done' ? stabilizeHost(step) : released;
}

function workStep(name: keyof typeof STEP_KINDS): StepDefinition {
  return { ...STEP_KINDS[name], judge: work(name) };
}

const DEFINITIONS = {
  'query-alarms': STEP_DEFINITIONS['query-alarms'],
  'disable-host-services': { ...VIM_STEP_KINDS['disable-host-services'], judge: close },
  'migrate-instances': { ...VIM_STEP_KINDS['migrate-instances'], judge: closeAndEmpty },
  'migrate-instances-from-host': {
    ...{ ...STEP_KINDS['migrate-instances-from-host'], opensOutage: 'away' },
    judge: closeAndEmpty,
  },
  'stop-instances': { ...STEP_KINDS['stop-instances'], opensOutage: 'away', judge: closeAndEmpty },
  'lock-hosts': { ...STEP_KINDS['lock-hosts'], judge: closeAndEmpty },
  'sw-patch-hosts': workStep('sw-patch-hosts'),
  'upgrade-hosts': workStep('upgrade-hosts'),
  'activate-upgrade': workStep('activate-upgrade'),
  'complete-upgrade': workStep('complete-upgrade'),
  'system-stabilize': {
    ...{ ...STEP_KINDS['system-stabilize'], closesOutage: 'touched' },
    judge: giveBackAndSettle,
  },
  'unlock-hosts': STEP_DEFINITIONS['unlock-hosts'],
  'reboot-hosts': { ...VIM_STEP_KINDS['reboot-hosts'], judge: reboot },
  'start-instances': { ...VIM_STEP_KINDS['start-instances'], judge: unlockHost },
  'enable-host-services': { ...VIM_STEP_KINDS['enable-host-services'], judge: unlockHost },
  'wait-data-sync': { ...VIM_STEP_KINDS['wait-data-sync'], judge: waitUntilClear(WAITS.dataSyncSeconds) },
  'wait-alarms-clear': {
    ...VIM_STEP_KINDS['wait-alarms-clear'],
    judge: waitUntilClear(WAITS.alarmsClearSeconds),
  },
} as const satisfies Partial<Record<StepName, StepDefinition>>;

/** The kinds of steps in plans of the VIM. A `swact-hosts` is none on hosts. */
export const VIM_STEP_DEFINITIONS: StepDefinitions = DEFINITIONS;
