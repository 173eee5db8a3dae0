import { RELEASE_FINALIZER } from '../../crds/names.ts';
import { heldBy, settlePermits, type DesiredPermits } from '../../engine/permits.ts';
import { poolCapacity } from '../../engine/pool-facts.ts';
import type { PermitFacts } from '../../engine/turn.ts';
import type { PatchStrategy } from '../../resources/stored-strategy.ts';
import type { StrategyDeps, StrategyPass } from './strategy-pass.ts';

type Deps = Pick<StrategyDeps, 'ledger' | 'clock'>;

/** Has permits granted, all or none; resolves with what the run has then. The finalizer comes before the first permit. */
export async function grantPermits(
  deps: Deps & Pick<StrategyDeps, 'api' | 'log'>,
  pass: StrategyPass,
  grant: DesiredPermits,
): Promise<{ readonly strategy: PatchStrategy; readonly settled: PermitFacts }> {
  const strategy = await ensureFinalizer(deps, pass);
  const settled = await settleInPool(deps, pass, grant);
  const before = heldBy(pass.pool?.status.permits ?? [], grant.run);
  if (settled.held.size > before.size)
    deps.log.info({ strategy: pass.key, hosts: [...settled.held] }, 'permits granted');
  return { strategy, settled };
}

/** The run's permits, settled in the pool as it is at that moment. */
export async function settleInPool(
  { ledger, clock }: Deps,
  { attachment }: StrategyPass,
  wish: DesiredPermits,
): Promise<PermitFacts> {
  const { pool: name } = attachment.scope;
  const facts = await ledger.update(name, (status, pool) => {
    const now = new Date(clock()).toISOString();
    const capacity = poolCapacity(pool, attachment.view().fleet);
    const { facts: result, ...settlement } = settlePermits(status, wish, capacity, now);
    return { ...settlement, result };
  });
  return facts ?? { held: new Set(), refusal: `HostPool ${name} does not exist` };
}

/**
 * Gives the strategy the finalizer before its first permit: from then on it does
 * not go before its hosts and permits are given back.
 */
async function ensureFinalizer(
  { api }: Pick<StrategyDeps, 'api'>,
  { strategy }: StrategyPass,
): Promise<PatchStrategy> {
  const { finalizers } = strategy.metadata;
  if (finalizers.includes(RELEASE_FINALIZER)) return strategy;
  return api.writeFinalizers(strategy, [...finalizers, RELEASE_FINALIZER]);
}
