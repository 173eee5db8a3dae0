import { isDeepStrictEqual } from 'node:util';
import { RELEASE_FINALIZER } from '../../crds/names.ts';
import type { PatchStrategyStatus } from '../../crds/patch-strategy-status.ts';
import { advance } from '../../engine/advance.ts';
import type { Answer } from '../../engine/requests.ts';
import { isFinal, type RunState } from '../../engine/run-state.ts';
import type { Decision, Order, PermitFacts, Turn } from '../../engine/turn.ts';
import type { PassContext } from './pass-context.ts';
import { pendingRequests, type PendingRequests } from '../../status/requests.ts';
import { performEffects } from './perform-effects.ts';
import { heldBy, settlePermits, type DesiredPermits } from '../../engine/permits.ts';
import { runEvents } from '../../status/event-drafts.ts';
import { poolCapacity } from '../../engine/pool-facts.ts';
import { planOf, runOf, statusOfRun, type Shown } from '../../status/codec.ts';
import { strategyEvent } from '../runtime/events.ts';
import type { PatchStrategy } from '../../resources/stored-strategy.ts';

/** Status that only tells, and is not decided upon, is written at most so often. */
const VOLATILE_WRITE_MILLISECONDS = 1_000;
/** How long a process that has just begun waits at most to see what runs on the open hosts. */
const FIRST_OBSERVATION_MILLISECONDS = 5_000;

export type PassResult = {
  readonly strategy: PatchStrategy;
  /** Whether something is left to be undone or awaited. */
  readonly open: boolean;
};

/**
 * Takes a run as far as it goes now, in the order that a crash cannot hurt:
 * permits granted, intent stored, permits of released hosts freed, effects.
 */
export async function runPass(context: PassContext, order: Order): Promise<PassResult> {
  const { deps, key, attachment, strategy, pool, signal } = context;
  const run = runOf(strategy.status);
  const record = strategy.status.run;
  if (!run || !record) return { strategy, open: false };
  if (awaitFirstObservation(context, run)) return { strategy, open: true };
  const plan = planOf(record, run);
  const pending = pendingRequests(strategy);
  const decide = (permits: PermitFacts): Decision =>
    advance(plan, run, turnOf(context, order, pending, permits));

  let current = strategy;
  const before: PermitFacts = { held: heldBy(pool?.status.permits ?? [], run.id) };
  let permits = before;
  let decision = decide(permits);
  const wish = { run: run.id, strategy: key, wants: decision.wants.permits, exactly: false };
  const preview = pool && settlePermits(pool.status, wish, poolCapacity(pool, attachment.view().fleet), '');
  if (pool && preview && preview.status !== pool.status) {
    current = await ensureFinalizer(context);
    permits = await settleInPool(context, wish);
    if (permits.held.size > before.held.size)
      deps.log.info({ strategy: key, hosts: [...permits.held] }, 'permits granted');
  } else if (preview && !isDeepStrictEqual(preview.facts, before)) permits = preview.facts;
  // What was asked and answered at once needs no second thought.
  if (permits !== before) decision = decide(permits);

  const shown: Shown = {
    reasons: decision.reasons,
    heldBack: order.heldBack,
    answers: [...pending.refused, ...decision.answers],
    placedIds: pending.placedIds,
  };
  const stored = await store({ ...context, strategy: current }, decision, run, shown);
  await freeSurplusPermits(context, run.id, decision, permits);

  attachment.want(decision.wants.watch);
  const fence = { strategy: ownerOf(strategy), run: run.id, epoch: context.epoch };
  await performEffects(context, decision.effects, fence, signal);
  if (decision.wakeAt !== undefined) deps.requeue(key, decision.wakeAt - deps.clock());
  const { state, hosts } = decision.run;
  return { strategy: stored, open: hosts.length > 0 || state === 'applying' || state === 'aborting' };
}

/**
 * A process that has just begun knows what runs on the open hosts within moments; before that it judges nothing, or a
 * step that ended while nobody looked would be timed out unseen.
 */
function awaitFirstObservation({ deps, key, attachment }: PassContext, { hosts }: RunState): boolean {
  const now = deps.clock();
  attachment.observingSince ??= now;
  if (now - attachment.observingSince >= FIRST_OBSERVATION_MILLISECONDS) return false;
  const open = hosts.filter(({ result }) => !isFinal(result)).map(({ name }) => name);
  const view = attachment.view();
  const isUnseen = (name: string): boolean => view.host(name)?.instances === undefined;
  if (!open.some((name) => view.host(name) !== undefined && isUnseen(name))) return false;
  attachment.want(new Set(open));
  deps.requeue(key, FIRST_OBSERVATION_MILLISECONDS);
  return true;
}

