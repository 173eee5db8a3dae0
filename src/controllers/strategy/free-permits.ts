import { withoutPermitsOf } from '../../engine/permits.ts';
import { ownerOf } from '../../resources/stored-strategy.ts';
import type { StrategyDeps, StrategyPass } from './strategy-pass.ts';

/**
 * Frees the permits that the strategy has left, whatever run they were granted to: called when it holds no host any
 * more, before that run is forgotten. A host that is claimed all the same, because the status that named it was lost,
 * keeps its permit until its claim is swept back.
 */
export async function freePermits(
  { ledger, hosts }: Pick<StrategyDeps, 'ledger' | 'hosts'>,
  { strategy, attachment }: StrategyPass,
): Promise<void> {
  const pool = strategy.status.run?.pool ?? attachment.scope.pool;
  await ledger.update(pool, (status) => {
    const marked = hosts.markedHosts(attachment.scope);
    const claimants = new Map(marked.map(({ host, claim }) => [host, claim?.run]));
    return { status: withoutPermitsOf(status, ownerOf(strategy), claimants), result: undefined };
  });
}
