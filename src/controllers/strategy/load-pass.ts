import { ownerOfKey } from '../../crds/owner-ref.ts';
import { strategyKey } from '../../resources/paths.ts';
import { decodeRun } from '../../status/stored/codec.ts';
import { poolOf } from '../../status/order.ts';
import { strategyFacts } from '../../status/strategy-facts.ts';
import type { Attachments } from '../runtime/attachments.ts';
import type { StrategyDeps } from './strategy-deps.ts';
import type { StrategyPass } from './strategy-pass.ts';

type Deps = Pick<
  StrategyDeps,
  'api' | 'index' | 'pools' | 'ledger' | 'metrics' | 'clock' | 'awaitingPermits'
>;

/**
 * Reads a strategy and its pool, as the watches have them, and raises the epoch of the pool if needed. Undefined when
 * there is no such strategy. Throws DeposedError when another operator leads the pool.
 */
export async function loadPass(
  { api, index, pools, ledger, metrics, clock, awaitingPermits }: Deps,
  attachments: Attachments,
  key: string,
): Promise<StrategyPass | undefined> {
  const [readAt, begunAt] = [clock(), performance.now()];
  const read = await api.strategy(strategyKey(ownerOfKey(key)));
  if (!read) return undefined;
  const strategy = read.suspendedBy === undefined ? read : await api.resume(read);
  index.note(key, strategy);
  const stored = decodeRun(strategy.status);
  const poolName = poolOf(strategy.spec, stored);
  // Permits may be freed while this pass decides: until it has decided, the strategy counts as waiting.
  awaitingPermits.add(key);
  const pool = await api.pool(poolName);
  if (pool) pools.set(pool);
  const attachment = attachments.attach(key, pool ? pools.scopeOf(pool) : pools.scopeOfMissing(poolName));
  const facts = strategyFacts(strategy.status, attachment.outcomes, clock());
  metrics.strategySeen(key, { kind: strategy.kind, ...facts });
  const epoch = pool ? await ledger.ensureEpoch(pool) : (strategy.status.run?.epoch ?? 1);
  return { readAt, begunAt, key, strategy, stored, pool, attachment, epoch };
}
