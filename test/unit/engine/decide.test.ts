import { describe, expect, it } from 'vitest';
import type { HostPoolStatus } from '../../../src/crds/host-pool.ts';
import { decide, decideWithPermits, type DecideInput, type Decided } from '../../../src/engine/decide.ts';
import { settlePermits } from '../../../src/engine/permits/permits.ts';
import type { RunState } from '../../../src/engine/run/run-state.ts';
import { SimulatedHostOps } from '../../../src/hostops/simulated/simulated-host-ops.ts';
import { workers } from '../support/fleets.ts';
import { OWNER, SimulatedRun } from '../support/simulated-run.ts';

const TIME = '2026-11-26T09:00:00.000Z';

/** The decision of the first pass over a new plan of two hosts, and its pool. */
async function newPlan(limit = 2): Promise<{ input: DecideInput; pool: NonNullable<DecideInput['pool']> }> {
  const { plan, run, owner, scope, world } = await SimulatedRun.start({ hosts: workers(2) });
  const view = new SimulatedHostOps(world).view(scope);
  const { outOfServiceByOthers, claimedAway, closedByRuns, controllers } = view.fleet;
  const pool = {
    status: {},
    capacity: {
      limit,
      outOfServiceByOthers,
      claimedAway,
      closedByRuns,
      controllers,
      closedBecause: undefined,
    },
  };
  const turn = {
    ...{ owner, order: { mode: 'Run' } as const, requests: [], pool: 'default', epoch: 1 },
    ...{ view, outcomes: new Map(), now: world.now },
  };
  return { input: { plan, run, turn, pool }, pool };
}

const hostsOf = ({ hosts }: RunState): string[] => hosts.map(({ name }) => name);

/** A decision that asks for no permit. */
function decided(input: DecideInput): Decided {
  const result = decide(input);
  return 'decision' in result ? result : expect.fail('permits are asked for');
}

describe('a decision and its permits', () => {
  it('requests the permits that the pool would grant, and claims hosts only with the permits', async () => {
    const { input, pool } = await newPlan();
    const first = decide(input);
    if (!('grant' in first)) throw new Error('nothing is asked for');
    expect(first.grant).toMatchObject({ run: 'run-1', wants: { hosts: ['w-1', 'w-2'] }, exactly: false });
    const { facts } = settlePermits(pool.status, first.grant, pool.capacity, TIME);
    const second = decideWithPermits(input, facts);
    expect(hostsOf(second.decision.run)).toEqual(['w-1', 'w-2']);
    expect(second.decision.effects.map(({ kind }) => kind)).toEqual(['claim', 'claim']);
    expect(second.surplus).toBeUndefined();
  });

  it('says at once why the pool grants nothing, and requests nothing', async () => {
    const { input } = await newPlan(1);
    const { decision, surplus } = decided(input);
    expect(decision.reasons).toEqual([
      'waiting for permits: 2 more would make 2 hosts out of service, the pool allows 1',
    ]);
    expect(surplus).toBeUndefined();
  });

  it('names the reason for the wait when a stage times out', async () => {
    const { input } = await newPlan(1);
    const { run } = decided(input).decision;
    const late = { ...input, run, turn: { ...input.turn, now: input.turn.now + 3_600_000 } };
    const stage = decided({ ...late, run: { ...run, lastObservedTime: undefined } }).decision.run.apply
      .stages[0];
    expect(stage?.reason).toContain('waiting for permits: 2 more would make 2 hosts out of service');
  });

  it('frees unwanted permits, and never requests more in the same write', async () => {
    const { input, pool } = await newPlan();
    const held = ['w-2', 'w-9'].map((host) => ({ host, run: 'run-1', level: 'away', since: TIME }) as const);
    const status: HostPoolStatus = {
      permits: held,
      runs: [{ id: 'run-1', owner: OWNER }],
    };
    const onHold = { ...input.turn, order: { mode: 'Hold' } as const };
    const { surplus } = decided({ ...input, turn: onHold, pool: { ...pool, status } });
    expect(surplus).toMatchObject({ wants: { hosts: [] }, exactly: true });
  });

  it('requests nothing from a missing pool', async () => {
    const { input } = await newPlan();
    const { decision, surplus } = decided({ ...input, pool: undefined });
    expect(decision.reasons).toEqual(['waiting for permits: asked for']);
    expect(surplus).toBeUndefined();
  });
});
