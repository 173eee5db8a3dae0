import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limitOf } from '../../../src/planner/hosts/host-limit.ts';

describe('the limit of a pool', () => {
  it('is the given number, for any number of hosts', () => {
    expect([limitOf(3, 0), limitOf(3, 2), limitOf(3, 5000)]).toEqual([3, 3, 3]);
  });

  it.each([
    ['10%', 100, 10],
    ['10%', 109, 10],
    ['29%', 100, 29],
    ['1%', 5000, 50],
    ['100%', 7, 7],
  ])('of %s of %i hosts is %i, rounded down', (percentage, hosts, limit) => {
    expect(limitOf(percentage, hosts)).toBe(limit);
  });

  it.each([0, 1, 9])('is at least one, also for 10%% of %i hosts', (hosts) => {
    expect(limitOf('10%', hosts)).toBe(1);
  });

  it('never exceeds the given share, and never falls when hosts are added', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 0, max: 10000 }), (percent, hosts) => {
        const limit = limitOf(`${String(percent)}%`, hosts);
        expect(limit === 1 || limit * 100 <= percent * hosts).toBe(true);
        expect(limitOf(`${String(percent)}%`, hosts + 1)).toBeGreaterThanOrEqual(limit);
      }),
    );
  });
});
