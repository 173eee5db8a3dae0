/** Schemas for tools that check manifests without a cluster: kubeconform, editors, helm. */
import { z } from 'zod';
import { countOrPercentage } from '../src/crds/schema.ts';

export type JsonSchema = { readonly [key: string]: unknown };

/** What all of our fields are that take a number or a text. In the definition of a kind it can only be a CEL rule. */
const { anyOf } = z.toJSONSchema(countOrPercentage('it'));

const DIALECT = 'http://json-schema.org/draft-07/schema#';

/**
 * The schema of a CustomResourceDefinition's kind, in the only version that it
 * has: no field is taken that the kind does not have, as `kubectl apply`
 * refuses it. CEL rules are not in it: only the API server evaluates them.
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

/** A structural schema as JSON Schema: what the API server would prune or refuse as unknown is refused. */
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
