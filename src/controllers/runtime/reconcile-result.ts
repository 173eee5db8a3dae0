import type { Instant } from '../../engine/view.ts';

/** Makes one pass over the object that a key names. */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<ReconcileResult>;

export type ReconcileResult = {
  /**
   * When to make the next pass, in milliseconds since the epoch, unless a change makes one before; a time that has passed
   * means at once. Undefined: when something changes.
   */
  readonly requeueAt?: Instant | undefined;
};

/** The result with the first of several times. */
export function earliest(...results: readonly ReconcileResult[]): ReconcileResult {
  const times = results.flatMap(({ requeueAt }) => requeueAt ?? []);
  return times.length > 0 ? { requeueAt: Math.min(...times) } : {};
}
