/** What is known of a cloud while it changes between two reads. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { leavingNow } from '../../../../src/hostops/openstack/leaving/servers-on-host.ts';
import type { HttpAnswer } from '../../../../src/openstack/transport.ts';
import { answer, NOVA } from '../../openstack/scripted-cloud.ts';
import { eventually } from '../../../support/eventually.ts';
import { ago, HOST } from './cloud-objects.ts';
import { claimOf, KEY, OneHost, signal } from './one-host.ts';

type Shown = Readonly<Record<string, unknown>>;

const AGGREGATES = `GET ${NOVA}/os-aggregates`;
const RACK = { name: 'rack-1', availability_zone: null, hosts: [HOST], metadata: {} };

let host: OneHost;
let servers: Shown[];
let migrations: Shown[];

beforeEach(async () => {
  host = new OneHost();
  [servers, migrations] = [[], []];
  const { nova } = host;
  nova.on(AGGREGATES, answer(200, { aggregates: [RACK] }));
  nova.on(`GET ${NOVA}/os-hypervisors/detail?limit=500`, answer(200, { hypervisors: [] }));
  nova.on(`GET ${NOVA}/os-services?binary=nova-compute`, async () =>
    answer(200, { services: [{ id: 'service-1', binary: 'nova-compute', host: HOST, ...host.service }] }),
  );
  nova.on(
    `GET ${NOVA}/os-server-groups?all_projects=true&limit=500&offset=0`,
    answer(200, { server_groups: [] }),
  );
  nova.on(`GET ${NOVA}/servers/detail?all_tenants=true&limit=500&host=${HOST}`, async () =>
    answer(200, { servers }),
  );
  const since = encodeURIComponent(ago(60));
  nova.on(`GET ${NOVA}/os-migrations?changes-since=${since}&limit=500`, async () =>
    answer(200, { migrations }),
  );
  await host.leases.start();
  await host.leases.create({ cloud: KEY, host: HOST, uid: 'service-1' }, claimOf(), undefined, signal);
  host.cloud.start();
  host.cloud.acquire(HOST, false);
  await eventually('the host', () => host.cloud.hosts.get(HOST)?.claim);
  host.now += 3_000;
});
afterEach(() => {
  host.cloud.stop();
  host.leases.stop();
});

/** Resolves when the open hosts were looked at again. A request that was accepted leads to that. */
async function look(asked = 'probe'): Promise<void> {
  host.now += 1;
  const before = host.timesRead;
  host.cloud.endAsking(asked, true);
  host.now += 2_000;
  host.cloud.endAsking('nobody', false);
  await eventually('a look', () => host.timesRead > before || host.cloud.failure !== undefined);
}

function shown(id: string, fields: Shown = {}): Shown {
  const usual = { id, name: id, tenant_id: 'p1', status: 'ACTIVE', created: ago(900) };
  return { ...usual, 'OS-EXT-SRV-ATTR:host': HOST, 'OS-EXT-STS:task_state': null, ...fields };
}

function moved(server: string, fields: Shown = {}): Shown {
  const usual = { id: 1, uuid: 'm', instance_uuid: server, status: 'running', source_compute: HOST };
  return { ...usual, migration_type: 'migration', created_at: ago(0), updated_at: ago(0), ...fields };
}

/** What was asked of Nova since it was last asked for this. */
function asked(): string[] {
  return host.nova.requests.splice(0).map(({ url }) => url.replace(`${NOVA}/`, '').replace(/[?].*/, ''));
}

it('keeps the aggregates of a host while they are read anew: without them it would have left its pool', async () => {
  const { promise, resolve } = Promise.withResolvers<HttpAnswer>();
  host.nova.on(AGGREGATES, async () => promise);
  const before = host.nova.asked(AGGREGATES).length;
  const reading = host.cloud.readHosts();
  await eventually('the request', () => host.nova.asked(AGGREGATES).length > before);
  host.cloud.claimChanged(HOST);
  expect(host.cloud.hosts.get(HOST)?.labels).toMatchObject({ 'aggregate/rack-1': 'member' });
  resolve(answer(200, { aggregates: [] }));
  await reading;
  expect(host.cloud.hosts.get(HOST)?.labels).not.toHaveProperty('aggregate/rack-1');
});

