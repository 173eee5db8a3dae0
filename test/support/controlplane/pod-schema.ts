/** The fields of a pod, as the OpenAPI document of an API server describes them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** The fields of the API server of the tests. `npx vitest -u` writes the file again from the server's document. */
export const POD_FIELDS_FILE = join(import.meta.dirname, 'pod-fields.json');

type Schema = {
  readonly $ref?: string | undefined;
  readonly items?: Schema | undefined;
  readonly properties?: Readonly<Record<string, Schema>> | undefined;
  readonly additionalProperties?: Schema | undefined;
};
const schema: z.ZodType<Schema> = z.object({
  $ref: z.string().optional(),
  get items() {
    return schema.optional();
  },
  get properties() {
    return z.record(z.string(), schema).optional();
  },
  get additionalProperties() {
    return schema.optional();
  },
});
const openApi = z.object({ definitions: z.record(z.string(), schema) });

/** The paths of all scalar fields of a pod spec, such as `spec.containers[].env[].name`; `.*` is any name in a map. */
export function podFieldsOf(document: unknown): string[] {
  const { definitions } = openApi.parse(document);
  return fieldsBelow({ $ref: '#/definitions/io.k8s.api.core.v1.PodSpec' }, 'spec').toSorted();

  function fieldsBelow({ $ref, items, properties, additionalProperties }: Schema, path: string): string[] {
    const named = $ref === undefined ? undefined : definitions[$ref.replace('#/definitions/', '')];
    if (named) return fieldsBelow(named, path);
    if (items) return fieldsBelow(items, `${path}[]`);
    if (additionalProperties) return fieldsBelow(additionalProperties, `${path}.*`);
    if (!properties) return [path];
    return Object.entries(properties).flatMap(([name, field]) => fieldsBelow(field, `${path}.${name}`));
  }
}

export async function recordedPodFields(): Promise<string[]> {
  return z.array(z.string()).parse(JSON.parse(await readFile(POD_FIELDS_FILE, 'utf8')));
}
