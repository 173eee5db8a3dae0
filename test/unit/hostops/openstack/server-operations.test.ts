/** What will happen to the servers of hosts that go out of service together. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CloudScene } from '../../../../src/hostops/openstack/placing/cloud-scene.ts';
import {
  operationsOn,
  placementOn,
  type Operation,
} from '../../../../src/hostops/openstack/placing/server-operations.ts';
import type { Server } from '../../../../src/openstack/compute-answers.ts';
import { ago, flavored, group, migration, NOW, scene, server, sized } from './cloud-objects.ts';

const POLICY = { coldMigration: false, evacuation: false, stops: false };
const ROOM = { VCPU: 8, MEMORY_MB: 8192 };
const [A, B, C] = ['a', 'b', 'c'] as const;

const operations = (away: readonly string[], of: CloudScene, policy = POLICY): readonly Operation[] =>
  operationsOn(away, of, policy, NOW);
/** On host `a`, which goes out of service. */
const on = (fields: Partial<Server> = {}): Server => server({ host: A, ...fields });

/** The one operation on host `a`. */
function only(of: CloudScene, policy = POLICY): Operation {
  const [operation, ...others] = operations(['a'], of, policy);
  if (!operation || others.length > 0) throw new Error('not one server');
  return operation;
}
const whyNot = (of: CloudScene): string | undefined => only(of).unplaced?.why;

describe('how a server leaves', () => {
  it.each<[string, Partial<Server>, string]>([
    ['that runs is live', {}, 'live-migrate'],
    ['that is stopped is cold', { status: 'SHUTOFF' }, 'cold-migrate'],
    ['that is busy comes later', { taskState: 'image_snapshot' }, 'wait'],
    ['that is suspended is stuck', { status: 'SUSPENDED' }, 'stuck'],
    ['that moves is awaited', { taskState: 'migrating' }, 'moving'],
    ['that waits for its confirmation gets it', { status: 'VERIFY_RESIZE', host: 'a' }, 'confirm'],
  ])('%s', (_what, fields, how) => {
    const type = how === 'confirm' ? 'migration' : 'live-migration';
    const status = { confirm: 'finished', moving: 'running' }[how];
    const migrations = status === undefined ? [] : [migration(status, { type, source: 'a' })];
    const of = scene({ a: ROOM, b: ROOM }, { servers: [on(fields)], migrations });
    expect(only(of).next.kind).toBe(how);
    const looks = ['live-migrate', 'cold-migrate', 'wait'].includes(how);
    expect(only(of).place).toEqual(looks ? { words: 'any host', hosts: 1 } : undefined);
  });

  it('is as the pool allows', () => {
    const flavor = flavored({ 'hw:tpm_version': '2.0' });
    const of = scene({ a: ROOM, b: { ...ROOM, DISK_GB: 9 } }, { servers: [on({ flavor })] });
    expect(only(of).next.kind).toBe('stuck');
    expect(only(of, { ...POLICY, coldMigration: true }).next.kind).toBe('cold-migrate');
  });

  it('is to be stopped where the strategy says so, and it looks for no place', () => {
    const servers = [on(), on({ id: 's2', taskState: 'rebooting' }), on({ id: 's3', status: 'SHUTOFF' })];
    const of = scene({ a: ROOM }, { servers });
    const stopped = operations(['a'], of, { ...POLICY, stops: true });
    expect(stopped.map(({ next, place, unplaced }) => [next.kind, place, unplaced])).toEqual([
      ['stop', undefined, undefined],
      ['wait', undefined, undefined],
    ]);
    expect(operations(['a'], of)).toHaveLength(3);
  });

  it('is said in the order of the hosts, and on each by age', () => {
    const servers = [
      on({ id: 'young', createdAt: ago(10) }),
      on({ id: 'old', createdAt: ago(20) }),
      server({ id: 'first', host: 'b' }),
      server({ id: 'gone', host: 'b', status: 'SHELVED_OFFLOADED' }),
    ];
    const of = scene({ a: ROOM, b: ROOM, c: ROOM }, { servers });
    expect(operations(['b', 'a'], of).map(({ server: { id } }) => id)).toEqual(['first', 'old', 'young']);
  });
});

