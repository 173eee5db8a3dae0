import { describe, expect, it } from 'vitest';
import { activeRuns } from '../../../src/controllers/pool/active-runs.ts';
import {
  isBacked,
  isUnknown,
  keptPermits,
  mayHaveBegun,
  type ActiveRun,
  type ActiveRuns,
} from '../../../src/engine/permits/active-runs.ts';
import type { Permit } from '../../../src/crds/host-pool.ts';
import { statusOfRun } from '../../../src/status/stored/codec.ts';
import type { StrategyState } from '../../../src/crds/vocabulary.ts';
import { newRun } from '../../../src/engine/run/run-state.ts';
import { claimOfAnother } from '../support/fleets.ts';
import { ownerNamed } from '../support/owners.ts';
import { strategySpec } from '../support/simulated-run.ts';
import type { Strategy } from '../../../src/resources/stored-strategy.ts';

const OWNER = ownerNamed('s');
const permit = (host: string, run = 'r1'): Permit => ({
  host,
  run,
  level: 'away',
  since: '2026-11-25T09:00:00Z',
});
const run = (open: string[], underWay = false): ActiveRun => ({
  ...{ owner: OWNER, open: new Set(open), underWay, failed: 0 },
});
const activeOnly = (...[of]: ActiveRun[]): ActiveRuns => new Map([['r1', of]]);

/** A strategy with this run, which holds no host. */
function strategyIn(state: StrategyState): Strategy {
  const time = '2026-11-25T09:00:00Z';
  const plan = { digest: 'd', stages: [], actions: strategySpec() };
  const record = {
    ...{ id: 'r1', planDigest: 'd', specDigest: 's', fleetRevision: 'f', builtAt: time },
    ...{ pool: 'p', actions: {} },
  };
  const metadata = {
    ...{ name: 's', namespace: 'a', uid: OWNER.uid, resourceVersion: '1', generation: 1 },
    ...{ creationTimestamp: time, annotations: {}, finalizers: [] },
  };
  const status = statusOfRun(
    { run: record },
    { ...newRun('r1', plan), state },
    { reasons: [], order: { mode: 'Run' } },
    1,
    time,
  );
  return { kind: 'PatchStrategy', metadata, spec: strategySpec(), status };
}

describe('a claim', () => {
  const claim = { ...claimOfAnother, run: 'r1' };

  it('is backed while its run names the host, or is active and has a permit for it', () => {
    expect(isBacked('w-1', claim, [], activeOnly(run(['w-1'])))).toBe(true);
    expect(isBacked('w-1', claim, [permit('w-1')], activeOnly(run([], true)))).toBe(true);
  });

  it('is swept when its run is gone, does not know the host, or has ended', () => {
    expect(isBacked('w-1', claim, [permit('w-1')], activeOnly())).toBe(false);
    expect(isBacked('w-1', claim, [], activeOnly(run(['w-2'], true)))).toBe(false);
    expect(isBacked('w-1', claim, [permit('w-1', 'r2')], activeOnly(run([], true)))).toBe(false);
    expect(isBacked('w-1', claim, [permit('w-1')], activeOnly(run([])))).toBe(false);
  });
});

describe('the work on a host of a lost run', () => {
  const claim = { ...claimOfAnother, run: 'r1' };
  const begun = (permits: Permit[], of: 'owner gone' | undefined): boolean =>
    mayHaveBegun('w-1', claim, permits, new Map([['r1', of]]));

  it('may have begun when its owner took the Jobs along, unless the claim arrived late', () => {
    expect(begun([permit('w-1')], 'owner gone')).toBe(true);
    expect(begun([permit('w-1', 'r2')], 'owner gone')).toBe(false);
    expect(begun([permit('w-1')], undefined)).toBe(false);
  });
});

describe('a claim that nothing else speaks of', () => {
  const claim = { ...claimOfAnother, run: 'r1' };
  const unknown = (permits: Permit[], of: 'owner gone' | undefined): boolean =>
    isUnknown('w-1', claim, permits, new Map([['r1', of]]));

  it('has an owner that does not exist, and no permit', () => {
    expect(unknown([], 'owner gone')).toBe(true);
    expect(unknown([permit('w-2')], 'owner gone')).toBe(true);
    expect(unknown([permit('w-1')], 'owner gone')).toBe(false);
    expect(unknown([], undefined)).toBe(false);
  });
});

describe('a permit', () => {
  const kept = (of: ActiveRuns, claimed: string[] = [], exists = true): boolean =>
    keptPermits({ permits: [permit('w-1')] }, of, new Set(claimed), () => exists).length === 1;

  it('stays while an active run names the host, or may be about to name it', () => {
    expect(kept(activeOnly(run(['w-1'])), [], false)).toBe(true);
    expect(kept(activeOnly(run([], true)))).toBe(true);
  });

  it('stays while its claim is on the host, even without the run', () => {
    expect(kept(activeOnly(), ['r1/w-1'])).toBe(true);
  });

  it('stays when it was granted after the active runs were read', async () => {
    const active = await activeRuns(
      async () => undefined,
      { status: { permits: [permit('w-2', 'r2')] } },
      [],
    );
    const permits = [permit('w-1'), permit('w-2', 'r2')];
    expect(keptPermits({ permits }, active, new Set(), () => true)).toEqual([permit('w-1')]);
  });

  it.each(['apply-failed', 'apply-timeout', 'applying', 'ready-to-apply'] as const)(
    'may precede the status of a run that is %s: a retry gets its permits first',
    async (state) => {
      const pool = { status: { permits: [permit('w-1')], runs: [{ id: 'r1', owner: OWNER }] } };
      const active = await activeRuns(async () => strategyIn(state), pool, []);
      expect(active.get('r1')).toMatchObject({ underWay: true });
    },
  );

  it('is freed when its run is gone or has ended, or its host no longer exists', () => {
    expect(kept(activeOnly())).toBe(false);
    expect(kept(activeOnly(run([])))).toBe(false);
    expect(kept(activeOnly(run([], true)), [], false)).toBe(false);
  });
});
