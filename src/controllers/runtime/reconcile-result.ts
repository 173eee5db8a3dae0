import type { Instant } from '../../engine/view.ts';

/** Makes one pass over the object that a key names. */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<ReconcileResult>;

export type ReconcileResult = {
  /**
   * The time of the next pass, as Unix time in milliseconds. A time in the past means at once, and a change requeues
   * earlier. Undefined: only a change requeues.
   */
  readonly requeueAt?: Instant | undefined;
};

/** One result with the earliest time of several. */
export function earliest(...results: readonly ReconcileResult[]): ReconcileResult {
  const times = results.flatMap(({ requeueAt }) => requeueAt ?? []);
  return times.length > 0 ? { requeueAt: Math.min(...times) } : {};
}
