/**
 * What the engine sees of the world: an immutable view with reads that cost the
 * same in every fleet. Adapters of the hostops port make views; the engine never
 * asks for anything.
 */
import type { OwnerRef } from '../crds/owner-ref.ts';
import type { OutageLevel } from '../crds/vocabulary.ts';
import type { Facts, HostName } from '../planner/facts.ts';
import type { HostWords } from '../planner/host-words.ts';

/** Milliseconds since the epoch. */
export type Instant = number;

/** Names one effect of one run for good: run/stage/step/host/subject/attempt. */
export type EffectKey = string;

/** What stands on a host that some run has taken: whose it is, and what to put back. */
export type Claim = {
  readonly run: string;
  /** The pool that the host belongs to as long as it is claimed, whatever its labels say meanwhile. */
  readonly pool: string;
  /** That of the leader who wrote the claim. A new leader writes it again, so that what was decided before is refused. */
  readonly epoch: number;
  readonly owner: OwnerRef;
  readonly planDigest: string;
  readonly stage: number;
  readonly level: OutageLevel;
  /** Whether the host was closed before it was claimed; it is put back as it was. */
  readonly closedToNewWorkBefore: boolean;
  /** RFC 3339. */
  readonly since: string;
};

/** A pod (later also a server) that keeps a host from being empty. */
export type InstanceFacts = {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** Told to go, and not gone yet. */
  readonly leaving: boolean;
  /** Nobody makes it again elsewhere. */
  readonly unmanaged: boolean;
  /** It has data in its host that goes with it. */
  readonly localData: boolean;
};

export type HostFacts = {
  readonly name: HostName;
  /** Whether it belongs to the pool that is looked at: as its labels say, or while it is claimed, its claim. */
  readonly isMember: boolean;
  /** Fences writes: changes with every change of the host. */
  readonly revision: string;
  /** Takes no new work. */
  readonly closedToNewWork: boolean;
  readonly ready: boolean;
  /** What is wrong with it, in words: not Ready, or under pressure. Empty when healthy. */
  readonly alarms: readonly string[];
  readonly bootId: string;
  readonly facts: Facts;
  readonly claim: Claim | undefined;
  /** Why what stands in the place of a claim is none: somebody edited it, or copied it from another host. */
  readonly spoiltClaim: string | undefined;
  /** Whether our mark that keeps new work away is there: we closed the host. */
  readonly hasMaintenanceMark: boolean;
  /**
   * What has to leave before the host is empty; undefined while that is not known: it is not watched yet, or was not looked
   * up since it was closed. So no pod that came before is missing on a host that is claimed and closed.
   */
  readonly instances: readonly InstanceFacts[] | undefined;
  /** The name of a Job of ours that was started there and has not ended, whoever asked for it. */
  readonly runningJob: string | undefined;
};

/** A Job that was made for an effect. */
export type EffectFacts = {
  readonly name: string;
  readonly uid: string;
  readonly revision: string;
  readonly state: 'suspended' | 'running' | 'succeeded' | 'failed';
  /** Why it failed, such as `container apply exited with code 7`. */
  readonly failure?: string;
};

/** An alarm: a host of the pool that is unwell although nobody works on it. */
export type Alarm = { readonly host: HostName; readonly reason: string };

export type AlarmsSignal = {
  /** Up to when this is known to be true; does not advance while the connection is lost. */
  readonly observedAt: Instant;
  readonly alarms: readonly Alarm[];
};

/** What is known of each signal, by its id. */
export type Signals = { readonly alarms: AlarmsSignal };

/** How each signal is looked up; undefined while it is not known. */
export type SignalSources = { readonly [Id in keyof Signals]: () => Signals[Id] | undefined };

/** Answers each signal by its id. An id that has no source throws: no signal is ever taken for another. */
export function signalsFrom(sources: SignalSources): View['signal'] {
  return (id) => {
    if (!Object.hasOwn(sources, id)) throw new Error(`there is no signal ${id}`);
    return sources[id]();
  };
}

/** Sums over all hosts of a pool, kept up to date change by change. */
export type FleetFacts = {
  readonly total: number;
  /** Hosts that others took out of service: closed or not ready, without a claim of ours. */
  readonly outOfServiceByOthers: ReadonlySet<HostName>;
  /** Hosts that carry a claim of level away, of whatever run: they are out of service, whether a permit says so or not. */
  readonly claimedAway: ReadonlySet<HostName>;
  /** Hosts that the pool selects and that an older pool keeps. */
  readonly keptByOtherPools: ReadonlySet<HostName>;
  /** Changes when something changes that plans depend on: hosts, their roles, their facts. */
  readonly revision: string;
};

export interface View {
  host(name: HostName): HostFacts | undefined;
  effect(key: EffectKey): EffectFacts | undefined;
  /** Undefined while the signal is not known. Throws for an id that is none. */
  signal<Id extends keyof Signals>(id: Id): Signals[Id] | undefined;
  /** How the adapter words what happens to its hosts. */
  readonly words: HostWords;
  readonly fleet: FleetFacts;
}
