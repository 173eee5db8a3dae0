import type { StepName } from '../../crds/vocabulary.ts';
import { STEP_KINDS, type StepKind, type StepKindName } from '../../planner/step-kinds.ts';
import { lockHost } from './lock-hosts.ts';
import { migrateInstances } from './migrate-instances-from-host.ts';
import { queryAlarms } from './query-alarms.ts';
import { patchHost } from './sw-patch-hosts.ts';
import { stabilizeHost } from './system-stabilize.ts';
import { unlockHost } from './unlock-hosts.ts';
import type { HostStep, Verdict } from './verdict.ts';
import { verifyHost } from './verify.ts';

/** Judges one host by what is observed: where it stands, and what is to be asked for. */
export type Judge = (host: HostStep) => Verdict;

/** A kind of step with its judge: all that the engine knows about any step. */
export type StepDefinition = StepKind & { readonly judge: Judge };

/** The kinds of steps that an engine carries out, by name. */
export type StepDefinitions = Readonly<Partial<Record<StepName, StepDefinition>>>;

/** The native ones. */
export const STEP_DEFINITIONS: Readonly<Record<StepKindName, StepDefinition>> = {
  'query-alarms': { ...STEP_KINDS['query-alarms'], judge: queryAlarms },
  'lock-hosts': { ...STEP_KINDS['lock-hosts'], judge: lockHost },
  'migrate-instances-from-host': {
    ...STEP_KINDS['migrate-instances-from-host'],
    judge: migrateInstances,
  },
  'sw-patch-hosts': { ...STEP_KINDS['sw-patch-hosts'], judge: patchHost },
  verify: { ...STEP_KINDS.verify, judge: verifyHost },
  'system-stabilize': { ...STEP_KINDS['system-stabilize'], judge: stabilizeHost },
  'unlock-hosts': { ...STEP_KINDS['unlock-hosts'], judge: unlockHost },
};
