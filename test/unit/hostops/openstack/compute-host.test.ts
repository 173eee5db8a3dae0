/** A compute host as a host of a pool, by what Nova and its Lease say. */
import { describe, expect, it } from 'vitest';
import { writeClaim } from '../../../../src/hostops/claims.ts';
import type { ClaimLease } from '../../../../src/hostops/openstack/claim-leases.ts';
import { computeHost, type Observed } from '../../../../src/hostops/openstack/compute-host.ts';
import type { Aggregate, ComputeService, Hypervisor } from '../../../../src/openstack/compute-answers.ts';
import { ago, HOST, service } from './cloud-objects.ts';
import { claimOf } from './one-host.ts';

const HYPERVISOR: Hypervisor = {
  ...{ id: 'hv-1', hostname: `${HOST}.example.org`, serviceHost: HOST, type: 'QEMU', version: 10_000_000 },
  ...{ hostIp: '10.0.0.7', uptime: undefined },
};

function aggregate(name: string, metadata: Record<string, string> = {}, hosts: string[] = [HOST]): Aggregate {
  return { name, metadata, hosts, zone: undefined };
}

function lease(fields: Partial<ClaimLease> = {}): ClaimLease {
  const annotation = writeClaim(claimOf(), 'service-1');
  return {
    name: 'l',
    uid: 'lease-1',
    revision: '7',
    cloud: 'c',
    isHeld: true,
    host: HOST,
    hostUid: 'service-1',
    annotation,
    ...fields,
  };
}

function host(fields: Partial<ComputeService> = {}, more: Partial<Observed> = {}) {
  return computeHost({
    service: service(fields),
    aggregates: [],
    hypervisor: undefined,
    lease: undefined,
    ...more,
  });
}

const disabled = (disabledReason: string | undefined) => host({ status: 'disabled', disabledReason });

describe('the labels of a host', () => {
  it('are its zone, its aggregates, and what these say', () => {
    const aggregates = [
      aggregate('ssd', { disk: 'ssd', availability_zone: 'az1' }),
      aggregate('rack-3', { rack: '3' }),
      aggregate('others', { rack: '4', gpu: 'yes' }, ['compute-2']),
    ];
    const { labels, facts } = host({}, { aggregates, hypervisor: HYPERVISOR });
    expect(labels).toEqual({
      ...{ zone: 'az1', 'aggregate/ssd': 'member', 'aggregate/rack-3': 'member' },
      ...{ 'metadata/disk': 'ssd', 'metadata/rack': '3' },
    });
    expect(facts).toEqual({
      ...{ 'labels.zone': 'az1', 'labels.aggregate/ssd': 'member', 'labels.aggregate/rack-3': 'member' },
      ...{ 'labels.metadata/disk': 'ssd', 'labels.metadata/rack': '3' },
      ...{ 'hypervisor.type': 'QEMU', 'hypervisor.version': '10000000' },
    });
  });

  it('leave out what two aggregates disagree about, and keep what they agree about', () => {
    const aggregates = [
      aggregate('a', { rack: '3', disk: 'ssd' }),
      aggregate('b', { rack: '4', disk: 'ssd' }),
    ];
    const { labels } = host({ zone: undefined }, { aggregates });
    expect(labels).toEqual({ 'aggregate/a': 'member', 'aggregate/b': 'member', 'metadata/disk': 'ssd' });
  });

  it('may be those of an aggregate with the name of a field of all objects', () => {
    const { labels } = host({}, { aggregates: [aggregate('__proto__', { constructor: 'x' })] });
    expect(Object.entries(labels)).toContainEqual(['metadata/constructor', 'x']);
    expect(Object.keys(labels)).toContain('aggregate/__proto__');
  });
});

describe('the address of a host', () => {
  it('is that of its hypervisor, and not known without one', () => {
    expect(host({}, { hypervisor: HYPERVISOR }).address).toBe('10.0.0.7');
    expect(host().address).toBeUndefined();
  });
});

describe('a host is ready', () => {
  it('while its service is up, whether it is disabled or not', () => {
    for (const status of ['enabled', 'disabled'])
      expect(host({ status })).toMatchObject({ ready: true, notReady: undefined, bootId: undefined });
  });

  it.each([
    [{ state: 'down' }, `has not reported since ${ago(5)}`],
    [{ state: 'down', updatedAt: undefined }, 'has not reported)'],
    [{ state: 'unknown' }, 'has not reported'],
    [{ state: 'up', forcedDown: true }, 'was forced down'],
    [{ state: 'down', forcedDown: true }, 'was forced down'],
  ])('and not when it is %j', (fields, why) => {
    const { ready, notReady } = host(fields);
    expect(ready).toBe(false);
    expect(notReady).toContain(why);
  });
});

describe('a disabled service', () => {
  it('with our mark was locked by us', () => {
    expect(disabled('careen:run-1')).toMatchObject({
      ...{ closedToNewWork: true, hasMaintenanceMark: true, leftLocked: false, leftLockedBy: undefined },
    });
  });

  it('with our note was left locked', () => {
    expect(disabled('careen-left-locked:uid-1 Job failed')).toMatchObject({
      ...{ closedToNewWork: true, hasMaintenanceMark: false, leftLocked: true, leftLockedBy: 'uid-1' },
    });
  });

  it.each(['a fan is broken', 'careen: ask Ann', undefined])('for %j was disabled by others', (reason) => {
    expect(disabled(reason)).toMatchObject({
      ...{ closedToNewWork: true, hasMaintenanceMark: false, leftLocked: false, leftLockedBy: undefined },
    });
  });

  it('that is enabled has neither, whatever Nova still shows of its reason', () => {
    expect(host({ status: 'enabled', disabledReason: 'careen:run-1' })).toMatchObject({
      ...{ closedToNewWork: false, hasMaintenanceMark: false, leftLocked: false },
    });
  });
});

describe('the claim of a host', () => {
  it('is that in its Lease', () => {
    expect(host({}, { lease: lease() })).toMatchObject({ claim: claimOf(), spoiltClaim: undefined });
    expect(host()).toMatchObject({ claim: undefined, spoiltClaim: undefined });
  });

  it.each([
    ['of a service of another id', lease({ annotation: writeClaim(claimOf(), 'service-2') })],
    [
      'that somebody edited',
      lease({ annotation: writeClaim(claimOf(), 'service-1').replace('run-1', 'run-2') }),
    ],
    ['without an annotation', lease({ annotation: undefined })],
  ])('is spoilt in a Lease %s', (_, spoilt) => {
    const { claim, spoiltClaim } = host({}, { lease: spoilt });
    expect(claim).toBeUndefined();
    expect(spoiltClaim).toBeDefined();
  });
});

describe('the revision of a host', () => {
  it('changes with each input of a decision', () => {
    const all = [
      host(),
      host({ id: 'service-2' }),
      host({ status: 'disabled' }),
      host({ status: 'disabled', disabledReason: 'x' }),
      host({ state: 'down' }),
      host({ forcedDown: true }),
      host({}, { lease: lease() }),
      host({}, { lease: lease({ revision: '8' }) }),
      host({}, { lease: lease({ uid: 'lease-2' }) }),
    ].map(({ revision }) => revision);
    expect(new Set(all).size).toBe(all.length);
  });

  it('stays while the service reports, and when aggregates change', () => {
    expect(host({ updatedAt: ago(1) }).revision).toBe(host().revision);
    expect(host({}, { aggregates: [aggregate('a')] }).revision).toBe(host().revision);
  });
});
