import { withPermits } from '../../engine/permits.ts';
import type { StrategyDeps, StrategyPass } from './strategy-pass.ts';

/**
 * Frees what permits the strategy has left, whatever run they were granted to:
 * called when it holds no host any more, before that run is forgotten. A host
 * that is claimed all the same, because the status that named it was lost, keeps
 * its permit until its claim is swept back.
 */
export async function freePermits(
  { ledger, hosts }: Pick<StrategyDeps, 'ledger' | 'hosts'>,
  { key, strategy, attachment }: StrategyPass,
): Promise<void> {
  await ledger.update(strategy.status.run?.pool ?? attachment.scope.pool, (status) => {
    const ours = new Set(status.runs?.filter((run) => run.strategy === key).map(({ id }) => id));
    const permits = status.permits ?? [];
    const claimed = new Map(hosts.markedHosts(attachment.scope).map(({ host, claim }) => [host, claim?.run]));
    const kept = permits.filter(({ host, run }) => !ours.has(run) || claimed.get(host) === run);
    return { status: kept.length === permits.length ? status : withPermits(status, kept), result: undefined };
  });
}
