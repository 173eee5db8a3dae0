import type { HostName } from './hosts/facts.ts';

/** The input of a plan besides spec and hosts. */
export type PlanLimits = {
  readonly maxUnavailable: number;
  /** The host of the leading operator: the last controller to be taken. Undefined when the operator runs on no host. */
  readonly activeHost?: HostName | undefined;
  /** The hosts that requests leave out of the run. No hook runs on them. */
  readonly skipped?: readonly HostName[] | undefined;
  /** The release whose upgrade the strategy has completed before. */
  readonly completedRelease?: string | undefined;
  /** The hooks that were part of that. */
  readonly completedHooks?: readonly string[] | undefined;
  /** The release that the strategy has begun to activate or to complete. */
  readonly activatedRelease?: string | undefined;
};
