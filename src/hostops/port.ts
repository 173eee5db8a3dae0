/**
 * The port to the hosts: few verbs, each safe to repeat, each cancellable.
 * Adapters: kubernetes (the nodes of this cluster), openstack (compute hosts), simulated (careen simulate, tests). One
 * contract suite, test/contract, runs against all of them.
 */
import type { HostPoolSpec } from '../crds/host-pool.ts';
import type { OwnerRef } from '../crds/owner-ref.ts';
import type { Effect, Outcome } from '../engine/effect.ts';
import type { Claim, MemberHealth, View } from '../engine/view.ts';
import type { HostName, HostSeed, PlatformFacts } from '../planner/hosts/facts.ts';

/** The source of the hosts of a pool, from its spec. Only the adapters read its fields. */
export type Provider = HostPoolSpec['provider'];

/** The hosts of one pool. */
export type Scope = {
  readonly pool: string;
  readonly provider: Provider;
  /** The providers of the pools with precedence over this one. The hosts that they select are not in this pool. */
  readonly before: readonly Provider[];
  readonly roles: HostPoolSpec['roles'];
  readonly health: HostPoolSpec['health'];
};

/** The run and the epoch of an effect. The owner of the run also owns the objects that the effect makes. */
export type Fence = {
  readonly owner: OwnerRef;
  readonly run: string;
  /** The epoch of the leader that decided the effect. */
  readonly epoch: number;
};

/** A host that carries a mark of Careen: a claim, a spoilt claim, or the note that it was left locked. */
export type MarkedHost = {
  readonly host: HostName;
  readonly revision: string;
  readonly claim: Claim | undefined;
  readonly spoiltClaim: string | undefined;
  readonly closedToNewWork: boolean;
  /** Whether it carries the note that it was left locked. */
  readonly leftLocked: boolean;
  /** Whether a Job of any run works on the host. Such a host must not be released yet. */
  readonly busy: boolean;
  /** Whether a Job of the run that has claimed the host was started on it, and may have ended since. */
  readonly begun: boolean;
};

/**
 * How to adopt the claim of a host and its Jobs that the run has recorded. Adoption changes only the epoch of a claim
 * that is there. With a `uid` it skips a host that has another one. It finds a recorded Job also where somebody removed
 * the marks that Jobs are watched by.
 */
export type Adoption = {
  readonly claim: Claim;
  readonly uid?: string | undefined;
  readonly makeIfMissing: boolean;
  readonly jobs?: readonly RecordedJob[];
};

export type RecordedJob = Extract<Effect, { kind: 'mend-job' }>;

/** A Job that does no work: it was never started, was withdrawn, or has succeeded. */
export type IdleJob = {
  readonly state: 'suspended' | 'succeeded';
  readonly run: string;
  readonly host: HostName;
  readonly name: string;
  readonly uid: string;
  readonly revision: string;
};

/** A subscription lasts until it is closed. Closing twice is no error. */
export type Subscription = { close(): void };

/**
 * A watch of a set of hosts. `want` replaces the set and forgets the hosts that it no longer names. `inUse`: the instances
 * are observed also on those that are neither closed nor claimed.
 */
export type HostWatch = Subscription & { want(hosts: ReadonlySet<HostName>, inUse?: boolean): void };

/** What is asked of the hosts of pools. Each provider of hosts has an adapter. */
export interface PoolOps {
  /** Lists the hosts of a pool, perhaps in parts; for builds only. */
  inventory(scope: Scope, signal: AbortSignal): AsyncIterable<readonly HostSeed[]>;

  /**
   * Observes the instances on single hosts of a pool, and their Jobs. `changed` names
   * the hosts with news, including the hosts that are observed for the first time.
   */
  watch(scope: Scope, changed: (hosts: ReadonlySet<HostName>) => void): HostWatch;

  /** Keeps the sums over a pool up to date. Calls `changed` when they or the alarms of the pool change. */
  fleet(scope: Scope, changed: () => void): Subscription;

  /**
   * The current knowledge. `fleet(scope)` must be open. `instances` is unknown for hosts that are not watched, and may be
   * for those that are neither closed nor claimed.
   */
  view(scope: Scope): View;

  /**
   * Asks controllers of a pool whether they serve in their control plane; `fleet(scope)` must be open. One that nothing
   * can be asked of is left out: its state as a host decides. Throws only when `signal` is aborted.
   */
  memberHealth(scope: Scope, controllers: readonly HostName[], signal: AbortSignal): Promise<MemberHealth>;

  /** The cluster was restored from a backup: observes everything anew. `prepare` resolves when that is done. */
  listAgain(): void;

  /** The hosts of a pool that carry a mark of Careen, of any run. `fleet(scope)` must be open. */
  markedHosts(scope: Scope): readonly MarkedHost[];

  /** The same, read without any cache. It costs a list of all hosts. */
  readMarkedHosts(scope: Scope, signal: AbortSignal): Promise<readonly MarkedHost[]>;

  /**
   * Adopts a run of an earlier leader. It writes the claims of the hosts again under the epoch of `fence`, makes the
   * claims that may still be in flight, and stamps the open Jobs of the run. Every write that was decided on the
   * earlier state is then refused. It reads without any cache, and skips hosts that are gone or held by another run.
   * Throws when it cannot finish.
   */
  adopt(
    scope: Scope,
    adoptions: ReadonlyMap<HostName, Adoption>,
    fence: Fence,
    signal: AbortSignal,
  ): Promise<void>;

  /** Catches up with our own writes: resolves when the view is as new as the hosts were at the time of the call. */
  confirm(scope: Scope, hosts: readonly HostName[], signal: AbortSignal): Promise<void>;

  /**
   * Requests an effect on a host of a pool. Resolves when the effect is accepted or refused, and
   * does not wait until it is done: a later view shows that. A refusal is an
   * outcome; this throws only when `signal` is aborted. A Job whose start or
   * removal was stale has been read again.
   */
  perform(scope: Scope, effect: Effect, fence: Fence, signal: AbortSignal): Promise<Outcome>;
}

/** What is asked of the cluster that Careen runs in, whatever hosts the pools have: Jobs run there. */
export interface ClusterOps {
  /**
   * Prepares for strategies of a namespace. Resolves with undefined once their Jobs are known, otherwise with the
   * reason why they are not, such as a missing right. Throws when `signal` is aborted.
   */
  prepare(namespace: string, signal: AbortSignal): Promise<string | undefined>;

  /**
   * Why the contents of these ConfigMaps of a namespace may change, by name; those that are immutable are left out.
   * Throws when `signal` is aborted.
   */
  changeableConfigMaps(
    namespace: string,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string>>;

  /**
   * What is known of the control plane, perhaps as it was some minutes ago. What cannot be read is left out. Throws only
   * when the adapter stops.
   */
  platform(): Promise<PlatformFacts>;

  /** The Jobs of an owner that are suspended or have succeeded. Its namespace must be prepared. */
  idleJobs(owner: OwnerRef): readonly IdleJob[];
}

export interface HostOps extends PoolOps, ClusterOps {}
