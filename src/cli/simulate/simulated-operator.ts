/**
 * The operator over simulated hosts, without an API server: let time pass,
 * decide, grant permits, store, perform, again. The decision and the port to the
 * hosts are those of the operator; only what it does with Kubernetes itself is missing.
 */
import type { HostPoolStatus } from '../../crds/host-pool.ts';
import { Outcomes } from '../../engine/outcomes.ts';
import { settlePermits, type DesiredPermits, type PoolCapacity } from '../../engine/permits.ts';
import { decide, type Decided, type DecideInput } from '../../engine/decide.ts';
import type { Effect } from '../../engine/effect.ts';
import { evaluateStep, type Evaluate } from '../../engine/evaluate.ts';
import type { Answer, RunRequest } from '../../engine/turn.ts';
import { newRun, type RunState } from '../../engine/run-state.ts';
import type { Decision, Order, PermitFacts, Turn } from '../../engine/turn.ts';
import type { View } from '../../engine/view.ts';
import type { HostOps, HostWatch, Scope } from '../../hostops/port.ts';
import type { SimulatedWorld } from '../../hostops/simulated/simulated-world.ts';
import type { HostName } from '../../planner/facts.ts';
import type { Plan } from '../../planner/plan.ts';

export const RUN = 'run-1';
export const EPOCH = 1;
/** More passes than a run needs while no time passes; beyond that it turns in circles. */
const MOST_PASSES_AT_ONCE = 2_000;

export type Assignment = {
  readonly world: SimulatedWorld;
  /** Over that world. */
  readonly ops: HostOps;
  readonly scope: Scope;
  readonly plan: Plan;
  /** How many hosts of the pool may be out of service. */
  readonly limit: number;
  readonly owner: Turn['owner'];
  readonly evaluate?: Evaluate;
};

export class SimulatedOperator {
  readonly world: SimulatedWorld;
  readonly plan: Plan;
  readonly owner: Turn['owner'];
  readonly limit: number;
  readonly scope: Scope;
  run: RunState;
  order: Order = { mode: 'Run' };
  /** What people ask for and have no answer to. */
  requests: RunRequest[] = [];
  /** What they were answered. */
  readonly answers: Answer[] = [];
  /** Every effect that was accepted, in order. */
  readonly accepted: Effect[] = [];
  passes = 0;
  readonly #ops: HostOps;
  readonly #evaluate: Evaluate;
  readonly #outcomes = new Outcomes();
  #decision: Decision | undefined;
  #watch: HostWatch;
  #pool: HostPoolStatus = {};
  #passesAtOnce = 0;

  constructor({ world, ops, scope, plan, limit, owner, evaluate = evaluateStep }: Assignment) {
    this.world = world;
    this.plan = plan;
    this.owner = owner;
    this.limit = limit;
    this.scope = scope;
    this.run = newRun(RUN, plan);
    this.#ops = ops;
    this.#evaluate = evaluate;
    this.#watch = ops.watch(() => undefined);
  }

  /** The hosts that the run has permits for. */
  get permits(): ReadonlySet<HostName> {
    return new Set(this.#pool.permits?.map(({ host }) => host));
  }

  /** What is waited for, as the last pass said. */
  get reasons(): readonly string[] {
    return this.#decision?.reasons ?? [];
  }

  /** When something happens next by itself, or the run wants to look again. */
  get nextAt(): number | undefined {
    const next = Math.min(this.world.nextAt ?? Infinity, this.#decision?.wakeAt ?? Infinity);
    return Number.isFinite(next) ? next : undefined;
  }

  /**
   * Goes on by a pass; time passes only after one that changed nothing.
   * @returns false when nothing will change any more by itself
   */
  async goOn(): Promise<boolean> {
    if (await this.pass()) return true;
    const next = this.nextAt;
    if (next === undefined) return false;
    this.letPass(next);
    return true;
  }

  /** Lets time pass, no further than to the next thing that happens. */
  letPass(until: number): void {
    if (until > this.world.now) this.#passesAtOnce = 0;
    this.world.advanceTo(until);
  }

  /** Decides once and does what was decided. Whether there is reason to look again at once. */
  async pass(): Promise<boolean> {
    this.passes += 1;
    this.#passesAtOnce += 1;
    if (this.#passesAtOnce > MOST_PASSES_AT_ONCE) throw new Error(`it turns in circles: ${this.describe()}`);
    const { run: runBefore, requests: asked } = this;
    const poolBefore = this.#pool;
    let decided = this.decide(this.#input());
    if (decided.grant) decided = this.decide({ ...this.#input(), settled: this.grantOrFree(decided.grant) });
    const { decision, surplus } = decided;
    this.#decision = decision;
    this.run = decision.run;
    this.answers.push(...decision.answers);
    this.requests = asked.filter(({ id }) => !decision.answers.some((answer) => answer.id === id));
    if (surplus) this.grantOrFree(surplus);
    this.#watch.want(decision.wants.watch);
    const heard = await this.#perform(decision.effects);
    return decision.run !== runBefore || this.#pool !== poolBefore || heard;
  }

  protected decide(input: DecideInput): Decided {
    return decide(input);
  }

  protected grantOrFree(wish: DesiredPermits): PermitFacts {
    const now = new Date(this.world.now).toISOString();
    const capacity = this.#capacity(this.#ops.view(this.scope));
    const { status, facts } = settlePermits(this.#pool, wish, capacity, now);
    this.#pool = status;
    return facts;
  }

  /** Goes on from what was stored, as a new process does. */
  protected restart(stored: RunState): void {
    this.run = stored;
    this.#outcomes.clear();
    this.#watch.close();
    this.#watch = this.#ops.watch(() => undefined);
    // What is watched follows from the run, so the first pass after a restart asks for it again.
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
      now: this.world.now,
    };
    const pool = { status: this.#pool, capacity: this.#capacity(view) };
    return { plan: this.plan, run: this.run, turn, pool, evaluate: this.#evaluate };
  }

  #capacity({ fleet: { outOfServiceByOthers, claimedAway } }: View): PoolCapacity {
    return { limit: this.limit, outOfServiceByOthers, claimedAway, closedBecause: undefined };
  }

  /** Whether an answer calls for another look at once. */
  async #perform(effects: readonly Effect[]): Promise<boolean> {
    let heard = false;
    for (const effect of effects) {
      const fence = { owner: this.owner, run: RUN, epoch: EPOCH };
      const outcome = await this.#ops.perform(effect, fence, new AbortController().signal);
      this.#outcomes.note(effect, outcome, this.world.now);
      if (outcome.kind === 'accepted') this.accepted.push(effect);
      heard ||= outcome.kind === 'accepted' || outcome.kind === 'stale';
    }
    return heard;
  }
}
