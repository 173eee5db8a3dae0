/**
 * One pass over one strategy: read it, decide, store what was decided, and only
 * then act. A pass rests on nothing but what it reads: it may be made by another
 * process, at another time, also after a crash between any two of its lines.
 */
import type { Reason } from '../../crds/conditions.ts';
import type { Answer } from '../../engine/requests.ts';
import { specDigest } from '../../planner/digest.ts';
import { adoptRun } from './adopt-run.ts';
import { Attachments } from '../runtime/attachments.ts';
import { buildingStatus, buildPlan, type BuildInput } from './build-phase.ts';
import type { HostPool } from '../../resources/careen-api.ts';
import { finalize } from './finalize.ts';
import { orderOf, orderWithoutPool, poolMissing, violationsOf } from './order.ts';
import type { PassContext, ReconcilerDeps } from './pass-context.ts';
import { pendingRequests, refuseAll, withAnswers, withoutOldRequests } from '../../status/requests.ts';
import { limitIn } from '../../engine/pool-facts.ts';
import { freePermits } from './free-permits.ts';
import { fallbackScope } from '../pool/pools.ts';
import { rebuildNeeded } from '../../status/rebuild.ts';
import { runPass } from './run-pass.ts';
import { runOf } from '../../status/codec.ts';
import { stalledStatus } from '../../status/stalled-status.ts';
import { strategyFacts } from './strategy-facts.ts';
import { sweepJobs } from './sweep-jobs.ts';
import { strategyEvent } from '../runtime/events.ts';
import type { PatchStrategy } from '../../resources/stored-strategy.ts';

/** Makes the worker of the queue: given namespace/name, it makes one pass over that strategy. */
export function patchStrategyReconciler(
  deps: ReconcilerDeps,
): (key: string, signal: AbortSignal) => Promise<void> {
  const attachments = new Attachments(deps.hosts, deps.requeue);

  return async function reconcile(key, signal) {
    const [namespace = '', name = ''] = key.split('/');
    const strategy = await deps.api.strategy({ namespace, name });
    if (!strategy) {
      attachments.detach(key);
      deps.metrics.strategyGone(key);
      return;
    }
    const poolName = poolOf(strategy);
    const pool = await deps.api.pool(poolName);
    const scope = pool ? deps.pools.scopeOf(pool) : fallbackScope(poolName);
    const attachment = attachments.attach(key, scope);
    deps.metrics.strategySeen(key, strategyFacts(strategy.status, attachment.outcomes, deps.clock()));
    const epoch = pool ? await deps.ledger.ensureEpoch(pool) : (strategy.status.run?.epoch ?? 1);
    const read: PassContext = { deps, key, signal, attachment, strategy, pool, epoch };
    const unprepared = await deps.hosts.prepare(namespace, signal);
    // What is deleted goes all the same: with its namespace the right to look into that may be gone, too.
    const deleted = strategy.metadata.deletionTimestamp !== undefined;
    if (unprepared !== undefined && !deleted) return waitForNamespace(read, unprepared);

    const context = await adoptRun(read);
    await sweepJobs(context);
    if (deleted) return finalize(context);
    if (!pool) return waitForPool(context);
    if (await rebuildIfNeeded(context, pool)) deps.requeue(key);
    else if (runOf(context.strategy.status)) await runPass(context, orderOf(context));
    else await answerWithoutPlan(context);
  };
}

/** The pool that a strategy is about: that of the spec, or while a run is under way the one that it holds permits of. */
function poolOf({ spec, status }: PatchStrategy): string {
  const run = runOf(status);
  const busy = run && (run.hosts.length > 0 || run.state === 'applying' || run.state === 'aborting');
  return busy && status.run ? status.run.pool : spec.poolRef;
}

async function waitForPool(context: PassContext): Promise<void> {
  const { spec, status } = context.strategy;
  // Hosts that are out of service are still given back without their pool.
  if (runOf(status)?.hosts.length) {
    await runPass(context, orderWithoutPool(spec));
    return;
  }
  await stall(context, 'PoolNotFound', poolMissing(spec.poolRef));
}

