/**
 * Hosts that exist only in memory, with the effects of the engine and of
 * others: evictions, disruption budgets, Jobs, reboots. Time passes only in
 * `advanceTo`. It has no faults.
 */
import { REBOOT } from '../../crds/vocabulary.ts';
import type { Claim, EffectKey, Leaving } from '../../engine/view.ts';
import type { Facts, HostName } from '../../planner/facts.ts';
import type { ConfigMapFacts } from '../config-maps.ts';
import type { HostCondition, Taint } from '../health.ts';
import { withFacts } from './simulated-facts.ts';
import { VirtualClock } from './virtual-clock.ts';

/**
 * `honest`: its Jobs work. `lie`: its Jobs succeed and change nothing. `stuck`: no container of its Jobs starts.
 * A number: the exit code of its patches.
 */
export type Behaviour = 'honest' | 'lie' | 'stuck' | number;

/** The facts that a patch changes on a host, by fact name: at the end of its Job, and at the next boot of the host. */
export type PatchChange = { readonly atOnce?: Facts; readonly atReboot?: Facts };

export type SimulatedHost = {
  readonly name: HostName;
  readonly uid: string;
  readonly revision: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly nodeInfo: Facts;
  /** Facts that take effect at the next boot. */
  readonly installed: Facts;
  readonly bootId: string;
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
};

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
};

const LOST_POD_MILLISECONDS = 40_000;

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
  readonly isUnseen?: boolean;
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

type Listener = (host: HostName) => void;

export class SimulatedWorld {
  readonly #clock = new VirtualClock(Date.UTC(2026, 10, 23, 9));
  readonly #patches: Readonly<Record<string, PatchChange>>;
  readonly #times: SimulatedTimes;
  readonly #hosts = new Map<HostName, SimulatedHost>();
  readonly #pods = new Map<string, SimulatedPod>();
  readonly #jobs = new Map<EffectKey, SimulatedJob>();
  readonly #budgets = new Map<string, number>();
  readonly #listeners = new Set<Listener>();
  /** By namespace/name. */
  readonly configMaps = new Map<string, ConfigMapFacts>();
  #serial = 0;
  #planRevision = 0;

  constructor(patches: Readonly<Record<string, PatchChange>> = {}, times: Partial<SimulatedTimes> = {}) {
    this.#patches = patches;
    this.#times = { ...DEFAULT_TIMES, ...times };
  }

  get now(): number {
    return this.#clock.now;
  }

  /** The time of the next scheduled action; undefined when none is scheduled. */
  get nextAt(): number | undefined {
    return this.#clock.nextAt;
  }

  advanceTo(time: number): void {
    this.#clock.advanceTo(time);
  }

  /** Schedules an action. */
  after(milliseconds: number, act: () => void): void {
    this.#clock.after(milliseconds, act);
  }

  get hosts(): ReadonlyMap<HostName, SimulatedHost> {
    return this.#hosts;
  }

  get pods(): ReadonlyMap<string, SimulatedPod> {
    return this.#pods;
  }

  get jobs(): ReadonlyMap<EffectKey, SimulatedJob> {
    return this.#jobs;
  }

