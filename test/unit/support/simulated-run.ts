/**
 * The simulated operator for the tests of the engine. After each pass it checks
 * the invariants; it can also restart between any two passes.
 */
import { isDeepStrictEqual } from 'node:util';
import { RUN, SimulatedOperator, type Assignment } from '../../../src/cli/simulate/simulated-operator.ts';
import { hostPoolSpec, type HostPoolHealth } from '../../../src/crds/host-pool.ts';
import { STRATEGY_KINDS } from '../../../src/crds/strategy-kinds.ts';
import { specOfUpgrade, type StrategySpec } from '../../../src/crds/spec/strategy-spec.ts';
import { upgradeStrategySpec } from '../../../src/crds/spec/upgrade-strategy-spec.ts';
import type { ClaimLevel, StepName } from '../../../src/crds/vocabulary.ts';
import { decodeRun, statusOfRun, type StoredRun } from '../../../src/status/stored/codec.ts';
import type { DecideInput, Decided, NeedsMembers, NeedsPermits } from '../../../src/engine/decide.ts';
import type { DesiredPermits } from '../../../src/engine/permits/permits.ts';
import type { Effect, Outcome } from '../../../src/engine/effect.ts';
import type { EngineProfile } from '../../../src/engine/pass.ts';
import type { PartLimits } from '../../../src/engine/run/parts.ts';
import { currentStage, type RunState } from '../../../src/engine/run/run-state.ts';
import { allows, type PermitFacts, type Turn } from '../../../src/engine/turn.ts';
import type { HostFacts, MemberHealth, View } from '../../../src/engine/view.ts';
import type { Fence, Scope } from '../../../src/hostops/port.ts';
import { SimulatedHostOps } from '../../../src/hostops/simulated/simulated-host-ops.ts';
import type {
  NewHost,
  PatchChange,
  SimulatedTimes,
} from '../../../src/hostops/simulated/simulated-objects.ts';
import { SimulatedWorld } from '../../../src/hostops/simulated/simulated-world.ts';
import type { HostName, HostSeed } from '../../../src/planner/hosts/facts.ts';
import type { Plan } from '../../../src/planner/plan.ts';
import { planStrategy } from '../../../src/planner/plan-strategy.ts';

export const OWNER = { kind: 'PatchStrategy', namespace: 'careen-hosts', name: 'kernel', uid: 'strategy-1' };
export const KERNEL = 'kernel-6.12.48';
export const KUBELET = 'kubelet-1.36.4';
const OLD = { 'nodeInfo.kernelVersion': '6.12.40', 'nodeInfo.kubeletVersion': 'v1.36.3' };
/** A time that nothing depends on. */
const ANY_TIME = '2026-11-25T09:00:00.000Z';

export const job = { template: { spec: { containers: [{ name: 'apply', image: 'patch:1' }] } } };

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

/** A spec with both patches, a reboot and parallel workers by default. */
export function strategySpec(overrides: Record<string, unknown> = {}): StrategySpec {
  const patches = [kernelPatch, kubeletPatch];
  return STRATEGY_KINDS.PatchStrategy.readSpec.parse({
    patches,
    reboot: { job },
    workerApplyType: 'parallel',
    ...overrides,
  });
}

/** The release to which `upgradeSpec` upgrades all hosts. */
export const RELEASE = 'v1.36.4';

/** A spec of an upgrade of all roles, each host by one Job, with a reboot. */
export function upgradeSpec(overrides: Record<string, unknown> = {}): StrategySpec {
  const each = { action: { job }, rebootRequired: true };
  const hosts = { controller: each, storage: each, worker: each };
  const spec = { release: { version: RELEASE }, hosts, reboot: { job }, ...overrides };
  return specOfUpgrade(upgradeStrategySpec.parse(spec));
}

/** What the Job of a piece of work changes. */
function changesOf({ patches, release }: StrategySpec): Record<string, PatchChange> {
  if (!release)
    return {
      [KERNEL]: { atReboot: { 'nodeInfo.kernelVersion': '6.12.48' } },
      [KUBELET]: { atOnce: { 'nodeInfo.kubeletVersion': 'v1.36.4' } },
    };
  const facts: Record<string, string> = release.fact === undefined ? {} : { [release.fact]: release.version };
  const changes = patches.map(({ id, kind, rebootRequired, current }): [string, PatchChange] => {
    if (kind === 'rollback') return [id, rebootRequired ? { atReboot: OLD } : { atOnce: OLD }];
    if (kind === 'upgrade') return [id, rebootRequired ? { atReboot: facts } : { atOnce: facts }];
    const staged = current.map(({ fact, values = [] }) => [fact, values[0] ?? ''] as const);
    return [id, { atOnce: Object.fromEntries(staged) }];
  });
  return Object.fromEntries(changes);
}

