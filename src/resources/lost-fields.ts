/** The paths of the fields that were sent and that the stored value does not have, such as `status.run.epoch`. */
export function lostFields(sent: unknown, stored: unknown, path: string): string[] {
  // In a merge patch null removes a field.
  if (sent === undefined || sent === null) return [];
  if (stored === undefined || stored === null) return [path];
  if (Array.isArray(sent)) {
    const items: readonly unknown[] = Array.isArray(stored) ? stored : [];
    return [...new Set(sent.flatMap((each, i) => lostFields(each, items[i], `${path}[]`)))];
  }
  if (!isObject(sent)) return [];
  const fields = isObject(stored) ? stored : {};
  return Object.entries(sent).flatMap(([key, value]) => lostFields(value, fields[key], `${path}.${key}`));
}

/** Whether every field of a value has the same value in another one, which may have more fields. */
export function isPartOf(value: unknown, whole: unknown): boolean {
  if (Array.isArray(value))
    return (
      Array.isArray(whole) &&
      value.length === whole.length &&
      value.every((each, i) => isPartOf(each, whole[i]))
    );
  if (!isObject(value)) return value === whole;
  return isObject(whole) && Object.entries(value).every(([key, each]) => isPartOf(each, whole[key]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
