/** Careen's client of OpenStack against a real one: it reads what the administrator sees, and says what is wrong. */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Cloud } from '../../src/openstack/cloud.ts';
import { Compute } from '../../src/openstack/compute.ts';
import type { OpenStackError } from '../../src/openstack/errors.ts';
import { Placement } from '../../src/openstack/placement.ts';
import { OpenStackSession } from '../../src/openstack/session.ts';
import { eventually } from '../support/eventually.ts';
import { Admin, NOVA_PAUSE } from '../support/openstack/admin.ts';
import { INSTALLATION_MS, startClientScene, type ClientScene } from '../support/openstack/client-scene.ts';
import { cloudOf } from '../support/openstack/cloud-of.ts';
import { failure } from '../support/openstack/failure.ts';
import type { OpenStack } from '../support/openstack/openstack.ts';
import { clientMoves } from './client-moves.ts';
import { testbedCases } from './testbed-cases.ts';

/** The memory of the flavor tiny. */
const TINY_MB = 512;
const UNKNOWN = '00000000-0000-4000-8000-000000000000';

let scene: ClientScene;
let openStack: OpenStack;
let admin: Admin;
let session: OpenStackSession;
let compute: Compute;
let placement: Placement;
let boot: ClientScene['boot'];
let migrationIn: ClientScene['migrationIn'];
const { signal } = new AbortController();

beforeAll(async () => {
  scene = await startClientScene();
  ({ openStack, admin, session, compute, boot, migrationIn } = scene);
  placement = new Placement(session);
}, INSTALLATION_MS);

afterAll(() => scene.stop());

async function serviceId(host: string): Promise<string> {
  return (await admin.serviceOf(host)).id;
}

describe('the hosts', () => {
  it('are the compute services and hypervisors', async () => {
    // A service has no time before its first report.
    const services = await eventually(
      'all have reported',
      async () => {
        const all = await compute.services(signal);
        return all.every(({ updatedAt }) => updatedAt !== undefined) && all;
      },
      NOVA_PAUSE,
    );
    expect(services.map(({ host }) => host).toSorted()).toEqual(openStack.hosts);
    for (const service of services) {
      expect(service).toMatchObject({
        ...{ binary: 'nova-compute', zone: 'nova', status: 'enabled', state: 'up', forcedDown: false },
      });
      expect(Math.abs(Date.parse(service.updatedAt ?? '') - Date.now())).toBeLessThan(60_000);
    }
    const hypervisors = await compute.hypervisors(signal);
    expect(hypervisors.map(({ serviceHost }) => serviceHost).toSorted()).toEqual(openStack.hosts);
    for (const each of hypervisors)
      expect(each).toMatchObject({
        hostname: each.serviceHost,
        type: 'fake',
        hostIp: '127.0.0.1',
        uptime: expect.stringMatching(/ up /) as unknown,
      });
  });

  it('are closed with a reason, opened, and forced down', async () => {
    const id = await serviceId('compute-2');
    await compute.disableService(id, 'careen: kernel-2026 "ä"', signal);
    expect(await admin.serviceOf('compute-2')).toMatchObject({
      status: 'disabled',
      disabledReason: 'careen: kernel-2026 "ä"',
    });
    const seen = (await compute.services(signal)).find(({ host }) => host === 'compute-2');
    expect(seen).toMatchObject({ id, status: 'disabled', disabledReason: 'careen: kernel-2026 "ä"' });
    await compute.forceDown(id, true, signal);
    expect(await admin.serviceOf('compute-2')).toMatchObject({ state: 'down', forcedDown: true });
    await compute.forceDown(id, false, signal);
    await compute.enableService(id, signal);
    expect(await admin.serviceOf('compute-2')).toMatchObject({ status: 'enabled', forcedDown: false });
    expect(
      (await compute.services(signal)).find(({ host }) => host === 'compute-2')?.disabledReason,
    ).toBeUndefined();
  });

  it('are in aggregates', async () => {
    await admin.createAggregate('ssd', ['compute-0'], { disk: 'ssd' });
    expect(await compute.aggregates(signal)).toContainEqual({
      ...{ name: 'ssd', zone: undefined, hosts: ['compute-0'], metadata: { disk: 'ssd' } },
    });
  });
});

