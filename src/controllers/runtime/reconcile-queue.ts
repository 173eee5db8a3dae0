import type { Logger } from 'pino';
import { DeposedError } from '../../engine/permits/takeover.ts';
import { ConflictError } from '../../kube/errors.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { Reconcile } from './reconcile-result.ts';
import { WorkQueue } from './work-queue.ts';

export type ReconcileQueueOptions = {
  /** The kind of object that a key names: `strategy` or `pool`. */
  readonly kind: string;
  readonly atOnce: number;
  readonly spacingMilliseconds?: number;
  /** The namespace of a key: namespaces take turns. */
  readonly groupOf: (key: string) => string;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
  /** Called when another operator leads: this process must end at once. */
  readonly deposed: (error: DeposedError) => void;
};

/** A queue of passes, with logs and metrics. `make` gets a callback that queues the key of a changed object. */
export function reconcileQueue(
  { kind, atOnce, spacingMilliseconds = 0, groupOf, log, metrics, clock, deposed }: ReconcileQueueOptions,
  make: (changed: (key: string, inMilliseconds: number) => void) => Reconcile,
): WorkQueue {
  const reconcile = make((key, inMilliseconds) =>
    inMilliseconds > 0 ? queue.addAfter(key, inMilliseconds) : queue.add(key),
  );
  const queue: WorkQueue = new WorkQueue({
    atOnce,
    spacingMilliseconds,
    groupOf,
    work: async (key, signal) => {
      const startedAt = clock();
      const { requeueAt } = await reconcile(key, signal).finally(() =>
        metrics.reconciled(kind, (clock() - startedAt) / 1000),
      );
      return requeueAt === undefined ? undefined : requeueAt - clock();
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
