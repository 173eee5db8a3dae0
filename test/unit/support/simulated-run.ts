/**
 * Carries a plan out on a simulated world: let time pass, decide, store, grant
 * permits, perform, again. After each pass it checks what must always hold; it
 * can also restart the operator between any two passes.
 */
import { isDeepStrictEqual } from 'node:util';
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';
import { patchStrategySpec, type PatchStrategySpec } from '../../../src/crds/patch-strategy-spec.ts';
import type { StepName } from '../../../src/crds/vocabulary.ts';
import { Outcomes } from '../../../src/controllers/outcomes.ts';
import { settlePermits } from '../../../src/controllers/permits.ts';
import { runOf, statusOfRun } from '../../../src/controllers/strategy-status.ts';
import type { HostPoolStatus } from '../../../src/crds/host-pool.ts';
import { advance } from '../../../src/engine/advance.ts';
import type { Effect } from '../../../src/engine/effect.ts';
import type { Answer, RunRequest } from '../../../src/engine/requests.ts';
import { newRun, type RunState } from '../../../src/engine/run-state.ts';
import type { Decision, Order, Turn } from '../../../src/engine/turn.ts';
import type { HostWatch, Scope } from '../../../src/hostops/port.ts';
import { SimulatedHostOps } from '../../../src/hostops/simulated/simulated-host-ops.ts';
import {
  SimulatedWorld,
  type NewHost,
  type SimulatedTimes,
} from '../../../src/hostops/simulated/simulated-world.ts';
import { build } from '../../../src/planner/build.ts';
import type { HostName, HostSeed } from '../../../src/planner/facts.ts';
import type { Plan } from '../../../src/planner/plan.ts';

export const RUN = 'run-1';
export const EPOCH = 1;
export const OWNER = { namespace: 'careen-hosts', name: 'kernel', uid: 'strategy-1' };
export const KERNEL = 'kernel-6.12.48';
export const KUBELET = 'kubelet-1.36.4';
const OLD = { 'nodeInfo.kernelVersion': '6.12.40', 'nodeInfo.kubeletVersion': 'v1.36.3' };
/** More passes than any run needs; beyond that it turns in circles. */
const MAX_PASSES = 20_000;
/** A time that nothing depends on. */
const NOBODY_ASKS = '2026-11-25T09:00:00.000Z';

const job = { template: { spec: { containers: [{ name: 'apply', image: 'patch:1' }] } } };

export const kernelPatch = {
  id: KERNEL,
  rebootRequired: true,
  current: [{ fact: 'nodeInfo.kernelVersion', operator: 'AtLeast', values: ['6.12.48'] }],
  action: { job },
};
export const kubeletPatch = {
  id: KUBELET,
  current: [{ fact: 'nodeInfo.kubeletVersion', operator: 'In', values: ['v1.36.4'] }],
  action: { job },
};

/** A spec with both patches, a reboot and parallel workers, unless told otherwise. */
export function strategySpec(overrides: Record<string, unknown> = {}): PatchStrategySpec {
  const patches = [kernelPatch, kubeletPatch];
  return patchStrategySpec.parse({ patches, reboot: { job }, workerApplyType: 'parallel', ...overrides });
}

export type RunOptions = {
  readonly hosts: readonly NewHost[];
  readonly spec?: Record<string, unknown>;
  readonly maxUnavailable?: number;
  readonly times?: Partial<SimulatedTimes>;
  /** Reads the run back from its status between any two passes and forgets all outcomes, as a restart does. */
  readonly restarts?: boolean;
  /** Leaves the checks out, to measure the rest. */
  readonly unchecked?: boolean;
};

export class SimulatedRun {
  readonly world: SimulatedWorld;
  readonly plan: Plan;
  /** Every effect that was accepted, in order. */
  readonly accepted: Effect[] = [];
  run: RunState;
  order: Order = { mode: 'Run' };
  /** What people ask for and have no answer to. */
  requests: RunRequest[] = [];
  /** What they were answered. */
  readonly answers: Answer[] = [];
  /** False: nobody can tell whether there are alarms. */
  alarmsKnown = true;
  passes = 0;
  #decision: Decision | undefined;
  #ops: SimulatedHostOps;
  #watch: HostWatch;
  #outcomes = new Outcomes();
  #pool: HostPoolStatus = {};
  #refusal: string | undefined;
  readonly #scope: Scope;
  readonly #limit: number;
  readonly #options: RunOptions;

