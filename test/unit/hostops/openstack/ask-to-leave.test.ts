/** What a server is asked, by what Nova shows just before, and what each answer of Nova means. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Outcome } from '../../../../src/engine/effect.ts';
import { askToLeave, type Asking } from '../../../../src/hostops/openstack/leaving/ask-to-leave.ts';
import { Compute } from '../../../../src/openstack/compute.ts';
import { answer, networkError, NOVA, ScriptedCloud } from '../../openstack/scripted-cloud.ts';
import { ago, group, HOST, migration, moves, NOW, server } from './cloud-objects.ts';

const { signal } = new AbortController();
const SERVER = `GET ${NOVA}/servers/s1`;
const ACTION = `POST ${NOVA}/servers/s1/action`;
const CONFLICT = { conflictingRequest: { code: 409, message: 'Instance is locked' } };

let cloud: ScriptedCloud;
let writes: number;
beforeEach(() => {
  cloud = new ScriptedCloud();
  writes = 0;
  nova({});
  cloud.on(ACTION, answer(202));
});

/** What Nova shows of the server. */
function nova(fields: Readonly<Record<string, unknown>>): void {
  const usual = { id: 's1', name: 'web', tenant_id: 'p1', status: 'ACTIVE', created: ago(900) };
  const shown = { ...usual, 'OS-EXT-SRV-ATTR:host': HOST, 'OS-EXT-STS:task_state': null, ...fields };
  cloud.on(SERVER, answer(200, { server: shown }));
}

async function ask(more: Partial<Asking> = {}, aborted: AbortSignal = signal): Promise<Outcome> {
  const asking: Asking = {
    ...{ compute: new Compute(cloud.session()), moves: () => moves(), hostIsUp: true },
    policy: { coldMigration: true, evacuation: true, stops: false },
    seen: () => undefined,
    stopped: () => new Map(),
    target: () => ({ kind: 'to', host: undefined }),
    againstMore: () => undefined,
    beforeWrite: () => (writes += 1),
    now: () => NOW,
    ...more,
  };
  const instance = { uid: 's1', namespace: 'p1', name: 'web' };
  return askToLeave(asking, { kind: 'evict', key: 'k', host: HOST, instance }, aborted);
}

const bodies = (): unknown[] => cloud.asked(ACTION).map(({ body = '' }) => JSON.parse(body) as unknown);

describe('a server is asked once', () => {
  it('to migrate live, with a host of the choice of Nova', async () => {
    expect(await ask()).toEqual({ kind: 'accepted' });
    expect(bodies()).toEqual([{ 'os-migrateLive': { host: null, block_migration: 'auto' } }]);
    expect(writes).toBe(1);
  });

  it('by what was read a moment ago, without reading it again', async () => {
    const seen = (taskState?: string) => ({ server: server({ taskState }), readAt: NOW - 500 });
    expect(await ask({ seen: () => seen() })).toEqual({ kind: 'accepted' });
    expect(await ask({ seen: () => seen('migrating') })).toMatchObject({ kind: 'blocked' });
    expect([bodies().length, cloud.asked(SERVER)]).toEqual([1, []]);
  });

  it.each([
    ['cold when it is stopped', { status: 'SHUTOFF' }, {}, { migrate: null }],
    ['to another host when its own is down', {}, { hostIsUp: false }, { evacuate: {} }],
    [
      'for its confirmation when it has moved cold',
      { status: 'VERIFY_RESIZE', 'OS-EXT-SRV-ATTR:host': 'compute-2' },
      { moves: () => moves({ migrations: [migration('finished', { type: 'migration' })] }) },
      { confirmResize: null },
    ],
  ])('%s', async (_, shown, more, body) => {
    nova(shown);
    expect(await ask(more)).toEqual({ kind: 'accepted' });
    expect(bodies()).toEqual([body]);
  });

  it.each([
    ['has a migration that is queued', {}, { migrations: [migration('queued')] }],
    ['has a migration that runs', {}, { migrations: [migration('running')] }],
    ['has left already', { 'OS-EXT-SRV-ATTR:host': 'compute-2' }, {}],
  ])('and not again while it %s', async (_, shown, known) => {
    nova(shown);
    expect(await ask({ moves: () => moves(known) })).toEqual({ kind: 'already' });
    expect([bodies(), writes]).toEqual([[], 0]);
  });

  it('and is asked later when it has a task: an earlier move to this host may just end', async () => {
    nova({ 'OS-EXT-STS:task_state': 'migrating' });
    const outcome = await ask();
    expect(outcome).toMatchObject({ kind: 'blocked', retryAt: expect.any(Number) as number });
    expect([bodies(), writes]).toEqual([[], 0]);
  });

  it('and not at all when it does not exist any more', async () => {
    cloud.on(SERVER, answer(404, { itemNotFound: { code: 404, message: 'gone' } }));
    expect(await ask()).toEqual({ kind: 'already' });
    expect(bodies()).toEqual([]);
  });

  it('and not by a process that may not write any more', async () => {
    const beforeWrite = (): never => {
      throw new Error('the lease is lost');
    };
    await expect(ask({ beforeWrite })).rejects.toThrow('the lease is lost');
    expect(bodies()).toEqual([]);
  });
});

