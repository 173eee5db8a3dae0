import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { settlePermits, type PoolFacts } from '../../src/controllers/permits.ts';
import type { Permit, PermitRun } from '../../src/crds/host-pool.ts';

const NOW = '2026-11-23T09:30:00Z';
const permit = (host: string, run = 'other', level: Permit['level'] = 'away'): Permit => ({
  host,
  run,
  level,
  since: NOW,
});
const RUNS: PermitRun[] = ['other', 'mine'].map((id) => ({ id, strategy: `a/${id}` }));
const pool = (maxUnavailable: number, permits: Permit[] = [], out: string[] = []): PoolFacts => ({
  maxUnavailable,
  permits,
  runs: RUNS.filter(({ id }) => permits.some(({ run }) => run === id)),
  outOfServiceByOthers: new Set(out),
});
const settle = (hosts: string[], facts: PoolFacts, level: Permit['level'] = 'away') =>
  settlePermits({ run: 'mine', strategy: 'a/mine', wants: { hosts, level } }, facts, NOW);

describe('permits', () => {
  it('are granted all or none', () => {
    expect([...settle(['a', 'b'], pool(3, [permit('x')])).facts.held]).toEqual(['a', 'b']);
    const refused = settle(['a', 'b', 'c'], pool(3, [permit('x')]));
    expect(refused.status).toBeUndefined();
    expect(refused.facts.refusal).toBe('3 more would make 4 hosts out of service, the pool allows 3');
  });

  it('count a host that others took out of service, and count it once', () => {
    expect(settle(['a'], pool(1, [], ['x'])).facts.refusal).toMatch(/cordoned or not Ready: x/);
    expect(settle(['a'], pool(1, [], ['a'])).facts.refusal).toBeUndefined();
  });

  it('are refused for a host that has one of another run, naming that strategy', () => {
    expect(settle(['a'], pool(9, [permit('a')])).facts.refusal).toBe('a has a permit of strategy a/other');
  });

  it('are freed when they are no longer wanted, and only ours', () => {
    const { status } = settle(['b'], pool(3, [permit('a', 'mine'), permit('b', 'mine'), permit('c')]));
    expect(status?.permits?.map(({ host }) => host)).toEqual(['b', 'c']);
    expect(status?.away).toBe(2);
  });

  it('name the strategies whose they are, as long as these hold one', () => {
    const granted = settle(['a'], pool(3, [permit('x')])).status;
    expect(granted?.runs).toEqual(RUNS);
    expect(settle([], pool(3, [permit('a', 'mine'), permit('x')])).status?.runs).toEqual([RUNS[0]]);
  });

  it('of level touched do not count against the limit', () => {
    expect(settle(['a', 'b'], pool(1), 'touched').facts.held.size).toBe(2);
    expect(settle(['c'], pool(1, [permit('a', 'other', 'touched')])).facts.refusal).toBeUndefined();
  });

  it('need no write when they are right already', () => {
    expect(settle(['a'], pool(1, [permit('a', 'mine')])).status).toBeUndefined();
  });

  it('never make more hosts out of service than the pool allows', () => {
    const hosts = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), { minLength: 1 });
    fc.assert(
      fc.property(hosts, hosts, hosts, fc.integer({ min: 1, max: 8 }), (wanted, held, out, limit) => {
        const before = new Set([...held, ...out]).size;
        const { status } = settle(
          wanted,
          pool(
            limit,
            held.map((host) => permit(host)),
            out,
          ),
        );
        const after = new Set([...(status?.permits?.map(({ host }) => host) ?? []), ...out]).size;
        expect(after).toBeLessThanOrEqual(Math.max(limit, before));
      }),
    );
  });
});
