import type { PassContext } from './pass-context.ts';
import { withPermits } from './permits.ts';

/**
 * Frees what permits the strategy has left, whatever run they were granted to:
 * called when it holds no host any more, before that run is forgotten.
 */
export async function freePermits({ deps, key, strategy, attachment }: PassContext): Promise<void> {
  await deps.ledger.update(strategy.status.run?.pool ?? attachment.scope.pool, (status) => {
    const ours = new Set(status.runs?.filter((run) => run.strategy === key).map(({ id }) => id));
    const permits = status.permits ?? [];
    const kept = permits.filter(({ run }) => !ours.has(run));
    return { status: kept.length === permits.length ? status : withPermits(status, kept), result: undefined };
  });
}
