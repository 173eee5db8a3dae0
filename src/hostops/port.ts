/**
 * The port to the hosts: few verbs, each safe to repeat, each cancellable.
 * Adapters: kubernetes (the nodes of this cluster), simulated (tests). One
 * contract suite, test/contract, runs against all of them.
 */
import type { HostPoolSpec } from '../crds/host-pool.ts';
import type { Effect, Outcome } from '../engine/effect.ts';
import type { View } from '../engine/view.ts';
import type { HostName, HostSeed } from '../planner/facts.ts';

/** Which hosts are meant: those of one pool. */
export type Scope = {
  readonly pool: string;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly roles: HostPoolSpec['roles'];
};

/** On whose behalf an effect is performed; the strategy owns what the effect makes. */
export type Fence = {
  readonly strategy: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly run: string;
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

  /** Reads past our own writes: resolves when the view is as new as the hosts were when this was called. */
  confirm(hosts: readonly HostName[], signal: AbortSignal): Promise<void>;

  /**
   * Asks for an effect. Resolves when it is accepted or not, never when it is
   * done: look again to learn that. Refusals are outcomes; it throws only when
   * `signal` is aborted.
   */
  perform(effect: Effect, fence: Fence, signal: AbortSignal): Promise<Outcome>;
}
