import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_CONTROLLERS } from '../../../src/engine/view.ts';
import {
  membersToAsk,
  settlePermits,
  withPermits,
  type PoolCapacity,
  type Settlement,
} from '../../../src/engine/permits/permits.ts';
import type { HostPoolStatus, Permit } from '../../../src/crds/host-pool.ts';
import { ownerNamed } from '../support/owners.ts';

const NOW = '2026-11-23T09:30:00Z';
const permit = (host: string, run = 'other', level: Permit['level'] = 'away'): Permit => ({
  ...{ host, run, level, since: NOW },
});
const status = (...permits: Permit[]): HostPoolStatus =>
  withPermits({ runs: ['other', 'mine'].map((id) => ({ id, owner: ownerNamed(id) })) }, permits);
const pool = (
  limit: number,
  out: string[] = [],
  closedBecause?: string,
  claimed: string[] = [],
  controllers: PoolCapacity['controllers'] = NO_CONTROLLERS,
): PoolCapacity => ({
  limit,
  outOfServiceByOthers: new Set(out),
  claimedAway: new Set(claimed),
  closedByRuns: new Map(),
  ...{ controllers, closedBecause },
});
const settle = (
  hosts: string[],
  before: HostPoolStatus,
  facts: PoolCapacity,
  {
    level = 'away',
    exactly = true,
    stopsNothing = false,
    knownControllers = [],
  }: {
    level?: Permit['level'];
    exactly?: boolean;
    stopsNothing?: boolean;
    knownControllers?: readonly string[];
  } = {},
): Settlement =>
  settlePermits(
    before,
    {
      run: 'mine',
      owner: ownerNamed('mine'),
      wants: { hosts, level, stopsNothing },
      exactly,
      knownControllers,
    },
    facts,
    NOW,
  );

