import type { Logger } from 'pino';
import type { Metrics } from '../../telemetry/metrics.ts';
import { ConflictError } from '../../kube/errors.ts';
import { DeposedError } from '../../engine/takeover.ts';
import { WorkQueue } from './work-queue.ts';

/** Makes one pass over the object that a key names. */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<void>;

export type ReconcileQueueOptions = {
  /** What the keys name: `strategy` or `pool`. */
  readonly kind: string;
  readonly atOnce: number;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Another operator leads: this process must end at once. */
  readonly deposed: (error: DeposedError) => void;
};

/** A queue of passes that are counted. `make` gets what has a key looked at again: now, or after some milliseconds. */
export function reconcileQueue(
  { kind, atOnce, log, metrics, clock, deposed }: ReconcileQueueOptions,
  make: (requeue: (key: string, afterMilliseconds?: number) => void) => Reconcile,
): WorkQueue {
  const reconcile = make((key, after) => (after === undefined ? queue.add(key) : queue.addAfter(key, after)));
  const queue: WorkQueue = new WorkQueue({
    atOnce,
    work: async (key, signal) => {
      const startedAt = clock();
      await reconcile(key, signal).finally(() => metrics.reconciled(kind, (clock() - startedAt) / 1000));
    },
    failed: (key, error, retryInMilliseconds) => {
      if (error instanceof DeposedError) return deposed(error);
      metrics.reconcileRetried(kind);
      if (error instanceof ConflictError) log.debug({ [kind]: key, retryInMilliseconds }, error.message);
      else {
        metrics.reconcileFailed(kind);
        log.error({ [kind]: key, retryInMilliseconds, err: error }, 'pass failed');
      }
    },
  });
  return queue;
}
