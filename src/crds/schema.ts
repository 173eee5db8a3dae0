import { z } from 'zod';

/** A CEL rule that the API server enforces; the message says which values are correct. */
export type CelRule = {
  readonly rule: string;
  readonly message: string;
  /** The field of the message, relative to the place of the rule. */
  readonly fieldPath?: `.${string}`;
};

/** Attaches CEL rules to a schema; `customResourceDefinition` writes them into the CRD. */
export function rules(...all: CelRule[]): Record<string, unknown> {
  return { 'x-kubernetes-validations': all };
}

/** A non-empty text of at most `maxLength` characters. */
export function text(maxLength: number): z.ZodString {
  return z.string().min(1).max(maxLength);
}

/** A number of seconds, `min` to `max`. */
export function seconds(min: number, max: number): z.ZodNumber {
  return z.int().min(min).max(max);
}

/** An RFC 3339 time in UTC, such as `2026-11-23T09:30:00Z`. */
export function time(): z.ZodType<string> {
  return z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$/)
    .max(27)
    .meta({ format: 'date-time' });
}

/** The generation of an object. */
export function generation(): z.ZodNumber {
  return z.int().min(0).max(2147483647);
}

/**
 * The generation that a status describes. The schema's default is -1, until the operator has observed the object:
 * kstatus reads an object without this field as finished.
 */
export function observedGeneration(): z.ZodOptional<z.ZodNumber> {
  return z
    .int()
    .min(-1)
    .max(2147483647)
    .optional()
    .meta({ default: -1 })
    .describe('The generation that the status describes; -1 until the operator has observed the object.');
}

/** A name that Kubernetes accepts for objects of most kinds. */
export function objectName(): z.ZodString {
  return text(253).regex(
    /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/,
    'expected lower-case letters, digits, "-" and ".", a letter or digit at both ends',
  );
}

/** The name of a namespace. */
export function namespaceName(): z.ZodString {
  return text(63).regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    'expected lower-case letters, digits and "-", a letter or digit at both ends',
  );
}

/** A number from 1 to 10000, or a percentage from `1%` to `100%`; `field` is its name, for the message. */
export function countOrPercentage(field: string): z.ZodType<number | string> {
  const message = `${field} must be a number from 1 to 10000, or a percentage from "1%" to "100%"`;
  return z.union([z.int().min(1).max(10000), z.string().regex(/^([1-9][0-9]?|100)%$/, message)]).meta({
    'x-kubernetes-int-or-string': true,
    ...rules({
      rule: "type(self) == int ? self >= 1 && self <= 10000 : self.matches('^([1-9][0-9]?|100)%$')",
      message,
    }),
  });
}

/** A map of labels or annotations. */
export function stringMap(
  maxProperties: number,
  maxValueLength: number,
): z.ZodRecord<z.ZodString, z.ZodString> {
  return z.record(z.string().max(317), z.string().max(maxValueLength)).meta({ maxProperties });
}
