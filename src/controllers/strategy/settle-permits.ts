import { RELEASE_FINALIZER } from '../../crds/names.ts';
import { hasMore, heldBy, settlePermits, type DesiredPermits } from '../../engine/permits/permits.ts';
import { poolCapacity } from '../../engine/permits/pool-capacity.ts';
import type { PermitFacts } from '../../engine/turn.ts';
import type { MemberHealth } from '../../engine/view.ts';
import { ConflictError } from '../../kube/errors.ts';
import type { HostPool } from '../../resources/careen-api.ts';
import type { Strategy } from '../../resources/stored-strategy.ts';
import type { StrategyDeps } from './strategy-deps.ts';
import type { StrategyPass } from './strategy-pass.ts';

type Deps = Pick<StrategyDeps, 'ledger' | 'clock'>;

/**
 * Grants permits, all or none; adds the finalizer first. Resolves with the permits that the run then has.
 * @param members what the controllers said that were asked for this grant
 */
export async function grantPermits(
  deps: Deps & Pick<StrategyDeps, 'api' | 'log'>,
  pass: StrategyPass,
  grant: DesiredPermits,
  members: MemberHealth | undefined,
): Promise<{ readonly strategy: Strategy; readonly settled: PermitFacts }> {
  const strategy = await ensureFinalizer(deps, pass);
  const settled = await settleInPool(deps, pass, grant, members);
  const before = heldBy(pass.pool?.status.permits ?? [], grant.run);
  if (hasMore(settled.held, before))
    deps.log.info({ strategy: pass.key, hosts: [...settled.held.keys()] }, 'permits granted');
  return { strategy, settled };
}

/** Frees the permits that a run no longer wants. Throws ConflictError when its strategy has changed since. */
export async function freeSurplus(
  deps: Deps & Pick<StrategyDeps, 'api'>,
  pass: StrategyPass,
  surplus: DesiredPermits,
): Promise<void> {
  await deps.api.confirmStrategy(pass.strategy, pass.begunAt);
  await settleInPool(deps, pass, surplus);
}

/**
 * Settles the permits of a run in the pool as the write finds it. Resolves with the permits that the run then has. Throws
 * ConflictError when somebody has edited the pool that was read: the wish may be against its new spec.
 */
async function settleInPool(
  { ledger, clock }: Deps,
  { attachment, pool: read }: StrategyPass,
  wish: DesiredPermits,
  members?: MemberHealth,
): Promise<PermitFacts> {
  const { pool: name } = attachment.scope;
  const facts = await ledger.update<PermitFacts | 'edited'>(name, (status, pool) => {
    if (read && !isSameSpec(read, pool)) return { status, result: 'edited' };
    const now = new Date(clock()).toISOString();
    const capacity = poolCapacity(pool, attachment.view().fleet, members);
    const settlement = settlePermits(status, wish, capacity, now);
    return { status: settlement.status, result: settlement.facts };
  });
  if (facts === 'edited') throw new ConflictError(`HostPool ${name} was edited meanwhile`);
  return facts ?? { held: new Map(), refusal: `HostPool ${name} does not exist` };
}

function isSameSpec({ metadata: read }: HostPool, { metadata: found }: HostPool): boolean {
  return read.uid === found.uid && read.generation === found.generation;
}

/**
 * Adds the finalizer before the first permit, and again where somebody removed it: the API server then keeps the
 * strategy until its hosts are released and its permits are freed. A strategy that is being deleted takes no finalizer.
 */
export async function ensureFinalizer(
  { api }: Pick<StrategyDeps, 'api'>,
  { strategy }: StrategyPass,
): Promise<Strategy> {
  const { finalizers, deletionTimestamp } = strategy.metadata;
  if (finalizers.includes(RELEASE_FINALIZER) || deletionTimestamp !== undefined) return strategy;
  return api.writeFinalizers(strategy, [...finalizers, RELEASE_FINALIZER]);
}
