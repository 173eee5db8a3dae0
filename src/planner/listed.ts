/** The first names of a list, and how many more there are. */
export function listed(names: readonly string[]): string {
  const more = names.length > 5 ? ` and ${String(names.length - 5)} more` : '';
  return `${names.slice(0, 5).join(', ')}${more}`;
}
