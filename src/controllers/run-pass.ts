import { isDeepStrictEqual } from 'node:util';
import { RELEASE_FINALIZER } from '../crds/names.ts';
import type { PatchStrategyStatus } from '../crds/patch-strategy-status.ts';
import { advance } from '../engine/advance.ts';
import type { RunState } from '../engine/run-state.ts';
import type { Decision, Order, PermitFacts, Turn } from '../engine/turn.ts';
import type { Plan } from '../planner/plan.ts';
import { limitIn } from './attachments.ts';
import type { HostPool, PatchStrategy } from './careen-api.ts';
import type { PassContext } from './pass-context.ts';
import { performEffects } from './perform-effects.ts';
import { settlePermits, type Settlement } from './permits.ts';
import { planOf, runOf, statusOfRun } from './strategy-status.ts';

/** Status that only tells, and is not decided upon, is written at most so often. */
const CHATTER_MILLISECONDS = 1_000;

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
  const { deps, key, attachment, strategy, signal } = context;
  const run = runOf(strategy.status);
  const record = strategy.status.run;
  if (!run || !record) return { strategy, open: false };
  const plan = planOf(record, run);

  let pool = context.pool;
  let decision = decide(context, plan, run, order, settle(context, run.id, pool, undefined).facts);
  const grant = settle(context, run.id, pool, decision);
  let current = strategy;
  if (pool && grant.status) {
    current = await keepUntilReleased(context);
    pool = await deps.api.writePermits(pool, grant.status);
    deps.log.info({ strategy: key, hosts: [...grant.facts.held] }, 'permits granted');
  }
  decision = decide(context, plan, run, order, grant.facts);

  const stored = await store({ ...context, strategy: current }, decision, run);
  const freed = settle(context, run.id, pool, decision, true);
  if (pool && freed.status) await deps.api.writePermits(pool, freed.status);

  attachment.want(decision.wants.watch);
  const fence = { strategy: turnOwner(strategy), run: run.id };
  await performEffects(context, decision.effects, fence, signal);
  if (decision.wakeAt !== undefined) deps.again(key, decision.wakeAt - deps.clock());
  const { state, hosts } = decision.run;
  return { strategy: stored, open: hosts.length > 0 || state === 'applying' || state === 'aborting' };
}

function decide(
  context: PassContext,
  plan: Plan,
  run: RunState,
  order: Order,
  permits: PermitFacts,
): Decision {
  const { attachment, deps, strategy } = context;
  const turn: Turn = {
    owner: turnOwner(strategy),
    order,
    view: attachment.view(),
    permits,
    outcomes: attachment.outcomes.all,
    now: deps.clock(),
  };
  return advance(plan, run, turn);
}

function turnOwner({ metadata: { namespace, name, uid } }: PatchStrategy): Turn['owner'] {
  return { namespace, name, uid };
}

/**
 * The run's permits as they should be. What is held is kept until `exactly` is
 * asked for, after the status that no longer names the host was stored.
 */
function settle(
  { attachment, deps, key }: PassContext,
  run: string,
  pool: HostPool | undefined,
  decision: Decision | undefined,
  exactly = false,
): Settlement {
  const permits = pool?.status.permits ?? [];
  const held = permits.filter((permit) => permit.run === run).map(({ host }) => host);
  const wanted = decision?.wants.permits ?? { hosts: [], level: 'away' };
  const hosts = exactly ? wanted.hosts : [...new Set([...held, ...wanted.hosts])];
  return settlePermits(
    { run, strategy: key, wants: { ...wanted, hosts } },
    {
      maxUnavailable: pool ? limitIn(pool, attachment.view()) : 0,
      permits,
      runs: pool?.status.runs ?? [],
      outOfServiceByOthers: attachment.view().fleet.outOfServiceByOthers,
    },
    new Date(deps.clock()).toISOString(),
  );
}

/**
 * Gives the strategy the finalizer before its first permit: from then on it does
 * not go before its hosts and permits are given back.
 */
async function keepUntilReleased({ deps, strategy }: PassContext): Promise<PatchStrategy> {
  const { finalizers } = strategy.metadata;
  if (finalizers.includes(RELEASE_FINALIZER)) return strategy;
  return deps.api.writeFinalizers(strategy, [...finalizers, RELEASE_FINALIZER]);
}

/** Stores what was decided. */
async function store(context: PassContext, decision: Decision, before: RunState): Promise<PatchStrategy> {
  const { deps, key, attachment, strategy } = context;
  const { metadata, status } = strategy;
  const { run, reasons } = decision;
  const now = deps.clock();
  const next = statusOfRun(status, run, reasons, metadata.generation, new Date(now).toISOString());
  const sinceLast = now - attachment.statusWrittenAt;
  if (isDeepStrictEqual(essence(next), essence(status)) && sinceLast < CHATTER_MILLISECONDS) {
    if (!isDeepStrictEqual(next, status)) deps.again(key, CHATTER_MILLISECONDS - sinceLast);
    return strategy;
  }
  const written = await deps.api.writeStatus(strategy, next);
  attachment.statusWrittenAt = now;
  tell(context, before, run);
  return written;
}

/** The status without what only tells: messages, and what hosts wait for. */
function essence({ message: _message, conditions = [], progress, ...rest }: PatchStrategyStatus): unknown {
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

/** One log line for each change of state, stage and step. */
function tell({ deps, key }: PassContext, before: RunState, after: RunState): void {
  if (before.state !== after.state)
    deps.log.info({ strategy: key, run: after.id, state: after.state }, 'state changed');
  for (const stage of after.apply.stages) {
    const old = before.apply.stages[stage.id];
    if (old === undefined || isDeepStrictEqual(old, stage)) continue;
    for (const step of stage.steps) {
      if (old.steps[step.id]?.result === step.result) continue;
      const { name, result, reason } = step;
      deps.log.info(
        { strategy: key, stage: stage.id, step: name, result, ...(reason ? { reason } : {}) },
        'step',
      );
    }
  }
}
