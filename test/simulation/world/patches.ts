/** The two kinds of patches that the operator sends, as an API server applies them. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { isJson, type Json } from './objects.ts';

/** RFC 7396. */
export function mergePatched(target: unknown, patch: unknown): unknown {
  if (!isJson(patch)) return patch;
  const result: Record<string, unknown> = isJson(target) ? { ...target } : {};
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(result, field);
    else result[field] = mergePatched(result[field], value);
  }
  return result;
}

export class PatchRefused extends Error {
  override readonly name = 'PatchRefused';
}

/** RFC 6902, the part that the operator uses. Throws PatchRefused where a test fails or a place is missing. */
export function jsonPatched(target: Json, operations: readonly unknown[]): Json {
  let result = target;
  for (const operation of operations) {
    if (!isJson(operation)) throw new PatchRefused('an operation is no object');
    const [, ...path] = String(operation['path']).split('/').map(unescaped);
    // A cast: an object stays one, since no operation replaces the whole of it.
    result = changed(result, path, operation) as Json;
  }
  return result;
}

/** RFC 6901. */
function unescaped(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~');
}

function changed(target: unknown, [field = '', ...rest]: readonly string[], operation: Json): unknown {
  if (rest.length > 0) return withField(target, field, changed(fieldOf(target, field), rest, operation));
  const { op, value } = operation;
  const there = fieldOf(target, field);
  switch (op) {
    case 'test':
      if (!isDeepStrictEqual(there, value))
        throw new PatchRefused(`test of ${field} failed: ${JSON.stringify(there)}`);
      return target;
    case 'add':
      return Array.isArray(target) && field === '-'
        ? target.concat([value])
        : withField(target, field, value);
    case 'replace':
      if (there === undefined) throw new PatchRefused(`there is no ${field} to replace`);
      return withField(target, field, value);
    case 'remove':
      if (there === undefined) throw new PatchRefused(`there is no ${field} to remove`);
      return without(target, field);
    default:
      throw new PatchRefused(`unknown operation ${String(op)}`);
  }
}

function fieldOf(target: unknown, field: string): unknown {
  if (Array.isArray(target)) return target[Number(field)];
  return isJson(target) ? target[field] : undefined;
}

function withField(target: unknown, field: string, value: unknown): unknown {
  if (Array.isArray(target)) {
    // A late write may be about a list that is shorter now.
    if (!(Number(field) in target)) throw new PatchRefused(`there is no item ${field}`);
    return target.with(Number(field), value);
  }
  return { ...(isJson(target) ? target : {}), [field]: value };
}

function without(target: unknown, field: string): unknown {
  if (Array.isArray(target)) return target.toSpliced(Number(field), 1);
  const { [field]: _, ...rest } = isJson(target) ? target : {};
  return rest;
}
