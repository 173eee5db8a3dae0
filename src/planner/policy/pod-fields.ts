/** The fields of a pod template that need a decision: the template is compared with the table in pod-shape.ts. */
import { POD_TEMPLATE, type Field, type ObjectShape, type RuleId } from './pod-shape.ts';

export type PodField = {
  /** Its position, such as `spec.containers[0].ports[1].hostPort`. */
  readonly path: string;
  /** The last part of the path: the key of a label, the name of a resource, the type of a volume. */
  readonly name: string;
  readonly value: unknown;
} & (
  | { readonly is: 'governed'; readonly by: readonly RuleId[] }
  /** No pool with a policy admits it. */
  | { readonly is: 'never' | 'unknown' }
  /** Kubernetes cannot read it. */
  | { readonly is: 'misshapen'; readonly problem: string }
);

type Place = { readonly path: string; readonly name: string };

/**
 * The set fields of a pod template, except those that are always allowed. null counts as not set, as in Kubernetes; an
 * empty object may mean something. It looks no deeper than the table, however deep the template is.
 */
export function podFields(template: unknown): Fields {
  return fieldsAt(template, POD_TEMPLATE, { path: '', name: '' });
}

type Fields = Generator<PodField, void>;

function* fieldsAt(value: unknown, field: Field | undefined, place: Place): Fields {
  if (value === null || value === undefined) return;
  if (!field) {
    yield { ...place, value, is: 'unknown' };
    return;
  }
  const { by, harmless = [], list, object } = field;
  const isHarmless = harmless.includes(value);
  if (by === 'never') {
    if (!isHarmless) yield { ...place, value, is: 'never' };
    return;
  }
  if (by.length > 0 && !isHarmless) yield { ...place, value, is: 'governed', by };
  if (list) yield* fieldsInList(value, list, place);
  else if (object) yield* fieldsInObject(value, object, place);
  else if (typeof value === 'object') yield misshapen(value, 'a text, number or boolean', place);
}

function* fieldsInList(value: unknown, element: Field, { path, name }: Place): Fields {
  if (!Array.isArray(value)) {
    yield misshapen(value, 'a list', { path, name });
    return;
  }
  for (const [at, each] of value.entries()) {
    const place = { path: `${path}[${String(at)}]`, name };
    if (each === null) yield misshapen(each, element.object ? 'an object' : 'a value', place);
    else yield* fieldsAt(each, element, place);
  }
}

function* fieldsInObject(
  value: unknown,
  { fields, named, required = [] }: ObjectShape,
  place: Place,
): Fields {
  if (!isObject(value)) {
    yield misshapen(value, 'an object', place);
    return;
  }
  for (const [name, each] of Object.entries(value)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : named?.(name);
    yield* fieldsAt(each, field, placeBelow(place, name));
  }
  for (const name of required.filter((each) => !Object.hasOwn(value, each)))
    yield misshapen(undefined, 'a text', placeBelow(place, name));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const READABLE_NAME = /^[\w./-]{1,100}$/;

function placeBelow({ path }: Place, name: string): Place {
  const shown = READABLE_NAME.test(name) ? name : JSON.stringify(name.slice(0, 100));
  return { path: path === '' ? shown : `${path}.${shown}`, name };
}

function misshapen(value: unknown, expected: string, place: Place): PodField {
  const found = value === undefined ? 'nothing' : value === null ? 'null' : kindOf(value);
  return { ...place, value, is: 'misshapen', problem: `expected ${expected}, found ${found}` };
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
