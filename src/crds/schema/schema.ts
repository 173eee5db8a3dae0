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

const NAME = '([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]';
const DOMAIN = '[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*';
/** The key of a label or annotation, as Kubernetes accepts it, without anchors. */
export const LABEL_KEY = `(${DOMAIN}/)?${NAME}`;
const LABEL_VALUE = `^(${NAME})?$`;
const KEY_IS =
  'letters, digits, "-", "_" and ".", at most 63, a letter or digit at both ends; before it, if wanted, a domain and "/"';

/** The key of a label. */
export function labelKey(): z.ZodString {
  return text(317).regex(new RegExp(`^${LABEL_KEY}$`), `expected the key of a label: ${KEY_IS}`);
}

/** The value of a label. It may be empty. */
export function labelValue(): z.ZodString {
  const message =
    'expected the value of a label: letters, digits, "-", "_" and ".", at most 63, a letter or digit at both ends';
  return z.string().max(63).regex(new RegExp(LABEL_VALUE), message);
}

/** The rule that every key of a map can be the key of a label or annotation. */
const LABEL_KEYS: CelRule = {
  rule: `self.all(key, key.matches('^${LABEL_KEY}$'))`,
  message: `each key must be the key of a label: ${KEY_IS}`,
};

/** A map of labels, as Kubernetes accepts them. */
export function labelMap(maxProperties: number): z.ZodRecord<z.ZodString, z.ZodString> {
  return z.record(z.string().max(317), labelValue()).meta({ maxProperties, ...rules(LABEL_KEYS) });
}

/** A map of annotations, as Kubernetes accepts them. */
export function annotationMap(maxProperties: number): z.ZodRecord<z.ZodString, z.ZodString> {
  return z.record(z.string().max(317), z.string().max(4096)).meta({ maxProperties, ...rules(LABEL_KEYS) });
}

/** A map of labels that are observed, never written or selected by. */
export function stringMap(
  maxProperties: number,
  maxValueLength: number,
): z.ZodRecord<z.ZodString, z.ZodString> {
  return z.record(z.string().max(317), z.string().max(maxValueLength)).meta({ maxProperties });
}
