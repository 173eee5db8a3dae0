/**
 * The kinds of steps that native plans have: one definition each, and the order in which a stage has them. How a kind is
 * judged is all that is elsewhere, in src/engine/steps: the planner is below the engine.
 */
import type { Timing } from '../crds/timing.ts';
import type { NativeStepName, OutageLevel, StepName } from '../crds/vocabulary.ts';
import type { Stage } from './plan.ts';

export type StepKind = {
  /** How long it may take. `outageOpen`: in a place of its stage where the hosts are out of service. */
  readonly timeoutSeconds: (timing: Timing, outageOpen: boolean) => number;
  /** How long it takes when all goes well, by assumption; without it, as long as it may take. */
  readonly typicalSeconds?: (stage: Pick<Stage, 'level' | 'patches'>) => number;
  /** In stages of this level it takes the hosts out of service: until then nothing has been touched. */
  readonly opensOutage?: OutageLevel;
  /** In stages of this level nobody holds its hosts any more after it. */
  readonly closesOutage?: OutageLevel;
  /** Whether a host that is away has to stay cordoned in it; `onForeignUncordon` decides when it does not. */
  readonly keepsClosed: boolean;
  /** Whether a host that fails in it may be unfit for work: it stays locked until a person decides. */
  readonly ownAction: boolean;
  /**
   * Whether it may reboot its hosts: the boot id is written down before it acts, and its Job for the reboot is awaited. A
   * stage has one such step at most.
   */
  readonly needsBootId: boolean;
  /** Its letter in charts, where another step has its first one. */
  readonly mark?: string;
};

/** All native steps but the queries that only a build has. */
export type StepKindName = Exclude<NativeStepName, 'query-sw-patches' | 'query-sw-patch-hosts'>;

export const QUERY_TIMEOUT_SECONDS = 60;

/** What one Job that applies a patch takes. */
const PATCH_SECONDS = 120;
/** A look at a host that was not rebooted. */
const VERIFY_SECONDS = 5;
/** From the end of the last Job until a rebooted host is Ready again. */
const REBOOT_SECONDS = 180;

export const STEP_KINDS: Readonly<Record<StepKindName, StepKind>> = {
  'query-alarms': {
    timeoutSeconds: () => QUERY_TIMEOUT_SECONDS,
    typicalSeconds: () => 1,
    keepsClosed: false,
    ownAction: false,
    needsBootId: false,
  },
  'lock-hosts': {
    timeoutSeconds: (timing) => timing.lockTimeoutSeconds,
    typicalSeconds: () => 5,
    opensOutage: 'away',
    keepsClosed: true,
    ownAction: false,
    needsBootId: false,
  },
  'migrate-instances-from-host': {
    timeoutSeconds: (timing) => timing.drainTimeoutSeconds,
    typicalSeconds: () => 120,
    keepsClosed: true,
    ownAction: false,
    needsBootId: false,
  },
  'sw-patch-hosts': {
    timeoutSeconds: (timing) => timing.patchTimeoutSeconds,
    typicalSeconds: ({ patches }) => PATCH_SECONDS * patches.length,
    opensOutage: 'touched',
    keepsClosed: true,
    ownAction: true,
    needsBootId: true,
    mark: 'p',
  },
  verify: {
    timeoutSeconds: (timing) => timing.verifyTimeoutSeconds,
    typicalSeconds: ({ level }) => (level === 'away' ? REBOOT_SECONDS : VERIFY_SECONDS),
    closesOutage: 'touched',
    keepsClosed: true,
    ownAction: true,
    needsBootId: false,
  },
  'system-stabilize': {
    timeoutSeconds: (timing, outageOpen) => (outageOpen ? timing.settleSeconds : timing.stabilizeSeconds),
    keepsClosed: false,
    ownAction: true,
    needsBootId: false,
  },
  'unlock-hosts': {
    timeoutSeconds: (timing) => timing.unlockTimeoutSeconds,
    typicalSeconds: () => 5,
    closesOutage: 'away',
    keepsClosed: false,
    ownAction: true,
    needsBootId: false,
  },
};

const KINDS: Readonly<Partial<Record<StepName, StepKind>>> = STEP_KINDS;

/** The kind of a step; undefined for one that only plans of the VIM have, or a build. */
export function kindOf(step: StepName): StepKind | undefined {
  return KINDS[step];
}

/** The steps of a stage, in order. Where that departs from the VIM, and why: docs/decisions/0011-the-native-profile.md. */
export const STEP_ORDER: Readonly<Record<OutageLevel, readonly StepKindName[]>> = {
  touched: ['query-alarms', 'sw-patch-hosts', 'verify', 'system-stabilize'],
  away: [
    'query-alarms',
    'lock-hosts',
    'migrate-instances-from-host',
    'sw-patch-hosts',
    'verify',
    'system-stabilize',
    'unlock-hosts',
    'system-stabilize',
  ],
};