describe('lists', () => {
  it('have all pages', async () => {
    for (const name of ['one', 'two', 'three']) await boot(name);
    const call = { method: 'GET', path: ['servers'], query: { limit: 2 }, microversion: '2.53' } as const;
    const pages: number[] = [];
    for await (const page of session.pages('compute', call, 'servers', signal)) pages.push(page.length);
    expect(pages.length).toBeGreaterThan(1);
    const all = await compute.servers({}, signal);
    expect(pages.reduce((sum, each) => sum + each)).toBe(all.length);
  });

  it('have the servers and groups of all projects', async () => {
    const credentials = { ...openStack.credentials, username: 'demo', projectName: 'demo' };
    const demo = await Admin.logIn({ ...openStack, credentials });
    const group = await demo.createServerGroup('of demo', 'affinity');
    const server = {
      ...{ name: 'of demo', imageRef: openStack.image, flavorRef: openStack.flavors.tiny, networks: 'none' },
    };
    await demo.post('/servers', { server, 'os:scheduler_hints': { group } });
    const found = (await compute.servers({}, signal)).find(({ name }) => name === 'of demo');
    expect(found).toMatchObject({ projectId: demo.project });
    const groups = await compute.serverGroups(signal);
    expect(groups.find(({ id }) => id === group)).toMatchObject({
      projectId: demo.project,
      members: [found?.id],
    });
    expect(demo.project).not.toBe(admin.project);
  });
});

describe('placement', () => {
  it('shows what is free on all hosts, in one request', async () => {
    const rooms = async () => {
      const all = await placement.rooms(signal);
      const hypervisors = await compute.hypervisors(signal);
      return new Map(hypervisors.map(({ serviceHost, id }) => [serviceHost, all.get(id)]));
    };
    const before = await rooms();
    expect([...before.keys()].toSorted()).toEqual(openStack.hosts);
    await boot('placed', { host: 'compute-0' });
    const free = (await rooms()).get('compute-0');
    expect(free?.traits).toContain('COMPUTE_NODE');
    const { VCPU: vcpus = 0, MEMORY_MB: memory = 0 } = before.get('compute-0')?.free ?? {};
    expect(free?.free).toMatchObject({ VCPU: vcpus - 1, MEMORY_MB: memory - TINY_MB });
  });

  it('says in its own words what is wrong', async () => {
    const path = ['resource_providers', UNKNOWN, 'usages'];
    const call = { method: 'GET', path, microversion: '1.29' } as const;
    const error = await failure(session.request('placement', call, signal));
    expect(error).toMatchObject({ kind: 'not-found', status: 404 });
    expect(error.serviceMessage).toContain(`No resource provider with uuid ${UNKNOWN} found`);
  });
});

describe('microversions', () => {
  it('are those of the service', async () => {
    expect(await session.supports('compute', '2.104', signal)).toBe(true);
    expect(await session.supports('compute', '2.999', signal)).toBe(false);
    expect(await session.supports('placement', '1.39', signal)).toBe(true);
    const call = { method: 'GET', path: ['os-services'], microversion: '2.999' } as const;
    expect(await failure(session.request('compute', call, signal))).toMatchObject({ kind: 'unsupported' });
  });
});

describe('an older cloud', () => {
  it('works with the microversions that it has, and tells less', async () => {
    const id = await boot('old', { host: 'compute-0' });
    const newest = '"version": "2.104"';
    const old = new OpenStackSession(cloudOf(openStack), async (request, given) => {
      const answer = await scene.transport(request, given);
      return { ...answer, text: answer.text.replace(newest, '"version": "2.60"') };
    });
    const queens = new Compute(old);
    expect(await old.supports('compute', '2.61', signal)).toBe(false);
    expect(await queens.services(signal)).toHaveLength(3);
    expect(await queens.hypervisors(signal)).toMatchObject(openStack.hosts.map((hostname) => ({ hostname })));
    const group = await admin.createServerGroup('old', 'soft-affinity');
    const groups = await queens.serverGroups(signal);
    expect(groups.find((each) => each.id === group)?.policy).toBe('soft-affinity');
    await queens.liveMigrate(id, { host: 'compute-1', blockMigration: 'auto' }, signal);
    await migrationIn(id, 'completed');
    expect(await queens.migrations({ server: id }, signal)).toMatchObject([
      { dest: 'compute-1', userId: undefined },
    ]);
    const { pinnedZone, schedulerHints, host, flavor } = await queens.server(id, signal);
    expect({ pinnedZone, schedulerHints, host }).toEqual({ host: 'compute-1' });
    expect(flavor).toMatchObject({ vcpus: 1 });
  });
});