export type RunOptions = {
  readonly hosts: readonly NewHost[];
  /** The spec of an upgrade, instead of that of patches. */
  readonly upgrade?: StrategySpec;
  readonly spec?: Record<string, unknown>;
  readonly maxUnavailable?: number;
  /** The hosts of the pool; by default all. */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly health?: Partial<HostPoolHealth>;
  readonly times?: Partial<SimulatedTimes>;
  readonly profile?: EngineProfile;
  /** Changes the plan that was built. */
  readonly planned?: (plan: Plan) => Plan;
  /** Cuts plans that are smaller than usual into parts. */
  readonly partLimits?: PartLimits;
  /** Reads the run back from its status between any two passes and forgets all outcomes, like a restart. */
  readonly restarts?: boolean;
  /** Refuses effects. */
  readonly refusal?: (effect: Effect, world: SimulatedWorld) => Outcome | undefined;
  /** How the platform shows a host, where it differs from Kubernetes. */
  readonly shown?: (facts: HostFacts) => HostFacts;
  /** The process that decides. */
  readonly leader?: (world: SimulatedWorld) => NonNullable<Turn['leader']>;
  /** Omits the checks, to measure the rest. */
  readonly unchecked?: boolean;
};

class OtherwiseOps extends SimulatedHostOps {
  readonly #refusal: (effect: Effect) => Outcome | undefined;
  readonly #shown: RunOptions['shown'];

  constructor(world: SimulatedWorld, { refusal, shown }: Pick<RunOptions, 'refusal' | 'shown'>) {
    super(world);
    this.#refusal = (effect) => refusal?.(effect, world);
    this.#shown = shown;
  }

  override view(scope: Scope): View {
    const view = super.view(scope);
    const shown = this.#shown;
    if (!shown) return view;
    const hostOf = (name: HostName): HostFacts | undefined => {
      const facts = view.host(name);
      return facts && shown(facts);
    };
    return { ...view, host: hostOf };
  }

  override async perform(scope: Scope, effect: Effect, fence: Fence, signal: AbortSignal): Promise<Outcome> {
    return this.#refusal(effect) ?? super.perform(scope, effect, fence, signal);
  }
}

export class SimulatedRun extends SimulatedOperator {
  /** Permits are not freed for now: the operator dies each time before it frees them. */
  freesLate = false;
  /** False: nobody knows whether there are alarms. */
  alarmsKnown = true;
  readonly #options: RunOptions;
  #diesOnceGranted = false;

  private constructor(assignment: Assignment, options: RunOptions) {
    super(assignment);
    this.#options = options;
  }

  /** Creates the hosts, all of them with the old kernel and kubelet, and builds the plan. */
  static async start(options: RunOptions): Promise<SimulatedRun> {
    const { hosts, maxUnavailable = 2, nodeSelector = {}, planned = (plan: Plan) => plan } = options;
    const spec = options.upgrade ?? strategySpec(options.spec);
    const world = new SimulatedWorld(changesOf(spec), options.times);
    for (const host of hosts) world.addHost({ ...host, nodeInfo: { ...OLD, ...host.nodeInfo } });
    const { roles, health } = hostPoolSpec.parse({
      provider: { kubernetes: {} },
      maxUnavailable,
      health: options.health,
    });
    const scope: Scope = {
      pool: 'default',
      provider: { kubernetes: { nodeSelector } },
      before: [],
      roles,
      health,
    };
    const ops = new OtherwiseOps(world, options);
    const seeds: HostSeed[] = [];
    for await (const page of ops.inventory(scope, new AbortController().signal)) seeds.push(...page);
    const plan = planned(planStrategy(spec, seeds, { maxUnavailable }).plan);
    const { partLimits } = options;
    const assignment = { world, ops, scope, plan, limit: maxUnavailable, owner: OWNER };
    return new SimulatedRun({ ...assignment, ...(partLimits ? { partLimits } : {}) }, options);
  }

  /** The hosts that carry a claim of this run. */
  get claimed(): HostName[] {
    return [...this.world.hosts.values()].filter(({ claim }) => claim?.run === RUN).map(({ name }) => name);
  }

  /** The running step of the apply phase. */
  get step(): StepName | undefined {
    const stage = currentStage(this.run.apply);
    return stage?.inProgress ? stage.steps[stage.currentStep]?.name : undefined;
  }

  /** Continues the run until the condition holds; fails with its state. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.next();
  }

  /** Continues the run until nothing changes any more by itself. */
  async settle(): Promise<void> {
    while ((await this.pass()) || this.nextAt !== undefined) this.advanceTime(this.nextAt ?? this.world.now);
  }

