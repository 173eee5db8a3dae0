/** How large a spec may be. Its templates keep fields that no schema knows, so the API server does not limit them. */
const DEPTH = 32;
const VALUES = 10_000;
const CHARACTERS = 262_144;

/**
 * Why a spec is too large to be read, in one sentence; undefined when it is not. It looks at no more than the bounds
 * allow, and needs no stack for the depth.
 * @param path names the value in the message, such as `spec`
 */
export function beyondBounds(value: unknown, path: string): string | undefined {
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 0 }];
  let values = 0;
  let characters = 0;
  for (let next = open.pop(); next; next = open.pop()) {
    const { value: found, depth } = next;
    if (depth > DEPTH) return `${path} is nested deeper than ${String(DEPTH)} levels`;
    values += 1;
    if (typeof found === 'string') characters += found.length;
    else if (typeof found === 'object' && found !== null) {
      for (const [key, each] of Object.entries(found)) {
        if (!Array.isArray(found)) characters += key.length;
        open.push({ value: each, depth: depth + 1 });
        if (values + open.length > VALUES) return `${path} has more than ${String(VALUES)} values`;
      }
    }
    if (characters > CHARACTERS) return `${path} has more than ${String(CHARACTERS)} characters`;
  }
  return undefined;
}
