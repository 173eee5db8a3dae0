/**
 * Where a run is stored: in the status of its strategy, and of a large plan the stages that are not at hand in
 * PlanStages. Nothing else knows of them.
 */
import { isDeepStrictEqual } from 'node:util';
import type { PatchStrategyStatus, StageStatus } from '../../crds/patch-strategy-status.ts';
import type { PlanStageSpec } from '../../crds/plan-stage.ts';
import { atHand, isNextPart, partsOf, withNextPart } from '../../engine/parts.ts';
import { needsNextPart, type RunState } from '../../engine/run-state.ts';
import type { Stage } from '../../planner/plan.ts';
import type { Staged } from '../../planner/plan-difference.ts';
import type { CareenApi } from '../../resources/careen-api.ts';
import { planStageName, selectorOfRun } from '../../resources/plan-stages.ts';
import { ownerOf, type PatchStrategy } from '../../resources/stored-strategy.ts';
import { decodeRun } from '../../status/codec.ts';
import { ownerEvent } from '../runtime/events.ts';
import { afterWrite, type PassWithRun, type StrategyDeps, type StrategyPass } from './strategy-pass.ts';

/** More writes in flight than this make an API server slower, not faster. */
const AT_ONCE = 8;

type Deps = Pick<StrategyDeps, 'log' | 'events' | 'parts' | 'partLimits'> & {
  readonly api: Pick<CareenApi, 'writeStatus'>;
};

/**
 * Stores a status with a new plan. The PlanStages of a large plan are there before the status that names them; those of
 * other plans are removed after it.
 * @param before the status at the begin of the build. One that was left in the middle of a build may have PlanStages.
 */
export async function storePlan(
  deps: Deps,
  before: PatchStrategyStatus,
  strategy: PatchStrategy,
  status: PatchStrategyStatus,
): Promise<PatchStrategy> {
  const parts = partsOfPlan(deps, strategy, status);
  const owner = ownerOf(strategy);
  await allAtOnce(parts, (part) => deps.parts.create(owner, part));
  const written = await deps.api.writeStatus(strategy, withParts(status, parts));
  if (parts.length > 0 || before.run?.planStages || before.state === 'building')
    await removeStrays(deps, written);
  return written;
}

function partsOfPlan(
  { partLimits }: Pick<Deps, 'partLimits'>,
  { metadata }: PatchStrategy,
  status: PatchStrategyStatus,
): readonly PlanStageSpec[] {
  const built = decodeRun(status);
  return (built && partsOf(built.plan, { strategy: metadata.name, run: built.run.id }, partLimits)) ?? [];
}

function withParts(status: PatchStrategyStatus, parts: readonly PlanStageSpec[]): PatchStrategyStatus {
  const { run, applyPhase } = status;
  const [first] = parts;
  if (!run || !applyPhase || !first) return status;
  return {
    ...status,
    run: { ...run, planStages: { count: parts.length, selector: selectorOfRun(run.id) } },
    applyPhase: atHand(applyPhase, first),
  };
}

/**
 * Takes the stages of the next PlanStage once all those at hand have ended, and stores how these ended in theirs. Sets
 * `lostPart` when the next one is missing, or is not the one that was built: the rest must be planned again.
 */
export async function takeNextPart(deps: Deps, pass: StrategyPass): Promise<StrategyPass> {
  const { strategy, stored, attachment } = pass;
  if (stored?.run.state !== 'ready-to-apply') attachment.planned = undefined;
  if (stored?.run.state !== 'applying' || !needsNextPart(stored.run.apply)) return pass;
  const { apply } = stored.run;
  const place = { strategy: strategy.metadata.name, run: stored.run.id, part: apply.later?.part ?? 0 };
  await storeEnded(deps, pass, planStageName({ ...place, part: place.part - 1 }), apply.stages);
  const name = planStageName(place);
  const next = await deps.parts.read(strategy.metadata.namespace, name);
  const found = next?.spec;
  if (!found || !isNextPart(apply, found)) {
    const lostPart = `PlanStage ${name} ${next ? 'is not the one that was built' : 'is missing'}`;
    reportLost(deps, strategy, `${lostPart}: the remaining stages are planned again`);
    return { ...pass, lostPart };
  }
  const written = await deps.api.writeStatus(strategy, {
    ...strategy.status,
    applyPhase: withNextPart(apply, found),
  });
  await removeStrays(deps, written);
  return afterWrite(pass, written);
}

/** What is stored here has ended: it is the same, whichever process stores it, and however often. */
async function storeEnded(
  deps: Deps,
  { strategy }: StrategyPass,
  name: string,
  stages: readonly StageStatus[],
): Promise<void> {
  const { namespace } = strategy.metadata;
  const own = await deps.parts.read(namespace, name);
  if (!own) reportLost(deps, strategy, `PlanStage ${name} is missing: how its stages ended is not kept`);
  else if (!isDeepStrictEqual(own.stages, stages)) await deps.parts.writeEnd(namespace, own, stages);
}

/** All stages of a plan that has not begun. Those of a plan in parts are read once. */
export async function plannedStages(
  { parts }: Pick<Deps, 'parts'>,
  { strategy, stored: { run, plan }, attachment }: PassWithRun,
): Promise<readonly Stage[]> {
  if (!run.apply.later) return plan.stages;
  if (attachment.planned?.run !== run.id) {
    const all = await parts.ofRun(strategy.metadata.namespace, run.id);
    attachment.planned = { run: run.id, stages: all.flatMap(({ spec }) => spec?.stages ?? []) };
  }
  return attachment.planned.stages;
}

/** The stages of the plan of a pass that have not been carried out; undefined when the plan is not in parts. */
export async function stagesLeft(
  { parts }: Pick<Deps, 'parts'>,
  { strategy, stored }: StrategyPass,
): Promise<readonly Staged[] | undefined> {
  const later = stored?.run.apply.later;
  if (!stored || !later) return undefined;
  const all = await parts.ofRun(strategy.metadata.namespace, stored.run.id);
  const toCome = all.flatMap(({ spec }) => (spec && spec.part >= later.part ? spec.stages : []));
  return [...notDone(stored.run), ...toCome];
}

function notDone({ apply }: RunState): Staged[] {
  return apply.stages.filter(({ result }) => result !== 'success');
}

/** Removes the PlanStages of a strategy that are not of its plan: of earlier plans and of failed builds, and copies. */
async function removeStrays(deps: Deps, strategy: PatchStrategy): Promise<void> {
  const { namespace, name } = strategy.metadata;
  const { run } = strategy.status;
  const wanted = new Set(
    Array.from({ length: run?.planStages?.count ?? 0 }, (_, part) =>
      planStageName({ strategy: name, run: run?.id ?? '', part }),
    ),
  );
  const strays = (await deps.parts.namesOf(ownerOf(strategy))).filter((each) => !wanted.has(each.name));
  await allAtOnce(strays, (stray) => deps.parts.remove(namespace, stray));
  if (strays.length > 0)
    deps.log.info({ strategy: name, planStages: strays.map((each) => each.name) }, 'PlanStages removed');
}

function reportLost({ events, log }: Deps, strategy: PatchStrategy, note: string): void {
  log.warn({ strategy: strategy.metadata.name }, note);
  events.record(ownerEvent(ownerOf(strategy), { reason: 'PlanStageLost', subject: note, note }));
}

async function allAtOnce<T>(items: readonly T[], does: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await does(item);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
}
