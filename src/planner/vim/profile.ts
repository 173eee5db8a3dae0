/**
 * A profile is what differs between levels of the VIM: numbers, words, and the
 * few steps that another level has in their place. Everything else is the
 * planner's, and the same for all.
 */
import type { Host, Instance } from './inventory.ts';
import type { ApplyType, Kind } from './request.ts';
import type { Step, TimedStepName } from './steps.ts';

/** Workers that a stage takes together, to be freed of their instances. */
export type Leaving = {
  readonly hosts: readonly Host[];
  /** Those of the hosts that have the compute service configured. */
  readonly computeHosts: readonly Host[];
  /** Instances on the hosts that no user has stopped. */
  readonly instances: readonly Instance[];
  readonly applyType: ApplyType;
};

export type Profile = {
  readonly name: string;
  /** For each kind of strategy that the level has: ids of alarms that do not count (starlingx-vim.md §6.1). */
  readonly ignoredAlarms: Readonly<Partial<Record<Kind, readonly string[]>>>;
  /** §9 */
  readonly timeoutSeconds: Readonly<Record<TimedStepName, number>>;
  /** `system-stabilize` between a reboot patch and the unlock; 0 for none. */
  readonly settleSeconds: number;
  /** `system-stabilize` at the end of a stage without a reboot. */
  readonly stabilizeInPlaceSeconds: number;
  /** `wait-data-sync` after an upgraded controller. */
  readonly controllerDataSyncSeconds: number;
  readonly tooFewControllersToPatch: string;
  /** Frees the hosts of instances by migration (§7.5, step 3); no steps when there is nothing to do. */
  readonly migrate: (profile: Profile, leaving: Leaving) => readonly Step[];
  /** Ends a stage that has rebooted patched controllers or workers (§7.2, and §7.5, step 10). */
  readonly afterReboot: (hosts: readonly Host[]) => Step;
};
