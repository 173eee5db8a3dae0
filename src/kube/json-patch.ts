import { isDeepStrictEqual } from 'node:util';

/** An operation of a JSON patch (RFC 6902). */
export type Operation = {
  readonly op: 'test' | 'replace' | 'add' | 'remove';
  readonly path: string;
  readonly value?: unknown;
};

/** The operations at the begin of a patch that let it fail when the object was replaced or changed since it was read. */
export function guardOperations({
  uid,
  resourceVersion,
}: {
  readonly uid: string;
  readonly resourceVersion: string;
}): Operation[] {
  return [
    { op: 'test', path: '/metadata/uid', value: uid },
    { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion },
  ];
}

/**
 * The operations that turn one JSON value into another; none when they are equal. A list of the same length is changed
 * item by item, another one is replaced. A field that is undefined counts as absent.
 * @param path the JSON pointer of the value, such as `/status`
 */
export function jsonPatch(before: unknown, after: unknown, path: string): Operation[] {
  if (before === after) return [];
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length)
    return after.flatMap((item: unknown, i) => jsonPatch(before[i], item, `${path}/${String(i)}`));
  if (!isObject(before) || !isObject(after))
    return isDeepStrictEqual(before, after) ? [] : [{ op: 'replace', path, value: after }];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key): Operation[] => {
    const [old, wished] = [before[key], after[key]];
    const place = `${path}/${escaped(key)}`;
    if (wished === undefined) return old === undefined ? [] : [{ op: 'remove', path: place }];
    return old === undefined ? [{ op: 'add', path: place, value: wished }] : jsonPatch(old, wished, place);
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 6901. */
function escaped(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
