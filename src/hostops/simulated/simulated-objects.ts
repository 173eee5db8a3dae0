/** What a simulated world consists of. */
import type { Claim, EffectKey, Leaving } from '../../engine/view.ts';
import type { Facts, HostName } from '../../planner/hosts/facts.ts';
import type { Labels } from '../../planner/hosts/labels.ts';
import type { HostCondition, Taint } from '../health.ts';

/**
 * `honest`: its Jobs work. `lie`: its Jobs succeed and change nothing. `stuck`: no container of its Jobs starts.
 * A number: the exit code of all its Jobs but the reboot.
 */
export type Behaviour = 'honest' | 'lie' | 'stuck' | number;

/** The facts that a patch changes on a host, by fact name: at the end of its Job, and at the next boot of the host. */
export type PatchChange = { readonly atOnce?: Facts; readonly atReboot?: Facts };

export type SimulatedHost = {
  readonly name: HostName;
  readonly uid: string;
  readonly joinedAt: number;
  readonly revision: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly nodeInfo: Facts;
  /** Facts that take effect at the next boot. */
  readonly installed: Facts;
  readonly bootId: string;
  /** The room for pods that have a size. */
  readonly capacity: number | undefined;
  readonly closedToNewWork: boolean;
  readonly ready: boolean;
  /** Whether it has ever been ready. */
  readonly wasReady: boolean;
  /** The conditions besides Ready that are True. */
  readonly conditions: readonly HostCondition[];
  /** The taints of others. */
  readonly taints: readonly Taint[];
  readonly claim: Claim | undefined;
  /** Why the claim is none any more, after somebody changed it. */
  readonly spoiltClaim: string | undefined;
  /** Set on a host that Careen closed. It keeps new work away even when somebody opens the host. */
  readonly hasMaintenanceMark: boolean;
  /** Why the host was left locked. */
  readonly leftLocked: string | undefined;
  /** The uid of the owner that left it locked. */
  readonly leftLockedBy?: string;
  readonly behaviour: Behaviour;
  /** The times that differ on this host. */
  readonly times: Partial<SimulatedTimes>;
  /** What differs in its Jobs, by their action. */
  readonly jobs: Readonly<Record<string, JobBehaviour>>;
};

export type JobBehaviour = { readonly milliseconds?: number; readonly exitCode?: number };

export type SimulatedPod = {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly host: HostName;
  readonly budget: string | undefined;
  readonly createdAt: number;
  readonly leaving: Leaving | undefined;
  readonly unmanaged: boolean;
  readonly ignoresClosing: boolean;
  readonly localData: boolean;
  /** It never leaves while somebody holds it. */
  readonly heldBy: readonly string[];
  /** Of a server: its project, and what it takes of the capacity of its host. */
  readonly project?: string;
  readonly size?: number;
  readonly floatingAddress?: boolean;
  /** Where it arrives at the end of its move. */
  readonly movingTo?: HostName | undefined;
  /** Its move, while it has not arrived. */
  readonly move?: number | undefined;
  readonly labels?: Labels;
};

export type SimulatedJob = {
  readonly key: EffectKey;
  readonly run: string;
  readonly ownerUid: string;
  /** The epoch of the leader that wrote it last. */
  readonly epoch: number;
  readonly host: HostName;
  readonly action: string;
  readonly container: string;
  readonly name: string;
  readonly uid: string;
  readonly revision: number;
  readonly state: 'suspended' | 'running' | 'succeeded' | 'failed';
  readonly failure?: string;
  /** What somebody changed in it since it was made. */
  readonly altered?: string | undefined;
  /** The Job controller has not seen it yet. */
  /** It was suspended when somebody deleted it, and a finalizer keeps it. */
  readonly wasSuspended?: true;
  /** It was started at some time, also if it is suspended again. */
  readonly wasStarted?: true;
  readonly containerStarted: boolean;
};

export type NewHost = Pick<SimulatedHost, 'name'> &
  Partial<
    Pick<
      SimulatedHost,
      | 'labels'
      | 'nodeInfo'
      | 'closedToNewWork'
      | 'ready'
      | 'wasReady'
      | 'conditions'
      | 'taints'
      | 'behaviour'
      | 'times'
      | 'jobs'
      | 'capacity'
    >
  >;
export type NewPod = Pick<SimulatedPod, 'name' | 'host'> &
  Partial<Omit<SimulatedPod, 'uid' | 'createdAt' | 'leaving'>>;

export type SimulatedTimes = {
  /** How long a Job that applies a patch takes. */
  readonly jobMilliseconds: number;
  /** How long a Job that reboots its host takes. */
  readonly rebootJobMilliseconds: number;
  /** From the end of that Job until the host is Ready again. */
  readonly rebootMilliseconds: number;
  /** How long a pod takes to leave. */
  readonly leaveMilliseconds: number;
  /** How long after that its replacement is ready, and its budget is free again. */
  readonly replaceMilliseconds: number;
};

export const DEFAULT_TIMES: SimulatedTimes = {
  jobMilliseconds: 10_000,
  rebootJobMilliseconds: 10_000,
  rebootMilliseconds: 60_000,
  leaveMilliseconds: 5_000,
  replaceMilliseconds: 2_000,
};
