import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mayShareHosts, membershipOf, selects, selectsAll } from '../../../src/hostops/membership.ts';
import type { Provider } from '../../../src/hostops/port.ts';
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';
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

describe('the pool of a compute host of OpenStack', () => {
  type Cloud = { name?: string; cloudName?: string; region?: string; hostSelector?: Labels };
  const source = ({ name = 'login', cloudName = 'prod', ...rest }: Cloud = {}): Provider =>
    hostPoolSpec.parse({
      provider: { openstack: { identityRef: { name, cloudName }, ...rest } },
      maxUnavailable: 1,
    }).provider;
  const inCloud = (name: string, cloud: Cloud, second = 0): Pool => ({
    ...pool(name, {}, second),
    provider: source(cloud),
  });
  const host = { zone: 'az-1', 'aggregate/gpu': 'member' };
  const older = inCloud('older', { region: 'one', hostSelector: { zone: 'az-1' } });
  const newer = inCloud('newer', { region: 'one', hostSelector: { 'aggregate/gpu': 'member' } }, 1);

  it('is the older of two that select it in the same region of the same cloud', () => {
    expect(standing(host, newer, [older, newer])).toBe('kept-by-other');
    expect(standing(host, older, [older, newer])).toBe('member');
    expect(standing({ ...host, zone: 'az-2' }, newer, [older, newer])).toBe('member');
  });

  it.each<[string, Cloud]>([
    ['with another Secret', { name: 'another', region: 'one' }],
    ['with another entry of clouds.yaml', { cloudName: 'another', region: 'one' }],
    ['in another region', { region: 'two' }],
  ])('is no older pool %s', (_, cloud) => {
    expect(standing(host, newer, [inCloud('older', cloud), newer])).toBe('member');
  });

  it('is an older pool that leaves its region to clouds.yaml: it may be the same one', () => {
    expect(standing(host, newer, [inCloud('older', {}), newer])).toBe('kept-by-other');
  });

  it('is never one of nodes, and a node is in none of OpenStack', () => {
    const nodes = pool('nodes', {}, 1);
    const oldNodes = pool('old-nodes', {});
    expect(standing(host, newer, [oldNodes, newer])).toBe('member');
    expect(standing({ zone: 'az-1' }, nodes, [older, nodes])).toBe('member');
    expect(standing({ zone: 'az-1' }, nodes, [oldNodes, nodes])).toBe('kept-by-other');
    expect(mayShareHosts(nodes.provider, older.provider)).toBe(false);
    expect(mayShareHosts(older.provider, nodes.provider)).toBe(false);
  });

  it('is default when no other pool of its cloud selects it', () => {
    const rest = inCloud('default', { region: 'one' });
    expect(poolsOf(host, rest, newer)).toEqual(['newer']);
    expect(poolsOf({ zone: 'az-1' }, rest, newer)).toEqual(['default']);
    expect(standing(host, rest, [rest, inCloud('newer', { region: 'two' })])).toBe('member');
  });

  it('is selected by its labels, unless one of the exclusions selects it', () => {
    const exclude = [{ matchLabels: { 'aggregate/gpu': 'member' } }];
    expect(selects({ openstack: { ...openstackOf(source()), exclude } }, host)).toBe(false);
    expect(selects({ openstack: { ...openstackOf(source()), exclude } }, { zone: 'az-1' })).toBe(true);
    expect(selectsAll(source())).toBe(true);
    expect(selectsAll({ openstack: { ...openstackOf(source()), exclude } })).toBe(false);
    expect(selectsAll(newer.provider)).toBe(false);
  });

  it('is not one without a provider', () => {
    expect(selects({}, host)).toBe(false);
    expect(selectsAll({})).toBe(false);
    expect(mayShareHosts({}, {})).toBe(false);
  });
});

function openstackOf({ openstack }: Provider): NonNullable<Provider['openstack']> {
  if (!openstack) throw new Error('not on OpenStack');
  return openstack;
}

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
          Object.entries(provider.kubernetes?.nodeSelector ?? {}).every(
            ([key, value]) => host[key] === value,
          ),
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
