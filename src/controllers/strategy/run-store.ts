/**
 * Where a run is stored: in the status of its strategy, and of a large plan the stages that are not at hand in
 * PlanStages (docs/decisions/0026-plan-and-progress-apart.md). Nothing else knows of them.
 */
import { isDeepStrictEqual } from 'node:util';
import type { StrategyStatus, StageStatus } from '../../crds/observed/strategy-status.ts';
import type { PlanStageSpec } from '../../crds/plan-stage.ts';
import {
  atHand,
  endedPart,
  isNextPart,
  partsOf,
  withNextPart,
  type PartLimits,
} from '../../engine/run/parts.ts';
import { needsNextPart, type RunState } from '../../engine/run/run-state.ts';
import type { Instant } from '../../engine/view.ts';
import type { Staged } from '../../planner/plan-difference.ts';
import type { Stage } from '../../planner/plan.ts';
import type { CareenApi } from '../../resources/careen-api.ts';
import { planStageName, selectorOfRun, type PlanStages } from '../../resources/plan-stages.ts';
import { ownerOf, type Strategy } from '../../resources/stored-strategy.ts';
import { decodeRun, statusOfRun, type Shown, type StoredRun } from '../../status/stored/codec.ts';
import { differInVolatileFieldsOnly } from '../../status/stored/volatile-fields.ts';
import { eachOf } from '../../kube/each-of.ts';
import { ownerEvent } from '../runtime/events.ts';
import type { ReconcileResult } from '../runtime/reconcile-result.ts';
import { reportRequests, reportRun, type ReportDeps } from './report-run.ts';
import { afterWrite, type PassWithRun, type StrategyPass } from './strategy-pass.ts';

/** The shortest time between two writes of fields that no decision reads. */
const VOLATILE_WRITE_MILLISECONDS = 1_000;
/** More writes in flight than this make an API server slower, not faster. */
const AT_ONCE = 8;

export type RunStoreDeps = ReportDeps & {
  readonly api: Pick<CareenApi, 'writeStatus'>;
  readonly parts: PlanStages;
  /** How large a plan may be without parts, and the parts of a larger one; smaller in the simulation. */
  readonly partLimits?: PartLimits | undefined;
  readonly clock: () => Instant;
};

export class RunStore {
  readonly #deps: RunStoreDeps;

  constructor(deps: RunStoreDeps) {
    this.#deps = deps;
  }

  /**
   * Stores a status with a new plan. The PlanStages of a large plan are there before the status that names them. Those
   * of other plans are removed before it, too: the status still shows that it is being built, so the next build does
   * what a crash left undone.
   * @param before the status at the begin of the build. One that was left in the middle of a build may have PlanStages.
   */
  async savePlan(before: StrategyStatus, strategy: Strategy, status: StrategyStatus): Promise<Strategy> {
    const { api, parts: stored, partLimits } = this.#deps;
    const built = decodeRun(status);
    const place = { strategy: strategy.metadata.name, run: built?.run.id ?? '' };
    const parts = (built && partsOf(built.plan, place, partLimits)) ?? [];
    const owner = ownerOf(strategy);
    await eachOf(parts, AT_ONCE, (part) => stored.create(owner, part));
    const wish = withParts(status, parts);
    if (parts.length > 0 || before.run?.planStages || before.state === 'building')
      await this.#removeStrays({ ...strategy, status: wish });
    return api.writeStatus(strategy, wish);
  }

  /**
   * The pass with the stages that its run needs at hand. Once all those at hand have ended, it stores how they ended in
   * their PlanStage, and takes the stages of the next one. Sets `lostPart` when that one is missing, or is not the one
   * that was built: the rest must be planned again.
   */
  async load(pass: StrategyPass): Promise<StrategyPass> {
    const { api, parts } = this.#deps;
    const { strategy, stored, attachment } = pass;
    if (stored?.run.session) return this.#putEndedAside(pass, stored);
    if (stored?.run.state !== 'ready-to-apply') attachment.planned = undefined;
    if (stored?.run.state !== 'applying' || !needsNextPart(stored.run.apply)) return pass;
    const { apply } = stored.run;
    const place = { strategy: strategy.metadata.name, run: stored.run.id, part: apply.later?.part ?? 0 };
    await this.#saveEnded(strategy, planStageName({ ...place, part: place.part - 1 }), apply.stages);
    const name = planStageName(place);
    const next = await parts.read(strategy.metadata.namespace, name);
    const found = next?.spec;
    if (!found || !isNextPart(apply, found)) {
      const lostPart = `PlanStage ${name} ${next ? 'is not the one that was built' : 'is missing'}`;
      this.#reportLost(strategy, `${lostPart}: the remaining stages are planned again`);
      return { ...pass, lostPart };
    }
    const applyPhase = withNextPart(apply, found);
    const written = await api.writeStatus(strategy, { ...strategy.status, applyPhase });
    await this.#removeStrays(written);
    return afterWrite(pass, written);
  }

