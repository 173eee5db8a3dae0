/** What is known of a cloud whose answers come in another order than they were asked for: no real one can repeat that. */
import { describe, expect, it } from 'vitest';
import { ObservedCloud } from '../../../src/hostops/openstack/observed/observed-cloud.ts';
import { Compute } from '../../../src/openstack/compute.ts';
import { Placement } from '../../../src/openstack/placement.ts';
import type { HttpAnswer } from '../../../src/openstack/transport.ts';
import { answer, NOVA, ScriptedCloud, settled } from '../openstack/scripted-cloud.ts';

const { signal } = new AbortController();
const SERVICES = `GET ${NOVA}/os-services?binary=nova-compute`;
const AGGREGATES = `GET ${NOVA}/os-aggregates`;

function services(status: string, ...hosts: readonly string[]): HttpAnswer {
  const of = (host: string) => ({ id: `id-of-${host}`, host, binary: 'nova-compute', status, state: 'up' });
  return answer(200, { services: hosts.map(of) });
}

function aggregates(rack: string): HttpAnswer {
  const aggregate = { name: 'racks', availability_zone: null, hosts: ['compute-0'], metadata: { rack } };
  return answer(200, { aggregates: [aggregate] });
}

function observe(cloud: ScriptedCloud): ObservedCloud {
  cloud.on(`GET ${NOVA}/os-hypervisors/detail?limit=500`, answer(200, { hypervisors: [] }));
  return new ObservedCloud({
    key: 'lab',
    connect: async () => ({
      ...{ compute: new Compute(cloud.session()), placement: new Placement(cloud.session()) },
      isCurrent: async () => true,
      close: () => undefined,
    }),
    leases: { of: () => undefined, read: async () => undefined },
    hostChanged: () => undefined,
    serversRead: () => undefined,
    observed: () => undefined,
    now: cloud.clock.now,
    log: { info: () => undefined, warn: () => undefined },
  });
}

/** Lets the first request of this kind wait for its answer, while others are answered. */
function delayed(cloud: ScriptedCloud, request: string, ...later: readonly HttpAnswer[]) {
  const { promise, resolve } = Promise.withResolvers<HttpAnswer>();
  cloud.on(request, async () => promise, ...later);
  return resolve;
}

describe('an answer that comes late', () => {
  it('does not undo what a later read of a host has shown, and is news of the others', async () => {
    const cloud = new ScriptedCloud();
    cloud.on(AGGREGATES, aggregates('a'));
    const arrives = delayed(cloud, SERVICES);
    cloud.on(`${SERVICES}&host=compute-0`, services('disabled', 'compute-0'));
    const observed = observe(cloud);

    const all = observed.readHosts();
    await settled();
    expect(cloud.asked(SERVICES)).toHaveLength(1);
    await observed.readHost('compute-0', signal);
    arrives(services('enabled', 'compute-0', 'compute-1'));
    await all;
    const closed = [...observed.hosts.values()].map((host) => [host.name, host.closedToNewWork]);
    expect(Object.fromEntries(closed)).toEqual({ 'compute-0': true, 'compute-1': false });
  });

  it('does not take away a host that has been read since', async () => {
    const cloud = new ScriptedCloud();
    cloud.on(AGGREGATES, aggregates('a'));
    const arrives = delayed(cloud, SERVICES);
    cloud.on(`${SERVICES}&host=compute-0`, services('enabled', 'compute-0'));
    const observed = observe(cloud);
    const all = observed.readHosts();
    await settled();
    await observed.readHost('compute-0', signal);
    arrives(services('enabled', 'compute-1'));
    await all;
    expect([...observed.hosts.keys()].toSorted()).toEqual(['compute-0', 'compute-1']);
  });

  it('does not bring back the aggregates of before', async () => {
    const cloud = new ScriptedCloud();
    const arrives = delayed(cloud, AGGREGATES, aggregates('new'));
    cloud.on(SERVICES, services('enabled', 'compute-0'));
    const observed = observe(cloud);
    const first = observed.readHosts();
    await cloud.clock.advance(1);
    expect(cloud.asked(AGGREGATES)).toHaveLength(1);
    await observed.readHosts();
    arrives(aggregates('old'));
    await first;
    expect(observed.hosts.get('compute-0')?.labels).toMatchObject({ 'metadata/rack': 'new' });
  });
});

describe('what a plan is built from', () => {
  /** What is asked of a cloud with so many hosts, each with a server. */
  async function asked(size: number): Promise<readonly string[]> {
    const cloud = new ScriptedCloud();
    const hosts = Array.from({ length: size }, (_, i) => `compute-${String(i)}`);
    const since = encodeURIComponent(new Date(cloud.clock.now() - 86_400_000).toISOString());
    const servers = hosts.map((host) => ({
      ...{ id: `on-${host}`, status: 'ACTIVE', tenant_id: 'p1', created: '2026-11-27T10:00:00Z' },
      'OS-EXT-SRV-ATTR:host': host,
    }));
    cloud.on(AGGREGATES, aggregates('a'));
    cloud.on(SERVICES, services('enabled', ...hosts));
    cloud.on(`GET ${NOVA}/servers/detail?all_tenants=true&limit=500`, answer(200, { servers }));
    cloud.on(
      `GET ${NOVA}/os-server-groups?all_projects=true&limit=500&offset=0`,
      answer(200, { server_groups: [] }),
    );
    cloud.on(`GET ${NOVA}/os-migrations?changes-since=${since}&limit=500`, answer(200, { migrations: [] }));
    const observed = observe(cloud);
    await observed.readHosts();
    await observed.readServers();
    expect(observed.scene?.survey.servers).toHaveLength(size);
    expect(observed.hosts.size).toBe(size);
    return cloud.requests.map(({ method, url }) => `${method} ${url}`).toSorted();
  }

  it('is read by as many lists in a large cloud as in a small one', async () => {
    const ofOne = await asked(1);
    expect(
      ofOne.filter((each) => each.startsWith(`GET ${NOVA}/os-`) || each.includes('/servers')),
    ).toHaveLength(6);
    expect(await asked(200)).toEqual(ofOne);
  });
});
