/**
 * The engine's input: an immutable view of the hosts. A read costs the same in a fleet of any size. Adapters of the
 * hostops port make views; the engine itself reads nothing else.
 */
import type { OwnerRef } from '../crds/owner-ref.ts';
import type { ClaimLevel, InstanceAction } from '../crds/vocabulary.ts';
import type { PlacementForecast } from '../planner/findings/situation.ts';
import type { Facts, HostName, HostSeed } from '../planner/hosts/facts.ts';
import type { Labels } from '../planner/hosts/labels.ts';
import type { HostWords } from '../planner/hosts/host-words.ts';

/** Unix time in milliseconds. */
export type Instant = number;

/** A permanent name for one effect of one run: run/stage/step/host/subject/attempt. */
export type EffectKey = string;

/** The claim of a run, stored on the host: its holder, and the state to restore. */
export type Claim = {
  readonly run: string;
  /** The pool of the host while it is claimed, whatever its labels say. */
  readonly pool: string;
  /** The epoch of the leader that wrote the claim. A new leader rewrites it, so that earlier effects are refused. */
  readonly epoch: number;
  readonly owner: OwnerRef;
  readonly planDigest: string;
  readonly stage: number;
  readonly level: ClaimLevel;
  /** Whether the host was closed before the claim. Its release restores that. */
  readonly closedToNewWorkBefore: boolean;
  /** The instances on the host are stopped for the outage, and started again when it is released. */
  readonly stopsInstances?: true | undefined;
  /** RFC 3339. */
  readonly since: string;
};

/** A pod or a server that keeps a host from being empty. */
export type InstanceFacts = {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly createdAt: Instant;
  /** Defined while it is shutting down. */
  readonly leaving: Leaving | undefined;
  /** What recreates it on another host, such as `ReplicaSet web-7d4b9`. Undefined when nothing does. */
  readonly controller: string | undefined;
  /** A closed host may not keep it away, so its controller may replace it on the host that it left. */
  readonly ignoresClosing: boolean;
  /** It has data on its host that an eviction deletes. */
  readonly localData: boolean;
  /** Names the request to leave that is due: a request that was accepted is not repeated, one of another name is made. */
  readonly request?: string;
  /** Why it is not asked to leave yet although nothing is wrong, such as a limit on moves at once. */
  readonly waitsFor?: string;
  /** Why it cannot leave until somebody acts, and what to do. */
  readonly stuck?: string;
  /** The project that owns it, where that is not its namespace. */
  readonly project?: string;
  /** What it takes of the capacity of its host, in the unit of that. */
  readonly size?: number;
  /** Whether it is reached by an address that follows it only after a while. */
  readonly floatingAddress?: boolean;
  /** By which its owner selects it, where instances have labels. */
  readonly labels?: Labels;
  /** Whether its scheduler puts it on no host of another that is like it. */
  readonly keptApart?: boolean;
};

/** The id of the alarm about a host that is not Ready. */
export const NOT_READY = 'NotReady';

/** What is wrong with a host. */
export type HostAlarm = {
  readonly id: string;
  readonly text: string;
  /** When it began, where it holds up only the runs that saw it begin: an earlier one may be what the run mends. */
  readonly since?: Instant;
};

/** What keeps work away from a host besides a cordon, as KEY:EFFECT. */
export type HostTaint = string;

/** The end of an instance that is shutting down. */
export type Leaving = {
  readonly since: Instant;
  /** When it should be gone. */
  readonly due: Instant;
  /** Who must agree before it is gone, besides its host. */
  readonly heldBy: readonly string[];
  /** Its release can call it off: an abort does not await it. */
  readonly revocable?: boolean;
};

export type HostFacts = {
  readonly name: HostName;
  /** Another uid under the same name is another host. */
  readonly uid: string;
  /** When it joined the cluster under this uid, or up to a second before; undefined where that is not known. */
  readonly joinedAt: Instant | undefined;
  /** Whether it belongs to the pool in question: by its claim while it is claimed, otherwise by its labels. */
  readonly isMember: boolean;
  /** Fences writes: it changes with every change of the host. */
  readonly revision: string;
  /** Takes no new work. */
  readonly closedToNewWork: boolean;
  readonly ready: boolean;
  /** Empty when healthy. */
  readonly alarms: readonly HostAlarm[];
  /** The taints of others, without those that the pool tolerates. */
  readonly foreignTaints: readonly HostTaint[];
  /** Changes with each boot. Undefined where the platform does not show it: then the Job of a reboot tells of it. */
  readonly bootId: string | undefined;
  readonly facts: Facts;
  /** The room for instances, such as vCPUs; undefined where it is not known. */
  readonly capacity?: number;
  readonly claim: Claim | undefined;
  /** Why the claim on the host is invalid: somebody edited it, or copied it from another host. */
  readonly spoiltClaim: string | undefined;
  /** Whether it has our mark against new work: we closed the host. */
  readonly hasMaintenanceMark: boolean;
  /** The uid of the owner that left the host locked, as its note says. */
  readonly leftLockedBy?: string | undefined;
  /**
   * The instances that a drain must remove. Undefined while they are unknown: the host is not watched yet, or its
   * instances were not listed since it was closed. A claimed and closed host shows every instance that came before.
   */
  readonly instances: readonly InstanceFacts[] | undefined;
};

