import { describe, expect, it } from 'vitest';
import { buildPlan, type PlanInput } from '../../../src/controllers/strategy/build-plan.ts';
import { buildingStatus } from '../../../src/status/shown/build-status.ts';
import { pinnedElsewhere } from '../../../src/status/stored/pinned-plan.ts';
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';
import type { StrategyStatus } from '../../../src/crds/observed/strategy-status.ts';
import type { View } from '../../../src/engine/view.ts';
import type { Scope } from '../../../src/hostops/port.ts';
import type { HostSeed } from '../../../src/planner/hosts/facts.ts';
import { SimulatedHostOps } from '../../../src/hostops/simulated/simulated-host-ops.ts';
import type { NewHost } from '../../../src/hostops/simulated/simulated-objects.ts';
import { SimulatedWorld } from '../../../src/hostops/simulated/simulated-world.ts';
import { kubeletPatch, strategySpec } from '../support/simulated-run.ts';

const OLD = { 'nodeInfo.kernelVersion': '6.12.40', 'nodeInfo.kubeletVersion': 'v1.36.3' };
const OTHER = `sha256:${'0'.repeat(64)}`;
const { roles, health } = hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable: 1 });
const scope: Scope = {
  pool: 'default',
  provider: { kubernetes: { nodeSelector: {} } },
  before: [],
  roles,
  health,
};

function worldOf(...hosts: readonly NewHost[]): SimulatedWorld {
  const world = new SimulatedWorld();
  for (const host of hosts) world.addHost({ nodeInfo: OLD, ...host });
  return world;
}

type Wish = {
  readonly spec?: Record<string, unknown>;
  readonly before?: StrategyStatus;
  readonly limit?: number;
  readonly unreadable?: string;
  readonly overlap?: string;
};

function inputOf(
  world: SimulatedWorld,
  { spec, before = {}, limit = 2, unreadable, overlap }: Wish = {},
): PlanInput {
  return {
    ...{ spec: strategySpec(spec), generation: 1, before, maxUnavailable: limit, activeHost: undefined },
    ...{
      violations: [],
      findings: () => [],
      unreadable,
      overlap,
      epoch: 1,
      scope,
      fleetRevision: '1',
      runId: 'r',
    },
  };
}

async function planned(
  world: SimulatedWorld,
  wish: Wish = {},
  hosts = new SimulatedHostOps(world),
): Promise<StrategyStatus> {
  return buildPlan(inputOf(world, wish), hosts, () => world.now, new AbortController().signal);
}

const digestOf = ({ run }: StrategyStatus): string | undefined => run?.planDigest;

/** A cluster that lists each host twice. */
class ListingTwice extends SimulatedHostOps {
  override async *inventory(of: Scope, signal: AbortSignal): AsyncGenerator<readonly HostSeed[], void> {
    yield* super.inventory(of, signal);
    yield* super.inventory(of, signal);
  }
}

/** A cloud that cannot be asked yet. */
class OutOfReach extends SimulatedHostOps {
  isBeingListed = false;

  override view(of: Scope): View {
    const view = super.view(of);
    const { isBeingListed } = this;
    const fleet = { ...view.fleet, unobservable: 'Keystone refuses the credentials', isBeingListed };
    return { ...view, fleet, signal: () => undefined };
  }
}

describe('a plan of hosts that cannot be observed', () => {
  it('is not made, and the strategy says why at once', async () => {
    const world = worldOf({ name: 'w-1' });
    const hosts = new OutOfReach(world);
    const status = await planned(world, {}, hosts);
    const message = 'the hosts of HostPool default cannot be observed: Keystone refuses the credentials';
    expect(status).toMatchObject({ state: 'build-failed', message });
    expect(status.conditions?.find(({ type }) => type === 'Stalled')).toMatchObject({
      ...{ status: 'True', reason: 'ProviderUnavailable', message },
    });
    hosts.isBeingListed = true;
    expect((await planned(world, {}, hosts)).state, 'while they are listed for the first time').toBe(
      'building',
    );
  });
});