describe('a look', () => {
  const running = { migration_type: 'live-migration' };
  const migrating = { 'OS-EXT-STS:task_state': 'migrating' };

  it('asks for the migrations only while servers move, and for the servers when one has left', async () => {
    [servers, migrations] = [[shown('s1', migrating), shown('s2')], [moved('s1', running)]];
    await look();
    asked();
    migrations = [moved('s1', { ...running, updated_at: ago(-4) })];
    await look();
    expect(asked()).toEqual(['os-migrations']);
    [servers, migrations] = [[shown('s2')], [moved('s1', { ...running, status: 'completed' })]];
    await look();
    expect(asked()).toEqual(['os-migrations', 'servers/detail']);
    expect(host.cloud.serversOn(HOST)?.servers.map(({ id }) => id)).toEqual(['s2']);
  });

  it('asks for no servers when the migration of one begins that was asked to leave', async () => {
    servers = [shown('s1'), shown('s2')];
    await look();
    asked();
    migrations = [moved('s1', running)];
    await look('s1');
    expect(asked()).toEqual(['os-migrations']);
    expect(host.cloud.inFlight).toBe(1);
    migrations = [moved('s1', { ...running, status: 'queued' })];
    await look();
    expect(host.cloud.inFlight, 'also while it is in a queue').toBe(1);
  });

  it('remembers when a migration was in a queue, until it has ended', async () => {
    servers = [shown('s1', migrating)];
    migrations = [moved('s1', { ...running, status: 'queued' })];
    await look();
    const lastQueued = host.cloud.moves.queuedAt.get(1) ?? 0;
    expect(host.now - lastQueued).toBeLessThan(10_000);
    migrations = [moved('s1', running)];
    await look();
    expect(host.cloud.moves.queuedAt.get(1)).toBe(lastQueued);
    migrations = [moved('s1', { ...running, status: 'error' })];
    await look();
    expect(host.cloud.moves.queuedAt.size).toBe(0);
  });

  it('keeps a server that has left until its migration is known to have ended', async () => {
    migrations = [moved('s1', running)];
    const there = shown('s1', { 'OS-EXT-SRV-ATTR:host': 'compute-2' });
    host.nova.on(`GET ${NOVA}/servers/s1`, answer(200, { server: there }));
    await look();
    expect(host.cloud.serversOn(HOST)?.servers.map(({ id }) => id)).toEqual(['s1']);
    migrations = [moved('s1', { ...running, status: 'completed' })];
    await look();
    expect(host.cloud.serversOn(HOST)?.servers).toEqual([]);
  });

  it('keeps a server that has begun to move, and left, since the migrations were read', async () => {
    servers = [shown('s1'), shown('s2')];
    await look();
    servers = [];
    const elsewhere = { 'OS-EXT-SRV-ATTR:host': 'compute-2' };
    const unconfirmed = shown('s1', { ...elsewhere, status: 'VERIFY_RESIZE' });
    host.nova.on(`GET ${NOVA}/servers/s1`, answer(200, { server: unconfirmed }));
    host.nova.on(`GET ${NOVA}/servers/s2`, answer(200, { server: shown('s2', elsewhere) }));
    await look('s1');
    expect(host.cloud.serversOn(HOST)?.servers.map(({ id }) => id)).toEqual(['s1']);
  });

  it('keeps no server that has left, although an earlier migration of it was cut off and stays open', async () => {
    const cutOff = moved('s1', { ...running, created_at: ago(900), updated_at: ago(120) });
    const second = { ...running, id: 2, uuid: 'm2', status: 'completed' };
    migrations = [cutOff, moved('s1', second)];
    const there = shown('s1', { 'OS-EXT-SRV-ATTR:host': 'compute-2' });
    host.nova.on(`GET ${NOVA}/servers/s1`, answer(200, { server: there }));
    await look();
    expect(host.cloud.serversOn(HOST)?.servers).toEqual([]);
  });

  it('shows whether the host is up, though its servers are not listed again', async () => {
    [servers, migrations] = [[shown('s1', migrating)], [moved('s1', running)]];
    await look();
    expect(host.cloud.serversOn(HOST)?.hostIsUp).toBe(true);
    host.service.state = 'down';
    await host.seen();
    migrations = [moved('s1', { ...running, updated_at: ago(-4) })];
    await look();
    expect(host.cloud.serversOn(HOST)?.hostIsUp).toBe(false);
  });
});

