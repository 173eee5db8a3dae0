/**
 * One pass over one strategy: read it, decide, store what was decided, and only
 * then act. A pass rests on nothing but what it reads: it may be made by another
 * process, at another time, also after a crash between any two of its lines.
 */
import { updateConditions } from '../crds/conditions.ts';
import { RELEASE_FINALIZER } from '../crds/names.ts';
import type { PatchStrategySpec } from '../crds/patch-strategy-spec.ts';
import type { Order } from '../engine/turn.ts';
import { specDigest } from '../planner/digest.ts';
import { Attachments, everyNode, limitIn, scopeOf } from './attachments.ts';
import { buildingStatus, buildPlan, type BuildInput } from './build-phase.ts';
import type { HostPool, PatchStrategy } from './careen-api.ts';
import type { PassContext, ReconcilerDeps } from './pass-context.ts';
import { permitStatus } from './permits.ts';
import { limitBelowStage, rebuildNeeded } from './rebuild.ts';
import { runPass } from './run-pass.ts';
import { runOf, wishes } from './strategy-status.ts';

/** Makes the worker of the queue: given namespace/name, it makes one pass over that strategy. */
export function patchStrategyReconciler(
  deps: ReconcilerDeps,
): (key: string, signal: AbortSignal) => Promise<void> {
  const attachments = new Attachments(deps.hosts, deps.again);

  return async function reconcile(key, signal) {
    const [namespace = '', name = ''] = key.split('/');
    const strategy = await deps.api.strategy({ namespace, name });
    if (!strategy) {
      attachments.detach(key);
      return;
    }
    const poolName = poolOf(strategy);
    const pool = await deps.api.pool(poolName);
    const attachment = attachments.attach(key, pool ? scopeOf(pool) : everyNode(poolName));
    const context: PassContext = { deps, key, signal, attachment, strategy, pool };
    if (strategy.metadata.deletionTimestamp !== undefined) return letGo(context);
    if (!pool) return waitForPool(context);
    if (await rebuilt(context, pool)) deps.again(key);
    else await runPass(context, orderOf(context));
  };
}

/** The pool that a strategy is about: that of the spec, or while a run is under way the one that it holds permits of. */
function poolOf({ spec, status }: PatchStrategy): string {
  const run = runOf(status);
  const busy = run && (run.hosts.length > 0 || run.state === 'applying' || run.state === 'aborting');
  return busy && status.run ? status.run.pool : spec.poolRef;
}

/** The standing order. A plan that no longer fits the spec or the pool lets the open stage end, and no more. */
function orderOf({ strategy: { spec, status }, pool, attachment }: PassContext): Order {
  const run = runOf(status);
  const edited = status.run?.specDigest !== specDigest(spec);
  const cut =
    run !== undefined && pool !== undefined && limitBelowStage(run, limitIn(pool, attachment.view()));
  return edited || cut ? { mode: endingMode(spec) } : spec.execution;
}

function endingMode({ execution }: PatchStrategySpec): Order['mode'] {
  return execution.mode === 'Abort' ? 'Abort' : 'Hold';
}

/** A deleted strategy is aborted; it goes once no host is held for it. */
async function letGo(context: PassContext): Promise<void> {
  const { deps, key, strategy } = context;
  const { finalizers } = strategy.metadata;
  if (!finalizers.includes(RELEASE_FINALIZER)) return;
  const after = await runPass(context, { mode: 'Abort' });
  if (after.open) return;
  await freePermits(context);
  await deps.api.writeFinalizers(
    after.strategy,
    finalizers.filter((each) => each !== RELEASE_FINALIZER),
  );
  deps.log.info({ strategy: key }, 'strategy let go: it holds no host');
}

/**
 * Frees what permits the strategy has left, whatever run they were granted to:
 * called when it holds no host any more, before that run is forgotten.
 */
async function freePermits({ deps, key, strategy }: PassContext): Promise<void> {
  const name = strategy.status.run?.pool;
  const pool = name === undefined ? undefined : await deps.api.pool(name);
  const before = pool?.status.permits ?? [];
  const runs = pool?.status.runs ?? [];
  const ours = new Set(runs.filter((run) => run.strategy === key).map(({ id }) => id));
  const permits = before.filter(({ run }) => !ours.has(run));
  if (!pool || permits.length === before.length) return;
  await deps.api.writePermits(pool, permitStatus(permits, runs));
}

async function waitForPool(context: PassContext): Promise<void> {
  const { deps, strategy } = context;
  const { spec, status, metadata } = strategy;
  // Hosts that are out of service are still given back without their pool.
  if (runOf(status)?.hosts.length) await runPass(context, { mode: endingMode(spec) });
  else {
    const message = `HostPool ${spec.poolRef} does not exist: create it, or set spec.poolRef to one that does`;
    const wish = wishes('PoolNotFound', message, { stalled: true });
    const time = new Date(deps.clock()).toISOString();
    const conditions = updateConditions(status.conditions ?? [], wish, metadata.generation, time);
    await deps.api.writeStatus(strategy, {
      ...status,
      observedGeneration: metadata.generation,
      message,
      conditions,
    });
  }
}

/** Builds the plan where that is needed; whether it did. */
async function rebuilt(context: PassContext, pool: HostPool): Promise<boolean> {
  const { deps, key, attachment, signal } = context;
  const { spec, status, metadata } = context.strategy;
  const fleetRevision = [
    attachment.view().fleet.revision,
    pool.metadata.uid,
    String(pool.metadata.generation),
  ].join('/');
  const now = deps.clock();
  const { mode } = spec.execution;
  const verdict = rebuildNeeded({
    status,
    run: runOf(status),
    mode,
    specDigest: specDigest(spec),
    fleetRevision,
    now,
    maxUnavailable: limitIn(pool, attachment.view()),
  });
  if (!verdict.rebuild) {
    if (verdict.wakeAt !== undefined) deps.again(key, verdict.wakeAt - now);
    return false;
  }
  await freePermits(context);
  attachment.outcomes.clear();
  const input: BuildInput = {
    spec,
    generation: metadata.generation,
    before: status,
    maxUnavailable: limitIn(pool, attachment.view()),
    scope: attachment.scope,
    fleetRevision,
    runId: deps.newId(),
  };
  // A failed build that is tried again shows its reason until there is another result.
  const retried = status.state === 'build-failed';
  const strategy = retried
    ? context.strategy
    : await deps.api.writeStatus(context.strategy, buildingStatus(input, now));
  const after = await deps.api.writeStatus(strategy, await buildPlan(input, deps.hosts, deps.clock, signal));
  deps.log.info({ strategy: key, state: after.status.state, message: after.status.message }, 'plan built');
  return true;
}