describe('an impossible plan', () => {
  it('follows from an unreadable spec: the state says why', async () => {
    const unreadable = 'the spec cannot be read by this version of Careen: spec.patches: wrong';
    const status = await planned(worldOf({ name: 'w-1' }), { unreadable });
    expect(status).toMatchObject({ state: 'build-failed', message: unreadable });
    expect(digestOf(status)).toBe('none');
  });

  it('fails the build with the problem, its value and the remedy, and without stages', async () => {
    const world = worldOf({ name: 'w-1' });
    const status = await planned(world, { limit: 0 }, new ListingTwice(world));
    const message =
      'limits.maxUnavailable is 0: give a whole number of at least 1; ' +
      'hosts[1].name is "w-1": an earlier host has the same name; list each host once';
    expect(status).toMatchObject({ state: 'build-failed', message, buildPhase: { result: 'failed' } });
    expect(status.applyPhase).toBeUndefined();
    expect(digestOf(status)).toBe('none');
  });

  it('follows from a fact without the version that a patch asks for', async () => {
    const status = await planned(worldOf({ name: 'w-1', nodeInfo: { 'nodeInfo.kernelVersion': 'generic' } }));
    expect(status.state).toBe('build-failed');
    expect(status.message).toContain('hosts.w-1.nodeInfo.kernelVersion is "generic": it holds no version');
    expect(status.applyPhase).toBeUndefined();
  });
});

describe('a plan that no object could hold', () => {
  it('is refused: more stages than a status counts', async () => {
    const hosts = Array.from({ length: 10_001 }, (_, i) => ({ name: `w-${String(i)}` }));
    const status = await planned(worldOf(...hosts), { spec: { workerApplyType: 'serial' } });
    expect(status).toMatchObject({
      state: 'build-failed',
      message:
        'the plan has 10001 stages, more than 10000: raise maxParallelWorkerHosts, or split the hosts into several pools',
    });
  });

  it('is refused: patches that leave no room for a stage', async () => {
    const args = ['x'.repeat(130 * 1024)];
    const job = { template: { spec: { containers: [{ name: 'apply', image: 'patch:1', args }] } } };
    const status = await planned(worldOf({ name: 'w-1' }), {
      spec: { patches: [{ ...kubeletPatch, action: { job } }] },
    });
    expect(status.state).toBe('build-failed');
    expect(status.message).toMatch(
      /^stage 0 with 1 host and the patches take 13\d KiB, more than one object may hold \(128 KiB\): shorten the Jobs/,
    );
  });
});

describe('a build while a host is unwell', () => {
  it('waits for as long as its query may take, and then fails; a repeated build fails at once', async () => {
    const world = worldOf({ name: 'w-1', ready: false });
    const message =
      'active alarms present (w-1: is not Ready); mend the host, or place the request skip-host';
    const before = await planned(world);
    expect(before).toMatchObject({ state: 'building', message, buildPhase: { inProgress: true } });
    world.advanceTo(world.now + 59_000);
    expect(await planned(world, { before })).toEqual(before);
    expect(buildingStatus(inputOf(world, { before }), world.now)).toBe(before);
    world.advanceTo(world.now + 1_000);
    const failed = await planned(world, { before });
    expect(failed).toMatchObject({ state: 'build-failed', message, buildPhase: { result: 'failed' } });
    expect(await planned(world, { before: failed })).toMatchObject({ state: 'build-failed', message });
    world.changeHost('w-1', { ready: true });
    expect((await planned(world, { before })).state).toBe('ready-to-apply');
  });

  it('keeps the allowed stages of a request that have not begun', async () => {
    const world = worldOf({ name: 'w-1' });
    const { run, ...built } = await planned(world);
    if (!run) throw new Error('there is no run');
    const before = { ...built, run: { ...run, authority: { throughStage: 0 } } };
    world.changeHost('w-1', { ready: false });
    const waiting = await planned(world, { before });
    expect(waiting).toMatchObject({
      state: 'ready-to-apply',
      message: expect.stringMatching(/^active/) as string,
    });
    world.changeHost('w-1', { ready: true });
    expect((await planned(world, { before: waiting })).run?.authority).toEqual({ throughStage: 0 });
  });
});

