export type Labels = Readonly<Record<string, string>>;

/** Whether the labels include all wanted ones. */
export function hasAll(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}
