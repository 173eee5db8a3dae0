import { describe, expect, it } from 'vitest';
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';
import { NO_CONTROLLERS, type FleetFacts } from '../../../src/engine/view.ts';
import { newRun } from '../../../src/engine/run/run-state.ts';
import { specDigest } from '../../../src/planner/digest.ts';
import { planStrategy } from '../../../src/planner/plan-strategy.ts';
import { decodeRun, statusOfRun, type StoredRun } from '../../../src/status/stored/codec.ts';
import { orderOf, poolOf, type OrderInput } from '../../../src/status/order.ts';
import { strategySpec } from '../support/simulated-run.ts';

const TIME = '2026-11-26T09:00:00.000Z';
const fleet: FleetFacts = {
  ...{
    revision: 'f',
    total: 2,
    outOfServiceByOthers: new Set(),
    claimedAway: new Set(),
    closedByRuns: new Map(),
  },
  ...{ controllers: NO_CONTROLLERS, keptByOtherPools: new Set() },
};

/** A plan of two hosts as the status holds it. */
function storedRun(changes: Partial<StoredRun['run']> = {}, spec = strategySpec()): StoredRun {
  const facts = { 'nodeInfo.kernelVersion': '6.12.40', 'nodeInfo.kubeletVersion': 'v1.36.3' };
  const seeds = ['w-1', 'w-2'].map((name) => ({ name, roles: ['worker'] as const, facts }));
  const { plan } = planStrategy(spec, seeds, { maxUnavailable: 2 });
  const run = { ...newRun('r', plan), ...changes };
  const record = {
    ...{ id: 'r', planDigest: plan.digest, specDigest: specDigest(spec), fleetRevision: 'f', builtAt: TIME },
    ...{ pool: 'held', actions: plan.actions },
  };
  const stored = decodeRun(
    statusOfRun({ run: record }, run, { reasons: [], order: { mode: 'Run' } }, 1, TIME),
  );
  return stored ?? expect.fail('the status holds no run');
}

function input(pool: Record<string, unknown> = {}, spec: Record<string, unknown> = {}): OrderInput {
  return {
    strategy: { metadata: { namespace: 'careen-hosts' }, spec: strategySpec(spec) },
    stored: storedRun(),
    pool: {
      metadata: { name: 'default' },
      spec: hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable: 2, ...pool }),
    },
    ...{ fleet, operatorNamespace: 'careen-system' },
  };
}

const RUN = { execution: { mode: 'Run' } };

describe('the order of a strategy', () => {
  it('is the order of its spec, unless something holds it back', () => {
    expect(orderOf(input({}, RUN))).toEqual({ mode: 'Run' });
  });

  it.each([
    ['an edited spec', 'Building', input({}, { ...RUN, workerApplyType: 'serial' })],
    ['a stage that is larger than the pool allows', 'Building', input({ maxUnavailable: 1 }, RUN)],
    ['a pool that is for other namespaces', 'NotPermitted', input({ allowedNamespaces: ['other'] }, RUN)],
    [
      'another plan that was reviewed',
      'OtherPlanPinned',
      input({}, { execution: { mode: 'Run', plan: `sha256:${'0'.repeat(64)}` } }),
    ],
    ['a pool that is paused', 'Paused', input({ paused: true }, RUN)],
  ])('is held back by %s', (_what, reason, each) => {
    expect(orderOf(each).heldBack?.reason).toBe(reason);
  });

  it('holds a plan of the VIM back while a stage is larger than the pool allows', () => {
    const vim = { ...RUN, profile: 'vim-2024', workerApplyType: 'parallel' };
    const stored = storedRun({}, strategySpec(vim));
    expect(orderOf({ ...input({}, vim), stored }).heldBack).toBeUndefined();
    expect(orderOf({ ...input({ maxUnavailable: 1 }, vim), stored }).heldBack).toEqual({
      reason: 'LimitBelowStage',
      message:
        'stage 0 takes 2 hosts out of service together, HostPool default allows 1 (spec.maxUnavailable), and a plan of ' +
        'the VIM is never cut: raise the limit, lower maxParallelWorkerHosts, or use serial',
    });
  });

  it('is not held back in an abort', () => {
    expect(orderOf(input({ paused: true }, { execution: { mode: 'Abort' } }))).toEqual({ mode: 'Abort' });
  });
});

describe('the pool of a strategy', () => {
  const spec = strategySpec({ poolRef: 'other' });

  it('is the pool of the spec', () => {
    expect(poolOf(spec, undefined)).toBe('other');
    expect(poolOf(spec, storedRun())).toBe('other');
  });

  it('is the pool whose permits its run holds while the run is active', () => {
    expect(poolOf(spec, storedRun({ state: 'applying' }))).toBe('held');
  });
});
