/** What a server is asked on a host whose servers are stopped for its outage. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Outcome } from '../../../../src/engine/effect.ts';
import { askToLeave, type Asking } from '../../../../src/hostops/openstack/leaving/ask-to-leave.ts';
import { apartGroups } from '../../../../src/hostops/openstack/leaving/against-stop.ts';
import { instancesOn, type Moves } from '../../../../src/hostops/openstack/leaving/servers-on-host.ts';
import { Compute } from '../../../../src/openstack/compute.ts';
import { answer, NOVA, ScriptedCloud } from '../../openstack/scripted-cloud.ts';
import { ago, group, HOST, moves, NOW, server } from './cloud-objects.ts';

const { signal } = new AbortController();
const OTHER = 'compute-2';

let cloud: ScriptedCloud;
beforeEach(() => {
  cloud = new ScriptedCloud();
  nova('s1');
});

/** A server, and what was asked of it, the newest first. */
function nova(
  id: string,
  fields: Readonly<Record<string, unknown>> = {},
  actions: readonly (readonly [action: string, user: string])[] = [],
): void {
  const shown = {
    ...{ id, tenant_id: 'p1', status: 'ACTIVE', created: ago(900) },
    ...{ 'OS-EXT-SRV-ATTR:host': HOST, ...fields },
  };
  cloud.on(`GET ${NOVA}/servers/${id}`, answer(200, { server: shown }));
  const instanceActions = actions.map(([action, user_id], i) => ({
    ...{ action, user_id, start_time: ago(100 + i) },
  }));
  cloud.on(`GET ${NOVA}/servers/${id}/os-instance-actions`, answer(200, { instanceActions }));
  cloud.on(`POST ${NOVA}/servers/${id}/action`, answer(202));
}

async function ask(known: Partial<Moves> = {}, more: Partial<Asking> = {}): Promise<Outcome> {
  const asking: Asking = {
    ...{ compute: new Compute(cloud.session()), moves: () => moves(known), hostIsUp: true },
    policy: { coldMigration: false, evacuation: false, stops: true },
    seen: () => undefined,
    stopped: () => new Map([HOST, OTHER].map((host) => [host, ago(600)])),
    target: () => ({ kind: 'wait', reason: 'no move is wanted' }),
    againstMore: () => 'no move is wanted',
    beforeWrite: () => undefined,
    now: () => NOW,
    ...more,
  };
  const instance = { uid: 's1', namespace: 'p1', name: 'web' };
  return askToLeave(asking, { kind: 'evict', key: 'k', host: HOST, instance }, signal);
}

const asked = (): unknown[] =>
  cloud.asked(`POST ${NOVA}/servers/s1/action`).map(({ body = '' }) => JSON.parse(body) as unknown);

describe('a server that runs', () => {
  it('is asked to stop, whatever limits there are on moves', async () => {
    expect(await ask()).toEqual({ kind: 'accepted' });
    expect(asked()).toEqual([{ 'os-stop': null }]);
  });

  it('is not asked by a process that may not write any more', async () => {
    const beforeWrite = (): never => {
      throw new Error('the lease is lost');
    };
    await expect(ask({}, { beforeWrite })).rejects.toThrow('the lease is lost');
    expect(asked()).toEqual([]);
  });

  it('because its owner has started it again is left running, and named', async () => {
    nova('s1', {}, [
      ['start', 'owner'],
      ['stop', 'u1'],
    ]);
    const outcome = await ask();
    expect(outcome).toMatchObject({ kind: 'blocked' });
    expect('reason' in outcome && outcome.reason).toContain(
      'server s1 was started by somebody else after it was stopped',
    );
    expect(asked()).toEqual([]);
  });

  it('is not asked where nobody may read who stopped it: it could not be started again', async () => {
    cloud.on(`GET ${NOVA}/servers/s1/os-instance-actions`, answer(403));
    await expect(ask()).rejects.toMatchObject({ kind: 'forbidden' });
    expect(asked()).toEqual([]);
  });
});

