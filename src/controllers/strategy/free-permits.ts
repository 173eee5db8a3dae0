import { withoutPermitsOf } from '../../engine/permits/permits.ts';
import { ownerOf } from '../../resources/stored-strategy.ts';
import type { StrategyDeps } from './strategy-deps.ts';
import type { StrategyPass } from './strategy-pass.ts';

/**
 * Frees all permits of the strategy, of any run. The strategy must hold no host any more, and its status must still
 * name the run. A host that is still claimed, because the status that named it was lost, keeps its permit until the
 * sweep releases the claim. Throws ConflictError when the strategy has changed.
 */
export async function freePermits(
  { api, ledger, hosts }: Pick<StrategyDeps, 'api' | 'ledger' | 'hosts'>,
  { strategy, attachment, begunAt }: StrategyPass,
): Promise<void> {
  await api.confirmStrategy(strategy, begunAt);
  const pool = strategy.status.run?.pool ?? attachment.scope.pool;
  await ledger.update(pool, (status) => {
    const marked = hosts.markedHosts(attachment.scope);
    const claimants = new Map(marked.map(({ host, claim }) => [host, claim?.run]));
    return { status: withoutPermitsOf(status, ownerOf(strategy), claimants), result: undefined };
  });
}