describe('a plan without stages', () => {
  const NEW = { 'nodeInfo.kernelVersion': '6.12.48', 'nodeInfo.kubeletVersion': 'v1.36.4' };
  const conditionsOf = ({ conditions = [] }: StrategyStatus): string[] =>
    conditions.filter(({ status }) => status === 'True').map(({ type, reason }) => `${type}/${reason}`);

  it.each<[string, NewHost[], Wish, string]>([
    ['no host', [], {}, 'no hosts: HostPool default selects none'],
    [
      'only hosts that the strategy leaves out',
      [{ name: 'w-1' }],
      { spec: { workerApplyType: 'ignore' } },
      'no hosts: the strategy is about no host of HostPool default, which has 1',
    ],
  ])('is no success for a pool with %s, and waits for hosts', async (_, hosts, wish, message) => {
    const status = await planned(worldOf(...hosts), wish);
    expect(status).toMatchObject({ state: 'build-failed', buildPhase: { result: 'failed' } });
    expect(status.completionPercentage).toBeLessThan(100);
    expect(status.message).toContain(message);
    expect(conditionsOf(status)).toEqual(['Reconciling/NoHosts']);
  });

  it('is no success for a pool whose hosts an older pool keeps', async () => {
    const status = await planned(worldOf({ name: 'w-1', nodeInfo: NEW }), { overlap: 'it overlaps' });
    expect(status).toMatchObject({ state: 'build-failed', message: 'it overlaps' });
    expect(conditionsOf(status)).toEqual(['Stalled/Overlap']);
  });

  it('is applied where all hosts are current', async () => {
    const status = await planned(worldOf({ name: 'w-1', nodeInfo: NEW }));
    expect(status).toMatchObject({ state: 'applied', stages: '0/0' });
    expect(conditionsOf(status)).toEqual(['Ready/NothingToDo']);
  });
});

describe('the digest of a plan', () => {
  it('covers hosts, stages, steps, limits and actions', async () => {
    const world = worldOf({ name: 'w-1' }, { name: 'w-2' });
    const reboot = { job: { template: { spec: { containers: [{ name: 'a', image: 'other:1' }] } } } };
    const others = await Promise.all([
      planned(world),
      planned(worldOf({ name: 'w-1' }, { name: 'w-3' })),
      planned(world, { spec: { workerApplyType: 'serial' } }),
      planned(world, { spec: { timing: { drainTimeoutSeconds: 7 } } }),
      planned(world, { limit: 3 }),
      planned(world, { spec: { reboot } }),
    ]);
    expect(new Set(others.map(digestOf)).size).toBe(others.length);
  });

  it('does not cover instances, hosts without work, and the order', async () => {
    const plain = digestOf(await planned(worldOf({ name: 'w-1' })));
    const busy = worldOf(
      {
        name: 'w-1',
        closedToNewWork: true,
        nodeInfo: { ...OLD, 'nodeInfo.osImage': 'Other' },
        labels: { rack: '7' },
      },
      {
        name: 'w-2',
        nodeInfo: { 'nodeInfo.kernelVersion': '6.12.48', 'nodeInfo.kubeletVersion': 'v1.36.4' },
      },
    );
    busy.addPod({ name: 'web', host: 'w-1' });
    const execution = { mode: 'Run', throughStage: 0, plan: OTHER };
    expect(digestOf(await planned(busy, { spec: { execution } }))).toBe(plain);
  });
});

