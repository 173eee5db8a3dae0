/**
 * Hosts that exist only in memory, with the effects of the engine and of
 * others: evictions, disruption budgets, Jobs, reboots. Time passes only in
 * `advanceTo`. It has no faults.
 */
import { REBOOT } from '../../crds/vocabulary.ts';
import type { EffectKey } from '../../engine/view.ts';
import type { HostName, PlatformFacts } from '../../planner/hosts/facts.ts';
import type { ConfigMapFacts } from '../config-maps.ts';
import { KeysByHost } from './keys-by-host.ts';
import { withFacts } from './simulated-facts.ts';
import {
  DEFAULT_TIMES,
  type NewHost,
  type NewPod,
  type PatchChange,
  type SimulatedHost,
  type SimulatedJob,
  type SimulatedPod,
  type SimulatedTimes,
} from './simulated-objects.ts';
import { VirtualClock } from './virtual-clock.ts';

const LOST_POD_MILLISECONDS = 40_000;

type Listener = (host: HostName) => void;

export class SimulatedWorld {
  readonly #clock = new VirtualClock(Date.UTC(2026, 10, 23, 9));
  readonly #patches: Readonly<Record<string, PatchChange>>;
  readonly #times: SimulatedTimes;
  readonly #hosts = new Map<HostName, SimulatedHost>();
  readonly #pods = new Map<string, SimulatedPod>();
  readonly #podsByHost = new KeysByHost();
  readonly #jobs = new Map<EffectKey, SimulatedJob>();
  readonly #jobsByHost = new KeysByHost();
  readonly #jobKeys = new Map<string, EffectKey>();
  readonly #changes: HostName[] = [];
  readonly #budgets = new Map<string, number>();
  readonly #listeners = new Set<Listener>();
  /** Why controllers do not serve in their control plane, and why they cannot be asked. */
  readonly membersDown = new Map<HostName, string>();
  membersUnknown: string | undefined;
  platform: PlatformFacts = {};
  /** By namespace/name. */
  readonly configMaps = new Map<string, ConfigMapFacts>();
  #serial = 0;

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

  /** The hosts of all changes so far, in order: of the host, its pods or its Jobs. */
  get changes(): readonly HostName[] {
    return this.#changes;
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
    jobs = {},
    capacity,
  }: NewHost): void {
    const unclaimed = {
      claim: undefined,
      spoiltClaim: undefined,
      hasMaintenanceMark: false,
      leftLocked: undefined,
    };
    const observed = { closedToNewWork, ready, wasReady, conditions, taints };
    const state = { ...observed, behaviour, times, jobs, installed: {}, ...unclaimed };
    const bootId = this.#next('boot');
    const revision = this.#number();
    this.#hosts.set(name, {
      name,
      uid: `host-${String(revision)}`,
      joinedAt: this.now,
      revision,
      labels,
      nodeInfo,
      bootId,
      capacity,
      ...state,
    });
    this.#report(name);
  }

  /** Removes a host with its pods. The cluster notices later that the pods of its Jobs are gone. */
  removeHost(name: HostName): void {
    this.#hosts.delete(name);
    for (const job of this.jobsOn(name))
      if (job.state === 'running') this.#clock.after(LOST_POD_MILLISECONDS, () => this.#loseJob(job));
    for (const pod of this.podsOn(name)) this.#dropPod(pod);
    this.#report(name);
  }

  /** Changes a host and its revision; does nothing when the host was removed. */
  changeHost(name: HostName, change: Partial<Omit<SimulatedHost, 'name' | 'uid' | 'revision'>>): void {
    const before = this.#hosts.get(name);
    if (!before) return;
    const wasReady = change.ready === true || before.wasReady;
    this.#hosts.set(name, { ...before, wasReady, ...change, revision: this.#number() });
    this.#report(name);
  }

  podsOn(host: HostName): SimulatedPod[] {
    return this.#podsByHost.on(host).flatMap((uid) => this.#pods.get(uid) ?? []);
  }

  /** The Jobs that were made for a host. */
  jobsOn(host: HostName): SimulatedJob[] {
    return this.#jobsByHost.on(host).flatMap((key) => this.#jobs.get(key) ?? []);
  }

  jobOf(uid: string): SimulatedJob | undefined {
    return this.#jobs.get(this.#jobKeys.get(uid) ?? '');
  }

  addPod(pod: NewPod): SimulatedPod {
    const plain = { unmanaged: false, ignoresClosing: false, localData: false, heldBy: [] };
    const defaults = { namespace: 'default', budget: undefined, ...plain };
    const made = { ...defaults, ...pod, uid: this.#next('pod'), createdAt: this.now, leaving: undefined };
    this.#pods.set(made.uid, made);
    this.#podsByHost.add(made.host, made.uid);
    this.#report(made.host);
    return made;
  }

  /** Removes a pod at once. */
  removePod(uid: string): void {
    const pod = this.#pods.get(uid);
    if (!pod) return;
    this.#dropPod(pod);
    this.#report(pod.host);
  }

  /** Moves a pod to another host; it keeps its identity, as a server does. */
  migratePod(uid: string, target: HostName, milliseconds: number, moved: () => void): void {
    const pod = this.#pods.get(uid);
    if (!pod) return;
    const leaving = { since: this.now, due: this.now + milliseconds, heldBy: [] };
    const move = this.#number();
    this.#pods.set(uid, { ...pod, leaving, movingTo: target, move });
    this.#report(pod.host);
    this.#clock.after(milliseconds, () => {
      const before = this.#pods.get(uid);
      if (before?.move !== move) return;
      this.#podsByHost.remove(before.host, uid);
      this.#podsByHost.add(target, uid);
      const arrived = { leaving: undefined, movingTo: undefined, move: undefined };
      this.#pods.set(uid, { ...before, host: target, ...arrived });
      moved();
      this.#report(before.host);
      this.#report(target);
    });
  }

  /** Ends a move to another host before it has arrived. Returns whether there was one. */
  callOff(uid: string): boolean {
    const pod = this.#pods.get(uid);
    if (pod?.move === undefined) return false;
    this.#pods.set(uid, { ...pod, leaving: undefined, movingTo: undefined, move: undefined });
    this.#report(pod.host);
    return true;
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
    this.#jobsByHost.add(job.host, job.key);
    this.#jobKeys.set(uid, job.key);
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
    const usual = job.action === REBOOT ? rebootJobMilliseconds : jobMilliseconds;
    const milliseconds = host?.jobs[job.action]?.milliseconds ?? usual;
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

  removeJob({ key, uid, host }: SimulatedJob): void {
    this.#jobs.delete(key);
    this.#jobsByHost.remove(host, key);
    this.#jobKeys.delete(uid);
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
    const exitCode = host.jobs[action]?.exitCode ?? behaviour;
    if (action === REBOOT) {
      if (behaviour !== 'lie') this.#reboot(name);
    } else if (typeof exitCode === 'number') {
      const failure = `container ${container} exited with code ${String(exitCode)}`;
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

  #dropPod({ uid, host }: SimulatedPod): void {
    this.#pods.delete(uid);
    this.#podsByHost.remove(host, uid);
  }

  #report(host: HostName): void {
    this.#changes.push(host);
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