describe('the place of a server', () => {
  it('is any host in service with room, but none that goes away too', () => {
    const of = scene({ a: ROOM, b: ROOM, c: ROOM, d: { VCPU: 0 }, e: ROOM }, { servers: [on()], out: ['e'] });
    const flavor = sized({});
    const sizable = scene(
      { a: ROOM, b: ROOM, c: ROOM, d: { VCPU: 0 }, e: ROOM },
      { servers: [on({ flavor })], out: ['e'] },
    );
    expect(only(of).place).toEqual({ words: 'any host', hosts: 3 });
    expect(only(sizable).place).toEqual({ words: 'any host', hosts: 2 });
    expect(operations(['a', 'b'], sizable)[0]?.place).toEqual({ words: 'any host', hosts: 1 });
    expect(operations(['a', 'b', 'c', 'd'], sizable)[0]?.unplaced).toMatchObject({
      ...{ alone: true, why: 'has nowhere to go: no other host is in service' },
    });
  });

  it('is in the zone to which the server is pinned', () => {
    const zones = { a: 'az1', b: 'az2', c: 'az1' };
    const hosts = { a: ROOM, b: ROOM, c: ROOM };
    const pinned = [on({ pinnedZone: 'az1' })];
    expect(only(scene(hosts, { servers: pinned, zones })).place).toEqual({
      ...{ words: 'a host of zone az1', hosts: 1 },
    });
    const why = whyNot(scene(hosts, { servers: pinned, zones, out: ['c'] }));
    expect(why).toBe('is pinned to zone az1, where no other host is in service that may take it');
    for (const pinnedZone of [null, undefined])
      expect(whyNot(scene(hosts, { servers: [on({ pinnedZone })], zones, out: ['c'] }))).toBeUndefined();
  });

  it('is in an aggregate that the flavor asks for', () => {
    const aggregate = (name: string, hosts: string[], disk: string) => ({
      ...{ name, zone: undefined, hosts, metadata: { disk } },
    });
    const aggregates = [aggregate('x', ['b', 'c'], 'ssd, nvme'), aggregate('y', ['c'], 'hdd')];
    const wanting = (wanted: string) =>
      only(
        scene(
          { a: ROOM, b: ROOM, c: ROOM },
          {
            servers: [on({ flavor: sized({}, { 'aggregate_instance_extra_specs:disk': wanted }) })],
            aggregates,
          },
        ),
      );
    expect(wanting('nvme').place).toEqual({ words: 'a host of an aggregate with disk=nvme', hosts: 2 });
    expect(wanting('<or> hdd <or> tape').place?.hosts).toBe(1);
    expect(wanting('s!= hdd').place, 'a comparison is left to Nova').toEqual({ words: 'any host', hosts: 2 });
    expect(wanting('tape').unplaced?.why).toBe(
      'needs an aggregate with disk=tape by its flavor, and no other host in service has one',
    );
  });

  it('has the traits that the flavor requires, and none that it forbids', () => {
    const wanting = (what: string, rooms = true) =>
      only(
        scene(
          { a: ROOM, b: ROOM, c: ROOM },
          {
            servers: [on({ flavor: sized({}, { 'trait:CUSTOM_X': what }) })],
            traits: { b: ['CUSTOM_X'] },
            rooms,
          },
        ),
      ).place;
    expect(wanting('required')).toEqual({ words: 'a host with trait CUSTOM_X', hosts: 1 });
    expect(wanting('forbidden')).toEqual({ words: 'a host without trait CUSTOM_X', hosts: 1 });
    expect(wanting('required', false)?.hosts, 'where they are not known').toBe(2);
    expect(wanting('forbidden', false)?.hosts).toBe(2);
  });

  it('is where the scheduler hints of the server allow it', () => {
    const servers = (schedulerHints: Server['schedulerHints']) => [
      on({ schedulerHints }),
      server({ id: 'other', host: 'b' }),
      server({ id: 'near', host: 'a' }),
    ];
    const hinted = (hints: Server['schedulerHints']) =>
      operations(['a'], scene({ a: ROOM, b: ROOM, c: ROOM }, { servers: servers(hints) })).find(
        ({ server: { id } }) => id === 's1',
      );
    expect(hinted({ same_host: 'other' })?.place).toEqual({
      words: 'a host that has server other',
      hosts: 1,
    });
    expect(hinted({ same_host: ['near'] })?.unplaced?.why).toBe(
      'was to be on the host of server near (scheduler hint same_host)',
    );
    expect(hinted({ different_host: ['other', 'gone'] })?.place?.hosts).toBe(1);
    expect(hinted({ query: '["=", "$x", 1]', group: 'g' })?.place).toEqual({ words: 'any host', hosts: 2 });
  });

  it('has no other of an anti-affinity group, or not too many', () => {
    const members = [on(), ...[B, C].map((host) => server({ id: `on-${host}`, host }))];
    const ids = members.map(({ id }) => id);
    const hosts = { a: ROOM, b: ROOM, c: ROOM };
    const full = scene(hosts, { servers: members, groups: [group(ids)] });
    expect(only(full).unplaced).toMatchObject({
      alone: true,
      why: 'is of server group db (anti-affinity), of which each other host in service that may take it has a member',
    });
    const groups = [group(ids, 'db', { maxServersPerHost: 2 })];
    expect(only(scene(hosts, { servers: members, groups })).place).toEqual({
      ...{ words: 'a host with fewer than 2 of group db', hosts: 2 },
    });
    const soft = [group(ids, 'db', { policy: 'soft-anti-affinity' })];
    expect(only(scene(hosts, { servers: members, groups: soft })).place?.words).toBe('any host');
  });

  it('is with the others of an affinity group, so there is none while they are together', () => {
    const together = [on(), on({ id: 's2' })];
    const groups = [group(['s1', 's2'], 'db', { policy: 'affinity' })];
    const hosts = { a: ROOM, b: ROOM };
    const [first] = operations(['a'], scene(hosts, { servers: together, groups }));
    expect(first?.unplaced).toMatchObject({
      alone: true,
      why: 'is of server group db (affinity): Nova moves it only to where another member is, and they are together',
      remedy: 'let its owner give up the group (its servers stay): openstack server group delete group-db',
    });
    const apart = [on(), server({ id: 's2', host: 'b' })];
    expect(only(scene(hosts, { servers: apart, groups })).unplaced).toBeUndefined();
  });
});

