/**
 * The kinds of steps in native plans: one definition each, and their order in a stage. Only the judges of the kinds are
 * elsewhere, in src/engine/steps, because the planner must not import the engine.
 */
import type { Timing } from '../crds/spec/timing.ts';
import type { NativeStepName, OutageLevel, StepName, VimStepName } from '../crds/vocabulary.ts';
import type { Stage } from './plan.ts';

/** What the duration of a step depends on. */
type StageOfStep = Pick<Stage, 'level' | 'patches' | 'steps'>;

export type StepKind = {
  /** Its timeout. `outageOpen`: whether the hosts are out of service at its position in the stage. */
  readonly timeoutSeconds: (timing: Timing, outageOpen: boolean) => number;
  /** The assumed duration without failures; by default its timeout. */
  readonly typicalSeconds?: (stage: StageOfStep) => number;
  /** In stages of this level it takes the hosts out of service. No earlier step touches them. */
  readonly opensOutage?: OutageLevel;
  /** In stages of this level the run no longer holds the hosts after it. */
  readonly closesOutage?: OutageLevel;
  /** Whether a host of level away must stay cordoned in it; after an uncordon, `onForeignUncordon` decides. */
  readonly keepsClosed: boolean;
  /** Whether a host that fails in it may be unfit for work: it stays locked until a person decides. */
  readonly ownAction: boolean;
  /**
   * Whether it may reboot its hosts: the boot id is recorded before its first effect, and its Job for the reboot is
   * awaited. A stage has at most one such step.
   */
  readonly needsBootId: boolean;
  /** Whether it is done on one host for all: without that host it is not done. */
  readonly forAll?: true;
  /** Its letter in charts, where its first letter is that of another step. */
  readonly mark?: string;
};

/** A kind of step whose timeout its plan gives. */
export type StepTraits = Omit<StepKind, 'timeoutSeconds'>;

/** All native steps except the queries that only a build has. */
export type StepKindName = Exclude<
  NativeStepName,
  'query-sw-patches' | 'query-sw-patch-hosts' | 'query-upgrade'
>;

export const QUERY_TIMEOUT_SECONDS = 60;

/** The time of one Job that applies a patch. */
const PATCH_SECONDS = 120;
/** The time of one Job that upgrades a host. */
const UPGRADE_SECONDS = 300;
/** The time of one Job that stages a host. */
const STAGE_SECONDS = 120;
/** The time of the Job of a hook. */
const HOOK_SECONDS = 60;
/** The time to verify a host without a reboot. */
const VERIFY_SECONDS = 5;
/** The time from the end of the last Job until a rebooted host is Ready again. */
const REBOOT_SECONDS = 180;

/** Whether a host may be rebooted in a stage. The actions of sessions have no reboot. */
function mayReboot({ level, steps }: StageOfStep): boolean {
  return level === 'away' && !steps.some(({ name }) => name === 'run-actions');
}

/** Brings hosts to a release, or back from it. */
const UPGRADE: StepKind = {
  timeoutSeconds: (timing) => timing.patchTimeoutSeconds,
  typicalSeconds: () => UPGRADE_SECONDS,
  opensOutage: 'touched',
  keepsClosed: true,
  ownAction: true,
  needsBootId: true,
};

