import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { membershipOf } from '../../../src/hostops/membership.ts';
import type { Provider } from '../../../src/hostops/port.ts';
import { poolsBefore, type PoolAge } from '../../../src/planner/hosts/pool-precedence.ts';

type Pool = PoolAge & { readonly provider: Provider };
type Labels = Record<string, string>;

const pool = (name: string, nodeSelector: Labels, second = 0): Pool => ({
  name,
  createdAt: `2026-11-23T09:00:0${String(second)}Z`,
  provider: { kubernetes: { nodeSelector } },
});
const standing = (labels: Labels, { name, createdAt, provider }: Pool, pools: readonly Pool[]): string => {
  const before = poolsBefore({ name, createdAt }, pools).map((each) => each.provider);
  return membershipOf({ labels, claim: undefined }, { pool: name, provider, before });
};
const poolsOf = (labels: Labels, ...pools: Pool[]): string[] =>
  pools.filter((each) => standing(labels, each, pools) === 'member').map(({ name }) => name);

describe('the pool of a host', () => {
  const everything = pool('default', {});
  const gpu = pool('gpu', { gpu: 'yes' }, 2);
  const zone = pool('zone-a', { zone: 'a' }, 1);

  it('is default only when no other pool selects it, even when default is older', () => {
    expect(poolsOf({ zone: 'b' }, everything, gpu, zone)).toEqual(['default']);
    expect(poolsOf({ gpu: 'yes' }, everything, gpu, zone)).toEqual(['gpu']);
    expect(poolsOf({ gpu: 'yes' }, { ...everything, createdAt: '2020-01-01T00:00:00Z' }, gpu)).toEqual([
      'gpu',
    ]);
  });

  it('does not exist when default does not select it either', () => {
    expect(poolsOf({ zone: 'b' }, pool('default', { managed: 'yes' }), gpu)).toEqual([]);
  });

  it('is the older of two that overlap, and the first by name when they have the same age', () => {
    const both = { gpu: 'yes', zone: 'a' };
    expect(poolsOf(both, gpu, zone, everything)).toEqual(['zone-a']);
    expect(poolsOf(both, gpu, { ...zone, createdAt: gpu.createdAt })).toEqual(['gpu']);
  });

  it('is none, or another, for a host that its pool excludes', () => {
    const without = (name: string, nodeSelector: Labels, second = 0): Pool => ({
      ...pool(name, nodeSelector, second),
      provider: {
        kubernetes: {
          nodeSelector,
          exclude: [
            { matchLabels: { type: 'virtual' } },
            { matchLabels: { gpu: 'yes' }, matchExpressions: [{ key: 'fargate', operator: 'Exists' }] },
          ],
        },
      },
    });
    expect(poolsOf({ type: 'virtual' }, without('default', {}))).toEqual([]);
    expect(poolsOf({ gpu: 'yes' }, without('default', {}))).toEqual(['default']);
    expect(poolsOf({ gpu: 'yes', fargate: '' }, without('default', {}))).toEqual([]);
    const virtual = { gpu: 'yes', type: 'virtual' };
    expect(poolsOf(virtual, without('gpu', { gpu: 'yes' }), everything)).toEqual(['default']);
    expect(poolsOf(virtual, without('gpu', { gpu: 'yes' }), { ...gpu, name: 'other' })).toEqual(['other']);
  });

  it('follows from the providers of the preceding pools', () => {
    const pools = [everything, gpu, zone];
    expect(poolsBefore(gpu, pools)).toEqual([zone]);
    expect(poolsBefore(zone, pools)).toEqual([]);
    expect(poolsBefore(everything, pools)).toEqual([zone, gpu]);
    expect(standing({ gpu: 'yes' }, gpu, pools)).toBe('member');
    expect(standing({ gpu: 'yes', zone: 'a' }, gpu, pools)).toBe('kept-by-other');
    expect(standing({ zone: 'a' }, gpu, pools)).toBe('not-selected');
    expect(standing({ zone: 'a' }, everything, pools)).toBe('not-selected');
  });
});

describe('for any pools', () => {
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

  it('a host belongs to one pool at most, and to one if any selects it', () => {
    fc.assert(
      fc.property(pools, labels, (all, host) => {
        const selected = all.some(({ provider }) =>
          Object.entries(provider.kubernetes.nodeSelector).every(([key, value]) => host[key] === value),
        );
        expect(poolsOf(host, ...all)).toHaveLength(selected ? 1 : 0);
      }),
    );
  });

  it('the order of the pools does not matter', () => {
    fc.assert(
      fc.property(shuffled, ([all, otherwise]) => {
        for (const each of all) expect(poolsBefore(each, otherwise)).toEqual(poolsBefore(each, all));
      }),
    );
  });
});
