/** Whether a request was placed on the object that has it. Pure. */

/** The record of a writer: which fields of an object it wrote last, and when. */
type ManagedFields = { readonly time?: string | undefined; readonly fieldsV1: Fields };
type Fields = Readonly<Record<string, unknown>>;

export type Origin = {
  readonly creationTimestamp: string;
  readonly generation: number;
  readonly managedFields?: readonly ManagedFields[] | undefined;
};

/**
 * Whether an annotation was placed on this very object and for its present spec: its writer wrote it after the object was
 * made, wrote nothing else, and the spec has not been edited since. A tool that restores or copies an object writes the
 * annotation together with the rest, or brings a record from before.
 */
export function isPlacedHere(
  { creationTimestamp, generation, managedFields = [] }: Origin,
  annotation: string,
): boolean {
  const writers = managedFields.filter(({ fieldsV1 }) => annotationsIn(fieldsV1).includes(annotation));
  const [writer] = writers;
  if (writers.length !== 1 || !writer || !writesOnly(writer.fieldsV1)) return false;
  const placedAt = timeOf(writer);
  const wroteSpec = managedFields.filter(({ fieldsV1 }) => 'f:spec' in fieldsV1);
  return (
    placedAt >= Date.parse(creationTimestamp) &&
    (generation === 1 || wroteSpec.every((each) => timeOf(each) < placedAt))
  );
}

/** Whether a writer wrote one annotation and nothing else. */
function writesOnly(fields: Fields): boolean {
  const metadata = below(fields, 'f:metadata');
  const isAlone = Object.keys(fields).length === 1 && Object.keys(metadata).length === 1;
  return isAlone && annotationsIn(fields).length === 1;
}

function annotationsIn(fields: Fields): readonly string[] {
  const keys = Object.keys(below(below(fields, 'f:metadata'), 'f:annotations'));
  return keys.filter((key) => key !== '.').map((key) => key.slice('f:'.length));
}

function below(fields: Fields, key: string): Fields {
  const found = fields[key];
  return isFields(found) ? found : {};
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

/** A record without a time is older than any other. */
function timeOf({ time }: ManagedFields): number {
  return time === undefined ? -Infinity : Date.parse(time);
}
