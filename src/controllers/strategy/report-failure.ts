import { ownerOfKey } from '../../crds/owner-ref.ts';
import { DeposedError } from '../../engine/permits/takeover.ts';
import { ConflictError, explain, httpStatus } from '../../kube/errors.ts';
import { OutdatedKindError } from '../../resources/outdated-kind-error.ts';
import { strategyKey } from '../../resources/paths.ts';
import { stalledStatus } from '../../status/shown/stalled-status.ts';
import type { Reconcile } from '../runtime/reconcile-result.ts';
import type { StrategyDeps } from './strategy-deps.ts';

type Deps = Pick<StrategyDeps, 'api' | 'clock' | 'log'>;

/**
 * A pass that says in the conditions of its strategy why it failed, when a repetition would fail again: the API server
 * refuses a write, or the code has a fault. The queue repeats the pass later in any case.
 */
export function reportingFailures(deps: Deps, reconcile: Reconcile): Reconcile {
  return async (key, signal) => {
    try {
      return await reconcile(key, signal);
    } catch (error) {
      if (!signal.aborted && isLasting(error)) await report(deps, key, error);
      throw error;
    }
  };
}

function isLasting(error: unknown): boolean {
  if (error instanceof ConflictError || error instanceof DeposedError || error instanceof OutdatedKindError)
    return false;
  const status = httpStatus(error);
  // A request that finds no network throws a TypeError, too, with its cause.
  if (status === undefined)
    return error instanceof RangeError || (error instanceof TypeError && error.cause === undefined);
  return status === 400 || status === 403 || status === 413 || status === 422;
}

async function report({ api, clock, log }: Deps, key: string, error: unknown): Promise<void> {
  const message = `the operator cannot continue, and tries again: ${explain(error)}; its log has the details`;
  try {
    const strategy = await api.strategy(strategyKey(ownerOfKey(key)));
    if (!strategy || strategy.suspendedBy !== undefined || strategy.status.message === message) return;
    const { status, metadata } = strategy;
    const now = new Date(clock()).toISOString();
    await api.writeStatus(strategy, stalledStatus(status, 'PassFailed', message, metadata.generation, now));
  } catch (failure) {
    log.warn({ strategy: key, err: failure }, 'the status cannot say why the pass failed');
  }
}