describe('a server that failed to leave three times', () => {
  const failed = [1, 2, 3].map((id) =>
    moved('s1', { id, migration_type: 'live-migration', status: 'error' }),
  );
  const ACTIONS = `GET ${NOVA}/servers/s1/os-instance-actions`;
  const action = { action: 'live-migration', start_time: ago(9), request_id: 'r', message: 'Error' };

  it('has the words of Nova, which are read once', async () => {
    host.nova.on(ACTIONS, answer(200, { instanceActions: [action] }));
    const events = [{ start_time: ago(9), details: 'CPU does not match' }];
    host.nova.on(`${ACTIONS}/r`, answer(200, { instanceAction: { events } }));
    [servers, migrations] = [[shown('s1')], failed.slice(1)];
    await look();
    expect(host.cloud.moves.faults.size).toBe(0);
    migrations = failed;
    await look();
    expect(host.cloud.moves.faults).toEqual(new Map([['s1', 'CPU does not match']]));
    migrations = [...failed, moved('s2', { id: 4, source_compute: 'compute-9' })];
    await look();
    expect(host.nova.asked(ACTIONS)).toHaveLength(1);
  });

  it('is known all the same where Nova does not tell', async () => {
    host.nova.on(ACTIONS, answer(403, { forbidden: { code: 403, message: 'no' } }));
    [servers, migrations] = [[shown('s1')], failed];
    await look();
    expect([host.cloud.moves.faults.size, host.cloud.failure]).toEqual([0, undefined]);
    expect(host.cloud.serversOn(HOST)?.servers).toHaveLength(1);
  });
});

describe('the service of a host', () => {
  it('is known as a write has left it', async () => {
    expect(host.cloud.hosts.get(HOST)?.closedToNewWork).toBe(false);
    const services = await host.compute.services(signal, HOST);
    for (const service of services) host.cloud.noteService({ ...service, status: 'disabled' });
    expect(host.cloud.hosts.get(HOST)).toMatchObject({ closedToNewWork: true, claim: claimOf() });
  });

  it('is read at once for somebody who waits for an observation', async () => {
    const before = host.timesObserved;
    const { observedAt = 0 } = host.cloud;
    host.now += 500;
    host.cloud.awaitObservation();
    host.now += 500;
    host.cloud.awaitObservation();
    // The next one by itself comes after 5 s.
    await eventually('an observation', () => host.timesObserved > before, { seconds: 2 });
    expect(host.cloud.observedAt).toBeGreaterThan(observedAt);
  });
});

describe('a server that waits for its confirmation elsewhere', () => {
  it('still belongs to the host that it has left', async () => {
    migrations = [moved('s1', { status: 'finished' })];
    const elsewhere = shown('s1', { status: 'VERIFY_RESIZE', 'OS-EXT-SRV-ATTR:host': 'compute-2' });
    host.nova.on(`GET ${NOVA}/servers/s1`, answer(200, { server: elsewhere }));
    await look();
    expect(host.cloud.serversOn(HOST)?.servers.map(({ id }) => id)).toEqual(['s1']);
  });

  it('and is deleted there does not hide the others', async () => {
    servers = [shown('s2')];
    migrations = [moved('s1', { status: 'finished' })];
    host.nova.on(`GET ${NOVA}/servers/s1`, answer(404, { itemNotFound: { code: 404, message: 'gone' } }));
    await look();
    expect(host.cloud.serversOn(HOST)?.servers.map(({ id }) => id)).toEqual(['s2']);
    expect(host.cloud.failure).toBeUndefined();
  });
});

it('a failure to read servers is no less true when the hosts can be read', async () => {
  const refusal = answer(403, { forbidden: { code: 403, message: 'no' } });
  host.nova.on(`GET ${NOVA}/servers/detail?all_tenants=true&limit=500&host=${HOST}`, refusal);
  await look();
  expect(host.cloud.failure).toContain('servers/detail');
  await host.cloud.readHosts();
  expect(host.cloud.failure).toContain('servers/detail');
});

