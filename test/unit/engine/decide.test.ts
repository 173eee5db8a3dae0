import { describe, expect, it } from 'vitest';
import type { HostPoolStatus } from '../../../src/crds/host-pool.ts';
import { decide, type DecideInput } from '../../../src/engine/decide.ts';
import { settlePermits } from '../../../src/engine/permits/permits.ts';
import type { RunState } from '../../../src/engine/run-state.ts';
import { SimulatedHostOps } from '../../../src/hostops/simulated/simulated-host-ops.ts';
import { workers } from '../support/fleets.ts';
import { OWNER, SimulatedRun } from '../support/simulated-run.ts';

const TIME = '2026-11-26T09:00:00.000Z';

/** The decision of the first pass over a new plan of two hosts, and its pool. */
async function newPlan(limit = 2): Promise<{ input: DecideInput; pool: NonNullable<DecideInput['pool']> }> {
  const { plan, run, owner, scope, world } = await SimulatedRun.start({ hosts: workers(2) });
  const view = new SimulatedHostOps(world).view(scope);
  const { outOfServiceByOthers, claimedAway } = view.fleet;
  const pool = {
    status: {},
    capacity: { limit, outOfServiceByOthers, claimedAway, closedBecause: undefined },
  };
  const turn = {
    ...{ owner, order: { mode: 'Run' } as const, requests: [], pool: 'default', epoch: 1 },
    ...{ view, outcomes: new Map(), now: world.now },
  };
  return { input: { plan, run, turn, pool }, pool };
}

const hostsOf = ({ hosts }: RunState): string[] => hosts.map(({ name }) => name);

describe('a decision and its permits', () => {
  it('requests the permits that the pool would grant, and claims hosts only with the permits', async () => {
    const { input, pool } = await newPlan();
    const first = decide(input);
    expect(first.grant).toMatchObject({ run: 'run-1', wants: { hosts: ['w-1', 'w-2'] }, exactly: false });
    expect([hostsOf(first.decision.run), first.decision.effects, first.surplus]).toEqual([[], [], undefined]);
    if (!first.grant) throw new Error('nothing is asked for');
    const { facts } = settlePermits(pool.status, first.grant, pool.capacity, TIME);
    const second = decide({ ...input, settled: facts });
    expect(hostsOf(second.decision.run)).toEqual(['w-1', 'w-2']);
    expect(second.decision.effects.map(({ kind }) => kind)).toEqual(['claim', 'claim']);
    expect([second.grant, second.surplus]).toEqual([undefined, undefined]);
  });

  it('says at once why the pool grants nothing, and requests nothing', async () => {
    const { input } = await newPlan(1);
    const { decision, grant, surplus } = decide(input);
    expect(decision.reasons).toEqual([
      'waiting for permits: 2 more would make 2 hosts out of service, the pool allows 1',
    ]);
    expect([grant, surplus]).toEqual([undefined, undefined]);
  });

  it('names the reason for the wait when a stage times out', async () => {
    const { input } = await newPlan(1);
    const { run } = decide(input).decision;
    const late = { ...input, run, turn: { ...input.turn, now: input.turn.now + 3_600_000 } };
    const stage = decide({ ...late, run: { ...run, lastObservedTime: undefined } }).decision.run.apply
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
    const { surplus, grant } = decide({ ...input, turn: onHold, pool: { ...pool, status } });
    expect(surplus).toMatchObject({ wants: { hosts: [] }, exactly: true });
    expect(grant).toBeUndefined();
  });

  it('requests nothing from a missing pool', async () => {
    const { input } = await newPlan();
    const { decision, grant, surplus } = decide({ ...input, pool: undefined });
    expect(decision.reasons).toEqual(['waiting for permits: asked for']);
    expect([grant, surplus]).toEqual([undefined, undefined]);
  });
});