describe('room for a server', () => {
  const wanting = (sizes: Parameters<typeof sized>[0], b: object, c: object = {}) =>
    only(scene({ a: ROOM, b: { ...b }, c: { ...c } }, { servers: [on({ flavor: sized(sizes) })] })).unplaced;

  it('that no host has is named with the most that one has', () => {
    const disk = wanting({ diskGb: 500 }, { ...ROOM, DISK_GB: 300 }, { ...ROOM, DISK_GB: 200 });
    expect(disk).toEqual({
      alone: true,
      why: 'needs 500 GB of local disk, and no host that may take it has more than 300 GB of local disk free',
      remedy: 'make room on one of the hosts that may take it, or add a host',
    });
  });

  it('that no host has as a whole is named as a whole', () => {
    const both = wanting({ vcpus: 4, ramMb: 4096 }, { VCPU: 8, MEMORY_MB: 1 }, { VCPU: 1, MEMORY_MB: 8192 });
    expect(both?.why).toBe(
      'needs 4 vCPUs, 4096 MB of memory, and no host that may take it has all that free',
    );
  });

  it('is not judged where it is not known', () => {
    const of = scene({ a: {}, b: {} }, { servers: [on({ flavor: sized({ vcpus: 99 }) })], rooms: false });
    expect(only(of).place).toEqual({ words: 'any host', hosts: 1 });
    expect(placementOn(['a'], of, POLICY, NOW)).toEqual({
      ...{ seeking: 1, unplaced: [], roomUnknown: 'it has no endpoint' },
    });
  });

  it('that each would have alone may not do for all of them', () => {
    const flavor = sized({ vcpus: 5 });
    const servers = ['s1', 's2', 's3'].map((id) => on({ id, name: id, flavor }));
    const { unplaced, ...rest } = placementOn(
      ['a'],
      scene({ a: ROOM, b: ROOM, c: ROOM }, { servers }),
      POLICY,
      NOW,
    );
    expect(rest).toEqual({ seeking: 3, roomUnknown: undefined });
    expect(unplaced).toMatchObject([
      {
        ...{ host: 'a', namespace: 'p1', name: 's3', alone: false },
        why: 'finds no place once the others are placed: it needs 5 vCPUs, 512 MB of memory on any host',
      },
    ]);
  });

  it('is left to a server that fits nowhere else', () => {
    const free = { VCPU: 8, MEMORY_MB: 1024 };
    const servers = [
      on({ id: 'small', flavor: sized({}) }),
      on({ id: 'large', flavor: sized({ ramMb: 1024 }) }),
    ];
    const of = scene({ a: ROOM, b: free, c: { VCPU: 8, MEMORY_MB: 512 } }, { servers });
    expect(operations(['a'], of).map(({ unplaced }) => unplaced)).toEqual([undefined, undefined]);
  });
});

it('a smaller server that fits in one zone only is placed before a larger one that fits anywhere', () => {
  const free = { VCPU: 8, MEMORY_MB: 512 };
  const servers = [
    on({ id: 'anywhere', flavor: sized({ ramMb: 400 }) }),
    on({ id: 'pinned', flavor: sized({ ramMb: 300 }), pinnedZone: 'az1' }),
  ];
  const of = scene({ a: ROOM, b: free, c: free }, { servers, zones: { b: 'az1' } });
  expect(operations(['a'], of).map(({ unplaced }) => unplaced)).toEqual([undefined, undefined]);
});

