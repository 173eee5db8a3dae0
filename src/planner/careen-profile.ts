/**
 * The native profile: which steps a stage has, and what it is called. Where it
 * departs from the VIM, and why: docs/decisions/0011-the-native-profile.md.
 */
import type { Timing } from '../crds/timing.ts';
import type { OutageLevel, Role, StageName, StepName } from '../crds/vocabulary.ts';
import { QUERY_TIMEOUT_SECONDS } from './stage-steps.ts';

/** How long a step may take: the same for all, or as the strategy says. */
type StepTimeout = number | keyof Timing;

type NativeProfile = {
  /** In the order in which their hosts are planned. */
  readonly roles: readonly Role[];
  readonly stageOf: Readonly<Record<Role, StageName>>;
  readonly steps: Readonly<Record<OutageLevel, readonly (readonly [name: StepName, timeout: StepTimeout])[]>>;
};

export const CAREEN_PLANNING: NativeProfile = {
  roles: ['controller', 'storage', 'worker'],
  stageOf: {
    controller: 'sw-patch-controllers',
    storage: 'sw-patch-storage-hosts',
    worker: 'sw-patch-worker-hosts',
  },
  steps: {
    touched: [
      ['query-alarms', QUERY_TIMEOUT_SECONDS],
      ['sw-patch-hosts', 'patchTimeoutSeconds'],
      ['verify', 'verifyTimeoutSeconds'],
      ['system-stabilize', 'stabilizeSeconds'],
    ],
    away: [
      ['query-alarms', QUERY_TIMEOUT_SECONDS],
      ['lock-hosts', 'lockTimeoutSeconds'],
      ['migrate-instances-from-host', 'drainTimeoutSeconds'],
      ['sw-patch-hosts', 'patchTimeoutSeconds'],
      ['verify', 'verifyTimeoutSeconds'],
      ['system-stabilize', 'settleSeconds'],
      ['unlock-hosts', 'unlockTimeoutSeconds'],
      ['system-stabilize', 'stabilizeSeconds'],
    ],
  },
};
