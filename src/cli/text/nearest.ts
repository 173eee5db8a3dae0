/** Which of the names that exist was meant. Pure. */

/** The names, those first that differ least from the wanted one; at most `most` of them, and how many more there are. */
export function nearestFirst(names: readonly string[], wanted: string, most = 10): string[] {
  const sorted = [...names].sort(
    (a, b) => distance(a, wanted) - distance(b, wanted) || a.localeCompare(b, 'en', { numeric: true }),
  );
  const more = sorted.length - most;
  return more > 0 ? [...sorted.slice(0, most), `${String(more)} more`] : sorted;
}

/** How many letters must be added, removed or replaced (Levenshtein). */
function distance(from: string, to: string): number {
  let before = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [row, letter] of Array.from(from).entries()) {
    const line = [row + 1];
    for (const [column, other] of Array.from(to).entries()) {
      const replaced = (before[column] ?? 0) + (letter === other ? 0 : 1);
      line.push(Math.min(replaced, (before[column + 1] ?? 0) + 1, (line[column] ?? 0) + 1));
    }
    before = line;
  }
  return before.at(-1) ?? 0;
}
