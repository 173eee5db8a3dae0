import { createHash } from 'node:crypto';
import type { PatchStrategySpec } from '../crds/patch-strategy-spec.ts';
import { memoizeByObject } from './memoize-by-object.ts';

/** A digest of any JSON value, the same for equal values whatever the order of their keys: `sha256:…`. */
export function digest(value: unknown): string {
  return `sha256:${createHash('sha256').update(canonical(value)).digest('hex')}`;
}

/** Identifies what is wanted, whatever the standing order: the spec without `execution`. Each pass asks it of the same spec. */
export const specDigest = memoizeByObject(({ execution: _, ...wanted }: PatchStrategySpec) => digest(wanted));

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return each;
    return Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
