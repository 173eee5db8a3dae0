/**
 * The checks of the API server beyond the shape of fields: the CEL rules of a
 * kind, and unique entries in a list of type set or map. Both come from the
 * schema that the CRD is generated with.
 *
 * The evaluator has the standard definitions of CEL only. It lacks the libraries
 * that Kubernetes adds (such as quantity, url, sets), timestamps for fields of
 * format date-time, and escaped names. An object fails every rule that needs one
 * of them, so the rows of the admission test would show such a rule.
 */
import { isDeepStrictEqual } from 'node:util';
import { celEnv, CelScalar, parse, plan, type CelInput } from '@bufbuild/cel';
import { z } from 'zod';
import { openApiSchema, type CrdDefinition } from '../../crds/schema/custom-resource-definition.ts';
import { memoizeByObject } from '../../planner/memoize-by-object.ts';
import type { Problem } from '../command-error.ts';

const validation = z.object({ rule: z.string(), message: z.string(), fieldPath: z.string().optional() });
type Validation = z.infer<typeof validation>;

const structural = z.object({
  type: z.string().optional(),
  default: z.unknown().optional(),
  get properties() {
    return z.record(z.string(), structural).optional();
  },
  get additionalProperties() {
    return structural.optional();
  },
  get items() {
    return structural.optional();
  },
  'x-kubernetes-list-type': z.enum(['atomic', 'set', 'map']).optional(),
  'x-kubernetes-list-map-keys': z.array(z.string()).optional(),
  'x-kubernetes-validations': z.array(validation).optional(),
});
type Schema = z.infer<typeof structural>;
type Place = { readonly schema: Schema; readonly value: unknown; readonly path: readonly PropertyKey[] };

const schemaOf = memoizeByObject((definition: CrdDefinition) => structural.parse(openApiSchema(definition)));

const environment = celEnv({ variables: { self: CelScalar.DYN } });
const programOf = memoizeByObject(({ rule }: Validation) => plan(environment, parse(rule)));

/**
 * Each rule of its kind that a new object breaks, with the message of the API
 * server. The object must have the right shape; absent fields get their defaults.
 */
export function brokenRules(definition: CrdDefinition, object: unknown): Problem[] {
  const schema = schemaOf(definition);
  return brokenAt({ schema, value: withDefaults(schema, object), path: [] });
}

function brokenAt(place: Place): Problem[] {
  return [...brokenHere(place), ...repeated(place), ...placesIn(place).flatMap(brokenAt)];
}

/** As in the API server, the rules of a field do not apply to its null. */
function brokenHere({ schema, value, path }: Place): Problem[] {
  if (value === null) return [];
  const rules = schema['x-kubernetes-validations']?.filter(({ rule }) => !isTransition(rule)) ?? [];
  if (rules.length === 0) return [];
  const self = celValue({ schema, value, path });
  return rules
    .filter((each) => programOf(each)({ self }) !== true)
    .map(({ message, fieldPath = '' }) => {
      const field = fieldPath.split('.').slice(1);
      return { path: [...path, ...field], value: field.reduce(fieldOf, value), remedy: message };
    });
}

/** A rule about a change does not apply to a new object. */
function isTransition(rule: string): boolean {
  return /\boldSelf\b/.test(rule);
}

/** The entries that the API server refuses as duplicate values. */
function repeated({ schema, value, path }: Place): Problem[] {
  const type = schema['x-kubernetes-list-type'];
  if (!Array.isArray(value) || (type !== 'set' && type !== 'map')) return [];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const identities = value.map((entry: unknown) =>
    type === 'set' ? entry : Object.fromEntries(keys.map((key) => [key, fieldOf(entry, key)])),
  );
  return identities.flatMap((identity, at) => {
    const before = identities.findIndex((each) => isDeepStrictEqual(each, identity));
    if (before === at) return [];
    const first = `${String(path.at(-1))}[${String(before)}]`;
    const remedy =
      type === 'set'
        ? `${first} is the same; each entry is listed once`
        : `${first} has that ${keys.join(' and ')} already; each entry needs its own`;
    return [{ path: [...path, at], value: identity, remedy }];
  });
}

function withDefaults(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items ? value.map((each) => withDefaults(items, each)) : value;
  }
  if (!isRecord(value)) return value;
  const defaults = Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
    field.default === undefined ? [] : [[name, field.default] as const],
  );
  const whole = Object.entries({ ...Object.fromEntries(defaults), ...value });
  return Object.fromEntries(
    whole.map(([name, child]) => {
      const field = schemaOfField(schema, name);
      return [name, field ? withDefaults(field, child) : child];
    }),
  );
}

/** CEL reads a whole number as int, except in a field of type number. It does not see fields that the schema lacks. */
function celValue(place: Place): CelInput {
  const { schema, value } = place;
  if (Array.isArray(value)) return placesIn(place).map(celValue);
  if (isRecord(value))
    return new Map(placesIn(place).map((each) => [String(each.path.at(-1)), celValue(each)]));
  if (typeof value === 'number')
    return Number.isInteger(value) && schema.type !== 'number' ? BigInt(value) : value;
  return typeof value === 'string' || typeof value === 'boolean' ? value : null;
}

/** The entries of a list, or the fields of an object that its schema knows. */
function placesIn({ schema, value, path }: Place): Place[] {
  const { items } = schema;
  if (Array.isArray(value))
    return items
      ? value.map((entry: unknown, at) => ({ schema: items, value: entry, path: [...path, at] }))
      : [];
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([name, child]) => {
    const field = schemaOfField(schema, name);
    return field && child !== undefined ? [{ schema: field, value: child, path: [...path, name] }] : [];
  });
}

function schemaOfField({ properties = {}, additionalProperties }: Schema, name: string): Schema | undefined {
  return Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
}

function fieldOf(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