it.each([
  ['was stopped', { status: 'SHUTOFF' }],
  ['is on another host', { 'OS-EXT-SRV-ATTR:host': OTHER }],
])('a server that %s meanwhile is not asked', async (_, fields) => {
  nova('s1', fields);
  expect(await ask()).toEqual({ kind: 'already' });
  expect(asked()).toEqual([]);
});

describe('a server with another one that stands in for it', () => {
  const groups = [group(['s1', 's2'])];
  const there = { status: 'SHUTOFF', 'OS-EXT-SRV-ATTR:host': OTHER };

  it.each([
    ['runs', {}, [], true],
    ['was stopped by its owner', there, [['stop', 'owner']], true],
    ['was stopped for the outage of another host', there, [['stop', 'u1']], false],
    [
      'is just being started after that',
      { ...there, 'OS-EXT-STS:task_state': 'powering-on' },
      [
        ['start', 'u1'],
        ['stop', 'u1'],
      ],
      false,
    ],
    [
      'was stopped on this host, too',
      { status: 'SHUTOFF', 'OS-EXT-SRV-ATTR:host': HOST },
      [['stop', 'u1']],
      true,
    ],
  ] as const)('which %s', async (_, fields, actions, mayStop) => {
    nova('s2', { 'OS-EXT-SRV-ATTR:host': OTHER, ...fields }, actions);
    const outcome = await ask({ groups });
    expect(outcome.kind).toBe(mayStop ? 'accepted' : 'blocked');
    if (!mayStop)
      expect(outcome).toMatchObject({
        reason: expect.stringContaining('server s2 of its group db runs again') as string,
      });
  });

  it('is stopped without a look at that one while servers are stopped on no other host', async () => {
    nova('s2', there, [['stop', 'u1']]);
    const stopped = (): ReadonlyMap<string, string> => new Map([[HOST, ago(600)]]);
    expect(await ask({ groups }, { stopped })).toEqual({ kind: 'accepted' });
    expect(cloud.asked(`GET ${NOVA}/servers/s2`)).toEqual([]);
  });

  it('is not stopped when that one is asked at the same time', async () => {
    nova('s2', { 'OS-EXT-SRV-ATTR:host': OTHER });
    const setOff = new Set<string>();
    const outcome = ask({ groups, setOff });
    setOff.add('s2');
    expect(await outcome).toMatchObject({ kind: 'blocked' });
    expect(asked()).toEqual([]);
  });

  it('is stopped with it where the group only keeps them together', async () => {
    nova('s2', there, [['stop', 'u1']]);
    const together = groups.map((each) => ({ ...each, policy: 'affinity' }));
    expect(await ask({ groups: together })).toEqual({ kind: 'accepted' });
  });
});

it('hosts are kept apart by the groups that want that of their servers', () => {
  const soft = { ...group(['s1'], 'soft'), policy: 'soft-anti-affinity' };
  const near = { ...group(['s1'], 'near'), policy: 'affinity' };
  expect(apartGroups([server()], [group(['s1', 's9']), soft, near, group(['s9'], 'other')])).toEqual([
    'group-db',
    'group-soft',
  ]);
});

it('of a host that empties by stops, all servers that run are asked at once, and the others are not there', () => {
  const limits = { coldMigration: false, evacuation: false, maxMigrationsPerHost: 1, stops: true };
  const servers = [server(), server({ id: 's2' }), server({ id: 's3', status: 'SHUTOFF' })];
  const found = instancesOn({ host: HOST, hostIsUp: true, servers, readAt: NOW }, moves(), limits, NOW);
  expect(found.map(({ uid, request, waitsFor }) => [uid, request, waitsFor])).toEqual([
    ['s1', 'stop-0-0', undefined],
    ['s2', 'stop-0-0', undefined],
  ]);
});
