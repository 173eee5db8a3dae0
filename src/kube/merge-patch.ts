import { isDeepStrictEqual } from 'node:util';

type Json = { readonly [key: string]: unknown };

/**
 * The JSON merge patch (RFC 7396) that turns one object into another: a removed
 * key is null, an equal value is left out. Undefined when the two are equal.
 */
export function mergePatch(before: Json, after: Json): Json | undefined {
  const patch: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, wished] = [before[key], after[key]];
    if (isDeepStrictEqual(old, wished)) continue;
    const change = isObject(old) && isObject(wished) ? mergePatch(old, wished) : (wished ?? null);
    if (change !== undefined) patch[key] = change;
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
