/** Schemas for tools that check manifests without a cluster: kubeconform, editors, helm. */
import { z } from 'zod';
import { countOrPercentage } from '../src/crds/schema/schema.ts';

export type JsonSchema = { readonly [key: string]: unknown };

/** The schema of all fields that take a number or a text. A CRD can express it only as a CEL rule. */
const { anyOf } = z.toJSONSchema(countOrPercentage('it'));

const DIALECT = 'http://json-schema.org/draft-07/schema#';

/**
 * The schema of a CustomResourceDefinition's kind, in its only version. It
 * refuses unknown fields, as `kubectl apply` does. It has no CEL rules: only the
 * API server evaluates them.
 */
export function kindSchema(definition: JsonSchema): JsonSchema {
  const { group, names, versions } = asSchema(definition['spec']);
  const [version] = asArray(versions);
  const { name, schema } = asSchema(version);
  const root = closed(asSchema(asSchema(schema)['openAPIV3Schema']));
  const properties = asSchema(root['properties']);
  return {
    $schema: DIALECT,
    ...root,
    required: ['apiVersion', 'kind', 'metadata', ...asArray(root['required'])],
    properties: {
      ...properties,
      apiVersion: { ...asSchema(properties['apiVersion']), enum: [`${String(group)}/${String(name)}`] },
      kind: { ...asSchema(properties['kind']), enum: [asSchema(names)['kind']] },
    },
  };
}

/** The schema of `spec` in the schema of a kind. */
export function specSchema(definition: JsonSchema): JsonSchema {
  return asSchema(asSchema(kindSchema(definition)['properties'])['spec']);
}

/** A structural schema as JSON Schema. It refuses each field that the API server would prune or refuse as unknown. */
function closed(schema: JsonSchema): JsonSchema {
  const { properties, items, additionalProperties, ...rest } = schema;
  const kept = Object.entries(rest).filter(([key]) => !key.startsWith('x-kubernetes-'));
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || additionalProperties !== undefined;
  return {
    ...Object.fromEntries(kept),
    ...(schema['x-kubernetes-int-or-string'] === true ? { anyOf } : {}),
    ...(properties === undefined ? {} : { properties: eachClosed(asSchema(properties)) }),
    ...(properties === undefined || open ? {} : { additionalProperties: false }),
    ...(additionalProperties === undefined
      ? {}
      : { additionalProperties: closed(asSchema(additionalProperties)) }),
    ...(items === undefined ? {} : { items: closed(asSchema(items)) }),
  };
}

function eachClosed(properties: JsonSchema): JsonSchema {
  return Object.fromEntries(
    Object.entries(properties).map(([name, field]) => [name, closed(asSchema(field))]),
  );
}

function asSchema(value: unknown): JsonSchema {
  if (!isSchema(value)) throw new Error(`expected a schema, found ${JSON.stringify(value)}`);
  return value;
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asArray(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`expected a list, found ${JSON.stringify(value)}`);
  return value;
}