  private constructor(world: SimulatedWorld, scope: Scope, plan: Plan, options: RunOptions) {
    this.world = world;
    this.plan = plan;
    this.run = newRun(RUN, plan);
    this.#scope = scope;
    this.#limit = options.maxUnavailable ?? 2;
    this.#options = options;
    this.#ops = new SimulatedHostOps(world);
    this.#watch = this.#ops.watch(() => undefined);
  }

  /** Makes the hosts, all of them with the old kernel and kubelet, and builds the plan. */
  static async start(options: RunOptions): Promise<SimulatedRun> {
    const { hosts, maxUnavailable = 2 } = options;
    const changes = {
      [KERNEL]: { atReboot: { 'nodeInfo.kernelVersion': '6.12.48' } },
      [KUBELET]: { atOnce: { 'nodeInfo.kubeletVersion': 'v1.36.4' } },
    };
    const world = new SimulatedWorld(changes, options.times);
    for (const host of hosts) world.addHost({ ...host, nodeInfo: { ...OLD, ...host.nodeInfo } });
    const { roles } = hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable });
    const scope: Scope = { pool: 'default', nodeSelector: {}, before: [], roles };
    const seeds: HostSeed[] = [];
    const pages = new SimulatedHostOps(world).inventory(scope, new AbortController().signal);
    for await (const page of pages) seeds.push(...page);
    const { plan } = build(strategySpec(options.spec), seeds, { maxUnavailable });
    return new SimulatedRun(world, scope, plan, options);
  }

  /** The hosts that this run has permits for. */
  get permits(): ReadonlySet<HostName> {
    return new Set(this.#pool.permits?.map(({ host }) => host));
  }

  /** What is waited for, as the last pass said. */
  get reasons(): readonly string[] {
    return this.#decision?.reasons ?? [];
  }

  /** The hosts that carry a claim of this run. */
  get claimed(): HostName[] {
    return [...this.world.hosts.values()].filter(({ claim }) => claim?.run === RUN).map(({ name }) => name);
  }

  /** The running step of the apply phase. */
  get step(): StepName | undefined {
    const { stages, currentStage } = this.run.apply;
    const stage = stages[currentStage];
    return stage?.inProgress ? stage.steps[stage.currentStep]?.name : undefined;
  }

  /** Lets the run go on until this is so, or fails with where it stands. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.next();
  }

  /** Lets the run go on until nothing changes any more by itself. */
  async settle(): Promise<void> {
    while ((await this.pass()) || this.#nextAt() !== undefined) this.#elapse();
  }

  /** A pass; time passes only after one that changed nothing. */
  async next(): Promise<void> {
    if (await this.pass()) return;
    if (this.#nextAt() === undefined) throw new Error(`nothing will change any more: ${this.#describe()}`);
    this.#elapse();
  }

  /** Lets this much time pass, with a pass whenever something happens. */
  async elapse(milliseconds: number): Promise<void> {
    const end = this.world.now + milliseconds;
    for (;;) {
      while (await this.pass());
      if (this.world.now >= end) return;
      this.world.advanceTo(Math.min(end, this.#nextAt() ?? end));
    }
  }

  /** Decides once and does what was decided. Whether anything changed by it. */
  async pass(): Promise<boolean> {
    this.passes += 1;
    if (this.passes > MAX_PASSES) throw new Error(`it turns in circles: ${this.#describe()}`);
    if (this.#options.restarts) this.#restart();
    const before = this.run;
    const decision = this.#decide();
    this.#decision = decision;
    this.run = decision.run;
    this.answers.push(...decision.answers);
    this.requests = this.requests.filter(({ id }) => !decision.answers.some((answer) => answer.id === id));
    this.#watch.want(decision.wants.watch);
    const permitsChanged = this.#grant(decision);
    const moved = await this.#perform(decision.effects);
    if (!this.#options.unchecked) this.#check();
    return decision.run !== before || permitsChanged || moved;
  }

  #decide(): Decision {
    const view = this.#ops.view(this.#scope);
    const turn: Turn = {
      owner: OWNER,
      order: this.order,
      requests: this.requests,
      pool: this.#scope.pool,
      epoch: EPOCH,
      view: this.alarmsKnown ? view : { ...view, signal: () => undefined },
      permits: { held: this.permits, ...(this.#refusal === undefined ? {} : { refusal: this.#refusal }) },
      outcomes: this.#outcomes.all,
      now: this.world.now,
    };
    const decision = advance(this.plan, this.run, turn);
    if (this.#options.unchecked) return decision;
    const again = advance(readBack(this.plan), this.#stored(this.run), turn);
    expectSame('a run that was read back decides otherwise', readBack(decision), readBack(again));
    if (decision.run !== this.run)
      expectSame('a run does not survive its status', decision.run, this.#stored(decision.run));
    return decision;
  }

  #grant({ wants }: Decision): boolean {
    const strategy = `${OWNER.namespace}/${OWNER.name}`;
    const wish = { run: RUN, strategy, wants: wants.permits, exactly: true };
    const { outOfServiceByOthers, claimedAway } = this.#ops.view(this.#scope).fleet;
    const pool = { limit: this.#limit, outOfServiceByOthers, claimedAway, closedBecause: undefined };
    const { status, facts } = settlePermits(this.#pool, wish, pool, new Date(this.world.now).toISOString());
    const changed = status !== this.#pool;
    this.#pool = status;
    this.#refusal = facts.refusal;
    return changed;
  }

  async #perform(effects: readonly Effect[]): Promise<boolean> {
    let moved = false;
    for (const effect of effects) {
      const fence = { strategy: OWNER, run: RUN, epoch: EPOCH };
      const outcome = await this.#ops.perform(effect, fence, new AbortController().signal);
      this.#outcomes.note(effect, outcome, this.world.now);
      if (outcome.kind === 'accepted') this.accepted.push(effect);
      moved ||= outcome.kind === 'accepted' || outcome.kind === 'stale';
    }
    return moved;
  }

  /** The run as it comes back from the status that keeps it. */
  #stored(run: RunState): RunState {
    const record = {
      ...{ id: RUN, planDigest: this.plan.digest, specDigest: '', fleetRevision: '', builtAt: NOBODY_ASKS },
      ...{ pool: this.#scope.pool, actions: {} },
    };
    const back = runOf(readBack(statusOfRun({ run: record }, run, { reasons: [] }, 1, NOBODY_ASKS)));
    if (!back) throw new Error(`the status holds no run: ${this.#describe()}`);
    return back;
  }

  #restart(): void {
    this.run = this.#stored(this.run);
    this.#outcomes = new Outcomes();
    this.#watch.close();
    this.#ops = new SimulatedHostOps(this.world);
    this.#watch = this.#ops.watch(() => undefined);
    // What is watched follows from the run, so the first pass after a restart asks for it again.
    if (this.#decision) this.#watch.want(this.#decision.wants.watch);
  }

  #check(): void {
    const { hosts } = this.world;
    const away = this.claimed.filter((name) => hosts.get(name)?.claim?.level === 'away');
    if (away.length > this.#limit)
      throw new Error(`${String(away.length)} hosts are away: ${away.join(', ')}`);
    const unpermitted = this.claimed.filter((name) => !this.permits.has(name));
    if (unpermitted.length > 0) throw new Error(`claimed without a permit: ${unpermitted.join(', ')}`);
    const unrecorded = this.claimed.filter((name) => !this.run.hosts.some((each) => each.name === name));
    if (unrecorded.length > 0) throw new Error(`claimed but not recorded: ${unrecorded.join(', ')}`);
  }

  #nextAt(): number | undefined {
    const times = [this.world.nextAt, this.#decision?.wakeAt].filter((each) => each !== undefined);
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  #elapse(): void {
    this.world.advanceTo(this.#nextAt() ?? this.world.now);
  }

  #describe(): string {
    return JSON.stringify(
      { ...this.run, reasons: this.reasons, passes: this.passes, at: this.world.now },
      undefined,
      1,
    );
  }
}

function readBack<T>(value: T): T {
  // A cast: what JSON.parse returns has no type.
  return JSON.parse(JSON.stringify(value)) as T;
}

function expectSame(complaint: string, left: unknown, right: unknown): void {
  if (isDeepStrictEqual(left, right)) return;
  throw new Error(`${complaint}: ${JSON.stringify(left)} and ${JSON.stringify(right)}`);
}
