/** The number of seeds of a run without a given range. */
const COUNT = 5_000;
/** Random numbers follow from 32 bits of a seed: there are no more seeds than that. */
const BLOCKS = Math.floor(2 ** 32 / COUNT);
const MINUTE_MS = 60_000;

/**
 * The seeds of a minute, first and last: 5,000 seeds that no other minute within a year and a half has.
 * @param now Unix time in milliseconds
 */
export function seedsOfMinute(now: number): readonly [number, number] {
  const block = Math.floor(now / MINUTE_MS) % BLOCKS;
  return [block * COUNT + 1, (block + 1) * COUNT];
}
