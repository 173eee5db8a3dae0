import { z } from 'zod';
import { GROUP, VERSION } from '../names.ts';

export type PrinterColumn = {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  /** 1 shows the column only with `-o wide`. */
  readonly priority?: 1;
};

/** The definition of one of our kinds: its names, its schemas, and the columns of `kubectl get`. */
export type CrdDefinition = {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly scope: 'Cluster' | 'Namespaced';
  readonly description: string;
  readonly spec: z.ZodType;
  /** Undefined: Careen writes nothing into objects of this kind. */
  readonly status?: z.ZodType;
  readonly columns: readonly PrinterColumn[];
};

type JsonSchema = { [key: string]: unknown };

/** Builds the CustomResourceDefinition of a kind, ready to be written as YAML. */
export function customResourceDefinition(definition: CrdDefinition): JsonSchema {
  const { kind, plural, singular, shortNames, categories, scope } = definition;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular,
        shortNames: [...shortNames],
        ...(categories.length > 0 ? { categories: [...categories] } : {}),
      },
      scope,
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          ...(definition.status ? { subresources: { status: {} } } : {}),
          additionalPrinterColumns: definition.columns.map((column) => ({ ...column })),
          schema: { openAPIV3Schema: openApiSchema(definition) },
        },
      ],
    },
  };
}

/** The whole schema of a kind, in the form that the API server accepts. */
export function openApiSchema({ description, spec, status }: CrdDefinition): JsonSchema {
  return {
    type: 'object',
    description,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string', description: 'The version of this API.' },
      kind: { type: 'string', description: 'The kind of this object.' },
      metadata: { type: 'object' },
      spec: structural(spec),
      // Without this default the defaults of its fields would not show before the first write of a status.
      ...(status ? { status: { ...structural(status), default: {} } } : {}),
    },
  };
}

function structural(schema: z.ZodType): JsonSchema {
  return clean(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' }));
}

/**
 * Turns zod's JSON schema into a structural schema of the API server. It has no
 * `$schema` and no `propertyNames`. `additionalProperties: false` is left out:
 * the server itself prunes unknown fields; `{}` becomes the field that keeps
 * them. A number or text has only its `x-kubernetes-int-or-string`.
 */
function clean(schema: JsonSchema): JsonSchema {
  const result: JsonSchema = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === '$schema' || key === 'propertyNames') continue;
    if (key === 'anyOf' && 'x-kubernetes-int-or-string' in schema) continue;
    if (key === 'additionalProperties' && isSchema(value) && Object.keys(value).length === 0) {
      result['x-kubernetes-preserve-unknown-fields'] = true;
    } else if (key === 'additionalProperties' && value === false) {
      continue;
    } else if (key === 'properties' && isSchema(value)) {
      result[key] = Object.fromEntries(
        Object.entries(value).map(([name, field]) => [name, isSchema(field) ? clean(field) : field]),
      );
    } else if ((key === 'items' || key === 'additionalProperties') && isSchema(value)) {
      result[key] = clean(value);
    } else {
      result[key] = value;
    }
  }
  return result;
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