describe('an application credential', () => {
  it('opens a session in its project', async () => {
    const users = z.object({ users: z.array(z.object({ id: z.string() })) });
    const answer = users.parse(await admin.get('/users?name=admin', { service: 'keystone' }));
    const path = `/users/${answer.users[0]?.id ?? ''}/application_credentials`;
    const secret = 'only-for-this-test';
    const body = { application_credential: { name: 'careen', secret } };
    await admin.post(path, body, { service: 'keystone' });
    const auth = { application_credential_name: 'careen', application_credential_secret: secret };
    const cloud = cloudOf(openStack, auth, { auth_type: 'v3applicationcredential' });
    const services = await new Compute(new OpenStackSession(cloud, scene.transport)).services(signal);
    expect(services).toHaveLength(3);
  });
});

describe('a session that cannot work says why', () => {
  const services = async (cloud: Cloud): Promise<OpenStackError> =>
    failure(new Compute(new OpenStackSession(cloud, scene.transport)).services(signal));

  it('with a wrong password', async () => {
    const error = await services(cloudOf(openStack, { password: 'wrong-password' }));
    expect(error).toMatchObject({ kind: 'auth', status: 401 });
    expect(error.message).toMatch(/refuses the credentials of user "admin"/);
    expect(error.message).not.toContain('wrong-password');
  });

  it('without the role', async () => {
    const error = await services(cloudOf(openStack, { username: 'demo', project_name: 'demo' }));
    expect(error).toMatchObject({ kind: 'forbidden', status: 403 });
    expect(error.message).toMatch(/Policy doesn't allow.*give user "demo" a role/);
  });

  it('in a region that there is not', async () => {
    const error = await services(cloudOf(openStack, {}, { region_name: 'RegionNine' }));
    expect(error.kind).toBe('no-endpoint');
    expect(error.message).toMatch(
      /no public endpoint of compute in region "RegionNine".*public in RegionOne/,
    );
  });

  it('at an address that is not that of Keystone', async () => {
    const error = await services(cloudOf(openStack, { auth_url: openStack.endpoints.placement }));
    expect(['not-found', 'auth']).toContain(error.kind);
    expect(error.message).toContain(openStack.endpoints.placement);
  });

  it('never with a token that was revoked: it takes another', async () => {
    let token = '';
    const watched = new OpenStackSession(cloudOf(openStack), async (request, given) => {
      const answer = await scene.transport(request, given);
      token = answer.headers.get('x-subject-token') ?? token;
      return answer;
    });
    expect(await watched.supports('placement', '1.14', signal)).toBe(true);
    const revoked = token;
    const headers = { 'X-Auth-Token': revoked, 'X-Subject-Token': revoked };
    await fetch(`${openStack.credentials.authUrl}/auth/tokens`, { method: 'DELETE', headers });
    expect((await new Placement(watched).rooms(signal)).size).toBe(3);
    expect(token).not.toBe(revoked);
  });
});

describe('its moves', () => clientMoves(() => scene));

describe('the testbed', () => testbedCases(() => scene));

// The last ones: Nova forgets here what it was doing.
describe('a service that is gone', () => {
  it('refuses connections: a write has not happened', async () => {
    const id = await serviceId('compute-1');
    await openStack.command('kill nova');
    const error = await failure(compute.enableService(id, signal));
    expect(error).toMatchObject({ kind: 'unavailable', mayHaveHappened: false });
    expect(error.message).toMatch(/was not sent: no connection to http.*ECONNREFUSED/);
    await openStack.command('start nova');
    await eventually(
      'Nova serves again',
      async () => compute.services(signal).catch(() => false as const),
      NOVA_PAUSE,
    );
  });

  it('is silent: a write may have happened', async () => {
    const hasty = new OpenStackSession(cloudOf(openStack), scene.transport, { requestLimitMs: 3_000 });
    const id = await serviceId('compute-1');
    await new Compute(hasty).services(signal);
    await openStack.command('pause nova');
    const error = await failure(new Compute(hasty).enableService(id, signal));
    await openStack.command('resume nova');
    expect(error).toMatchObject({ kind: 'timeout', mayHaveHappened: true });
  });
});

// That others run beside it needs no case: each file has one, with hosts of the same names, and some files run at once.
it('the testbed ends with all its processes and files', async () => {
  const { dir, pids } = openStack;
  await scene.stop();
  expect(existsSync(dir)).toBe(false);
  expect(Object.values(pids).filter((pid) => existsSync(`/proc/${String(pid)}`))).toEqual([]);
});