describe('permits', () => {
  it('are granted all or none', () => {
    expect([...settle(['a', 'b'], status(permit('x')), pool(3)).facts.held.keys()]).toEqual(['a', 'b']);
    const before = status(permit('x'));
    const refused = settle(['a', 'b', 'c'], before, pool(3));
    expect(refused.status).toBe(before);
    expect(refused.facts.refusal).toBe('3 more would make 4 hosts out of service, the pool allows 3');
  });

  it('to touch hosts are replaced by permits to take them, if the limit allows it; the others stay', () => {
    const before = status({ ...permit('a', 'mine'), level: 'touched' }, permit('x'));
    const refused = settle(['a'], before, pool(1));
    expect(refused.status).toBe(before);
    expect(refused.facts).toMatchObject({ held: new Map([['a', 'touched']]) });
    expect(refused.facts.refusal).toBe('1 more would make 2 hosts out of service, the pool allows 1');
    const granted = settle(['a'], before, pool(2));
    expect(granted.status.permits?.map(({ host, level }) => [host, level])).toEqual([
      ['x', 'away'],
      ['a', 'away'],
    ]);
    expect(settle(['a'], granted.status, pool(2), { level: 'touched' }).changed).toBe(false);
  });

  it('count a host that others took out of service, and count it once', () => {
    expect(settle(['a'], status(), pool(1, ['x'])).facts.refusal).toMatch(/out of service by others: x/);
    expect(settle(['a'], status(), pool(1, ['a'])).facts.refusal).toBeUndefined();
  });

  it('count a claimed host without a permit, once', () => {
    expect(settle(['a'], status(), pool(1, [], undefined, ['x'])).facts.refusal).toMatch(
      /2 hosts out of service/,
    );
    expect(settle(['a'], status(permit('x')), pool(2, [], undefined, ['x'])).facts.refusal).toBeUndefined();
  });

  const controllers = (n: number, ...down: string[]): PoolCapacity['controllers'] => ({
    all: new Set(Array.from({ length: n }, (_, i) => `c-${String(i)}`)),
    down: new Set(down),
  });

  it.each([
    [1, [], true],
    [2, [], true],
    [2, ['c-1'], true],
    [3, [], true],
    [3, ['c-0'], true],
    [3, ['c-2'], false],
    [5, [], true],
    [5, ['c-4'], true],
    [5, ['c-3', 'c-4'], false],
  ])('leave a quorum of %i controllers of which %j are down: %s', (n, down, granted) => {
    const { held, refusal } = settle(
      ['c-0'],
      status(),
      pool(9, [], undefined, [], controllers(n, ...down)),
    ).facts;
    expect([held.has('c-0'), refusal === undefined]).toEqual([granted, granted]);
  });

  it('count for the quorum who has a permit, a claim or a cordon, and name the controllers and the numbers', () => {
    const refusal =
      'without c-0 1 of 3 controllers would be in service, a quorum needs 2 (out of service: c-2)';
    for (const [before, out, claimed] of [
      [status(permit('c-2')), [], []],
      [status(), ['c-2'], []],
      [status(), [], ['c-2']],
    ] as const) {
      const facts = pool(9, [...out, 'w-1'], undefined, [...claimed], controllers(3));
      expect(settle(['c-0'], before, facts).facts.refusal).toBe(refusal);
      expect(settle(['w-2'], before, facts).facts.refusal).toBeUndefined();
      const touched = { level: 'touched' } as const;
      expect(settle(['c-0'], before, facts, touched).facts.refusal).toBe(refusal);
      const staging = { ...touched, stopsNothing: true };
      expect(settle(['c-0'], before, facts, staging).facts.refusal).toBeUndefined();
    }
  });

  it('count for the quorum what the members themselves say, and name member and reason', () => {
    const members = { down: new Map([['c-2', 'https://10.0.0.3:6443/readyz: [-]etcd failed']]) };
    const facts = { ...pool(9, [], undefined, [], controllers(3)), members };
    expect(settle(['c-0'], status(), facts).facts.refusal).toBe(
      'without c-0 1 of 3 controllers would be in service, a quorum needs 2 (out of service: c-2: ' +
        'https://10.0.0.3:6443/readyz: [-]etcd failed)',
    );
    expect(settle(['w-2'], status(), facts).facts.refusal).toBeUndefined();
    const mended = settle(['c-2'], status(), facts).facts;
    expect(mended.refusal, 'the member that is down may be mended').toBeUndefined();
    const five = { ...pool(9, [], undefined, [], controllers(5)), members };
    expect(settle(['c-0'], status(), five).facts.refusal).toBeUndefined();
    expect(settle(['c-0'], status(permit('c-1')), five).facts.refusal).toMatch(/c-1, c-2: https/);
  });

  it('count for the quorum a controller that has left the pool, until a request gives it up', () => {
    const two = { all: new Set(['c-0', 'c-1']), down: new Set<string>() };
    const facts = pool(9, [], undefined, [], two);
    const knownControllers = ['c-0', 'c-1', 'c-2'];
    for (const level of ['away', 'touched'] as const)
      expect(settle(['c-0'], status(), facts, { knownControllers, level }).facts.refusal).toBe(
        'without c-0 1 of 3 controllers would be in service, a quorum needs 2 (out of service: c-2: has left the pool ' +
          'since the plan was made); bring c-2 back, or place the request skip-host for each that is gone for good, ' +
          'from etcd, too',
      );
    expect(settle(['w-1'], status(), facts, { knownControllers }).facts.refusal).toBeUndefined();
    expect(settle(['c-0'], status(), facts, { knownControllers: ['c-0', 'c-1'] }).changed).toBe(true);
    const wish = { run: 'mine', wants: { hosts: ['c-0'], level: 'away' }, knownControllers } as const;
    const four = { all: new Set(['c-0', 'c-1', 'c-3', 'c-4']), down: new Set<string>() };
    expect(membersToAsk(status(), wish, { controllers: four }), 'the others of five').toEqual([
      ...['c-1', 'c-3', 'c-4'],
    ]);
  });

  it('are granted for no controller while the members cannot be asked as the pool wants it', () => {
    const members = { down: new Map(), unknown: 'Secret x does not exist' };
    const facts = { ...pool(9, [], undefined, [], controllers(3)), members };
    expect(settle(['c-0'], status(), facts).facts).toMatchObject({ refusal: 'Secret x does not exist' });
    expect(settle(['c-0'], status(), facts).changed).toBe(false);
  });

  it.each([
    ['the others', ['c-0'], status(), 'away', false, ['c-1', 'c-2']],
    ['nobody for a worker', ['w-1'], status(), 'away', false, []],
    ['nobody for a permit that is held', ['c-0'], status(permit('c-0', 'mine')), 'away', false, []],
    ['those who stay, of two', ['c-0', 'c-1', 'w-1'], status(), 'away', false, ['c-2']],
    ['the others for work in place', ['c-0'], status(), 'touched', false, ['c-1', 'c-2']],
    ['nobody for staging', ['c-0'], status(), 'touched', true, []],
  ] as const)('rest on what the members say: %s', (_, hosts, before, level, stopsNothing, asked) => {
    const wish = { run: 'mine', wants: { hosts, level, stopsNothing } };
    expect(membersToAsk(before, wish, { controllers: controllers(3) })).toEqual(asked);
  });

  it('rest on no member that is out of service as a host, and on none of a control plane without a quorum', () => {
    const wish = { run: 'mine', wants: { hosts: ['c-0'], level: 'away' } } as const;
    expect(membersToAsk(status(), wish, { controllers: controllers(3, 'c-2') })).toEqual(['c-1']);
    expect(membersToAsk(status(), wish, { controllers: controllers(2) })).toEqual([]);
  });

  it('count a controller that another run works on in place as one that may not serve', () => {
    const before = status(permit('c-2', 'other', 'touched'));
    const facts = pool(9, [], undefined, [], controllers(3));
    expect(settle(['c-0'], before, facts).facts.refusal).toMatch(/a quorum needs 2/);
  });

  it('are refused for a host with a permit of another run, naming that strategy', () => {
    expect(settle(['a'], status(permit('a')), pool(9)).facts.refusal).toBe(
      'a has a permit of PatchStrategy a/other',
    );
  });

  it.each(['away', 'touched'] as const)(
    'are refused at level %s for a host that another run has closed, not for one of its own',
    (level) => {
      const closedBy = (run: string): PoolCapacity => ({
        ...pool(9),
        closedByRuns: new Map([['a', { run, owner: ownerNamed(run) }]]),
      });
      expect(settle(['a'], status(), closedBy('other'), { level }).facts.refusal).toBe(
        'a is held by PatchStrategy a/other',
      );
      expect([...settle(['a'], status(), closedBy('mine'), { level }).facts.held.keys()]).toEqual(['a']);
    },
  );

  it('are not granted by a closed pool, at any level; held permits stay', () => {
    const closed = pool(9, [], 'HostPool p is paused');
    expect(settle(['a'], status(), closed, { level: 'touched' }).facts.refusal).toBe('HostPool p is paused');
    expect([...settle(['a'], status(permit('a', 'mine')), closed).facts.held.keys()]).toEqual(['a']);
  });

  it('are freed when they are no longer wanted, except those of other runs', () => {
    const held = status(permit('a', 'mine'), permit('b', 'mine'), permit('c'));
    const after = settle(['b'], held, pool(3)).status;
    expect(after.permits?.map(({ host }) => host)).toEqual(['b', 'c']);
    expect(after.away).toBe(2);
    expect(settle(['b'], held, pool(3), { exactly: false }).status).toBe(held);
  });

  it('name the runs that hold them, and no others', () => {
    expect(settle(['a'], status(permit('x')), pool(3)).status.runs).toEqual([
      { id: 'other', owner: ownerNamed('other') },
      { id: 'mine', owner: ownerNamed('mine') },
    ]);
    expect(settle([], status(permit('a', 'mine')), pool(3)).status.runs).toEqual([]);
  });

  it('of level touched do not count against the limit', () => {
    expect(settle(['a', 'b'], status(), pool(1), { level: 'touched' }).facts.held.size).toBe(2);
    expect(settle(['c'], status(permit('a', 'other', 'touched')), pool(1)).facts.refusal).toBeUndefined();
  });

  it('need no write when they are already right', () => {
    const before = status(permit('a', 'mine'));
    expect(settle(['a'], before, pool(1)).status).toBe(before);
  });

  it('never put more hosts out of service than the pool allows', () => {
    const hosts = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), { minLength: 1 });
    fc.assert(
      fc.property(hosts, hosts, hosts, fc.integer({ min: 1, max: 8 }), (wanted, held, out, limit) => {
        const before = new Set([...held, ...out]).size;
        const settled = settle(wanted, status(...held.map((host) => permit(host))), pool(limit, out));
        const permitted = settled.status.permits?.map(({ host }) => host) ?? [];
        expect(permitted, 'one permit a host').toHaveLength(new Set(permitted).size);
        const after = new Set([...permitted, ...out]).size;
        expect(after).toBeLessThanOrEqual(Math.max(limit, before));
      }),
    );
  });
});
