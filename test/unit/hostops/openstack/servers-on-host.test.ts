/** Which servers of a host are asked to leave, and which of them wait. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { InstanceFacts } from '../../../../src/engine/view.ts';
import {
  instancesOn,
  type MoveLimits,
  type Moves,
} from '../../../../src/hostops/openstack/leaving/servers-on-host.ts';
import { SERVER_WORDS } from '../../../../src/hostops/openstack/leaving/server-words.ts';
import type { Server } from '../../../../src/openstack/compute-answers.ts';
import { ago, group, HOST, migration, moves, NOW, server } from './cloud-objects.ts';

const LIMITS: MoveLimits = {
  ...{ coldMigration: false, evacuation: false, stops: false, maxMigrationsPerHost: 1 },
};

function instances(
  servers: readonly Server[],
  known: Partial<Moves> = {},
  limits: Partial<MoveLimits> = {},
  now = NOW,
): InstanceFacts[] {
  return instancesOn(
    { host: HOST, hostIsUp: true, servers, readAt: now },
    moves(known),
    { ...LIMITS, ...limits },
    now,
  );
}

/** The names of the servers that are asked now. */
function due(all: readonly InstanceFacts[]): string[] {
  return all
    .filter(({ leaving, stuck, waitsFor }) => !leaving && stuck === undefined && waitsFor === undefined)
    .map(({ uid }) => uid);
}

const [a, b, c] = ['a', 'b', 'c'].map((id, i) => server({ id, name: id, createdAt: ago(300 - i) })) as [
  Server,
  Server,
  Server,
]; // a cast: map keeps the length

describe('the servers of a host', () => {
  it('are asked by their age, and by their id where that is the same, not more at once than the limit', () => {
    expect(due(instances([c, b, a]))).toEqual(['a']);
    expect(due(instances([c, b, a], {}, { maxMigrationsPerHost: 2 }))).toEqual(['a', 'b']);
    const twins = ['y', 'x'].map((id) => server({ id, createdAt: ago(9) }));
    expect(due(instances(twins))).toEqual(['x']);
    expect(instances([a, b])[1]?.waitsFor).toBe('waits for its turn: at most 1 may leave compute-1 at once');
  });

  it('wait for one that moves, wherever it stands in the order', () => {
    const running = { migrations: [migration('running', { server: 'c' })] };
    expect(due(instances([a, b, c], running))).toEqual([]);
    expect(due(instances([a, b, c], running, { maxMigrationsPerHost: 2 }))).toEqual(['a']);
  });

  it('wait for one that Nova prepares to move, before there is a migration of it', () => {
    const prepared = server({ ...c, taskState: 'migrating' });
    expect(due(instances([a, b, prepared]))).toEqual([]);
    const busy = server({ ...c, taskState: 'image_snapshot' });
    expect(due(instances([a, b, busy])), 'another task is no move').toEqual(['a']);
  });

  it('do not wait for one whose migration has gone down with their host', () => {
    const halted = server({ ...c, taskState: 'migrating', status: 'MIGRATING' });
    const migrations = [migration('running', { server: 'c', updatedAt: ago(61) })];
    const down = (policy: Partial<MoveLimits>, more: Partial<Moves> = {}): InstanceFacts[] =>
      instancesOn(
        { host: HOST, hostIsUp: false, servers: [a, b, halted], readAt: NOW },
        moves({ migrations, ...more }),
        { ...LIMITS, ...policy },
        NOW,
      );
    expect(due(down({ evacuation: true }))).toEqual(['a']);
    expect(due(down({ evacuation: true }, { migrations: [migration('running', { server: 'c' })] }))).toEqual(
      [],
    );
    expect(due(down({}))).toEqual([]);
    const evacuated = server({ ...c, taskState: 'rebuilding' });
    const on = { host: HOST, hostIsUp: false, servers: [a, b, evacuated], readAt: NOW };
    const asked = instancesOn(on, moves({ migrations }), { ...LIMITS, evacuation: true }, NOW);
    expect(due(asked), 'while it is evacuated').toEqual([]);
  });

  it('wait for one that was asked a moment ago, of which Nova shows nothing yet', () => {
    const asked = { setOff: new Set(['b']) };
    expect(due(instances([a, b, c], asked))).toEqual(['b']);
    expect(due(instances([a, b, c], asked, { maxMigrationsPerHost: 2 }))).toEqual(['a', 'b']);
    const unconfirmed = server({ ...b, status: 'VERIFY_RESIZE', host: 'compute-2' });
    const migrations = [migration('finished', { server: 'b', type: 'migration' })];
    const confirmed = instances([a, unconfirmed, c], { ...asked, migrations });
    expect(due(confirmed), 'it moves no more').toEqual(['a', 'b']);
  });

  it('do not wait for one that cannot leave, nor for a confirmation', () => {
    const [stuck, unconfirmed] = [
      server({ id: '0', status: 'SUSPENDED', createdAt: ago(900) }),
      server({ id: '1', status: 'VERIFY_RESIZE', host: 'compute-2', createdAt: ago(900) }),
    ];
    const migrations = [migration('finished', { server: '1', type: 'migration' })];
    expect(due(instances([stuck, unconfirmed, a, b], { migrations }))).toEqual(['1', 'a']);
  });

  it('leave out those of which nothing is on the host', () => {
    const gone = ['DELETED', 'SOFT_DELETED', 'SHELVED_OFFLOADED'].map((status) => server({ status }));
    expect(instances(gone)).toEqual([]);
  });

  it('are named by their id where they have no name', () => {
    expect(instances([server({ name: '' })])[0]).toMatchObject({ uid: 's1', name: 's1', namespace: 'p1' });
  });
});

