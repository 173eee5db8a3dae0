/**
 * The operator over simulated hosts, without an API server. Its loop: advance
 * time, decide, grant permits, store, perform. The decision and the port to the
 * hosts are those of the operator; only its work with Kubernetes itself is missing.
 */
import type { HostPoolStatus } from '../../crds/host-pool.ts';
import type { PhaseStatus, StageStatus } from '../../crds/observed/strategy-status.ts';
import type { PlanStageSpec } from '../../crds/plan-stage.ts';
import { Outcomes } from '../../engine/outcomes.ts';
import {
  heldBy,
  settlePermits,
  type DesiredPermits,
  type PoolCapacity,
} from '../../engine/permits/permits.ts';
import {
  decide,
  decideKnowing,
  decideWithPermits,
  type DecideInput,
  type Decided,
  type NeedsMembers,
  type NeedsPermits,
} from '../../engine/decide.ts';
import type { Effect } from '../../engine/effect.ts';
import { evaluateStep, type Evaluate } from '../../engine/evaluate.ts';
import type { EngineProfile } from '../../engine/pass.ts';
import { engineOf } from '../../engine/engine-of.ts';
import type { Constraints } from '../../engine/session/constraints/constraints.ts';
import type { ProjectReply } from '../../engine/session/session-state.ts';
import type { SessionProgress } from '../../engine/session/session-state.ts';
import type { Answer, RunRequest } from '../../engine/turn.ts';
import { atHand, partsOf, stagesOfPart, withNextPart, type PartLimits } from '../../engine/run/parts.ts';
import { needsNextPart, newRun, type RunState } from '../../engine/run/run-state.ts';
import type { Decision, HeldPermits, Obstacle, Order, PermitFacts, Turn } from '../../engine/turn.ts';
import type { MemberHealth, View } from '../../engine/view.ts';
import type { HostOps, HostWatch, Scope } from '../../hostops/port.ts';
import type { SimulatedWorld } from '../../hostops/simulated/simulated-world.ts';
import type { Plan } from '../../planner/plan.ts';

export const RUN = 'run-1';
export const EPOCH = 1;
/** More passes than a run needs at one instant. A run with more passes never ends. */
const MOST_PASSES_AT_ONCE = 2_000;

export type Assignment = {
  readonly world: SimulatedWorld;
  /** The port to that world. */
  readonly ops: HostOps;
  readonly scope: Scope;
  readonly plan: Plan;
  /** How many hosts of the pool may be out of service. */
  readonly limit: number;
  readonly owner: Turn['owner'];
  readonly evaluate?: Evaluate;
  readonly profile?: EngineProfile;
  /** Of a session: as it is before its first stage. */
  readonly session?: SessionProgress;
  /** Of a session whose workflow looks at constraints. */
  readonly constraints?: () => Constraints;
  readonly partLimits?: PartLimits;
  /** Called once a decision is stored, before its effects are performed. */
  readonly stored?: () => void;
};

export class SimulatedOperator {
  readonly world: SimulatedWorld;
  plan: Plan;
  readonly owner: Turn['owner'];
  readonly limit: number;
  readonly scope: Scope;
  run: RunState;
  order: Order = { mode: 'Run' };
  /** The requests without an answer. */
  requests: RunRequest[] = [];
  /** The answers of projects that no pass has seen. */
  replies: ProjectReply[] = [];
  /** The projects that can be reached. */
  listeners: ReadonlySet<string> | undefined;
  /** All answers to requests, in order. */
  readonly answers: Answer[] = [];
  /** Every effect that was accepted, in order. */
  readonly accepted: Effect[] = [];
  passes = 0;
  /** Of a large plan: the stages of the parts that are over. */
  readonly #ended: StageStatus[] = [];
  readonly #parts: readonly PlanStageSpec[] | undefined;
  readonly #ops: HostOps;
  readonly #evaluate: Evaluate;
  readonly #profile: EngineProfile;
  readonly #stored: () => void;
  readonly #constraints: (() => Constraints) | undefined;
  readonly #outcomes = new Outcomes();
  #decision: Decision | undefined;
  #watch: HostWatch;
  #pool: HostPoolStatus = {};
  #passesAtOnce = 0;

