import { createHash } from 'node:crypto';
import type { StrategySpec } from '../crds/spec/strategy-spec.ts';
import { memoizeByObject } from './memoize-by-object.ts';

/** The digest of any JSON value, such as `sha256:…`; the order of keys does not matter. */
export function digest(value: unknown): string {
  return `sha256:${createHash('sha256').update(canonical(value)).digest('hex')}`;
}

/** The digest of a spec without `execution`, its standing order. Memoized, because each pass asks for the same spec. */
export const specDigest = memoizeByObject(({ execution: _, ...wanted }: StrategySpec) => digest(wanted));

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return each;
    return Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