function turnOf(
  { attachment, deps, strategy, epoch }: PassContext,
  order: Order,
  { requests }: PendingRequests,
  permits: PermitFacts,
): Turn {
  return {
    owner: ownerOf(strategy),
    order,
    requests,
    pool: attachment.scope.pool,
    epoch,
    view: attachment.view(),
    permits,
    outcomes: attachment.outcomes.all,
    now: deps.clock(),
  };
}

function ownerOf({ metadata: { namespace, name, uid } }: PatchStrategy): Turn['owner'] {
  return { namespace, name, uid };
}

/** The run's permits, settled in the pool as it is at that moment. */
async function settleInPool({ deps, attachment }: PassContext, wish: DesiredPermits): Promise<PermitFacts> {
  const facts = await deps.ledger.update(attachment.scope.pool, (status, pool) => {
    const now = new Date(deps.clock()).toISOString();
    const { facts: result, ...settlement } = settlePermits(
      status,
      wish,
      poolCapacity(pool, attachment.view().fleet),
      now,
    );
    return { ...settlement, result };
  });
  return facts ?? { held: new Set(), refusal: `HostPool ${attachment.scope.pool} does not exist` };
}

/** Frees the permits of hosts that the run no longer names; only after the status that no longer names them was stored. */
async function freeSurplusPermits(
  context: PassContext,
  run: string,
  decision: Decision,
  { held }: PermitFacts,
): Promise<void> {
  const { hosts } = decision.wants.permits;
  if ([...held].every((host) => hosts.includes(host))) return;
  // Exactly what is held and still wanted: nothing is asked for here.
  const kept = { ...decision.wants.permits, hosts: hosts.filter((host) => held.has(host)) };
  await settleInPool(context, { run, strategy: context.key, wants: kept, exactly: true });
}

/**
 * Gives the strategy the finalizer before its first permit: from then on it does
 * not go before its hosts and permits are given back.
 */
async function ensureFinalizer({ deps, strategy }: PassContext): Promise<PatchStrategy> {
  const { finalizers } = strategy.metadata;
  if (finalizers.includes(RELEASE_FINALIZER)) return strategy;
  return deps.api.writeFinalizers(strategy, [...finalizers, RELEASE_FINALIZER]);
}

/** Stores what was decided. */
async function store(
  context: PassContext,
  { run }: Decision,
  before: RunState,
  shown: Shown,
): Promise<PatchStrategy> {
  const { deps, key, attachment, strategy } = context;
  const { metadata, status } = strategy;
  const now = deps.clock();
  const next = statusOfRun(status, run, shown, metadata.generation, new Date(now).toISOString());
  const sinceLast = now - attachment.statusWrittenAt;
  if (
    isDeepStrictEqual(withoutVolatileFields(next), withoutVolatileFields(status)) &&
    sinceLast < VOLATILE_WRITE_MILLISECONDS
  ) {
    if (!isDeepStrictEqual(next, status)) deps.requeue(key, VOLATILE_WRITE_MILLISECONDS - sinceLast);
    return strategy;
  }
  const written = await deps.api.writeStatus(strategy, next);
  attachment.statusWrittenAt = now;
  report(context, before, run, { answers: shown.answers ?? [], message: next.message ?? '' });
  return written;
}

/** The status without what only tells: messages, and what hosts wait for. */
function withoutVolatileFields({
  message: _message,
  conditions = [],
  progress,
  ...rest
}: PatchStrategyStatus): unknown {
  const hosts = progress?.hosts.map((host) => (host.result === 'wait' ? { ...host, reason: '' } : host));
  return {
    ...rest,
    progress: progress && { ...progress, hosts },
    conditions: conditions.map(({ type, status, reason, observedGeneration }) => [
      type,
      status,
      reason,
      observedGeneration,
    ]),
  };
}

/** One log line for each change of state, stage and step; events and numbers beside it. */
function report(
  { deps, key, strategy }: PassContext,
  before: RunState,
  after: RunState,
  { answers, message }: { readonly answers: readonly Answer[]; readonly message: string },
): void {
  const { log, events, metrics } = deps;
  for (const told of runEvents(before, after, answers, message)) events.record(strategyEvent(strategy, told));
  if (before.state !== after.state)
    log.info({ strategy: key, run: after.id, state: after.state, message }, 'state changed');
  for (const { id, steps } of after.apply.stages) {
    const old = before.apply.stages[id];
    for (const step of steps) {
      if (old === undefined || old.steps[step.id]?.result === step.result) continue;
      const { name, result, reason, startTime, endTime } = step;
      log.info({ strategy: key, stage: id, step: name, result, ...(reason ? { reason } : {}) }, 'step');
      if (startTime && endTime)
        metrics.stepEnded(name, result, (Date.parse(endTime) - Date.parse(startTime)) / 1000);
    }
  }
}