  constructor(assignment: Assignment) {
    const { world, ops, scope, plan, limit, owner, evaluate = evaluateStep, partLimits } = assignment;
    const { profile = engineOf(plan), session, stored = () => undefined } = assignment;
    this.world = world;
    this.plan = plan;
    this.owner = owner;
    this.limit = limit;
    this.scope = scope;
    this.run = { ...newRun(RUN, plan), ...(session ? { session } : {}) };
    this.#parts = partsOf(plan, { strategy: owner.name, run: RUN }, partLimits);
    const [first] = this.#parts ?? [];
    if (first) this.#take(first, atHand(this.run.apply, first));
    this.#ops = ops;
    this.#evaluate = evaluate;
    this.#profile = profile;
    this.#stored = stored;
    this.#constraints = assignment.constraints;
    this.#watch = ops.watch(scope, () => undefined);
  }

  /** The permits of the run. */
  get permits(): HeldPermits {
    return heldBy(this.#pool.permits ?? [], RUN);
  }

  /** The reasons why the run waits, from the last pass. */
  get reasons(): readonly string[] {
    return this.#decision?.reasons ?? [];
  }

  /** What the open stage waits for, from the last pass. */
  get obstacle(): Obstacle | undefined {
    return this.#decision?.obstacle;
  }

  /** The time of the next event in the world, or of the next pass that the run wants, whichever is first. */
  get nextAt(): number | undefined {
    const next = Math.min(this.world.nextAt ?? Infinity, this.#decision?.wakeAt ?? Infinity);
    return Number.isFinite(next) ? next : undefined;
  }

  /**
   * Makes a pass; advances time only if the pass changed nothing.
   * @returns false when nothing will change any more by itself
   */
  async advance(): Promise<boolean> {
    if (await this.pass()) return true;
    const next = this.nextAt;
    if (next === undefined) return false;
    this.advanceTime(next);
    return true;
  }

  /** Advances time; `until` must not be later than `nextAt`. */
  advanceTime(until: number): void {
    if (until > this.world.now) this.#passesAtOnce = 0;
    this.world.advanceTo(until);
  }

  /** Decides once and performs the decision. Returns whether another pass is due at once. */
  async pass(): Promise<boolean> {
    this.passes += 1;
    this.#passesAtOnce += 1;
    if (this.#passesAtOnce > MOST_PASSES_AT_ONCE)
      throw new Error(`the run makes passes without end: ${this.describe()}`);
    const { run: runBefore, requests: asked } = this;
    const poolBefore = this.#pool;
    const { members, ...first } = await this.#decideOrAsk();
    let { decided } = first;
    if ('grant' in decided) {
      const permits = this.grantOrFree(decided.grant, members);
      decided = this.decideWithPermits(this.#input(), permits);
    }
    const { decision, surplus } = decided;
    this.#decision = decision;
    this.run = decision.run;
    this.plan = decision.plan;
    this.replies = this.replies.filter(({ id }) => !decision.replies.some((reply) => reply.id === id));
    this.answers.push(...decision.answers);
    this.requests = asked.filter(({ id }) => !decision.answers.some((answer) => answer.id === id));
    this.#stored();
    if (surplus) this.grantOrFree(surplus);
    this.#watch.want(decision.wants.watch);
    const heard = await this.#perform(decision.effects);
    return this.#nextPart() || decision.run !== runBefore || this.#pool !== poolBefore || heard;
  }

  /** Of a plan in parts: takes the next part once the stages of this one have ended. Returns whether it did. */
  #nextPart(): boolean {
    const { apply } = this.run;
    const part = apply.later && this.#parts?.[apply.later.part];
    if (!part || !needsNextPart(apply)) return false;
    this.#ended.push(...apply.stages);
    this.#take(part, withNextPart(apply, part));
    return true;
  }

  #take({ stages, firstStage }: PlanStageSpec, apply: PhaseStatus): void {
    this.run = { ...this.run, apply };
    this.plan = { ...this.plan, stages, firstStage };
  }

  /** The apply phase with all stages of the plan. */
  get wholeApply(): PhaseStatus {
    const { stages, later } = this.run.apply;
    const toCome = later ? (this.#parts ?? []).slice(later.part).flatMap(stagesOfPart) : [];
    return { ...this.run.apply, stages: [...this.#ended, ...stages, ...toCome] };
  }

  protected decide(input: DecideInput): Decided | NeedsPermits | NeedsMembers {
    return decide(input);
  }

  protected decideKnowing(input: DecideInput, members: MemberHealth): Decided | NeedsPermits {
    return decideKnowing(input, members);
  }

  protected decideWithPermits(input: DecideInput, permits: PermitFacts): Decided {
    return decideWithPermits(input, permits);
  }

  protected grantOrFree(wish: DesiredPermits, members?: MemberHealth): PermitFacts {
    const now = new Date(this.world.now).toISOString();
    const capacity = { ...this.#capacity(this.#ops.view(this.scope)), members };
    const { status, facts } = settlePermits(this.#pool, wish, capacity, now);
    this.#pool = status;
    return facts;
  }

  /** Continues from the stored run, as a new process does. */
  protected restart(stored: RunState): void {
    this.run = stored;
    this.#outcomes.clear();
    this.#watch.close();
    this.#watch = this.#ops.watch(this.scope, () => undefined);
    // The watch follows from the run, so the first pass after a restart asks for the same watch.
    if (this.#decision) this.#watch.want(this.#decision.wants.watch);
  }

  protected describe(): string {
    const { run, reasons, passes } = this;
    return JSON.stringify({ ...run, reasons, passes, at: this.world.now }, undefined, 1);
  }

  #input(): DecideInput {
    const view = this.#ops.view(this.scope);
    const turn = {
      owner: this.owner,
      order: this.order,
      requests: this.requests,
      pool: this.scope.pool,
      epoch: EPOCH,
      view,
      outcomes: this.#outcomes.all,
      replies: this.replies,
      ...(this.listeners ? { listeners: this.listeners } : {}),
      ...(this.#constraints ? { constraints: this.#constraints() } : {}),
      now: this.world.now,
    };
    const pool = { status: this.#pool, capacity: this.#capacity(view) };
    return { plan: this.plan, run: this.run, turn, pool, evaluate: this.#evaluate, profile: this.#profile };
  }

  #capacity({ fleet }: View): PoolCapacity {
    const { outOfServiceByOthers, claimedAway, closedByRuns, controllers } = fleet;
    const hosts = { outOfServiceByOthers, claimedAway, closedByRuns, controllers };
    return { limit: this.limit, ...hosts, closedBecause: undefined };
  }

  async #decideOrAsk(): Promise<{
    readonly decided: Decided | NeedsPermits;
    readonly members?: MemberHealth;
  }> {
    const decided = this.decide(this.#input());
    if (!('ask' in decided)) return { decided };
    const members = await this.#ops.memberHealth(this.scope, decided.ask, new AbortController().signal);
    return { decided: this.decideKnowing(this.#input(), members), members };
  }

  /** Performs the effects. Returns whether an outcome makes another pass due at once. */
  async #perform(effects: readonly Effect[]): Promise<boolean> {
    let heard = false;
    for (const effect of effects) {
      const fence = { owner: this.owner, run: RUN, epoch: EPOCH };
      const outcome = await this.#ops.perform(this.scope, effect, fence, new AbortController().signal);
      this.#outcomes.note(effect, outcome, this.world.now);
      if (outcome.kind === 'accepted') this.accepted.push(effect);
      heard ||= outcome.kind === 'accepted' || outcome.kind === 'stale';
    }
    return heard;
  }
}
