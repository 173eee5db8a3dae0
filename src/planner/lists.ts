/** Simple ways to split hosts into lists, for all profiles (starlingx-vim.md §7). Each list becomes a stage. */

/** One after another. */
export function singly<T>(items: readonly T[]): T[][] {
  return items.map((item) => [item]);
}

/** Lists of at most `size` items, in the given order. */
export function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}