describe('two servers of one group', () => {
  const known = { groups: [group(['b', 'a'])] };

  it('are not asked at once, however many may leave', () => {
    const all = instances([a, b, c], known, { maxMigrationsPerHost: 3 });
    expect(due(all)).toEqual(['a', 'c']);
    expect(all[1]?.waitsFor).toBe('waits for server a of its group db, which moves');
  });

  it.each(['queued', 'running', 'finished'])('wait for one on any host whose migration is %s', (status) => {
    const migrations = [migration(status, { server: 'b', source: 'compute-9' })];
    expect(due(instances([a, c], { ...known, migrations }, { maxMigrationsPerHost: 3 }))).toEqual(['c']);
  });

  it('wait for one that was just asked on another host', () => {
    expect(due(instances([a], { ...known, setOff: new Set(['b']) }))).toEqual([]);
    expect(due(instances([a], { ...known, setOff: new Set(['a', 'c']) })), 'itself does not count').toEqual([
      'a',
    ]);
  });

  it('never move at once, whatever Nova shows', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const anyServers = fc.array(fc.constantFrom('ACTIVE', 'SHUTOFF', 'SUSPENDED'), {
      minLength: 5,
      maxLength: 5,
    });
    const anyMigrations = fc.array(
      fc.record({
        id: fc.constantFrom(...ids),
        status: fc.constantFrom('queued', 'running', 'error', 'completed'),
      }),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(anyServers, anyMigrations, fc.integer({ min: 1, max: 5 }), (statuses, open, most) => {
        const servers = statuses.map((status, i) => server({ id: ids[i] ?? '', status, createdAt: ago(i) }));
        const migrations = open.map(({ id, status }, i) => migration(status, { id: i, server: id }));
        const groups = [group(['a', 'b', 'c'], 'x'), group(['d', 'e'], 'y')];
        const all = instances(servers, { migrations, groups }, { maxMigrationsPerHost: most });
        const moving = all.filter(({ leaving }) => leaving).map(({ uid }) => uid);
        const asked = due(all);
        expect(asked.length).toBeLessThanOrEqual(Math.max(0, most - moving.length));
        for (const { members } of groups) {
          const begun = members.filter((id) => asked.includes(id));
          const others = members.filter((id) => moving.includes(id));
          expect(begun.length === 0 || begun.length + others.length === 1).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('the name of a request', () => {
  const failed = (id: number, updatedAt = ago(30)) =>
    migration('error', { id, server: 'a', dest: 'compute-9', updatedAt });

  it('changes with each failure and each lost request, so that the engine asks again', () => {
    const names = [
      instances([a]),
      instances([a], { migrations: [failed(1)] }),
      instances([a], { migrations: [failed(1), failed(2)] }),
      instances([a], { lost: new Map([['a', 1]]) }),
      instances([server({ ...a, status: 'SHUTOFF' })]),
    ].map(([instance]) => instance?.request);
    expect(names).toEqual([
      ...['live-migrate-0-0', 'live-migrate-1-0', 'live-migrate-2-0'],
      ...['live-migrate-0-1', 'cold-migrate-0-0'],
    ]);
  });

  it('is a new one when the failures are ten minutes old, and count no more', () => {
    const migrations = [failed(1, ago(0)), failed(2, ago(0)), failed(3, ago(0))];
    expect(instances([a], { migrations })[0]?.stuck).toContain('3 attempts');
    expect(instances([a], { migrations }, {}, NOW + 599_000)[0]?.stuck).toBeDefined();
    const [later] = instances([a], { migrations }, {}, NOW + 600_000);
    expect([later?.stuck, later?.request]).toEqual([undefined, 'live-migrate-3-0']);
  });

  it('changes with each migration that somebody has cancelled, until that was too often', () => {
    const cancelled = [1, 2, 3].map((id) => migration('cancelled', { id, server: 'a' }));
    const after = (count: number) => instances([a], { migrations: cancelled.slice(0, count) })[0];
    expect([after(1)?.request, after(2)?.request]).toEqual(['live-migrate-1-0', 'live-migrate-2-0']);
    expect(after(3)?.stuck).toContain('3 attempts');
  });

  it('counts only failures away from this host', () => {
    const migrations = [migration('error', { server: 'a', source: 'compute-9' })];
    expect(instances([a], { migrations })[0]?.request).toBe('live-migrate-0-0');
  });
});

describe('a migration that a restart of Nova has cut off', () => {
  const cutOff = {
    migrations: [migration('running', { server: 'a', createdAt: ago(900), updatedAt: ago(61) })],
  };

  it('is not awaited: the server is asked again', () => {
    expect(due(instances([a], cutOff))).toEqual(['a']);
  });

  it('is awaited while the server was not read since', () => {
    const server = { host: HOST, hostIsUp: true, servers: [a], readAt: NOW - 2_000 };
    expect(due(instancesOn(server, moves(cutOff), LIMITS, NOW))).toEqual([]);
  });

  it('is awaited while the server has a task, or the record is fresh', () => {
    expect(due(instances([server({ ...a, taskState: 'migrating' })], cutOff))).toEqual([]);
    const fresh = {
      migrations: [migration('running', { server: 'a', createdAt: ago(900), updatedAt: ago(60) })],
    };
    expect(due(instances([a], fresh))).toEqual([]);
  });
});

describe('a server that failed to leave', () => {
  const migrations = [1, 2, 3].map((id) => migration('error', { id, server: 'a', dest: 'compute-2' }));
  const stuckBecause = (known: Partial<Moves>, fields: Partial<Server> = {}) =>
    instances([server({ ...a, ...fields })], { migrations, ...known })[0]?.stuck;

  it('is named with the words of Nova, which a running server does not show', () => {
    const faults = new Map([['a', 'CPU does not have compatibility']]);
    expect(stuckBecause({ faults })).toMatch(
      /^did not leave in 3 attempts: CPU does not have compatibility:/,
    );
    expect(stuckBecause({})).toMatch(/^did not leave in 3 attempts: see openstack server show a/);
    const fault = { code: 500, message: 'no space left' };
    expect(stuckBecause({ faults }, { fault }), 'its own fault is newer').toContain('no space left');
  });
});

describe('a server that moves', () => {
  it('in a queue has no deadline, since its time is moved on with the clock', () => {
    const queued = server({ ...a, taskState: 'migrating' });
    const migrations = [migration('queued', { server: 'a' })];
    const dues = [NOW, NOW + 86_400_000].map(
      (now) => instances([queued], { migrations }, {}, now)[0]?.leaving?.due ?? 0,
    );
    expect(dues[0]).toBeGreaterThan(NOW + 3_600_000);
    expect((dues[1] ?? 0) - (dues[0] ?? 0)).toBe(86_400_000);
  });

  it('in a queue has not moved at all, however old it is', () => {
    const migrations = [migration('queued', { server: 'a', createdAt: ago(900) })];
    const leaving = instances([a], { migrations })[0]?.leaving;
    expect(leaving?.since).toBe(NOW);
    const end = { since: ago(900), isOverdue: false, hostIsReady: true };
    expect(SERVER_WORDS.leaving({ ...end, heldBy: leaving?.heldBy ?? [] })).toBe(
      'waits in the queue of Nova',
    );
    expect(SERVER_WORDS.leaving({ ...end, heldBy: [] })).toBe(`has been moving since ${ago(900)}`);
  });

  it('out of the queue has moved since its migration began', () => {
    const migrations = [migration('running', { server: 'a', createdAt: ago(120) })];
    expect(instances([a], { migrations })[0]?.leaving).toEqual({
      ...{ since: NOW - 120_000, due: NOW - 120_000 + 86_400_000, heldBy: [], revocable: true },
    });
  });
});
