import { describe, expect, it } from 'vitest';
import type { HostPool } from '../../../src/resources/careen-api.ts';
import { Pools } from '../../../src/controllers/pool/pools.ts';
import { hostPoolSpec, type Permit } from '../../../src/crds/host-pool.ts';

const common = { namespace: '', resourceVersion: '1', annotations: {}, finalizers: [] };
const pool = (nodeSelector: Record<string, string>, generation = 1, uid = 'u'): HostPool => ({
  metadata: { ...common, name: 'gpu', uid, generation, creationTimestamp: '2026-11-25T09:00:00Z' },
  spec: hostPoolSpec.parse({ provider: { kubernetes: { nodeSelector } }, maxUnavailable: 1 }),
  status: {},
});

describe('the knowledge about pools', () => {
  it('reports when hosts may have moved: a pool is added, removed, recreated or selects other hosts', () => {
    const moves: string[] = [];
    let act = '';
    const pools = new Pools({ moved: () => moves.push(act) });
    const acts: readonly [string, () => void][] = [
      ['comes', () => pools.set(pool({ gpu: 'yes' }))],
      ['stays', () => pools.set(pool({ gpu: 'yes' }))],
      ['is paused', () => pools.set(pool({ gpu: 'yes' }, 2))],
      ['selects others', () => pools.set(pool({ gpu: 'a100' }, 3))],
      ['is made anew', () => pools.set(pool({ gpu: 'a100' }, 1, 'another'))],
      ['goes', () => pools.delete('gpu')],
      ['is gone', () => pools.delete('gpu')],
    ];
    for (const [name, run] of acts) {
      act = name;
      run();
    }
    expect(moves).toEqual(['comes', 'selects others', 'is made anew', 'goes']);
  });

  it('reports when permits are freed, and no other change of them', () => {
    let freed = 0;
    const pools = new Pools({ moved: () => undefined, freed: () => (freed += 1) });
    const permit = (host: string, run = 'r'): Permit => ({ host, run, level: 'away', since: '' });
    const frees = (...permits: readonly Permit[]): boolean => {
      const before = freed;
      pools.set({ ...pool({ gpu: 'yes' }), status: { permits: [...permits] } });
      return freed > before;
    };
    expect(frees(permit('a'))).toBe(false);
    expect(frees(permit('a'), permit('b'))).toBe(false);
    expect(frees(permit('b'), permit('a'))).toBe(false);
    expect(frees(permit('b'))).toBe(true);
    expect(frees(permit('b', 'another'))).toBe(true);
    expect(frees()).toBe(true);
  });

  it('outlasts a pool of a cloud, so that its hosts can be released, until a pool of nodes has its name', () => {
    const identityRef = { name: 'login', cloudName: 'prod' };
    const spec = hostPoolSpec.parse({ provider: { openstack: { identityRef } }, maxUnavailable: 1 });
    const pools = new Pools({ moved: () => undefined });
    const nodes = { kubernetes: { nodeSelector: {} } };
    expect(pools.scopeOfMissing('gpu')).toMatchObject({ pool: 'gpu', provider: nodes, before: [] });
    pools.set({ ...pool({}), spec });
    pools.delete('gpu');
    expect(pools.scopeOfMissing('gpu')).toMatchObject({
      pool: 'gpu',
      provider: { openstack: { identityRef } },
    });
    expect(pools.scopeOfMissing('other')).toMatchObject({ provider: nodes });
    pools.set(pool({ gpu: 'yes' }));
    pools.delete('gpu');
    expect(pools.scopeOfMissing('gpu')).toMatchObject({ provider: nodes });
  });

  it('belongs to one generation of one pool: any other needs a new read', () => {
    const pools = new Pools({ moved: () => undefined });
    expect(pools.knows('gpu', { uid: 'u', generation: 1 })).toBe(false);
    pools.set(pool({ gpu: 'yes' }));
    expect(pools.knows('gpu', { uid: 'u', generation: 1 })).toBe(true);
    expect(pools.knows('gpu', { uid: 'u', generation: 2 })).toBe(false);
    expect(pools.knows('gpu', { uid: 'another', generation: 1 })).toBe(false);
    expect(pools.knows('gpu', {})).toBe(false);
  });
});
