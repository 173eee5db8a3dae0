/**
 * A profile has the differences between levels of the VIM: numbers, texts, and the few steps that another level
 * replaces. Everything else is in the planner, and the same for all levels.
 */
import type { Host, Instance } from './inventory.ts';
import type { ApplyType, Kind } from './request.ts';
import type { Step, TimedStepName } from './steps.ts';

/** The workers of one stage, whose instances must leave. */
export type Leaving = {
  readonly hosts: readonly Host[];
  /** The hosts among them with a configured compute service. */
  readonly computeHosts: readonly Host[];
  /** Instances on the hosts, without those that a user has stopped. */
  readonly instances: readonly Instance[];
  readonly applyType: ApplyType;
};

export type Profile = {
  readonly name: string;
  /** By each kind of strategy that the level has: ids of alarms that do not count (starlingx-vim.md §6.1). */
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
  /** The steps that migrate the instances from the hosts (§7.5, step 3); none when nothing has to migrate. */
  readonly migrate: (profile: Profile, leaving: Leaving) => readonly Step[];
  /** The last step of a stage that has rebooted patched controllers or workers (§7.2, and §7.5, step 10). */
  readonly afterReboot: (hosts: readonly Host[]) => Step;
};
