import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  selectorsOfOlderPools,
  memberOf,
  poolWith,
  type PoolSelection,
} from '../../../src/planner/pool-membership.ts';

const pool = (name: string, nodeSelector: Record<string, string>, second = 0): PoolSelection => ({
  name,
  createdAt: `2026-11-23T09:00:0${String(second)}Z`,
  nodeSelector,
});
const nameOf = (labels: Record<string, string>, ...pools: PoolSelection[]): string | undefined =>
  poolWith(labels, pools)?.name;

describe('the pool of a host', () => {
  const everything = pool('default', {});
  const gpu = pool('gpu', { gpu: 'yes' }, 2);
  const zone = pool('zone-a', { zone: 'a' }, 1);

  it('is default when no other pool selects it, however old that is', () => {
    expect(nameOf({ zone: 'b' }, everything, gpu, zone)).toBe('default');
    expect(nameOf({ gpu: 'yes' }, everything, gpu, zone)).toBe('gpu');
    expect(nameOf({ gpu: 'yes' }, { ...everything, createdAt: '2020-01-01T00:00:00Z' }, gpu)).toBe('gpu');
  });

  it('is none when default does not select it either', () => {
    expect(nameOf({ zone: 'b' }, pool('default', { managed: 'yes' }), gpu)).toBeUndefined();
  });

  it('is the older one where two overlap, and by name where they are of one age', () => {
    const both = { gpu: 'yes', zone: 'a' };
    expect(nameOf(both, gpu, zone, everything)).toBe('zone-a');
    expect(nameOf(both, gpu, { ...zone, createdAt: gpu.createdAt })).toBe('gpu');
  });

  it('can be told of each host from the selectors that come before', () => {
    const pools = [everything, gpu, zone];
    const membership = (each: PoolSelection) => ({
      nodeSelector: each.nodeSelector,
      before: selectorsOfOlderPools(each, pools),
    });
    expect(membership(gpu).before).toEqual([{ zone: 'a' }]);
    expect(membership(zone).before).toEqual([]);
    expect(membership(everything).before).toEqual([{ zone: 'a' }, { gpu: 'yes' }]);
    expect(memberOf({ gpu: 'yes' }, membership(gpu))).toBe('member');
    expect(memberOf({ gpu: 'yes', zone: 'a' }, membership(gpu))).toBe('kept-by-other');
    expect(memberOf({ zone: 'a' }, membership(gpu))).toBe('not-selected');
  });
});

describe('whatever pools there are', () => {
  const labels = fc.dictionary(fc.constantFrom('x', 'y', 'z'), fc.constantFrom('1', '2'));
  const pools = fc.uniqueArray(
    fc
      .tuple(fc.constantFrom('default', 'a', 'b', 'c', 'd'), labels, fc.integer({ min: 0, max: 2 }))
      .map((each) => pool(...each)),
    { selector: ({ name }) => name, maxLength: 5 },
  );
  const shuffled = pools.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
  );

  it('a host belongs to one at most, and to one if any selects it', () => {
    fc.assert(
      fc.property(pools, labels, (all, host) => {
        const standing = all.map((each) =>
          memberOf(host, { nodeSelector: each.nodeSelector, before: selectorsOfOlderPools(each, all) }),
        );
        const members = all.filter((_, at) => standing[at] === 'member');
        const selected = standing.some((each) => each !== 'not-selected');
        expect(members).toHaveLength(selected ? 1 : 0);
        expect(members[0]).toBe(poolWith(host, all));
      }),
    );
  });

  it('their order does not matter', () => {
    fc.assert(
      fc.property(shuffled, labels, ([all, otherwise], host) => {
        expect(poolWith(host, otherwise)).toBe(poolWith(host, all));
        for (const each of all)
          expect(selectorsOfOlderPools(each, otherwise)).toEqual(selectorsOfOlderPools(each, all));
      }),
    );
  });
});
