import { describe, expect, it } from 'vitest';
import { seedsOfMinute } from '../../simulation/seed-range.ts';

const NOW = Date.UTC(2026, 10, 26, 13, 40);

describe('the seeds of a minute', () => {
  it('are the same within it, and follow those of the minute before without a gap', () => {
    const [from, to] = seedsOfMinute(NOW);
    expect(to - from).toBe(4_999);
    expect(seedsOfMinute(NOW + 59_999)).toEqual([from, to]);
    expect(seedsOfMinute(NOW + 60_000)).toEqual([to + 1, to + 5_000]);
  });

  it('differ in their 32 bits, for a year', () => {
    const [from] = seedsOfMinute(NOW);
    const inAYear = seedsOfMinute(NOW + 365 * 86_400_000);
    expect(inAYear[1]).toBeLessThanOrEqual(2 ** 32);
    expect(inAYear[0]).not.toBe(from);
  });
});
