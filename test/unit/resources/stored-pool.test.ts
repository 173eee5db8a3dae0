import { describe, expect, it } from 'vitest';
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';
import { poolCapacity } from '../../../src/engine/permits/pool-capacity.ts';
import { NO_CONTROLLERS, type FleetFacts } from '../../../src/engine/view.ts';
import { selects } from '../../../src/hostops/membership.ts';
import { parsePool } from '../../../src/resources/careen-api.ts';
import { hostPool, type HostPool } from '../../../src/resources/stored-pool.ts';
import { observedStatus } from '../../../src/status/pool-status.ts';

const FLEET: FleetFacts = {
  ...{
    total: 3,
    outOfServiceByOthers: new Set(),
    claimedAway: new Set(),
    closedByRuns: new Map(),
    keptByOtherPools: new Set(),
  },
  ...{ controllers: NO_CONTROLLERS, revision: '1' },
};
const TIME = '2026-11-26T09:00:00Z';
/** The defaults. */
const MIGRATIONS = { maxMigrationsPerHost: 1, maxMigrations: 10 };
const PERMIT = { host: 'w-1', run: 'r', level: 'away', since: TIME } as const;

function stored(spec: unknown, name = 'gpu'): HostPool {
  const metadata = { name, uid: 'u', resourceVersion: '1', generation: 4, creationTimestamp: TIME };
  return hostPool.parse({ metadata, spec, status: { epoch: 2, limit: 5, permits: [PERMIT] } });
}

function readyOf(pool: HostPool, all = false): string {
  const { conditions = [] } = observedStatus(pool, pool.status, FLEET, all, TIME);
  return conditions.map(({ type, status, reason }) => `${type}=${status}/${reason}`).join(' ');
}

describe('a pool whose stored spec cannot be read', () => {
  const provider = { kubernetes: { nodeSelector: { 'node role/gpu!': 'not a value; at all' } } };
  const pool = stored({ provider, maxUnavailable: '150%' });

  it('says so in its status, with the fields, and keeps what the status has', () => {
    const status = observedStatus(pool, pool.status, FLEET, false, TIME);
    expect(status).toMatchObject({ observedGeneration: 4, epoch: 2, limit: 5, permits: [PERMIT] });
    expect(readyOf(pool)).toBe(
      'Ready=False/SpecUnreadable Reconciling=False/AsExpected Stalled=True/SpecUnreadable',
    );
    const message = status.conditions?.[0]?.message;
    expect(message).toContain('HostPool gpu: the spec cannot be read by this version of Careen');
    expect(message).toContain('spec.maxUnavailable');
  });

  it('grants nothing', () => {
    expect(poolCapacity(pool, FLEET).closedBecause).toContain('it grants nothing until then');
  });

  it('keeps the hosts that it selects, as far as that can be read, and selects none otherwise', () => {
    const labels = { 'node role/gpu!': 'not a value; at all' };
    expect(selects(pool.spec.provider, labels)).toBe(true);
    for (const spec of [{}, { provider: { openstack: {} } }, undefined])
      expect(selects(stored(spec).spec.provider, labels)).toBe(false);
  });

  it('does so in a cloud as well, and moves no server as the pool does not say how', () => {
    const identityRef = { name: 'login', cloudName: 'prod' };
    const openstack = { identityRef, region: 'one', hostSelector: { zone: 'not a value; at all' } };
    const { spec } = stored({ provider: { openstack: { ...openstack, evacuation: 'perhaps' } } });
    expect(spec.provider).toEqual({
      openstack: {
        ...openstack,
        ...{ coldMigration: false, evacuation: false, stopStart: false },
        ...MIGRATIONS,
      },
    });
    for (const broken of [
      { openstack: { ...openstack, identityRef: { name: 'login' } } },
      { openstack: { ...openstack, hostSelector: null } },
      { openstack: { ...openstack, region: 1 } },
      { openstack, kubernetes: {} },
    ])
      expect(stored({ provider: broken }).spec.provider).toEqual({
        kubernetes: { nodeSelector: { '': '' } },
      });
  });

  it('is no pool for a watch, which may deliver no spec at all', () => {
    const { metadata } = pool;
    expect(parsePool({ metadata })).toBeUndefined();
    const spec = hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable: 1 });
    expect(parsePool({ metadata, spec })?.spec).toEqual(spec);
  });
});

describe('a pool that selects all hosts', () => {
  const spec = { provider: { kubernetes: {} }, maxUnavailable: 1 };
  const messageOf = (name: string): string | undefined =>
    observedStatus(stored(spec, name), {}, FLEET, true, TIME).conditions?.[0]?.message;

  it('warns that default has none, unless it is default itself', () => {
    expect(messageOf('gpu')).toContain('it selects all hosts, so HostPool default has none');
    expect(messageOf('default')).not.toContain('selects all');
  });
});

describe('the hosts that are away', () => {
  it('are counted also before the first permit', () => {
    const pool = stored({ provider: { kubernetes: {} }, maxUnavailable: 1 });
    expect(observedStatus(pool, {}, FLEET, false, TIME).away).toBe(0);
    expect(observedStatus(pool, { ...pool.status, away: 1 }, FLEET, false, TIME).away).toBe(1);
  });
});

describe('the hosts that others hold', () => {
  it('are counted as the limit counts them: besides those with a permit, and each once', () => {
    const fleet = {
      ...FLEET,
      outOfServiceByOthers: new Set(['w-1', 'w-2']),
      claimedAway: new Set(['w-1', 'w-3']),
    };
    const pool = stored({ provider: { kubernetes: {} }, maxUnavailable: 1 });
    const counted = (status: HostPool['status']): number | undefined =>
      observedStatus(pool, status, fleet, false, TIME).outOfServiceByOthers;
    expect(counted(pool.status)).toBe(2);
    expect(counted({})).toBe(3);
  });
});
