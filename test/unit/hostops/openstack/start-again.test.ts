/** The release of a host whose servers were stopped: each of them runs again first, and no other one. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Outcome } from '../../../../src/engine/effect.ts';
import { claimHost, releaseHost } from '../../../../src/hostops/openstack/host-writes.ts';
import { answer, NOVA } from '../../openstack/scripted-cloud.ts';
import { ago, HOST, NOW } from './cloud-objects.ts';
import { claimOf, OneHost, RUN, signal } from './one-host.ts';

/** The user of the tokens of a scripted cloud. */
const OURS = 'u1';

type Fake = {
  status: string;
  task: string | null;
  locked: boolean;
  actions: [action: string, user: string | null][];
};

let host: OneHost;
let servers: Record<string, Fake>;
/** How Nova answers to a start. */
let onStart: (id: string) => number;

beforeEach(async () => {
  host = new OneHost();
  servers = {};
  onStart = (id) => {
    const one = server(id);
    one.actions.unshift(['start', OURS]);
    one.status = 'ACTIVE';
    return 202;
  };
  host.nova.on(`GET ${NOVA}/servers/detail?all_tenants=true&limit=500&host=${HOST}`, async () =>
    answer(200, { servers: Object.keys(servers).map(shown) }),
  );
  await claimHost(
    host.writer,
    await host.effect('claim', { claim: claimOf({ stopsInstances: true }) }),
    signal,
  );
});

function server(id: string): Fake {
  const one = servers[id];
  if (!one) throw new Error(`there is no ${id}`);
  return one;
}

function shown(id: string): unknown {
  const { status, task, locked } = server(id);
  return {
    ...{ id, name: id, tenant_id: 'p1', status, locked, created: ago(9000) },
    ...{ 'OS-EXT-SRV-ATTR:host': HOST, 'OS-EXT-STS:task_state': task },
  };
}

/** A server, with what was asked of it, the newest first. */
function has(id: string, fields: Partial<Fake> = {}): void {
  servers[id] = { status: 'SHUTOFF', task: null, locked: false, actions: [['stop', OURS]], ...fields };
  host.nova.on(`GET ${NOVA}/servers/${id}`, async () => answer(200, { server: shown(id) }));
  host.nova.on(`GET ${NOVA}/servers/${id}/os-instance-actions`, async () =>
    answer(200, {
      instanceActions: server(id).actions.map(([action, user_id], i) => ({
        ...{ action, user_id, start_time: new Date(NOW + 60_000 - i * 1000).toISOString().slice(0, -1) },
      })),
    }),
  );
  host.nova.on(`POST ${NOVA}/servers/${id}/action`, async () => {
    const status = onStart(id);
    return answer(status, status === 202 ? undefined : { error: { code: status, message: 'no' } });
  });
}

async function release(fields = {}): Promise<Outcome> {
  return releaseHost(host.writer, await host.effect('release', fields), signal);
}

const startsOf = (id: string): number => host.nova.asked(`POST ${NOVA}/servers/${id}/action`).length;
const isLocked = ['disabled', `careen:${RUN}`, RUN];
const isOpen = ['enabled', null, undefined];

