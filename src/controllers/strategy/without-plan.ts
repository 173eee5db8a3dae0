/** What becomes of a strategy that cannot go on: it says why, and requests are answered all the same. */
import type { Reason } from '../../crds/conditions.ts';
import { orderWithoutPool, poolMissing } from '../../status/order.ts';
import { answersWithoutPlan } from '../../status/requests.ts';
import { stalledStatus } from '../../status/stalled-status.ts';
import type { ReconcileResult } from '../runtime/reconcile-result.ts';
import { freePermits } from './free-permits.ts';
import { runPass, type RunPassDeps } from './run-pass.ts';
import type { StrategyDeps, StrategyPass } from './strategy-pass.ts';

const RETRY_MILLISECONDS = 10_000;

type Deps = Pick<StrategyDeps, 'api' | 'clock'>;

/** Hosts that are out of service are still given back without their pool; nothing further begins. */
export async function waitForPool(
  deps: RunPassDeps,
  pass: StrategyPass,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const {
    stored,
    strategy: { spec },
  } = pass;
  if (stored && stored.run.hosts.length > 0)
    return runPass(deps, { ...pass, stored }, orderWithoutPool(spec), signal);
  // The run may have permits in its own pool: nothing else looks at them while this one is missing.
  await freePermits(deps, pass);
  await stall(deps, pass, 'PoolNotFound', poolMissing(spec.poolRef));
  return {};
}

/** Without its Jobs nothing can be told of a run. It is tried again by itself. */
export async function waitForNamespace(
  deps: Deps,
  pass: StrategyPass,
  why: string,
): Promise<ReconcileResult> {
  const { namespace } = pass.strategy.metadata;
  const message =
    `the operator cannot watch Jobs in namespace ${namespace}: ${why}; ` +
    `bind the ClusterRole careen-jobs there (docs/guides/install.md), or use a namespace where it is bound`;
  await stall(deps, pass, 'NamespaceNotPrepared', message);
  return { requeueAt: deps.clock() + RETRY_MILLISECONDS };
}

async function stall(
  { api, clock }: Deps,
  { strategy }: StrategyPass,
  reason: Reason,
  message: string,
): Promise<void> {
  const time = new Date(clock()).toISOString();
  await api.writeStatus(strategy, {
    ...stalledStatus(strategy.status, reason, message, strategy.metadata.generation, time),
    ...answersWithoutPlan(strategy, message, time),
  });
}

/** Requests are answered also while there is no plan: whoever waits for an answer gets one. */
export async function answerWithoutPlan(
  { api, clock }: Deps,
  { strategy }: StrategyPass,
): Promise<ReconcileResult> {
  const { status, metadata } = strategy;
  // The order alone may have changed: what is said of the plan holds for that generation, too.
  const observedGeneration = metadata.generation;
  await api.writeStatus(strategy, {
    ...status,
    ...answersWithoutPlan(strategy, status.message ?? '', new Date(clock()).toISOString()),
    observedGeneration,
    conditions: status.conditions?.map((each) => ({ ...each, observedGeneration })),
  });
  return {};
}
