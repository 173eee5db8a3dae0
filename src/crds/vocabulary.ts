/**
 * The closed sets of words in the API. States, results and the names of stages
 * and steps are the VIM's (reference: starlingx-vim.md §3, §4, §7, §9).
 */

export const STRATEGY_STATES = [
  'building',
  'build-failed',
  'ready-to-apply',
  'applying',
  'applied',
  'apply-failed',
  'apply-timeout',
  'aborting',
  'aborted',
  'abort-failed',
  'abort-timeout',
] as const;
export type StrategyState = (typeof STRATEGY_STATES)[number];

export const PHASE_NAMES = ['build', 'apply', 'abort'] as const;
export type PhaseName = (typeof PHASE_NAMES)[number];

export const RESULTS = [
  'initial',
  'inprogress',
  'wait',
  'success',
  'degraded',
  'failed',
  'timed-out',
  'aborted',
] as const;
export type Result = (typeof RESULTS)[number];

export const STAGE_NAMES = [
  'sw-patch-query',
  'sw-patch-controllers',
  'sw-patch-storage-hosts',
  'sw-patch-swift-hosts',
  'sw-patch-worker-hosts',
  'sw-upgrade-query',
  'sw-upgrade-stage-hosts',
  'sw-upgrade-start',
  'sw-upgrade-controllers',
  'sw-upgrade-storage-hosts',
  'sw-upgrade-worker-hosts',
  'sw-upgrade-complete',
  'maintenance',
  'scale-in',
  'prepare-maintenance',
  'start-maintenance',
  'planned-maintenance',
  'maintenance-complete',
] as const;
export type StageName = (typeof STAGE_NAMES)[number];

/** The steps of a native plan and of its build. */
export const NATIVE_STEP_NAMES = [
  'query-alarms',
  'query-sw-patches',
  'query-sw-patch-hosts',
  'lock-hosts',
  'migrate-instances-from-host',
  'stop-instances',
  'sw-patch-hosts',
  'verify',
  'system-stabilize',
  'unlock-hosts',
  'query-upgrade',
  'stage-hosts',
  'start-upgrade',
  'upgrade-hosts',
  'rollback-hosts',
  'activate-upgrade',
  'complete-upgrade',
  'run-actions',
] as const;
export type NativeStepName = (typeof NATIVE_STEP_NAMES)[number];

/** Steps that only plans of the VIM have. */
const VIM_STEP_NAMES = [
  'swact-hosts',
  'reboot-hosts',
  'migrate-instances',
  'start-instances',
  'disable-host-services',
  'enable-host-services',
  'wait-data-sync',
  'wait-alarms-clear',
] as const;
export type VimStepName = (typeof VIM_STEP_NAMES)[number];

/** Steps that only sessions have, and that are no work on a host. */
const SESSION_STEP_NAMES = [
  'fetch-downloads',
  'await-start',
  'ask-projects',
  'close-hosts',
  'await-empty',
  'move-instances',
  'ask-and-move-instances',
] as const;

export const STEP_NAMES = [...NATIVE_STEP_NAMES, ...VIM_STEP_NAMES, ...SESSION_STEP_NAMES] as const;
export type StepName = (typeof STEP_NAMES)[number];

export const ROLES = ['controller', 'storage', 'worker'] as const;
export type Role = (typeof ROLES)[number];

/**
 * How far an outage takes a host out of service.
 * `away`: drained and worked on; it counts against the pool's limit.
 * `touched`: patched in place; it keeps its work and counts only against the plan's own limit.
 */
export const OUTAGE_LEVELS = ['away', 'touched'] as const;
export type OutageLevel = (typeof OUTAGE_LEVELS)[number];

/** How far a claim takes a host out of service. `closed`: it takes no new work, and serves on; that needs no permit. */
export const CLAIM_LEVELS = [...OUTAGE_LEVELS, 'closed'] as const;
export type ClaimLevel = (typeof CLAIM_LEVELS)[number];

export const EXECUTION_MODES = ['Hold', 'Run', 'Suspend', 'Abort'] as const;
export type ExecutionMode = (typeof EXECUTION_MODES)[number];

/** What happens to the instances on a host that is emptied; the words of the VIM. */
export const INSTANCE_ACTIONS = ['migrate', 'stop-start'] as const;
export type InstanceAction = (typeof INSTANCE_ACTIONS)[number];

/** The possible reactions when somebody uncordons a host while Careen works on it. */
export const FOREIGN_UNCORDON_POLICIES = ['pause', 'recordon', 'fail'] as const;
export type ForeignUncordonPolicy = (typeof FOREIGN_UNCORDON_POLICIES)[number];

/** The levels of the VIM whose plans a strategy may have. */
export const VIM_PROFILES = ['vim-2020', 'vim-2024'] as const;
export type VimProfile = (typeof VIM_PROFILES)[number];

/** Who composes the stages and steps of a plan: Careen, or the VIM. */
export const PROFILES = ['careen', ...VIM_PROFILES] as const;

/** How the Job of a host ended. */
export const JOB_RESULTS = ['succeeded', 'failed', 'not-started'] as const;

/** How work that a person does ended. `overdue`, `proceeded`: nobody said anything in time, and the run failed or went on. */
export const MANUAL_RESULTS = ['done', 'failed', 'overdue', 'proceeded'] as const;

/** What a run does when nobody has said in time that work of a person is done. */
export const MANUAL_TIMEOUTS = ['fail', 'proceed'] as const;

/** The subject of the effect that reboots a host; no patch may have this id. */
export const REBOOT = 'reboot';

/** When an upgrade drains its hosts. */
export const DRAIN_NEEDS = ['never', 'ifRebootRequired', 'always'] as const;
export type DrainNeed = (typeof DRAIN_NEEDS)[number];

/** The workflows of sessions that come with Careen. */
export const WORKFLOW_NAMES = ['default', 'vnf', 'kubernetes'] as const;

/** The parts of an upgrade on a host. */
export const WORK_KINDS = ['stage', 'upgrade', 'rollback', 'hook', 'action'] as const;

/** The states of a session, in the words of Fenix (fenix.md §3). */
export const SESSION_STATES = [
  'MAINTENANCE',
  'SCALE_IN',
  'PREPARE_MAINTENANCE',
  'START_MAINTENANCE',
  'PLANNED_MAINTENANCE',
  'MAINTENANCE_COMPLETE',
  'MAINTENANCE_DONE',
  'MAINTENANCE_FAILED',
] as const;
export type SessionState = (typeof SESSION_STATES)[number];

/** The states in which projects are asked. */
export const ASKED_STATES = [
  'MAINTENANCE',
  'SCALE_IN',
  'PREPARE_MAINTENANCE',
  'PLANNED_MAINTENANCE',
  'MAINTENANCE_COMPLETE',
] as const satisfies SessionState[];
export type AskedState = (typeof ASKED_STATES)[number];

/** How a project may want an instance moved. OWN_ACTION: its owner replaces it, Careen only waits. */
export const MOVE_ACTIONS = ['MIGRATE', 'LIVE_MIGRATE', 'OWN_ACTION'] as const;
export type MoveAction = (typeof MOVE_ACTIONS)[number];

/** What a host is in a session: only a compute host is emptied. `other`: it is left alone. */
export const SESSION_HOST_TYPES = ['compute', 'controller', 'other'] as const;
