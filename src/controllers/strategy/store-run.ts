import { isDeepStrictEqual } from 'node:util';
import type { RunState } from '../../engine/run-state.ts';
import type { PatchStrategy } from '../../resources/stored-strategy.ts';
import { statusOfRun, type Shown } from '../../status/codec.ts';
import { differInVolatileFieldsOnly } from '../../status/volatile-fields.ts';
import type { ReconcileResult } from '../runtime/reconcile-result.ts';
import { reportRequests, reportRun, type ReportDeps } from './report-run.ts';
import type { PassWithRun, StrategyDeps } from './strategy-pass.ts';

/** The shortest time between two writes of fields that no decision reads. */
const VOLATILE_WRITE_MILLISECONDS = 1_000;

export type StoreDeps = Pick<StrategyDeps, 'api' | 'clock'> & ReportDeps;

/**
 * Stores the decided run and reports it. Resolves with the strategy as stored. A change that no decision reads may have
 * to wait: the result then requeues the strategy.
 */
export async function storeRun(
  deps: StoreDeps,
  pass: PassWithRun,
  run: RunState,
  shown: Shown,
): Promise<ReconcileResult & { readonly strategy: PatchStrategy }> {
  const { api, clock } = deps;
  const { attachment, strategy, stored } = pass;
  const { metadata, status } = strategy;
  const now = clock();
  const next = statusOfRun(status, run, shown, metadata.generation, new Date(now).toISOString());
  const dueAt = attachment.statusWrittenAt + VOLATILE_WRITE_MILLISECONDS;
  if (now < dueAt && differInVolatileFieldsOnly(next, status))
    return isDeepStrictEqual(next, status) ? { strategy } : { strategy, requeueAt: dueAt };
  const written = await api.writeStatus(strategy, next);
  attachment.statusWrittenAt = now;
  reportRequests(deps, strategy, next);
  reportRun(deps, pass, stored.run, run, next.message ?? '');
  return { strategy: written };
}
