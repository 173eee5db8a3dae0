/** What findings rest on: a plan, its pool, and the hosts of the pool as they are now. */
import type { StrategySpec } from '../../crds/spec/strategy-spec.ts';
import type { ClaimLevel, Role } from '../../crds/vocabulary.ts';
import type { Movable } from './consent.ts';
import { compareHostNames, type Facts, type HostName, type PlatformFacts } from '../hosts/facts.ts';
import type { ApplyTypes } from '../host-group.ts';
import type { HostWords } from '../hosts/host-words.ts';
import type { Stage } from '../plan.ts';

/** A host of the pool, as it is now. */
export type HostState = {
  readonly name: HostName;
  readonly roles: readonly Role[];
  readonly facts: Facts;
  /** Its faults, as text, while no run has claimed it. No plan is built while a host has one. */
  readonly unwell: readonly string[];
  /** Whether it is out of service while no run has claimed it: closed, not Ready, or with a taint that says so. */
  readonly outOfService: boolean;
  readonly closedToNewWork: boolean;
  /** As in a seed. */
  readonly closedByOthers?: true | undefined;
  readonly isDown?: true | undefined;
  /** The owner of the run that has claimed it, by its key (`ownerKey`). */
  readonly claimedBy?: { readonly owner: string; readonly level: ClaimLevel } | undefined;
  readonly spoiltClaim?: string | undefined;
  /** What a drain may not move, or not now; undefined where nobody looked. */
  readonly instances?: readonly HostInstance[] | undefined;
};

export type HostInstance = Movable & {
  /** The budget, in its namespace, that lets none of its instances leave now. */
  readonly heldBy?: string | undefined;
  /** Why it cannot leave until somebody acts, and what to do. */
  readonly stuck?: string | undefined;
};

/** An instance that finds no place on the hosts that stay in service. */
export type Unplaced = {
  readonly host: HostName;
  readonly namespace: string;
  readonly name: string;
  /** Whether it finds none even if it is the only one to move. */
  readonly alone: boolean;
  /** Comes after the words for the instance. */
  readonly why: string;
  readonly remedy: string;
};

/** Where the instances of hosts that are out of service together would go. */
export type PlacementForecast = {
  /** How many look for a place. */
  readonly seeking: number;
  readonly unplaced: readonly Unplaced[];
  /** Why it is not known whether the hosts have room; undefined where it is. */
  readonly roomUnknown: string | undefined;
};

export type Situation = {
  /** The key of the owner of the plan (`ownerKey`). */
  readonly owner: string;
  readonly spec: ApplyTypes &
    Pick<StrategySpec, 'patches' | 'release' | 'maxParallelWorkerHosts' | 'drain' | 'profile'>;
  readonly pool: {
    readonly name: string;
    readonly maxUnavailable: number | string;
    readonly paused: boolean;
    /** Hosts that the pool selects and that an older pool keeps. */
    readonly keptByOtherPools: readonly HostName[];
    readonly protectedNamespaces: readonly string[];
  };
  /** `maxUnavailable` as a number. */
  readonly limit: number;
  readonly hosts: readonly HostState[];
  readonly stages: readonly Stage[];
  /** The forecast for hosts that are out of service together; undefined where nobody looked. */
  readonly placement?: ((away: readonly HostName[]) => PlacementForecast | undefined) | undefined;
  /** Without stages: how many hosts the strategy is about, current ones included. */
  readonly about: number;
  /** The words of the adapter for these hosts. */
  readonly words: HostWords;
  /** Undefined where nobody looked. */
  readonly platform?: PlatformFacts | undefined;
  /** Why the pool does not permit the actions of the strategy (pool-policy.ts). */
  readonly violations: readonly string[];
};

/** The names of hosts, sorted. */
export function namesOf(hosts: readonly HostState[]): HostName[] {
  return hosts.map(({ name }) => name).toSorted(compareHostNames);
}
