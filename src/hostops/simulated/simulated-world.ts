/**
 * Hosts that exist in memory only, with what the engine can do to them and what
 * others can: pods that leave, budgets that forbid it, Jobs, reboots. Time
 * passes when `advanceTo` is called, never by itself. It has no faults.
 */
import { REBOOT } from '../../crds/vocabulary.ts';
import type { Claim, EffectKey } from '../../engine/view.ts';
import type { Facts, HostName } from '../../planner/facts.ts';
import { withFacts } from './simulated-facts.ts';
import { VirtualClock } from './virtual-clock.ts';

/** `honest`: does as told. `lie`: its Jobs succeed and nothing changes. A number: its patches end with that exit code. */
export type Behaviour = 'honest' | 'lie' | number;

/** What a patch changes on a host, by fact name: when its Job ends, and when the host boots next. */
export type PatchChange = { readonly atOnce?: Facts; readonly atReboot?: Facts };

export type SimulatedHost = {
  readonly name: HostName;
  readonly revision: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly nodeInfo: Facts;
  /** Facts that the next boot brings. */
  readonly installed: Facts;
  readonly bootId: string;
  readonly closedToNewWork: boolean;
  readonly ready: boolean;
  readonly claim: Claim | undefined;
  /** Somebody has put something else in the place of the claim. */
  readonly spoiltClaim: string | undefined;
  /** Closed by us: it keeps new work away even when somebody opens it. */
  readonly hasMaintenanceMark: boolean;
  /** Why a strategy that went has left it locked. */
  readonly leftLocked: string | undefined;
  readonly behaviour: Behaviour;
  /** What takes another time here than elsewhere. */
  readonly times: Partial<SimulatedTimes>;
};

export type SimulatedPod = {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly host: HostName;
  readonly budget: string | undefined;
  readonly leaving: boolean;
  readonly unmanaged: boolean;
  readonly localData: boolean;
};

export type SimulatedJob = {
  readonly key: EffectKey;
  readonly run: string;
  readonly ownerUid: string;
  /** Of the leader that wrote it last. */
  readonly epoch: number;
  readonly host: HostName;
  readonly action: string;
  readonly container: string;
  readonly name: string;
  readonly uid: string;
  readonly revision: number;
  readonly state: 'suspended' | 'running' | 'succeeded' | 'failed';
  readonly failure?: string;
};

export type NewHost = Pick<SimulatedHost, 'name'> &
  Partial<Pick<SimulatedHost, 'labels' | 'nodeInfo' | 'closedToNewWork' | 'ready' | 'behaviour' | 'times'>>;
export type NewPod = Pick<SimulatedPod, 'name' | 'host'> & Partial<Omit<SimulatedPod, 'uid' | 'leaving'>>;