describe('servers of one anti-affinity group that leave together', () => {
  it('need a host each', () => {
    const servers = [on(), server({ id: 's2', host: 'b' })];
    const known = { servers, groups: [group(['s1', 's2'])] };
    const left = (hosts: Parameters<typeof scene>[0]) =>
      operations(['a', 'b'], scene(hosts, known)).filter(({ unplaced }) => unplaced).length;
    expect(left({ a: ROOM, b: ROOM, c: ROOM, d: ROOM })).toBe(0);
    expect(left({ a: ROOM, b: ROOM, c: ROOM })).toBe(1);
  });
});

describe('whatever the cloud', () => {
  const NAMES = ['h0', 'h1', 'h2', 'h3', 'h4', 'h5'];
  const anyRoom = fc.record({ VCPU: fc.integer({ min: 0, max: 8 }), MEMORY_MB: fc.nat(2048) });
  const anyServer = fc.record({
    host: fc.constantFrom(...NAMES),
    vcpus: fc.integer({ min: 1, max: 4 }),
    ramMb: fc.integer({ min: 1, max: 1024 }),
    group: fc.constantFrom(undefined, 'x', 'y'),
  });
  const anyCloud = fc
    .record({
      rooms: fc.array(anyRoom, { minLength: NAMES.length, maxLength: NAMES.length }),
      servers: fc.array(anyServer, { maxLength: 14 }),
      away: fc.subarray(NAMES, { minLength: 1 }),
    })
    .map(({ rooms, servers, away }) => {
      const all = servers.map(({ host, vcpus, ramMb }, i) =>
        server({ id: `s${String(i)}`, host, flavor: sized({ vcpus, ramMb }) }),
      );
      const groups = ['x', 'y'].map((name) =>
        group(
          servers.flatMap((each, i) => (each.group === name ? [`s${String(i)}`] : [])),
          name,
        ),
      );
      const none = { VCPU: 0, MEMORY_MB: 0 };
      const hosts = Object.fromEntries(NAMES.map((name, i) => [name, rooms[i] ?? none]));
      return { hosts, servers: all, groups, away };
    });

  it('the forecast does not depend on the order in which servers and hosts are known', () => {
    fc.assert(
      fc.property(anyCloud, ({ hosts, servers, groups, away }) => {
        const turned = Object.fromEntries(Object.entries(hosts).toReversed());
        const one = operations(away, scene(hosts, { servers, groups }));
        const other = operations(
          away,
          scene(turned, { servers: servers.toReversed(), groups: groups.toReversed() }),
        );
        expect(other).toEqual(one);
      }),
    );
  });

  it('servers that are all placed would not fit if less were free than they need', () => {
    fc.assert(
      fc.property(anyCloud, ({ hosts, servers, groups, away }) => {
        const found = operations(away, scene(hosts, { servers, groups }));
        const stay = NAMES.filter((name) => !away.includes(name));
        for (const what of ['VCPU', 'MEMORY_MB'] as const) {
          const free = stay.reduce((sum, name) => sum + (hosts[name]?.[what] ?? 0), 0);
          const placed = found.filter(({ unplaced }) => !unplaced);
          const needs = placed.reduce((sum, { server: { flavor } }) => {
            const { vcpus = 0, ramMb = 0 } = flavor ?? {};
            return sum + (what === 'VCPU' ? vcpus : ramMb);
          }, 0);
          expect(needs).toBeLessThanOrEqual(free);
        }
      }),
    );
  });

  it('a server of a group is not placed where more of it would be than hosts stay', () => {
    fc.assert(
      fc.property(anyCloud, ({ hosts, servers, groups, away }) => {
        const found = operations(away, scene(hosts, { servers, groups }));
        const stay = NAMES.filter((name) => !away.includes(name));
        for (const { members } of groups) {
          const there = servers.filter(({ id, host = '' }) => members.includes(id) && stay.includes(host));
          const taken = new Set(there.map(({ host }) => host)).size;
          const placed = found.filter(({ server: { id }, unplaced }) => members.includes(id) && !unplaced);
          expect(taken + placed.length).toBeLessThanOrEqual(stay.length);
        }
      }),
    );
  });

  it('a host with room for all of them leaves no one without a place', () => {
    fc.assert(
      fc.property(anyCloud, ({ hosts, servers, away }) => {
        const large = { ...hosts, spare: { VCPU: 1000, MEMORY_MB: 1_000_000 } };
        const found = operations(away, scene(large, { servers }));
        expect(found.every(({ unplaced }) => unplaced === undefined)).toBe(true);
      }),
    );
  });

  it('a server has a place alone exactly where a host has one', () => {
    fc.assert(
      fc.property(anyCloud, ({ hosts, servers, groups, away }) => {
        for (const { place, unplaced } of operations(away, scene(hosts, { servers, groups })))
          expect(unplaced?.alone === true).toBe(place?.hosts === 0);
      }),
    );
  });
});
