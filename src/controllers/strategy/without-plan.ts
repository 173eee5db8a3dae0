/** The passes over a strategy that cannot continue: the status says why, and requests are still answered. */
import type { Reason } from '../../crds/observed/conditions.ts';
import type { StrategyStatus } from '../../crds/observed/strategy-status.ts';
import type { Strategy } from '../../resources/stored-strategy.ts';
import { poolProblem } from '../../status/order.ts';
import { answersWithoutPlan } from '../../status/requests/requests.ts';
import { stalledStatus } from '../../status/shown/stalled-status.ts';
import type { ReconcileResult } from '../runtime/reconcile-result.ts';
import { freePermits } from './free-permits.ts';
import { reportRequests } from './report-run.ts';
import { runPass, type RunPassDeps } from './run-pass.ts';
import type { StrategyDeps } from './strategy-deps.ts';
import type { StrategyPass } from './strategy-pass.ts';

const RETRY_MILLISECONDS = 10_000;

type Deps = Pick<StrategyDeps, 'api' | 'clock' | 'events'>;

/** Without a pool that can be read, hosts that are out of service are still released; nothing further begins. */
export async function waitForPool(
  deps: RunPassDeps,
  pass: StrategyPass,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const {
    stored,
    pool,
    strategy: { spec },
  } = pass;
  const why = poolProblem(spec.poolRef, pool);
  if (stored && stored.run.hosts.length > 0)
    return runPass(deps, { ...pass, stored }, { ...spec.execution, heldBack: why }, signal);
  // The run may have permits in another pool; nothing else frees them while this pool is missing.
  await freePermits(deps, pass);
  await stall(deps, pass, why.reason, why.message);
  return {};
}

/** A run cannot be judged without its Jobs. The pass repeats by itself until the namespace is prepared. */
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

async function stall(deps: Deps, { strategy }: StrategyPass, reason: Reason, message: string): Promise<void> {
  const time = new Date(deps.clock()).toISOString();
  await answer(deps, strategy, {
    ...stalledStatus(strategy.status, reason, message, strategy.metadata.generation, time),
    ...answersWithoutPlan(strategy, message, time),
  });
}

/** Refuses the pending requests while there is no plan, so that each gets an answer. */
export async function answerWithoutPlan(deps: Deps, { strategy }: StrategyPass): Promise<ReconcileResult> {
  const { status, metadata } = strategy;
  // Only the order may have changed, so the conditions hold for this generation, too.
  const observedGeneration = metadata.generation;
  await answer(deps, strategy, {
    ...status,
    ...answersWithoutPlan(strategy, status.message ?? '', new Date(deps.clock()).toISOString()),
    observedGeneration,
    conditions: status.conditions?.map((each) => ({ ...each, observedGeneration })),
  });
  return {};
}

async function answer(deps: Deps, strategy: Strategy, next: StrategyStatus): Promise<void> {
  await deps.api.writeStatus(strategy, next);
  reportRequests(deps, strategy, next);
}