/** Runs the Job of a hook on one host, which keeps its work. */
const HOOK: StepKind = {
  timeoutSeconds: ({ hookTimeoutSeconds, patchTimeoutSeconds }) => hookTimeoutSeconds ?? patchTimeoutSeconds,
  typicalSeconds: () => HOOK_SECONDS,
  opensOutage: 'touched',
  keepsClosed: true,
  ownAction: true,
  needsBootId: false,
  forAll: true,
};

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
  'stop-instances': {
    timeoutSeconds: (timing) => timing.drainTimeoutSeconds,
    typicalSeconds: () => 60,
    keepsClosed: true,
    ownAction: false,
    needsBootId: false,
    mark: 'x',
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
  'stage-hosts': {
    timeoutSeconds: ({ stageTimeoutSeconds, patchTimeoutSeconds }) =>
      stageTimeoutSeconds ?? patchTimeoutSeconds,
    typicalSeconds: () => STAGE_SECONDS,
    opensOutage: 'touched',
    keepsClosed: true,
    ownAction: true,
    needsBootId: false,
    mark: 'g',
  },
  'run-actions': {
    ...UPGRADE,
    typicalSeconds: ({ patches }) => UPGRADE_SECONDS * patches.length,
    mark: 'x',
  },
  'start-upgrade': { ...HOOK, mark: 'b' },
  'upgrade-hosts': { ...UPGRADE, mark: 'p' },
  'rollback-hosts': { ...UPGRADE, mark: 'r' },
  'activate-upgrade': { ...HOOK, mark: 'a' },
  'complete-upgrade': { ...HOOK, mark: 'c' },
  verify: {
    timeoutSeconds: (timing) => timing.verifyTimeoutSeconds,
    typicalSeconds: (stage) => (mayReboot(stage) ? REBOOT_SECONDS : VERIFY_SECONDS),
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

/** Steps that neither touch hosts nor wait for them to be closed. */
const BESIDE_HOSTS: StepTraits = { keepsClosed: false, ownAction: false, needsBootId: false };

/** The kinds of steps that only plans of the VIM have. */
export const VIM_STEP_KINDS: Readonly<Record<VimStepName, StepTraits>> = {
  'swact-hosts': { ...BESIDE_HOSTS, typicalSeconds: () => 10, mark: 'w' },
  'disable-host-services': {
    ...{ opensOutage: 'away', keepsClosed: true, ownAction: false, needsBootId: false },
    typicalSeconds: () => 5,
  },
  'enable-host-services': {
    ...{ closesOutage: 'away', keepsClosed: false, ownAction: true, needsBootId: false },
    typicalSeconds: () => 5,
  },
  'migrate-instances': {
    ...{ opensOutage: 'away', keepsClosed: true, ownAction: false, needsBootId: false },
    typicalSeconds: () => 120,
  },
  'start-instances': {
    ...{ closesOutage: 'away', keepsClosed: false, ownAction: true, needsBootId: false },
    typicalSeconds: () => 5,
    mark: 'b',
  },
  'reboot-hosts': {
    ...{ closesOutage: 'away', keepsClosed: true, ownAction: true, needsBootId: false },
    typicalSeconds: () => REBOOT_SECONDS,
    mark: 'r',
  },
  'wait-data-sync': { ...BESIDE_HOSTS, typicalSeconds: () => 120, ownAction: true, mark: 'd' },
  'wait-alarms-clear': { ...BESIDE_HOSTS, typicalSeconds: () => 60, ownAction: true, mark: 'c' },
};

const KINDS: Readonly<Partial<Record<StepName, StepTraits>>> = { ...VIM_STEP_KINDS, ...STEP_KINDS };

/** The kind of a step; undefined for a step that only builds or sessions have. */
export function kindOf(step: StepName): StepTraits | undefined {
  return KINDS[step];
}

/** The steps after which no instance runs on a host. */
const EMPTYING_STEPS = ['migrate-instances-from-host', 'stop-instances'] as const satisfies StepName[];
export type EmptyingStep = (typeof EMPTYING_STEPS)[number];

/** Whether a step empties its hosts. */
export function isEmptying(step: StepName): boolean {
  return step === 'migrate-instances' || EMPTYING_STEPS.some((name) => name === step);
}

/**
 * The steps of a stage that does its work by `acts`, on hosts that `emptied` empties. Differences to the VIM:
 * docs/decisions/0011-the-native-profile.md.
 */
export function stepOrder(
  acts: readonly StepKindName[],
  { level, emptied }: { readonly level: OutageLevel; readonly emptied: EmptyingStep | undefined },
): readonly StepKindName[] {
  if (level === 'touched') return ['query-alarms', ...acts, 'verify', 'system-stabilize'];
  return [
    'query-alarms',
    'lock-hosts',
    ...(emptied ? [emptied] : []),
    ...acts,
    'verify',
    'system-stabilize',
    'unlock-hosts',
    'system-stabilize',
  ];
}