  /** Continues the run until permits are granted; the operator dies before it has stored the reason for them. */
  async untilGranted(): Promise<void> {
    this.#diesOnceGranted = true;
    try {
      await this.until(() => false);
    } catch (error) {
      if (!(error instanceof Died)) throw error;
    }
    this.#diesOnceGranted = false;
    this.restart(this.#stored(this.run));
  }

  /** Continues the run; fails with its state. */
  async next(): Promise<void> {
    if (!(await this.advance())) throw new Error(`nothing will change any more: ${this.describe()}`);
  }

  /** Lets this much time pass, with a pass whenever something happens. */
  async elapse(milliseconds: number): Promise<void> {
    const end = this.world.now + milliseconds;
    for (;;) {
      while (await this.pass());
      if (this.world.now >= end) return;
      this.advanceTime(Math.min(end, this.nextAt ?? end));
    }
  }

  override async pass(): Promise<boolean> {
    if (this.#options.restarts) this.restart(this.#stored(this.run));
    const changed = await super.pass();
    if (!this.#options.unchecked) this.#check();
    return changed;
  }

  protected override decide(input: DecideInput): Decided | NeedsPermits | NeedsMembers {
    return this.#checked(input, (given) => super.decide(given));
  }

  protected override decideKnowing(input: DecideInput, members: MemberHealth): Decided | NeedsPermits {
    return this.#checked(input, (given) => super.decideKnowing(given, members));
  }

  protected override decideWithPermits(input: DecideInput, permits: PermitFacts): Decided {
    return this.#checked(input, (given) => super.decideWithPermits(given, permits));
  }

  #checked<T extends Decided | NeedsPermits | NeedsMembers>(
    input: DecideInput,
    decideOn: (input: DecideInput) => T,
  ): T {
    const { turn } = input;
    const view = this.alarmsKnown ? turn.view : { ...turn.view, signal: () => undefined };
    const { profile } = this.#options;
    const { leader } = this.#options;
    const led = leader ? { ...turn, view, leader: leader(this.world) } : { ...turn, view };
    const known = { ...input, turn: led, ...(profile ? { profile } : {}) };
    if (this.#options.unchecked) return decideOn(known);
    deepFreeze(input.run);
    const decided = decideOn(known);
    const again = decideOn({ ...known, plan: this.#storedPlan(), run: this.#stored(this.run) });
    expectSame('a run that was read back decides otherwise', readBack(decided), readBack(again));
    if (!('decision' in decided)) return decided;
    const { run } = decided.decision;
    if (run !== this.run) expectSame('a run does not survive its status', run, this.#stored(run));
    return decided;
  }

  protected override grantOrFree(wish: DesiredPermits, members?: MemberHealth): PermitFacts {
    if (this.freesLate && wish.exactly) return { held: this.permits };
    const facts = super.grantOrFree(wish, members);
    if (this.#diesOnceGranted && !wish.exactly) throw new Died();
    return facts;
  }

  /** The run after a round trip through the status. */
  #stored(run: RunState): RunState {
    return this.#roundTrip(run).run;
  }

  /** The plan after a round trip through the status. */
  #storedPlan(): Plan {
    const { stages } = this.#roundTrip(this.run).plan;
    return { ...readBack(this.plan), stages };
  }

  #roundTrip(run: RunState): StoredRun {
    const record = {
      ...{ id: RUN, planDigest: this.plan.digest, specDigest: '', fleetRevision: '', builtAt: ANY_TIME },
      ...{ pool: this.scope.pool, actions: this.plan.actions },
    };
    const back = decodeRun(
      readBack(statusOfRun({ run: record }, run, { reasons: [], order: { mode: 'Run' } }, 1, ANY_TIME)),
    );
    if (!back) throw new Error(`the status holds no run: ${this.describe()}`);
    return back;
  }

  #check(): void {
    const { hosts } = this.world;
    const away = this.claimed.filter((name) => hosts.get(name)?.claim?.level === 'away');
    if (away.length > this.limit)
      throw new Error(`${String(away.length)} hosts are away: ${away.join(', ')}`);
    const levelOf = (name: HostName): ClaimLevel => hosts.get(name)?.claim?.level ?? 'away';
    const unpermitted = this.claimed.filter((name) => {
      const level = levelOf(name);
      return level !== 'closed' && !allows(this.permits.get(name), level);
    });
    if (unpermitted.length > 0) throw new Error(`claimed without a permit: ${unpermitted.join(', ')}`);
    const unrecorded = this.claimed.filter((name) => !this.run.hosts.some((each) => each.name === name));
    if (unrecorded.length > 0) throw new Error(`claimed but not recorded: ${unrecorded.join(', ')}`);
  }
}

/** The operator has died in the middle of a pass. */
class Died extends Error {}

function readBack<T>(value: T): T {
  // A cast: the result of JSON.parse has no type.
  return JSON.parse(JSON.stringify(value)) as T;
}

function expectSame(complaint: string, left: unknown, right: unknown): void {
  if (isDeepStrictEqual(left, right)) return;
  throw new Error(`${complaint}: ${JSON.stringify(left)} and ${JSON.stringify(right)}`);
}

/** A pass shares most of a run with the run before: it must not change what it was given. */
function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  Object.values(value).forEach(deepFreeze);
}
