import type { StepName } from '../../crds/vocabulary.ts';
import { STEP_KINDS, type StepKindName, type StepTraits } from '../../planner/step-kinds.ts';
import { doWork } from './host-work.ts';
import { lockHost } from './lock-hosts.ts';
import { migrateInstances } from './migrate-instances-from-host.ts';
import { queryAlarms } from './query-alarms.ts';
import { stabilizeHost } from './system-stabilize.ts';
import { unlockHost } from './unlock-hosts.ts';
import type { HostStep, Verdict } from './verdict.ts';
import { verifyHost } from './verify.ts';

/** Judges one observed host: its progress in the step, and the effects to ask for. */
export type Judge = (host: HostStep) => Verdict;

/** A kind of step with its judge. The engine has no other knowledge of a step. */
export type StepDefinition = StepTraits & { readonly judge: Judge };

/** The kinds of steps that an engine supports, by name. */
export type StepDefinitions = Readonly<Partial<Record<StepName, StepDefinition>>>;

function workStep(name: StepKindName): StepDefinition {
  return { ...STEP_KINDS[name], judge: doWork(name) };
}

/** The native kinds of steps. */
export const STEP_DEFINITIONS: Readonly<Record<StepKindName, StepDefinition>> = {
  'query-alarms': { ...STEP_KINDS['query-alarms'], judge: queryAlarms },
  'lock-hosts': { ...STEP_KINDS['lock-hosts'], judge: lockHost },
  'migrate-instances-from-host': {
    ...STEP_KINDS['migrate-instances-from-host'],
    judge: migrateInstances,
  },
  'stop-instances': { ...STEP_KINDS['stop-instances'], judge: migrateInstances },
  'sw-patch-hosts': workStep('sw-patch-hosts'),
  'stage-hosts': workStep('stage-hosts'),
  'start-upgrade': workStep('start-upgrade'),
  'upgrade-hosts': workStep('upgrade-hosts'),
  'rollback-hosts': workStep('rollback-hosts'),
  'activate-upgrade': workStep('activate-upgrade'),
  'complete-upgrade': workStep('complete-upgrade'),
  'run-actions': workStep('run-actions'),
  verify: { ...STEP_KINDS.verify, judge: verifyHost },
  'system-stabilize': { ...STEP_KINDS['system-stabilize'], judge: stabilizeHost },
  'unlock-hosts': { ...STEP_KINDS['unlock-hosts'], judge: unlockHost },
};