  /** Changes when a host is added or removed, or when its labels or facts change. */
  get planRevision(): string {
    return String(this.#planRevision);
  }

  /** Calls the listener with the host of every change. Returns a function that ends this. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  addHost({
    name,
    labels = {},
    nodeInfo = {},
    closedToNewWork = false,
    ready = true,
    wasReady = true,
    conditions = [],
    taints = [],
    behaviour = 'honest',
    times = {},
  }: NewHost): void {
    const unclaimed = {
      claim: undefined,
      spoiltClaim: undefined,
      hasMaintenanceMark: false,
      leftLocked: undefined,
    };
    const observed = { closedToNewWork, ready, wasReady, conditions, taints };
    const state = { ...observed, behaviour, times, installed: {}, ...unclaimed };
    const bootId = this.#next('boot');
    const revision = this.#number();
    this.#hosts.set(name, {
      name,
      uid: `host-${String(revision)}`,
      revision,
      labels,
      nodeInfo,
      bootId,
      ...state,
    });
    this.#planRevision += 1;
    this.#report(name);
  }

  /** Removes a host with its pods. The cluster notices later that the pods of its Jobs are gone. */
  removeHost(name: HostName): void {
    this.#hosts.delete(name);
    for (const job of this.#jobs.values())
      if (job.host === name && job.state === 'running')
        this.#clock.after(LOST_POD_MILLISECONDS, () => this.#loseJob(job));
    for (const pod of this.podsOn(name)) this.#pods.delete(pod.uid);
    this.#planRevision += 1;
    this.#report(name);
  }

  /** Changes a host and its revision; does nothing when the host was removed. */
  changeHost(name: HostName, change: Partial<Omit<SimulatedHost, 'name' | 'uid' | 'revision'>>): void {
    const before = this.#hosts.get(name);
    if (!before) return;
    const wasReady = change.ready === true || before.wasReady;
    this.#hosts.set(name, { ...before, wasReady, ...change, revision: this.#number() });
    if (change.labels || change.nodeInfo) this.#planRevision += 1;
    this.#report(name);
  }

  podsOn(host: HostName): SimulatedPod[] {
    return [...this.#pods.values()].filter((pod) => pod.host === host);
  }

  addPod(pod: NewPod): SimulatedPod {
    const plain = { unmanaged: false, ignoresClosing: false, localData: false, heldBy: [] };
    const defaults = { namespace: 'default', budget: undefined, ...plain };
    const made = { ...defaults, ...pod, uid: this.#next('pod'), createdAt: this.now, leaving: undefined };
    this.#pods.set(made.uid, made);
    this.#report(made.host);
    return made;
  }

  /** Removes a pod at once. */
  removePod(uid: string): void {
    const pod = this.#pods.get(uid);
    this.#pods.delete(uid);
    if (pod) this.#report(pod.host);
  }

  /** Sets how many pods under this budget may be disrupted now. */
  setBudget(name: string, allowed: number): void {
    this.#budgets.set(name, allowed);
    for (const pod of this.#pods.values()) if (pod.budget === name) this.#report(pod.host);
  }

  /** Evicts a pod, unless its budget is used up. */
  evict(pod: SimulatedPod): 'leaving' | 'over budget' {
    const { budget } = pod;
    const allowed = budget === undefined ? Infinity : (this.#budgets.get(budget) ?? 0);
    if (allowed <= 0) return 'over budget';
    if (budget !== undefined) this.setBudget(budget, allowed - 1);
    const { leaveMilliseconds } = this.#timesOf(pod.host);
    const due = this.now + this.#times.leaveMilliseconds;
    const leaving = { since: this.now, due, heldBy: pod.heldBy };
    this.#pods.set(pod.uid, { ...pod, leaving });
    this.#report(pod.host);
    if (pod.heldBy.length === 0) this.#clock.after(leaveMilliseconds, () => this.#leave(pod));
    return 'leaving';
  }

  /** Makes a suspended Job. */
  addJob(
    job: Omit<SimulatedJob, 'name' | 'uid' | 'revision' | 'state' | 'failure' | 'containerStarted'>,
  ): void {
    const uid = this.#next('job');
    this.#jobs.set(job.key, {
      ...job,
      name: `careen-${uid}`,
      uid,
      revision: this.#number(),
      state: 'suspended',
      containerStarted: false,
    });
    this.#report(job.host);
  }

  startJob(job: SimulatedJob): void {
    const host = this.#hosts.get(job.host);
    const isStuck = host?.behaviour === 'stuck';
    this.changeJob(job.key, { state: 'running', wasStarted: true, containerStarted: !isStuck });
    if (isStuck) return;
    const { jobMilliseconds, rebootJobMilliseconds } = this.#timesOf(job.host);
    const milliseconds = job.action === REBOOT ? rebootJobMilliseconds : jobMilliseconds;
    this.#clock.after(milliseconds, () => {
      if (this.#hosts.get(job.host)?.uid === host?.uid) this.#endJob(job);
    });
  }

  /** Suspends a Job again. */
  withdrawJob({ key }: SimulatedJob): void {
    this.changeJob(key, { state: 'suspended' });
  }

  /** A container of the Job starts, although it was stuck or is suspended. */
  lateStart({ key }: SimulatedJob): void {
    this.changeJob(key, { containerStarted: true });
  }

  /** Another leader adopts the Job. */
  stampJob({ key }: SimulatedJob, epoch: number): void {
    this.changeJob(key, { epoch });
  }

  removeJob({ key, host }: SimulatedJob): void {
    this.#jobs.delete(key);
    this.#report(host);
  }

  #leave({ uid, host, budget }: SimulatedPod): void {
    this.removePod(uid);
    if (budget === undefined) return;
    this.#clock.after(this.#timesOf(host).replaceMilliseconds, () =>
      this.setBudget(budget, (this.#budgets.get(budget) ?? 0) + 1),
    );
  }

  #loseJob({ key, uid }: SimulatedJob): void {
    const job = this.#jobs.get(key);
    if (job?.uid === uid && job.state === 'running')
      this.changeJob(key, { state: 'failed', failure: 'its pod is gone' });
  }

  #endJob({ key, host: name, action, container }: SimulatedJob): void {
    const host = this.#hosts.get(name);
    if (!host || !this.#jobs.has(key)) return;
    const { behaviour } = host;
    if (action === REBOOT) {
      if (behaviour !== 'lie') this.#reboot(name);
    } else if (typeof behaviour === 'number') {
      const failure = `container ${container} exited with code ${String(behaviour)}`;
      return this.changeJob(key, { state: 'failed', failure });
    } else if (behaviour === 'honest') {
      this.#patch(host, action);
    }
    this.changeJob(key, { state: 'succeeded' });
  }

  #patch(host: SimulatedHost, id: string): void {
    const { atOnce, atReboot = {} } = this.#patches[id] ?? {};
    this.changeHost(host.name, {
      installed: { ...host.installed, ...atReboot },
      ...(atOnce ? withFacts(host, atOnce) : {}),
    });
  }

  #reboot(name: HostName): void {
    this.changeHost(name, { ready: false });
    this.#clock.after(this.#timesOf(name).rebootMilliseconds, () => {
      const host = this.#hosts.get(name);
      if (!host) return;
      const back = { ready: true, bootId: this.#next('boot'), installed: {} };
      this.changeHost(name, { ...withFacts(host, host.installed), ...back });
    });
  }

  #timesOf(name: HostName): SimulatedTimes {
    return { ...this.#times, ...this.#hosts.get(name)?.times };
  }

  /** Changes a Job and its revision; does nothing when the Job was removed. */
  changeJob(key: EffectKey, change: Partial<SimulatedJob>): void {
    const before = this.#jobs.get(key);
    if (!before) return;
    this.#jobs.set(key, { ...before, ...change, revision: this.#number() });
    this.#report(before.host);
  }

  #report(host: HostName): void {
    for (const listener of this.#listeners) listener(host);
  }

  #number(): number {
    this.#serial += 1;
    return this.#serial;
  }

  #next(prefix: string): string {
    return `${prefix}-${String(this.#number())}`;
  }
}
