import { RELEASE_FINALIZER } from '../../crds/names.ts';
import { heldBy, settlePermits, type DesiredPermits } from '../../engine/permits/permits.ts';
import { poolCapacity } from '../../engine/permits/pool-capacity.ts';
import type { PermitFacts } from '../../engine/turn.ts';
import type { PatchStrategy } from '../../resources/stored-strategy.ts';
import type { StrategyDeps, StrategyPass } from './strategy-pass.ts';

type Deps = Pick<StrategyDeps, 'ledger' | 'clock'>;

/** Grants permits, all or none; adds the finalizer first. Resolves with the permits that the run then has. */
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

/** Settles the permits of a run in the pool as the write finds it. Resolves with the permits that the run then has. */
export async function settleInPool(
  { ledger, clock }: Deps,
  { attachment }: StrategyPass,
  wish: DesiredPermits,
): Promise<PermitFacts> {
  const { pool: name } = attachment.scope;
  const facts = await ledger.update(name, (status, pool) => {
    const now = new Date(clock()).toISOString();
    const capacity = poolCapacity(pool, attachment.view().fleet);
    const settlement = settlePermits(status, wish, capacity, now);
    return { status: settlement.status, result: settlement.facts };
  });
  return facts ?? { held: new Set(), refusal: `HostPool ${name} does not exist` };
}

/**
 * Adds the finalizer before the first permit, and again where somebody removed it: the API server then keeps the
 * strategy until its hosts are released and its permits are freed. A strategy that is being deleted takes no finalizer.
 */
export async function ensureFinalizer(
  { api }: Pick<StrategyDeps, 'api'>,
  { strategy }: StrategyPass,
): Promise<PatchStrategy> {
  const { finalizers, deletionTimestamp } = strategy.metadata;
  if (finalizers.includes(RELEASE_FINALIZER) || deletionTimestamp !== undefined) return strategy;
  return api.writeFinalizers(strategy, [...finalizers, RELEASE_FINALIZER]);
}