describe('a release', () => {
  it('starts what was stopped, and enables the host once that runs', async () => {
    has('web');
    onStart = (id) => {
      server(id).task = 'powering-on';
      server(id).actions.unshift(['start', OURS]);
      return 202;
    };
    const waits = {
      kind: 'blocked',
      reason: `servers of ${HOST}: web was stopped, and must run again first`,
    };
    expect(await release()).toMatchObject(waits);
    expect(await release(), 'it starts').toMatchObject(waits);
    expect([startsOf('web'), await host.state()]).toEqual([1, isLocked]);
    Object.assign(server('web'), { status: 'ACTIVE', task: null });
    expect(await release()).toEqual({ kind: 'accepted' });
    expect([startsOf('web'), await host.state()]).toEqual([1, isOpen]);
  });

  it('leaves alone what its owner has stopped or started, and what was stopped before', async () => {
    has('before', { actions: [] });
    has('meanwhile', { actions: [['stop', 'owner']] });
    has('started', {
      status: 'ACTIVE',
      actions: [
        ['start', 'owner'],
        ['stop', OURS],
      ],
    });
    has('taken', {
      actions: [
        ['stop', null],
        ['start', 'owner'],
        ['stop', OURS],
      ],
    });
    expect(await release()).toEqual({ kind: 'accepted' });
    expect(Object.keys(servers).map(startsOf)).toEqual([0, 0, 0, 0]);
  });

  it('of a host whose servers were to move starts none', async () => {
    has('web');
    const other = new OneHost();
    await claimHost(other.writer, await other.effect('claim'), signal);
    expect(await releaseHost(other.writer, await other.effect('release'), signal)).toEqual({
      kind: 'accepted',
    });
  });

  it('waits for a stop that is under way, and then starts that server', async () => {
    has('web', { status: 'ACTIVE', task: 'powering-off' });
    expect(await release()).toMatchObject({ kind: 'blocked' });
    expect(startsOf('web')).toBe(0);
    Object.assign(server('web'), { status: 'SHUTOFF', task: null });
    await release();
    expect(startsOf('web')).toBe(1);
    expect(await release()).toEqual({ kind: 'accepted' });
  });

  it('waits for a server that its owner rebuilds meanwhile, but not for one that is shelved', async () => {
    has('rebuilt', {
      status: 'REBUILD',
      task: 'rebuild_spawning',
      actions: [
        ['rebuild', 'owner'],
        ['stop', OURS],
      ],
    });
    has('shelved', {
      status: 'SHELVED',
      actions: [
        ['shelve', 'owner'],
        ['stop', OURS],
      ],
    });
    expect(await release()).toMatchObject({
      reason: expect.stringContaining('rebuilt was stopped') as string,
    });
    Object.assign(server('rebuilt'), { status: 'SHUTOFF', task: null });
    await release();
    expect(await release()).toEqual({ kind: 'accepted' });
    expect([startsOf('rebuilt'), startsOf('shelved')]).toEqual([1, 0]);
  });

  it('by a process that dies in the middle is finished by the next one, and starts nothing twice', async () => {
    has('one');
    has('two');
    let writes = 0;
    host.beforeWrite = () => {
      writes += 1;
      if (writes > 1) throw new Error('died');
    };
    await expect(release()).rejects.toThrow('died');
    expect(await host.state(), 'the claim says that it is not done').toEqual(isLocked);
    host.lives();
    await release();
    expect(await release()).toEqual({ kind: 'accepted' });
    expect([startsOf('one'), startsOf('two'), await host.state()]).toEqual([1, 1, isOpen]);
  });

  it('of a host that is down waits: no server could start there', async () => {
    has('web');
    host.service.state = 'down';
    expect(await release()).toMatchObject({
      kind: 'blocked',
      reason: expect.stringContaining('is not up') as string,
    });
    expect(startsOf('web')).toBe(0);
  });

  it('gives a server up that does not start, and says so', async () => {
    has('broken');
    has('fine');
    onStart = (id) => {
      server(id).actions.unshift(['start', OURS]);
      if (id === 'fine') server(id).status = 'ACTIVE';
      return 202;
    };
    for (const _ of [1, 2, 3]) expect(await release()).toMatchObject({ kind: 'blocked' });
    expect(await release()).toEqual({
      kind: 'accepted',
      note:
        `servers of ${HOST}: broken did not start: openstack server show says why, openstack server start tries ` +
        'again',
    });
    expect([startsOf('broken'), startsOf('fine'), await host.state()]).toEqual([3, 1, isOpen]);
  });

  it.each([400, 403, 409])('gives a server up that Nova will not start: %i', async (status) => {
    has('locked', { locked: true });
    onStart = () => status;
    expect(await release()).toMatchObject({
      kind: 'accepted',
      note: expect.stringContaining('locked') as string,
    });
    expect(await host.state()).toEqual(isOpen);
  });

  it('asks again after a conflict, unless the server is locked', async () => {
    has('web');
    const start = onStart;
    onStart = () => 409;
    expect(await release()).toMatchObject({ kind: 'blocked' });
    expect(await host.state()).toEqual(isLocked);
    onStart = start;
    expect(await release()).toMatchObject({ kind: 'blocked' });
    expect(await release()).toEqual({ kind: 'accepted' });
    expect([server('web').status, startsOf('web'), await host.state()]).toEqual(['ACTIVE', 2, isOpen]);
  });

  it('looks again at a server that somebody starts at the same time', async () => {
    has('web');
    onStart = (id) => {
      Object.assign(server(id), { status: 'ACTIVE' });
      return 409;
    };
    expect(await release()).toMatchObject({ kind: 'blocked' });
    expect(await release()).toEqual({ kind: 'accepted' });
  });

  it('without the claim, which somebody removed, goes by the record of the run', async () => {
    has('web');
    const { lease } = (await host.cloud.readHost(HOST, signal)) ?? {};
    if (lease) await host.leases.remove(lease, signal);
    const recorded = { closedToNewWorkBefore: false, stoppedSince: new Date(NOW).toISOString() };
    expect(await release(recorded)).toMatchObject({ kind: 'blocked' });
    expect(await release(recorded)).toEqual({ kind: 'accepted' });
    expect([startsOf('web'), await host.state()]).toEqual([1, isOpen]);
  });
});
