import { describe, expect, it } from 'vitest';
import { STRATEGY_KINDS } from '../../../src/crds/strategy-kinds.ts';
import { newRun, type RunState } from '../../../src/engine/run-state.ts';
import { build } from '../../../src/planner/build.ts';
import type { HostSeed } from '../../../src/planner/facts.ts';
import type { Plan } from '../../../src/planner/plan.ts';
import { rebuildNeeded } from '../../../src/status/rebuild.ts';
import { workers } from '../support/fleets.ts';
import { SimulatedRun } from '../support/simulated-run.ts';

const job = { template: { spec: { containers: [{ name: 'apply', image: 'upgrade:1' }] } } };
const spec = STRATEGY_KINDS.UpgradeStrategy.readSpec.parse({
  release: { version: 'v1.37.0' },
  hosts: { worker: { action: { job }, drain: 'never' } },
  start: { job },
  complete: { job },
});

function planOf(skipped: readonly string[] = []): Plan {
  const seeds = workers(3).map(({ name }): HostSeed => ({
    ...{ name, roles: ['worker'], facts: { 'nodeInfo.kubeletVersion': 'v1.36.3' } },
  }));
  return build(spec, seeds, { maxUnavailable: 1, skipped: new Set(skipped) }).plan;
}

function isRebuilt(run: RunState): boolean {
  const record = { id: 'r', planDigest: 'd', specDigest: 's', fleetRevision: 'f', pool: 'default' };
  const status = { state: run.state, run: { ...record, builtAt: '2026-11-23T09:00:00Z' } };
  const same = { specDigest: 's', fleetRevision: 'f', maxUnavailable: 1 };
  return rebuildNeeded({ ...same, status, run, mode: 'Run', applyAsked: false, now: 0 }).rebuild;
}

describe('the host of a hook', () => {
  it('is none that a request skips', () => {
    const hostsOf = (plan: Plan): unknown => [plan.stages[0]?.hosts, plan.stages.at(-1)?.hosts];
    expect(hostsOf(planOf())).toEqual([['w-1'], ['w-1']]);
    expect(hostsOf(planOf(['w-1']))).toEqual([['w-2'], ['w-2']]);
  });

  it('that leaves before the hook has run makes the run wait for a plan with another one', async () => {
    const run = await SimulatedRun.start({ hosts: workers(3), planned: () => planOf() });
    await run.until(() => run.step === 'start-upgrade');
    expect(isRebuilt(run.run)).toBe(false);
    run.world.removeHost('w-1');
    await run.elapse(60_000);
    expect(run.step).toBe('start-upgrade');
    expect(run.run.hosts).toEqual([]);
    expect(run.reasons).toEqual([
      'w-1 no longer exists: the plan is built again, with another host for start-upgrade',
    ]);
    expect(isRebuilt(run.run)).toBe(true);
    await run.settle();
    expect(run.run.state).toBe('apply-timeout');
  });

  it('is not waited for by an abort', async () => {
    const run = await SimulatedRun.start({ hosts: workers(3), planned: () => planOf() });
    await run.until(() => run.step === 'start-upgrade');
    run.world.removeHost('w-1');
    await run.elapse(60_000);
    run.order = { mode: 'Abort' };
    await run.settle();
    expect(run.run.state).toBe('aborted');
  });

  it('is needed by no run that has not begun', () => {
    expect(isRebuilt({ ...newRun('r', planOf()), state: 'applying' })).toBe(false);
  });
});