  /**
   * Stores ended stages of a session in a PlanStage, once there are many. A process that dies in between leaves a
   * PlanStage that the next one finds as it would make it.
   */
  async #putEndedAside(pass: StrategyPass, { run, record }: StoredRun): Promise<StrategyPass> {
    const { api, parts, partLimits } = this.#deps;
    const { strategy } = pass;
    const place = { strategy: strategy.metadata.name, run: run.id, part: record.planStages?.count ?? 0 };
    const found = endedPart(run.apply, place, partLimits);
    if (!found) return pass;
    await parts.create(ownerOf(strategy), found.part);
    await this.#saveEnded(strategy, planStageName(place), found.ended);
    const planStages = { count: place.part + 1, selector: selectorOfRun(run.id) };
    const status = { ...strategy.status, applyPhase: found.phase, run: { ...record, planStages } };
    return afterWrite(pass, await api.writeStatus(strategy, status));
  }

  /**
   * Stores the decided run and reports it. Resolves with the strategy as stored. A change that no decision reads may
   * have to wait: the result then requeues the strategy.
   */
  async save(
    pass: PassWithRun,
    run: RunState,
    shown: Shown,
  ): Promise<ReconcileResult & { readonly strategy: Strategy }> {
    const { api, clock } = this.#deps;
    const { attachment, strategy, stored } = pass;
    const { metadata, status } = strategy;
    const now = clock();
    const next = statusOfRun(status, run, shown, metadata.generation, new Date(now).toISOString());
    const dueAt = attachment.statusWrittenAt + VOLATILE_WRITE_MILLISECONDS;
    if (now < dueAt && differInVolatileFieldsOnly(next, status))
      return isDeepStrictEqual(next, status) ? { strategy } : { strategy, requeueAt: dueAt };
    const written = await api.writeStatus(strategy, next);
    attachment.statusWrittenAt = now;
    reportRequests(this.#deps, strategy, next);
    reportRun(this.#deps, pass, stored.run, run, next.message ?? '');
    return { strategy: written };
  }

  /** All stages of a plan that has not begun. Those of a plan in parts are read once. */
  async plannedStages({
    strategy,
    stored: { run, plan },
    attachment,
  }: PassWithRun): Promise<readonly Stage[]> {
    if (!run.apply.later) return plan.stages;
    if (attachment.planned?.run !== run.id) {
      const all = await this.#deps.parts.ofRun(strategy.metadata.namespace, run.id);
      attachment.planned = { run: run.id, stages: all.flatMap(({ spec }) => spec?.stages ?? []) };
    }
    return attachment.planned.stages;
  }

  /** The stages of the plan of a pass that have not been carried out; undefined when all of them are at hand. */
  async stagesLeft({ strategy, stored }: StrategyPass): Promise<readonly Staged[] | undefined> {
    const later = stored?.run.apply.later;
    if (!stored || !later) return undefined;
    const all = await this.#deps.parts.ofRun(strategy.metadata.namespace, stored.run.id);
    const toCome = all.flatMap(({ spec }) => (spec && spec.part >= later.part ? spec.stages : []));
    return [...notDone(stored.run), ...toCome];
  }

  /** What is stored here has ended: it is the same, whichever process stores it, and however often. */
  async #saveEnded(strategy: Strategy, name: string, stages: readonly StageStatus[]): Promise<void> {
    const { parts } = this.#deps;
    const { namespace } = strategy.metadata;
    const own = await parts.read(namespace, name);
    if (!own) this.#reportLost(strategy, `PlanStage ${name} is missing: how its stages ended is not kept`);
    else if (!isDeepStrictEqual(own.stages, stages)) await parts.writeEnd(namespace, own, stages);
  }

  /** Removes the PlanStages of a strategy that are not of its plan: of earlier plans and of failed builds, and copies. */
  async #removeStrays(strategy: Pick<Strategy, 'kind' | 'metadata' | 'status'>): Promise<void> {
    const { parts, log } = this.#deps;
    const { namespace, name } = strategy.metadata;
    const wanted = new Set(namesOfParts(strategy));
    const strays = (await parts.namesOf(ownerOf(strategy))).filter((each) => !wanted.has(each.name));
    await eachOf(strays, AT_ONCE, (stray) => parts.remove(namespace, stray));
    if (strays.length > 0)
      log.info({ strategy: name, planStages: strays.map((each) => each.name) }, 'PlanStages removed');
  }

  #reportLost(strategy: Strategy, note: string): void {
    const { events, log } = this.#deps;
    log.warn({ strategy: strategy.metadata.name }, note);
    events.record(ownerEvent(ownerOf(strategy), { reason: 'PlanStageLost', subject: note, note }));
  }
}

function withParts(status: StrategyStatus, parts: readonly PlanStageSpec[]): StrategyStatus {
  const { run, applyPhase } = status;
  const [first] = parts;
  if (!run || !applyPhase || !first) return status;
  return {
    ...status,
    run: { ...run, planStages: { count: parts.length, selector: selectorOfRun(run.id) } },
    applyPhase: atHand(applyPhase, first),
  };
}

function namesOfParts({
  metadata: { name },
  status: { run },
}: Pick<Strategy, 'metadata' | 'status'>): string[] {
  const count = run?.planStages?.count ?? 0;
  return Array.from({ length: count }, (_, part) =>
    planStageName({ strategy: name, run: run?.id ?? '', part }),
  );
}

function notDone({ apply }: RunState): Staged[] {
  return apply.stages.filter(({ result }) => result !== 'success');
}