/** A Job that was started on a host, and has neither ended nor left it after its withdrawal. */
export type JobAtWork = { readonly name: string; readonly uid: string };

/** A Job that was made for an effect. */
export type EffectFacts = {
  readonly name: string;
  readonly uid: string;
  readonly revision: string;
  readonly state: 'suspended' | 'running' | 'succeeded' | 'failed';
  /** Why it failed, such as `container apply exited with code 7`. */
  readonly failure?: string;
  /** What somebody changed in it since it was made, while it has not ended. */
  readonly altered?: string;
  /** Fences its start, where it has had none: it changes with everything but the status, which its controller writes. */
  readonly startRevision?: string;
  /** Whether it was suspended when it failed: somebody deleted it, and a finalizer keeps it. */
  readonly wasSuspended?: true;
  /** Whether a container of it has ever started; undefined while that is not known. */
  readonly containerStarted?: boolean;
  /** What keeps it from starting or from ending, such as `container apply waits: ImagePullBackOff`. */
  readonly waitsFor?: string;
};

/** An alarm: an unhealthy host of the pool that no run works on, and that has been Ready before. */
export type Alarm = HostAlarm & { readonly host: HostName };

export type AlarmsSignal = {
  /** The last time at which this was known to be true. It does not advance while the connection is lost. */
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

/** The controllers of a pool. */
export type Controllers = {
  readonly all: ReadonlySet<HostName>;
  /** Those that are closed, not ready, or have a taint that says that they are out of service; with a claim or without. */
  readonly down: ReadonlySet<HostName>;
};

/** What the members of a control plane said when they were asked whether they serve. It holds for one grant of permits. */
export type MemberHealth = {
  /** Why they do not serve, by host. */
  readonly down: ReadonlyMap<HostName, string>;
  /** Why it is not known whether they serve: no controller is taken until it is. */
  readonly unknown?: string | undefined;
};

export const NO_CONTROLLERS: Controllers = { all: new Set(), down: new Set() };

/** Sums over all hosts of a pool, kept up to date change by change. */
export type FleetFacts = {
  readonly total: number;
  /** Hosts that others took out of service: closed, not ready, or with a taint that says so; without a claim of ours. */
  readonly outOfServiceByOthers: ReadonlySet<HostName>;
  /** Hosts with a claim of level away, of any run: they are out of service, with or without a permit. */
  readonly claimedAway: ReadonlySet<HostName>;
  /** Hosts that a session has closed to new work: they serve, but no other run may take them. */
  readonly closedByRuns: ReadonlyMap<HostName, Pick<Claim, 'run' | 'owner'>>;
  readonly controllers: Controllers;
  /** Hosts that the pool selects and that an older pool keeps. */
  readonly keptByOtherPools: ReadonlySet<HostName>;
  /** It changes with every input of a plan: the hosts, their roles, their facts. */
  readonly revision: string;
  /** Why the hosts cannot be observed now, and what to do: no outage begins meanwhile. */
  readonly unobservable?: string | undefined;
  /** Whether that is only because they are being listed for the first time. */
  readonly isBeingListed?: boolean;
};

export interface View {
  host(name: HostName): HostFacts | undefined;
  /** The Job of this owner that was made for an effect. */
  effect(key: EffectKey, owner: OwnerRef): EffectFacts | undefined;
  /** The Job of this owner with this uid. */
  job(uid: string, owner: OwnerRef): EffectFacts | undefined;
  /** The Jobs of this owner, of any run, that work on a host. */
  jobsOn(host: HostName, owner: OwnerRef): readonly JobAtWork[];
  /** Undefined while the signal is not known. Throws for an id that is none. */
  signal<Id extends keyof Signals>(id: Id): Signals[Id] | undefined;
  /** How the adapter words what happens to its hosts. */
  readonly words: HostWords;
  readonly fleet: FleetFacts;
  /** The hosts of the pool as they are known now, as the input of a plan. It looks at every host. */
  seeds(): readonly HostSeed[];
  /**
   * What it would meet to empty a host in this way, as it was at the last inventory; undefined where that is not known. An adapter
   * that does not look has no such method.
   */
  forecast?(name: HostName, action: InstanceAction): readonly InstanceFacts[] | undefined;
  /**
   * Where the instances of hosts that are out of service together would go, by the last inventory and the hosts as they
   * are now; undefined where that is not known. An adapter that does not look has no such method.
   */
  placement?(away: readonly HostName[], action: InstanceAction): PlacementForecast | undefined;
}
