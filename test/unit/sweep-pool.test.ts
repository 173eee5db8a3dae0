import { describe, expect, it } from 'vitest';
import type { LivingRun } from '../../src/controllers/living-runs.ts';
import { isStoodFor, keptPermits } from '../../src/controllers/sweep-pool.ts';
import type { Permit } from '../../src/crds/host-pool.ts';
import { claimOfAnother } from './support/fleets.ts';

const permit = (host: string, run = 'r1'): Permit => ({
  host,
  run,
  level: 'away',
  since: '2026-11-25T09:00:00Z',
});
const run = (open: string[], underWay = false): LivingRun => ({
  ...{ strategy: 'a/s', open: new Set(open), underWay, failed: 0 },
});
const living = (...[of]: LivingRun[]): ReadonlyMap<string, LivingRun> => new Map(of ? [['r1', of]] : []);

describe('a claim', () => {
  const claim = { ...claimOfAnother, run: 'r1' };

  it('is right while its run names the host, or has a permit for it and goes on', () => {
    expect(isStoodFor('w-1', claim, [], living(run(['w-1'])))).toBe(true);
    expect(isStoodFor('w-1', claim, [permit('w-1')], living(run([], true)))).toBe(true);
  });

  it('is swept when its run is gone, does not know the host, or has ended', () => {
    expect(isStoodFor('w-1', claim, [permit('w-1')], living())).toBe(false);
    expect(isStoodFor('w-1', claim, [], living(run(['w-2'], true)))).toBe(false);
    expect(isStoodFor('w-1', claim, [permit('w-1', 'r2')], living(run([], true)))).toBe(false);
    expect(isStoodFor('w-1', claim, [permit('w-1')], living(run([])))).toBe(false);
  });
});

describe('a permit', () => {
  const kept = (of: ReadonlyMap<string, LivingRun>, claimed: string[] = [], exists = true): boolean =>
    keptPermits({ permits: [permit('w-1')] }, of, new Set(claimed), () => exists).length === 1;

  it('stays while a living run names the host, or may be about to', () => {
    expect(kept(living(run(['w-1'])), [], false)).toBe(true);
    expect(kept(living(run([], true)))).toBe(true);
  });

  it('stays while the claim that goes with it is on the host, whatever became of the run', () => {
    expect(kept(living(), ['r1/w-1'])).toBe(true);
  });

  it('is freed when its run is gone or has ended, or its host no longer exists', () => {
    expect(kept(living())).toBe(false);
    expect(kept(living(run([])))).toBe(false);
    expect(kept(living(run([], true)), [], false)).toBe(false);
  });
});