describe('a rebuilt plan', () => {
  it('names the difference, and keeps it while the plan stays the same', async () => {
    const world = worldOf({ name: 'w-1' });
    const before = await planned(world);
    expect(before.run?.change).toBeUndefined();
    world.addHost({ name: 'w-2', nodeInfo: OLD });
    const after = await planned(world, { before });
    expect(after.run?.change).toBe('added: w-2');
    expect(after.message).toMatch(
      /; differs from the last plan: added: w-2; set execution.mode to Run to carry the plan out$/,
    );
    const again = await planned(world, { before: after });
    expect(again.run?.change).toBe('added: w-2');
  });

  it('keeps the allowed stages of a request that have not begun, unless the plan differs', async () => {
    const world = worldOf({ name: 'w-1' });
    const { run, ...built } = await planned(world);
    if (!run) throw new Error('there is no run');
    const before = { ...built, run: { ...run, authority: { throughStage: 0 } } };
    expect((await planned(world, { before })).run?.authority).toEqual({ throughStage: 0 });
    expect((await planned(world, { before, limit: 3 })).run).not.toHaveProperty('authority');
    const edited = { ...before, run: { ...before.run, specDigest: 'another' } };
    expect((await planned(world, { before: edited })).run).not.toHaveProperty('authority');
    const begun: StrategyStatus = { ...before, state: 'applying' };
    expect((await planned(world, { before: begun })).run).not.toHaveProperty('authority');
  });

  it('says in its answer that a request ended, and why, when its stages were not carried out', async () => {
    const world = worldOf({ name: 'w-1' });
    const { run, ...built } = await planned(world);
    if (!run) throw new Error('there is no run');
    const accepted = (id: string) =>
      ({ id, verb: 'apply-all', answer: 'accepted', message: 'yes', time: run.builtAt }) as const;
    const authority = { throughStage: 0, request: 'q-2' };
    const before = { ...built, requests: [accepted('q-1'), accepted('q-2')], run: { ...run, authority } };
    const answers = ({ requests }: StrategyStatus): unknown => requests?.map(({ message }) => message);
    const ended = (why: string): string =>
      `it ended before its stages were carried out: ${why}; place it again with another id`;

    expect(answers(await planned(world, { before }))).toEqual(['yes', 'yes']);
    expect(answers(await planned(world, { before, unreadable: 'why' }))).toEqual(['yes', ended('why')]);
    const applying: StrategyStatus = { ...before, state: 'applying' };
    const meanwhile = buildingStatus(inputOf(world, { before: applying }), world.now);
    expect(answers(meanwhile)).toEqual(['yes', ended('the rest is planned again')]);
    expect(answers(buildingStatus(inputOf(world, { before: { ...before, state: 'applied' } }), 0))).toEqual([
      'yes',
      'yes',
    ]);
    world.addHost({ name: 'w-2', nodeInfo: OLD });
    expect(answers(await planned(world, { before }))).toEqual([
      'yes',
      ended('the plan has changed (added: w-2)'),
    ]);
  });

  it('shows Building meanwhile, and keeps everything that only the old status has', async () => {
    const world = worldOf({ name: 'w-1' });
    const meanwhile = (before: StrategyStatus): StrategyStatus =>
      buildingStatus(inputOf(world, { before }), world.now);
    const ready = await planned(world);
    if (!ready.run) throw new Error('there is no run');
    expect(meanwhile(ready)).toMatchObject({ state: 'building', message: 'building the plan' });
    const allowed = { ...ready, run: { ...ready.run, authority: { throughStage: 0 } } };
    expect(meanwhile(allowed)).toBe(allowed);
    expect(meanwhile({ ...allowed, state: 'applied' }).state).toBe('building');
    const failed = await planned(world, { unreadable: 'why' });
    expect(meanwhile(failed)).toBe(failed);
  });

  it('names the edited fields, and says so when neither hosts nor actions differ', async () => {
    const world = worldOf({ name: 'w-1' });
    const before = await planned(world);
    const edited = await planned(world, { before, spec: { timing: { drainTimeoutSeconds: 7 } } });
    expect(edited.run?.change).toBe('edited: spec.timing');
    const limited = await planned(world, { before, limit: 3 });
    expect(limited.run?.change).toMatch(/^the limit of the pool, or/);
  });

  it('names the difference once when another plan was reviewed, with the reason for the wait', async () => {
    const world = worldOf({ name: 'w-1' });
    const before = await planned(world);
    world.addHost({ name: 'w-2', nodeInfo: OLD });
    const execution = { mode: 'Run', plan: digestOf(before) };
    const { message, run } = await planned(world, { before, spec: { execution } });
    expect(message?.split('differs from')).toHaveLength(2);
    expect(run?.summary).not.toContain('differs from');
    expect(run && pinnedElsewhere(execution.plan, run)).toBe(
      `execution.plan is ${digestOf(before) ?? ''}, the plan is now ${run?.planDigest ?? ''}: ` +
        'review it, then set execution.plan to its digest; differs from the last plan: added: w-2',
    );
  });
});

describe('an order that names a plan', () => {
  it('holds nothing back when it names the current plan, or none', () => {
    expect(pinnedElsewhere(OTHER, { planDigest: OTHER, change: 'added: w-2' })).toBeUndefined();
    expect(pinnedElsewhere(undefined, { planDigest: OTHER })).toBeUndefined();
  });
});