describe('a server that is asked to leave', () => {
  it('is known as a list has just shown it, until it is asked', async () => {
    servers = [shown('s1'), shown('s2')];
    await look();
    const seen = (id: string) => host.cloud.justSeen(HOST, id)?.server.id;
    host.cloud.beginAsking('s1', undefined);
    expect([seen('s1'), seen('s2'), seen('s3')]).toEqual([undefined, 's2', undefined]);
    host.cloud.endAsking('s1', true);
    expect(seen('s1')).toBeUndefined();
    host.now += 3_000;
    expect(seen('s2')).toBeUndefined();
  });

  it('has set off while its request is under way, and no more when that is refused', () => {
    host.cloud.beginAsking('s1', undefined);
    expect([...host.cloud.moves.setOff]).toEqual(['s1']);
    expect(host.cloud.inFlight).toBe(1);
    host.cloud.endAsking('s1', false);
    expect([host.cloud.moves.setOff.size, host.cloud.inFlight]).toEqual([0, 0]);
  });

  it('has set off until a later read shows what became of it', async () => {
    host.cloud.endAsking('s1', true);
    expect([...host.cloud.moves.setOff]).toEqual(['s1']);
    servers = [
      shown('s1', { 'OS-EXT-STS:task_state': 'migrating' }),
      shown('s2', { 'OS-EXT-STS:task_state': 'deleting' }),
    ];
    await look();
    expect([...host.cloud.moves.setOff], 'Nova prepares its move').toEqual(['s1']);
    servers = [shown('s1')];
    host.nova.on(`GET ${NOVA}/servers/s2`, answer(404, { itemNotFound: { code: 404, message: 'gone' } }));
    await look();
    expect([...host.cloud.moves.setOff], 'nothing came of it').toEqual([]);
  });

  it('counts once, with its request and with its migration', async () => {
    servers = [shown('s1', { 'OS-EXT-STS:task_state': 'migrating' }), shown('s2')];
    migrations = [moved('s1', { migration_type: 'live-migration' })];
    await look();
    expect(host.cloud.inFlight).toBe(1);
    host.cloud.beginAsking('s2', undefined);
    expect(host.cloud.inFlight).toBe(2);
  });

  it('leaves its host from the request on, until its migration has ended', async () => {
    const policy = { coldMigration: false, evacuation: false, stops: false };
    const leaving = (): number => {
      const there = host.cloud.serversOn(HOST);
      return there ? leavingNow(there, host.cloud.moves, policy, host.now) : NaN;
    };
    servers = [shown('s1'), shown('s2')];
    await look();
    expect(leaving()).toBe(0);
    host.cloud.beginAsking('s1', undefined);
    expect(leaving()).toBe(1);
    migrations = [moved('s1', { status: 'queued' })];
    await look('s1');
    expect(leaving()).toBe(1);
    migrations = [moved('s1', { status: 'error' })];
    await look('s1');
    expect(leaving()).toBe(0);
  });

  it('is on its way to where it was told, or to where Nova sends it', async () => {
    const arriving = (): number[] => ['compute-5', 'compute-6'].map((each) => host.cloud.arriving(each));
    host.cloud.beginAsking('s1', 'compute-5');
    expect(arriving()).toEqual([1, 0]);
    servers = [shown('s1', { 'OS-EXT-STS:task_state': 'migrating' }), shown('s2')];
    await look('s1');
    expect(arriving(), 'Nova has not recorded it yet').toEqual([1, 0]);
    migrations = [moved('s1', { status: 'preparing', dest_compute: null })];
    await look();
    expect(arriving(), 'nor where to').toEqual([1, 0]);
    migrations = [moved('s1', { dest_compute: 'compute-6' })];
    await look();
    expect(arriving()).toEqual([0, 1]);
  });

  it('does not move any more once a restart of Nova has cut it off', async () => {
    servers = [shown('s1')];
    migrations = [moved('s1', { created_at: ago(900), updated_at: ago(120) })];
    await look();
    expect([host.cloud.moves.migrations, host.cloud.inFlight]).toEqual([[], 0]);
  });

  it('does not move any more once its migration has gone down with its host, unless it is evacuated', async () => {
    servers = ['migrating', 'rebuilding'].map((task, i) =>
      shown(`s${String(i)}`, { 'OS-EXT-STS:task_state': task }),
    );
    const running = { migration_type: 'live-migration', updated_at: ago(61) };
    migrations = [moved('s0', { ...running, id: 1 }), moved('s1', { ...running, id: 2 })];
    await look();
    expect([[...host.cloud.moves.setOff], host.cloud.inFlight]).toEqual([['s0', 's1'], 2]);
    host.service.state = 'down';
    await host.cloud.readHosts();
    expect([[...host.cloud.moves.setOff], host.cloud.inFlight]).toEqual([['s1'], 1]);
  });

  it('and of which nothing is seen for a minute is counted as lost', async () => {
    servers = [shown('s1')];
    await look('s1');
    expect(host.cloud.moves.lost).toEqual(new Map());
    host.now += 60_000;
    await look();
    expect(host.cloud.moves.lost).toEqual(new Map([['s1', 1]]));
  });
});
