export type Difference = {
  /** `apply-phase.stages[2].timeout` */
  readonly path: string;
  /** `undefined` when one side lacks the path. */
  readonly expected: unknown;
  readonly actual: unknown;
};

/** The first difference of two JSON values, in the order of the expected one. The order of keys does not count. */
export function firstDifference(expected: unknown, actual: unknown, path = ''): Difference | undefined {
  if (Array.isArray(expected) && Array.isArray(actual))
    return firstOf(Math.max(expected.length, actual.length), (i) =>
      firstDifference(expected[i], actual[i], `${path}[${i}]`),
    );
  if (isRecord(expected) && isRecord(actual)) {
    const keys = [...new Set([...Object.keys(expected), ...Object.keys(actual)])];
    return firstOf(keys.length, (i) => {
      const key = keys[i] ?? '';
      return firstDifference(expected[key], actual[key], path ? `${path}.${key}` : key);
    });
  }
  return Object.is(expected, actual) ? undefined : { path, expected, actual };
}

function firstOf(
  count: number,
  differenceAt: (index: number) => Difference | undefined,
): Difference | undefined {
  for (let index = 0; index < count; index += 1) {
    const difference = differenceAt(index);
    if (difference) return difference;
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
