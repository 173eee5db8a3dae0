/** Which finished strategies of a pool are removed, and why. */
import type { Retention } from '../crds/spec/retention.ts';
import { ownerOfKey } from '../crds/owner-ref.ts';
import type { Instant } from '../engine/view.ts';

export type FinishedStrategy = {
  /** `ownerKey` */
  readonly key: string;
  readonly endedAt: Instant;
};

/** A strategy to remove, and the reason in words. */
export type Removal = FinishedStrategy & { readonly because: string };

export type Removals = {
  /** What is to be removed now, those that ended first in front. */
  readonly due: readonly Removal[];
  /** When the next one becomes too old. */
  readonly nextAt?: Instant | undefined;
};

/** Judges the finished strategies of a pool. Each namespace has a count of its own, so none removes those of another. */
export function removalsIn(
  finished: readonly FinishedStrategy[],
  { maxFinished = Infinity, maxAgeSeconds = Infinity }: Retention,
  now: Instant,
): Removals {
  const newestFirst = finished.toSorted((a, b) => b.endedAt - a.endedAt || (a.key < b.key ? 1 : -1));
  const later = new Map<string, number>();
  const due: Removal[] = [];
  let nextAt: Instant | undefined;
  for (const each of newestFirst) {
    const { namespace } = ownerOfKey(each.key);
    const newer = later.get(namespace) ?? 0;
    later.set(namespace, newer + 1);
    const tooOldAt = each.endedAt + maxAgeSeconds * 1000;
    if (now >= tooOldAt) due.push({ ...each, because: tooOld(each, maxAgeSeconds) });
    else if (newer >= maxFinished) due.push({ ...each, because: tooMany(each, maxFinished) });
    else if (tooOldAt < Infinity) nextAt = Math.min(tooOldAt, nextAt ?? Infinity);
  }
  return { due: due.toReversed(), nextAt };
}

function tooOld({ endedAt }: FinishedStrategy, maxAgeSeconds: number): string {
  return `it ended at ${timeOf(endedAt)}, and spec.retention.maxAgeSeconds is ${String(maxAgeSeconds)}`;
}

function tooMany({ key, endedAt }: FinishedStrategy, maxFinished: number): string {
  const { namespace } = ownerOfKey(key);
  return (
    `it ended at ${timeOf(endedAt)}, and spec.retention.maxFinished keeps ${String(maxFinished)} ` +
    `of namespace ${namespace}`
  );
}

function timeOf(instant: Instant): string {
  return new Date(instant).toISOString();
}
