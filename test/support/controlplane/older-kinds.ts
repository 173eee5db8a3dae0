/** The CRDs of an earlier version of Careen: those of this version without some fields and values. */
import type { Manifest } from './apply.ts';
import { installation } from './installation.ts';

type Json = Readonly<Record<string, unknown>>;

/** The CRDs of this version, by the plurals of their kinds. */
export async function currentKinds(): Promise<Readonly<Record<string, Manifest>>> {
  const crds = (await installation()).filter(({ kind }) => kind === 'CustomResourceDefinition');
  return Object.fromEntries(crds.map((crd) => [crd.metadata.name.replace(/\..*$/, ''), crd]));
}

/** The CRD without some fields, such as `status.run.epoch` or `status.stages[].hosts`, or values, such as `spec.mode=Run`. */
export function olderKind(crd: Manifest, ...lacking: readonly string[]): Manifest {
  const older = lacking.reduce<unknown>((schema, each) => {
    const [path = '', value] = each.split('=');
    return without(schema, path.replaceAll('[]', '.[]').split('.'), value);
  }, schemaOf(crd));
  return { ...crd, ...changed(crd, ['spec', 'versions', '0', 'schema', 'openAPIV3Schema'], () => older) };
}

function schemaOf(crd: Manifest): unknown {
  return ['spec', 'versions', '0', 'schema', 'openAPIV3Schema'].reduce<unknown>(
    (part, key) => json(part)[key],
    crd,
  );
}

function without(
  schema: unknown,
  [step = '', ...rest]: readonly string[],
  value: string | undefined,
): unknown {
  const keys = step === '[]' ? ['items'] : ['properties', step];
  if (rest.length > 0) return changed(schema, keys, (field) => without(field, rest, value));
  if (value === undefined)
    return changed(schema, ['properties'], (fields) => {
      const { [step]: _gone, ...others } = json(fields);
      return others;
    });
  return changed(schema, keys, (field) =>
    changed(field, ['enum'], (values) => (values as string[]).filter((each) => each !== value)),
  );
}

/** A copy with a change at the place that these keys lead to. */
function changed(
  value: unknown,
  [key = '', ...rest]: readonly string[],
  change: (part: unknown) => unknown,
): Json {
  const part = json(value)[key];
  if (part === undefined) throw new Error(`there is no ${key} to change`);
  const next = rest.length > 0 ? changed(part, rest, change) : change(part);
  if (!Array.isArray(value)) return { ...json(value), [key]: next };
  return value.map((each, i): unknown => (String(i) === key ? next : each)) as unknown as Json;
}

function json(value: unknown): Json {
  return value as Json; // a part of a manifest
}
