/**
 * Removes the finished strategies that `spec.retention` of a pool does not keep. Each is read and judged again before, and
 * the deletion names the version that was judged: one that somebody has edited or asked for something stays.
 */
import { ownerOfKey } from '../../crds/owner-ref.ts';
import type { MarkedHost, Scope } from '../../hostops/port.ts';
import { ConflictError } from '../../kube/errors.ts';
import type { HostPool } from '../../resources/careen-api.ts';
import { strategyKey } from '../../resources/paths.ts';
import { ownerOf, type Strategy } from '../../resources/stored-strategy.ts';
import { endOf, isKept } from '../../status/finished.ts';
import { removalsIn, type Removal } from '../../status/retention.ts';
import { ownerEvent } from '../runtime/events.ts';
import type { ReconcileResult } from '../runtime/reconcile-result.ts';
import type { ReconcilerDeps } from '../runtime/reconciler-deps.ts';
import type { StrategyIndex } from '../strategy/strategy-index.ts';

/** So many at most in one pass: a pool that gets a retention may have thousands to remove. */
const REMOVED_AT_ONCE = 20;
const PAUSE_MILLISECONDS = 1_000;

export type RemovalDeps = Pick<ReconcilerDeps, 'api' | 'hosts' | 'clock' | 'events' | 'log'> & {
  readonly index: Pick<StrategyIndex, 'finishedOf'>;
};

/** Throws ConflictError when the pool has changed meanwhile: its retention may be another one. */
export async function removeFinished(
  deps: RemovalDeps,
  name: string,
  scope: Scope,
): Promise<ReconcileResult> {
  const { api, index, clock } = deps;
  const begunAt = performance.now();
  const pool = await api.pool(name);
  if (!pool?.spec.retention) return {};
  const { due, nextAt } = removalsIn(index.finishedOf(name), pool.spec.retention, clock());
  if (due.length > 0) await api.confirmPool(pool, begunAt);
  let removed = 0;
  for (const removal of due) {
    if (removed === REMOVED_AT_ONCE) return { requeueAt: clock() + PAUSE_MILLISECONDS };
    if (await isRemoved(deps, pool, scope, removal)) removed += 1;
  }
  return { requeueAt: nextAt };
}

async function isRemoved(
  { api, hosts, events, log }: RemovalDeps,
  pool: HostPool,
  scope: Scope,
  { key, endedAt, because }: Removal,
): Promise<boolean> {
  const strategy = await api.strategyNow(strategyKey(ownerOfKey(key)));
  if (!strategy || isKept(strategy.metadata) || endOf(strategy) !== endedAt) return false;
  if (holdsSomething(strategy, pool, hosts.markedHosts(scope))) return false;
  try {
    await api.deleteStrategy(strategy);
  } catch (error) {
    if (error instanceof ConflictError) return false;
    throw error;
  }
  const { state, stages } = strategy.status;
  log.info(
    { pool: pool.metadata.name, strategy: key, state, stages },
    `finished strategy removed: ${because}`,
  );
  const note = `removed as HostPool ${pool.metadata.name} asks: ${because}`;
  events.record(ownerEvent(ownerOf(strategy), { reason: 'StrategyRemoved', note }));
  return true;
}

/** Whether a permit or a claim is left of any run of the strategy. The sweep removes those that no run backs. */
function holdsSomething(
  { metadata: { uid }, status }: Strategy,
  { status: { permits = [], runs = [] } }: HostPool,
  markedHosts: readonly MarkedHost[],
): boolean {
  return (
    permits.some(({ run }) => run === status.run?.id) ||
    runs.some(({ owner }) => owner.uid === uid) ||
    markedHosts.some(({ claim }) => claim?.owner.uid === uid)
  );
}
