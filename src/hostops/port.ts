/**
 * The port to the hosts: few verbs, each safe to repeat, each cancellable.
 * Adapters: kubernetes (the nodes of this cluster), simulated (careen simulate, tests). One
 * contract suite, test/contract, runs against all of them.
 */
import type { HostPoolSpec } from '../crds/host-pool.ts';
import type { OwnerRef } from '../crds/owner-ref.ts';
import type { Effect, Outcome } from '../engine/effect.ts';
import type { Claim, View } from '../engine/view.ts';
import type { HostName, HostSeed } from '../planner/facts.ts';

/** Where the hosts of a pool come from, as its spec says. Only the adapters look into it. */
export type Provider = HostPoolSpec['provider'];

/** Which hosts are meant: those of one pool. */
export type Scope = {
  readonly pool: string;
  readonly provider: Provider;
  /** The providers of the pools that come before this one: what they select is not its own. */
  readonly before: readonly Provider[];
  readonly roles: HostPoolSpec['roles'];
};

/** On whose behalf an effect is performed; the owner of the run owns what the effect makes. */
export type Fence = {
  readonly owner: OwnerRef;
  readonly run: string;
  /** Of the leader who decided it. */
  readonly epoch: number;
};

/** A host that carries a mark of ours. */
export type MarkedHost = {
  readonly host: HostName;
  readonly revision: string;
  readonly claim: Claim | undefined;
  readonly spoiltClaim: string | undefined;
  readonly closedToNewWork: boolean;
  /** Whether a Job works on it, of whatever run: it is no time to give it back. */
  readonly busy: boolean;
};

/** How the claim of a host is taken over; it keeps what it says of the host, but for the epoch. */
export type Adoption = { readonly claim: Claim; readonly makeIfMissing: boolean };

/** A Job that was made and never started. */
export type SuspendedJob = {
  readonly run: string;
  readonly host: HostName;
  readonly name: string;
  readonly uid: string;
  readonly revision: string;
};

/** Something that goes on until it is closed. Closing twice is no error. */
export type Subscription = { close(): void };

/** A watch whose hosts can be replaced: those no longer named are forgotten. */
export type HostWatch = Subscription & { want(hosts: ReadonlySet<HostName>): void };

export interface HostOps {
  /** Lists the hosts of a pool page by page; for builds only. */
  inventory(scope: Scope, signal: AbortSignal): AsyncIterable<readonly HostSeed[]>;

  /**
   * Looks closely at some hosts: what runs on them, and their Jobs. `changed`
   * names hosts about which something is new, also when they are seen first.
   */
  watch(changed: (hosts: ReadonlySet<HostName>) => void): HostWatch;

  /** Keeps the sums over a pool up to date, and tells when they or its alarms change. */
  fleet(scope: Scope, changed: () => void): Subscription;

  /** What is known now. `fleet(scope)` must be open; of hosts not watched, `instances` is unknown. */
  view(scope: Scope): View;

  /**
   * Makes ready for strategies of a namespace: their Jobs are known when it resolves with undefined. Otherwise it says
   * why they cannot be known, such as a missing right. Throws when `signal` is aborted.
   */
  prepare(namespace: string, signal: AbortSignal): Promise<string | undefined>;

  /** The hosts of a pool that carry a mark of ours, of whatever run. `fleet(scope)` must be open. */
  markedHosts(scope: Scope): readonly MarkedHost[];

  /** The same, read past every cache; costs a list of all hosts. */
  readMarkedHosts(scope: Scope, signal: AbortSignal): Promise<readonly MarkedHost[]>;

  /** The Jobs of an owner that were never started. Its namespace must be prepared. */
  suspendedJobs(owner: OwnerRef): readonly SuspendedJob[];

  /**
   * Takes a run over from a leader before: writes the claims of its hosts again under the epoch of `fence`, makes those
   * that may still be on their way, and stamps its open Jobs, so that whatever was decided upon the former is refused. Reads past
   * every cache. Hosts that are gone, or held by another run, are left out. Throws when it could not be done.
   */
  adopt(adoptions: ReadonlyMap<HostName, Adoption>, fence: Fence, signal: AbortSignal): Promise<void>;

  /** Reads past our own writes: resolves when the view is as new as the hosts were when this was called. */
  confirm(hosts: readonly HostName[], signal: AbortSignal): Promise<void>;

  /**
   * Asks for an effect. Resolves when it is accepted or not, never when it is
   * done: look again to learn that. Refusals are outcomes; it throws only when
   * `signal` is aborted.
   */
  perform(effect: Effect, fence: Fence, signal: AbortSignal): Promise<Outcome>;
}