/** Without its Jobs nothing can be told of a run. It is tried again by itself. */
async function waitForNamespace(context: PassContext, why: string): Promise<void> {
  const { deps, key, strategy } = context;
  const { namespace } = strategy.metadata;
  const message =
    `the operator cannot watch Jobs in namespace ${namespace}: ${why}; ` +
    `bind the ClusterRole careen-jobs there (docs/guides/install.md), or use a namespace where it is bound`;
  await stall(context, 'NamespaceNotPrepared', message);
  deps.requeue(key, RETRY_MILLISECONDS);
}

const RETRY_MILLISECONDS = 10_000;

async function stall(context: PassContext, reason: Reason, message: string): Promise<void> {
  const { deps, strategy } = context;
  const { status, metadata } = strategy;
  const time = new Date(deps.clock()).toISOString();
  const pending = pendingRequests(strategy);
  const answers = refuseAll(pending, `there is no plan: ${message}`);
  await deps.api.writeStatus(strategy, {
    ...stalledStatus(status, reason, message, metadata.generation, time),
    ...withAnswers(status.requests, answers, time, pending.placedIds),
  });
}

/** Requests are answered also while there is no plan: whoever waits for an answer gets one. */
async function answerWithoutPlan({ deps, strategy }: PassContext): Promise<void> {
  const { status, metadata } = strategy;
  const pending = pendingRequests(strategy);
  const answers: readonly Answer[] = refuseAll(pending, `there is no plan: ${status.message ?? ''}`);
  const time = new Date(deps.clock()).toISOString();
  // The order alone may have changed: what is said of the plan holds for that generation, too.
  const observedGeneration = metadata.generation;
  await deps.api.writeStatus(strategy, {
    ...status,
    ...withAnswers(status.requests, answers, time, pending.placedIds),
    observedGeneration,
    conditions: status.conditions?.map((each) => ({ ...each, observedGeneration })),
  });
}

function applyAsked(strategy: PatchStrategy): boolean {
  return pendingRequests(strategy).requests.some(({ verb }) =>
    ['apply-all', 'apply-stage', 'approve'].includes(verb),
  );
}

/** Builds the plan where that is needed; whether it did. */
async function rebuildIfNeeded(context: PassContext, pool: HostPool): Promise<boolean> {
  const { deps, key, attachment, signal, epoch } = context;
  const { spec, status, metadata } = context.strategy;
  const { fleet } = attachment.view();
  const fleetRevision = [fleet.revision, pool.metadata.uid, String(pool.metadata.generation)].join('/');
  const now = deps.clock();
  const maxUnavailable = limitIn(pool, fleet);
  const verdict = rebuildNeeded({
    status,
    run: runOf(status),
    mode: spec.execution.mode,
    applyAsked: spec.execution.mode !== 'Abort' && applyAsked(context.strategy),
    specDigest: specDigest(spec),
    fleetRevision,
    now,
    maxUnavailable,
  });
  if (!verdict.rebuild) {
    if (verdict.wakeAt !== undefined) deps.requeue(key, verdict.wakeAt - now);
    return false;
  }
  await freePermits(context);
  attachment.outcomes.clear();
  const input: BuildInput = {
    spec,
    generation: metadata.generation,
    before: withoutOldRequests(context.strategy, new Date(now).toISOString()),
    maxUnavailable,
    activeHost: deps.activeHost,
    violations: violationsOf(context),
    unreadable: context.strategy.unreadable,
    epoch,
    scope: attachment.scope,
    fleetRevision,
    runId: deps.newId(),
  };
  const strategy = await deps.api.writeStatus(context.strategy, buildingStatus(input, now));
  const after = await deps.api.writeStatus(strategy, await buildPlan(input, deps.hosts, deps.clock, signal));
  deps.adopted.set(input.runId, epoch);
  const { state, message = '' } = after.status;
  const reason = state === 'build-failed' ? 'BuildFailed' : 'PlanBuilt';
  const isNews = status.state !== 'build-failed' || message !== status.message;
  if (isNews) deps.log.info({ strategy: key, state, message }, 'plan built');
  deps.events.record(strategyEvent(strategy, { reason, subject: message, note: message }));
  return true;
}