describe('a server that is told where to go', () => {
  const target: Asking['target'] = () => ({ kind: 'to', host: 'compute-5' });

  it.each([
    ['live', {}, {}, { 'os-migrateLive': { host: 'compute-5', block_migration: 'auto' } }],
    ['cold', { status: 'SHUTOFF' }, {}, { migrate: { host: 'compute-5' } }],
    ['by evacuation', {}, { hostIsUp: false }, { evacuate: { host: 'compute-5' } }],
  ])('moves there %s, which is known before the request', async (_, shown, more, body) => {
    nova(shown);
    const told: unknown[] = [];
    const beforeWrite = (to: string | undefined): void => void told.push([to, bodies().length]);
    expect(await ask({ target, beforeWrite, ...more })).toEqual({ kind: 'accepted' });
    expect([bodies(), told]).toEqual([[body], [['compute-5', 0]]]);
  });

  it('is not asked while no host has room for a further move', async () => {
    const full: Asking['target'] = () => ({ kind: 'wait', reason: 'waits: at most 1' });
    expect(await ask({ target: full })).toEqual({
      ...{ kind: 'blocked', reason: 'server s1 waits: at most 1', retryAt: NOW + 3_000 },
    });
    expect(bodies()).toEqual([]);
  });

  it('is confirmed where it is, whatever room there is', async () => {
    nova({ status: 'VERIFY_RESIZE', 'OS-EXT-SRV-ATTR:host': 'compute-2' });
    const full: Asking['target'] = () => ({ kind: 'wait', reason: 'waits: at most 1' });
    const migrations = [migration('finished', { type: 'migration' })];
    expect(await ask({ target: full, moves: () => moves({ migrations }) })).toEqual({ kind: 'accepted' });
  });
});

describe('a server is not asked now', () => {
  it('when enough others of the cloud move, unless it is to be confirmed', async () => {
    const againstMore = (): string => 'at most 2 servers may move at once';
    expect(await ask({ againstMore })).toEqual({
      ...{ kind: 'blocked', reason: 'at most 2 servers may move at once', retryAt: NOW + 3_000 },
    });
    expect(bodies()).toEqual([]);
    nova({ status: 'VERIFY_RESIZE', 'OS-EXT-SRV-ATTR:host': 'compute-2' });
    const migrations = [migration('finished', { type: 'migration' })];
    expect(await ask({ againstMore, moves: () => moves({ migrations }) })).toEqual({ kind: 'accepted' });
  });

  it('when another of its group has set off on another host since the engine decided', async () => {
    const setOff = new Set<string>();
    const groups = [group(['s1', 's2'])];
    const asked = ask({ moves: () => moves({ groups, setOff }) });
    setOff.add('s2');
    expect(await asked).toMatchObject({
      ...{ kind: 'blocked', reason: 'server s1 waits for server s2 of its group db, which moves' },
    });
    expect(bodies()).toEqual([]);
  });

  it('when it cannot leave: the reason says what to do', async () => {
    nova({ status: 'SUSPENDED' });
    const outcome = await ask();
    expect(outcome).toMatchObject({ kind: 'blocked', retryAt: NOW + 15_000 });
    expect('reason' in outcome && outcome.reason).toContain('server s1 is in status SUSPENDED');
  });

  it('after three failures, but is after ten minutes', async () => {
    const migrations = [1, 2, 3].map((id) => migration('error', { id, updatedAt: ago(30) }));
    expect(await ask({ moves: () => moves({ migrations }) })).toMatchObject({ kind: 'blocked' });
    expect(bodies()).toEqual([]);
    const now = (): number => NOW + 570_000;
    expect(await ask({ moves: () => moves({ migrations }), now })).toEqual({ kind: 'accepted' });
  });
});

describe('an answer of Nova', () => {
  it.each([
    ['409', answer(409, CONFLICT), { kind: 'blocked', retryAt: NOW + 3_000 }],
    [
      '400',
      answer(400, { badRequest: { code: 400, message: 'no' } }),
      { kind: 'blocked', retryAt: NOW + 15_000 },
    ],
    ['404', answer(404), { kind: 'already' }],
    ['403', answer(403), { kind: 'refused' }],
    ['429', answer(429, undefined, { 'retry-after': '40' }), { kind: 'blocked', retryAt: NOW + 40_000 }],
    ['429 without a time', answer(429), { kind: 'blocked', retryAt: NOW + 15_000 }],
    ['503', answer(503), { kind: 'unknown' }],
    ['a broken connection', networkError('ECONNRESET'), { kind: 'unknown' }],
    ['no connection', networkError('ECONNREFUSED', 'connect'), { kind: 'blocked', retryAt: NOW + 15_000 }],
  ])('%s to the request', async (_, reaction, expected) => {
    cloud.on(ACTION, reaction);
    expect(await ask()).toMatchObject(expected);
    expect(cloud.asked(ACTION), 'a write is not repeated').toHaveLength(1);
  });

  it('is in the reason in its own words, with the server', async () => {
    cloud.on(ACTION, answer(409, CONFLICT));
    const outcome = await ask();
    expect('reason' in outcome && outcome.reason).toMatch(/^server s1: live-migrate: .*Instance is locked/);
  });

  it('that does not come in time leaves the outcome unknown', async () => {
    cloud.on(
      ACTION,
      (_, late) =>
        new Promise((__, reject) => late.addEventListener('abort', () => reject(new Error('late')))),
    );
    const asked = ask();
    await cloud.clock.advance(0);
    expect(writes).toBe(1);
    await cloud.clock.advance(11_000);
    expect(await asked).toMatchObject({ kind: 'unknown' });
  });

  it('is not awaited by a process that stops', async () => {
    const stopping = new AbortController();
    cloud.on(ACTION, async () => {
      stopping.abort(new Error('stopped'));
      throw networkError('ECONNRESET');
    });
    await expect(ask({}, stopping.signal)).rejects.toThrow('stopped');
  });
});
