/** What a real cloud with all its parts never answers, or only an older one. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Compute } from '../../../src/openstack/compute.ts';
import { failure } from '../../support/openstack/failure.ts';
import { answer, NOVA, ScriptedCloud } from './scripted-cloud.ts';

const { signal } = new AbortController();
let cloud: ScriptedCloud;
let compute: Compute;
beforeEach(() => {
  cloud = new ScriptedCloud();
  compute = new Compute(cloud.session());
});

describe('a cell whose database is down', () => {
  it('has services of which little is known', async () => {
    const service = { binary: 'nova-compute', host: 'h1', status: 'UNKNOWN' };
    cloud.on(`GET ${NOVA}/os-services?binary=nova-compute`, answer(200, { services: [service] }));
    expect(await compute.services(signal)).toEqual([{ ...service, state: 'unknown', forcedDown: false }]);
  });

  it('has servers of which little is known', async () => {
    const server = {
      id: 's1',
      status: 'UNKNOWN',
      tenant_id: 'p1',
      created: '2026-11-27T10:00:00Z',
      links: [],
    };
    cloud.on(`GET ${NOVA}/servers/detail?all_tenants=true&limit=500`, answer(200, { servers: [server] }));
    expect(await compute.servers({}, signal)).toEqual([
      {
        ...{
          id: 's1',
          name: '',
          projectId: 'p1',
          status: 'UNKNOWN',
          locked: false,
          metadata: {},
          volumes: [],
          bootsFromVolume: false,
          imageProperties: {},
        },
        createdAt: '2026-11-27T10:00:00Z',
      },
    ]);
  });
});

describe('the servers', () => {
  const listed = (id: string, fields: object = {}) => ({
    ...{ id, status: 'ACTIVE', tenant_id: 'p1', created: '2026-11-27T10:00:00Z' },
    ...fields,
  });
  const list = (host?: string) =>
    `GET ${NOVA}/servers/detail?all_tenants=true&limit=500${host === undefined ? '' : `&host=${host}`}`;

  it('are not read by a user who may not see their hosts: these would look empty', async () => {
    cloud.on(list(), answer(200, { servers: [listed('s1')] }));
    const error = await failure(compute.servers({}, signal));
    expect(error.kind).toBe('forbidden');
    expect(error.message).toContain('os-extended-server-attributes');
    const unscheduled = listed('s1', { status: 'ERROR', 'OS-EXT-SRV-ATTR:host': null });
    cloud.on(list(), answer(200, { servers: [unscheduled] }));
    expect(await compute.servers({}, signal)).toMatchObject([{ id: 's1', status: 'ERROR' }]);
  });

  it('of one host are only these, also where Nova ignores that they were asked for', async () => {
    const [here, there] = ['h1', 'h2'].map((host) => listed(host, { 'OS-EXT-SRV-ATTR:host': host }));
    cloud.on(list('h1'), answer(200, { servers: [here, there] }));
    expect((await compute.servers({ host: 'h1' }, signal)).map(({ id }) => id)).toEqual(['h1']);
  });
});

describe('the fault of a move', () => {
  const ACTIONS = `GET ${NOVA}/servers/s1/os-instance-actions`;
  const action = (name: string, fields: object = {}) => ({
    ...{ action: name, user_id: 'u1', start_time: '2026-11-27T10:00:00', request_id: `req-${name}` },
    ...{ message: 'Error', ...fields },
  });
  const event = (seconds: number, details: string | null) => ({
    start_time: `2026-11-27T10:00:0${String(seconds)}`,
    details,
  });

  it('is in the words of Nova about the whole move, the last of the server', async () => {
    const actions = [action('stop'), action('live-migration'), action('migrate')];
    cloud.on(ACTIONS, answer(200, { instanceActions: actions }));
    const events = [event(3, 'inner'), event(1, 'CPU does not match'), event(0, null)];
    cloud.on(`${ACTIONS}/req-live-migration`, answer(200, { instanceAction: { events } }));
    expect(await compute.moveFault('s1', signal)).toBe('CPU does not match');
  });

  it('is unknown where the last move has not failed, nobody has moved the server, or Nova is older', async () => {
    const moved = [action('live-migration', { message: null }), action('migrate')];
    cloud.on(ACTIONS, answer(200, { instanceActions: moved }), answer(200, { instanceActions: [] }));
    expect(await compute.moveFault('s1', signal)).toBeUndefined();
    expect(await compute.moveFault('s1', signal)).toBeUndefined();
    const old = new ScriptedCloud();
    old.versions = { version: { id: 'v2.1', version: '2.83', min_version: '2.1' } };
    expect(await new Compute(old.session()).moveFault('s1', signal)).toBeUndefined();
  });
});

describe('server groups', () => {
  const group = (id: string): unknown => ({
    id,
    name: id,
    project_id: 'p1',
    members: [],
    policy: 'affinity',
    rules: {},
  });
  const url = (offset: number): string =>
    `GET ${NOVA}/os-server-groups?all_projects=true&limit=500&offset=${String(offset)}`;

  it('are read to the end, also when Nova sends fewer at once than it was asked for', async () => {
    cloud.on(url(0), answer(200, { server_groups: [group('a'), group('b')] }));
    // A group was removed in between, so that one comes twice.
    cloud.on(url(2), answer(200, { server_groups: [group('b'), group('c')] }));
    cloud.on(url(4), answer(200, { server_groups: [] }));
    expect((await compute.serverGroups(signal)).map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  });

  it('of an anti-affinity may have several servers on a host', async () => {
    const rules = { policy: 'anti-affinity', rules: { max_server_per_host: 3 } };
    cloud.on(url(0), answer(200, { server_groups: [Object.assign({}, group('a'), rules)] }));
    cloud.on(url(1), answer(200, { server_groups: [] }));
    expect(await compute.serverGroups(signal)).toMatchObject([
      { policy: 'anti-affinity', maxServersPerHost: 3 },
    ]);
  });
});

describe('an answer of another shape', () => {
  it('is an error that names the field and not its value', async () => {
    const server = { id: 's1', status: 7, tenant_id: 'p1', created: '2026-11-27T10:00:00Z' };
    cloud.on(`GET ${NOVA}/servers/detail?all_tenants=true&limit=500`, answer(200, { servers: [server] }));
    const error = await failure(compute.servers({}, signal));
    expect(error.kind).toBe('unexpected-answer');
    expect(error.message).toMatch(
      /compute: GET \/servers\/detail \(servers\) is not understood: 0.status: .*string/,
    );
  });
});
