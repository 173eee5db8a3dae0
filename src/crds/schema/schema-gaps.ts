type Schema = { readonly [key: string]: unknown };

const ANY_FIELD = 'x-kubernetes-preserve-unknown-fields';
const NUMBER_OR_TEXT = 'x-kubernetes-int-or-string';

/**
 * What one schema accepts and another one does not: the paths of its fields, such as `status.run.epoch`, and values of
 * an enum, such as `spec.execution.mode=Suspend`. The API server drops such a field, and refuses such a value.
 */
export function schemaGaps(wanted: unknown, served: unknown, path = ''): string[] {
  const [ours, theirs] = [schema(wanted), schema(served)];
  if (theirs[ANY_FIELD] === true) return [];
  if (hasMore(ANY_FIELD, ours, theirs) || hasMore(NUMBER_OR_TEXT, ours, theirs)) return [path];
  return [
    ...list(ours['enum'])
      .filter((value) => !list(theirs['enum'] ?? ours['enum']).includes(value))
      .map((value) => `${path}=${String(value)}`),
    ...fieldGaps(schema(ours['properties']), theirs, path),
    ...below('items', ours, theirs, `${path}[]`),
    ...below('additionalProperties', ours, theirs, `${path}.*`),
  ];
}

function fieldGaps(ours: Schema, theirs: Schema, path: string): string[] {
  return Object.entries(ours).flatMap(([name, field]) => {
    const [at, found] = [path ? `${path}.${name}` : name, schema(theirs['properties'])[name]];
    return found === undefined ? [at] : schemaGaps(field, found, at);
  });
}

function below(key: string, ours: Schema, theirs: Schema, path: string): string[] {
  return ours[key] === undefined ? [] : schemaGaps(ours[key], theirs[key], path);
}

function hasMore(mark: string, ours: Schema, theirs: Schema): boolean {
  return ours[mark] === true && theirs[mark] !== true;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function schema(value: unknown): Schema {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
