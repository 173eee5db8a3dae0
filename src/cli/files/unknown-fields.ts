/** Finds the fields that a schema lacks. zod drops them silently, but most of them are misspelt. */
import { z } from 'zod';
import type { Problem } from '../command-error.ts';

/** Each unknown field of a value, with a remedy that lists the known fields of the same object. */
export function unknownFields(
  schema: z.core.$ZodType,
  given: unknown,
  path: readonly PropertyKey[] = [],
): Problem[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return unknownFields(schema.unwrap(), given, path);
  if (schema instanceof z.ZodArray && Array.isArray(given))
    return given.flatMap((each, at) => unknownFields(schema.element, each, [...path, at]));
  if (!(schema instanceof z.ZodObject) || typeof given !== 'object' || given === null) return [];
  const fields = new Map<string, z.core.$ZodType>(Object.entries(schema.shape));
  const takesOthers = schema.def.catchall !== undefined;
  return Object.entries(given).flatMap(([name, value]: [string, unknown]) => {
    const field = fields.get(name);
    const at = [...path, name];
    if (field) return unknownFields(field, value, at);
    if (takesOthers) return [];
    return [
      { path: at, value, remedy: `there is no such field; known here: ${[...fields.keys()].join(', ')}` },
    ];
  });
}