export type SimulatedTimes = {
  /** How long a Job that applies a patch takes. */
  readonly jobMilliseconds: number;
  /** How long the Job takes that reboots its host. */
  readonly rebootJobMilliseconds: number;
  /** From the end of that Job until the host is Ready again. */
  readonly rebootMilliseconds: number;
  /** How long a pod takes to go. */
  readonly leaveMilliseconds: number;
  /** How long after it has gone another serves in its place, and its budget is free again. */
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
  #serial = 0;
  #planRevision = 0;

  constructor(patches: Readonly<Record<string, PatchChange>> = {}, times: Partial<SimulatedTimes> = {}) {
    this.#patches = patches;
    this.#times = { ...DEFAULT_TIMES, ...times };
  }

  get now(): number {
    return this.#clock.now;
  }

  /** When something happens next by itself. */
  get nextAt(): number | undefined {
    return this.#clock.nextAt;
  }

  advanceTo(time: number): void {
    this.#clock.advanceTo(time);
  }

  /** Arranges for something to happen later. */
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

  /** Changes when hosts come or go, or their labels or facts change. */
  get planRevision(): string {
    return String(this.#planRevision);
  }

  /** Tells about every change, by the host that it is about. Returns what ends that. */
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
    behaviour = 'honest',
    times = {},
  }: NewHost): void {
    const unclaimed = {
      claim: undefined,
      spoiltClaim: undefined,
      hasMaintenanceMark: false,
      leftLocked: undefined,
    };
    const state = { closedToNewWork, ready, behaviour, times, installed: {}, ...unclaimed };
    const bootId = this.#next('boot');
    this.#hosts.set(name, { name, revision: this.#number(), labels, nodeInfo, bootId, ...state });
    this.#planRevision += 1;
    this.#tell(name);
  }

  /** The host vanishes with all that runs on it. */
  removeHost(name: HostName): void {
    this.#hosts.delete(name);
    for (const pod of this.podsOn(name)) this.#pods.delete(pod.uid);
    this.#planRevision += 1;
    this.#tell(name);
  }

  /** Changes a host under another revision; one that has vanished stays so. */
  changeHost(name: HostName, change: Partial<Omit<SimulatedHost, 'name' | 'revision'>>): void {
    const before = this.#hosts.get(name);
    if (!before) return;
    this.#hosts.set(name, { ...before, ...change, revision: this.#number() });
    if (change.labels || change.nodeInfo) this.#planRevision += 1;
    this.#tell(name);
  }

  podsOn(host: HostName): SimulatedPod[] {
    return [...this.#pods.values()].filter((pod) => pod.host === host);
  }

  addPod(pod: NewPod): SimulatedPod {
    const defaults = { namespace: 'default', budget: undefined, unmanaged: false, localData: false };
    const made = { ...defaults, ...pod, uid: this.#next('pod'), leaving: false };
    this.#pods.set(made.uid, made);
    this.#tell(made.host);
    return made;
  }

  /** How many pods under this budget may be disrupted now. */
  setBudget(name: string, allowed: number): void {
    this.#budgets.set(name, allowed);
    for (const pod of this.#pods.values()) if (pod.budget === name) this.#tell(pod.host);
  }

  /** Tells a pod to go, unless its budget is used up. */
  evict(pod: SimulatedPod): 'leaving' | 'over budget' {
    const { budget } = pod;
    const allowed = budget === undefined ? Infinity : (this.#budgets.get(budget) ?? 0);
    if (allowed <= 0) return 'over budget';
    if (budget !== undefined) this.setBudget(budget, allowed - 1);
    this.#pods.set(pod.uid, { ...pod, leaving: true });
    this.#tell(pod.host);
    this.#clock.after(this.#timesOf(pod.host).leaveMilliseconds, () => this.#leave(pod));
    return 'leaving';
  }

  /** Makes a suspended Job. */
  addJob(job: Omit<SimulatedJob, 'name' | 'uid' | 'revision' | 'state' | 'failure'>): void {
    const uid = this.#next('job');
    this.#jobs.set(job.key, {
      ...job,
      name: `careen-${uid}`,
      uid,
      revision: this.#number(),
      state: 'suspended',
    });
    this.#tell(job.host);
  }

  startJob(job: SimulatedJob): void {
    this.#changeJob(job.key, { state: 'running' });
    const { jobMilliseconds, rebootJobMilliseconds } = this.#timesOf(job.host);
    const milliseconds = job.action === REBOOT ? rebootJobMilliseconds : jobMilliseconds;
    this.#clock.after(milliseconds, () => this.#endJob(job));
  }

  /** Another leader takes the Job over. */
  stampJob({ key }: SimulatedJob, epoch: number): void {
    this.#changeJob(key, { epoch });
  }

  removeJob({ key, host }: SimulatedJob): void {
    this.#jobs.delete(key);
    this.#tell(host);
  }

  #leave({ uid, host, budget }: SimulatedPod): void {
    this.#pods.delete(uid);
    this.#tell(host);
    if (budget === undefined) return;
    this.#clock.after(this.#timesOf(host).replaceMilliseconds, () =>
      this.setBudget(budget, (this.#budgets.get(budget) ?? 0) + 1),
    );
  }

  #endJob({ key, host: name, action, container }: SimulatedJob): void {
    const host = this.#hosts.get(name);
    if (!host || !this.#jobs.has(key)) return;
    const { behaviour } = host;
    if (action === REBOOT) {
      if (behaviour !== 'lie') this.#reboot(name);
    } else if (typeof behaviour === 'number') {
      const failure = `container ${container} exited with code ${String(behaviour)}`;
      return this.#changeJob(key, { state: 'failed', failure });
    } else if (behaviour === 'honest') {
      this.#patch(host, action);
    }
    this.#changeJob(key, { state: 'succeeded' });
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

  #changeJob(key: EffectKey, change: Partial<SimulatedJob>): void {
    const before = this.#jobs.get(key);
    if (!before) return;
    this.#jobs.set(key, { ...before, ...change, revision: this.#number() });
    this.#tell(before.host);
  }

  #tell(host: HostName): void {
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
