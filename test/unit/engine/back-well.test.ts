import { describe, expect, it } from 'vitest';
import { newFaults } from '../../../src/engine/steps/unwell.ts';
import { SimulatedHostOps } from '../../../src/hostops/simulated/simulated-host-ops.ts';
import type { NewHost, SimulatedHost } from '../../../src/hostops/simulated/simulated-objects.ts';
import { openAndFree, workers } from '../support/fleets.ts';
import { ask } from '../support/requests.ts';
import { kubeletPatch, SimulatedRun, type RunOptions } from '../support/simulated-run.ts';

const AGENT = { key: 'node.cilium.io/agent-not-ready', effect: 'NoSchedule' };
const deadlock = (since?: number): SimulatedHost['conditions'][number] => ({
  type: 'KernelDeadlock',
  detail: 'DockerHung: task docker:7 blocked',
  since,
});

type Found = Partial<Pick<SimulatedHost, 'taints' | 'conditions'>>;

/** A run over two workers, one after the other; the first has been rebooted, and is not verified yet. */
async function rebooted(before: Found = {}, options: Partial<RunOptions> = {}): Promise<SimulatedRun> {
  const hosts: NewHost[] = workers(2).map((host) => ({ ...host, ...before }));
  const run = await SimulatedRun.start({ hosts, maxUnavailable: 1, restarts: true, ...options });
  await run.until(() => run.step === 'verify');
  return run;
}

const verifyOf = ({ run }: SimulatedRun) => run.apply.stages[0]?.steps.find(({ name }) => name === 'verify');
const untouched = ({ accepted }: SimulatedRun, host: string) => accepted.every((each) => each.host !== host);

describe('a host that comes back', () => {
  it('is not verified while it has a taint that it did not have, and the taint is named', async () => {
    const run = await rebooted();
    expect(run.run.hosts).toMatchObject([{ name: 'w-1', taintsBefore: [], alarmsBefore: [] }]);
    const since = run.run.hosts[0]?.since ?? '';
    run.world.changeHost('w-1', { taints: [AGENT] });
    await run.elapse(300_000);
    expect([run.step, run.claimed]).toEqual(['verify', ['w-1']]);
    expect(run.reasons).toEqual([
      `w-1: has the taint node.cilium.io/agent-not-ready:NoSchedule, new since its outage began at ${since}`,
    ]);
    run.world.changeHost('w-1', { taints: [] });
    await run.settle();
    expect(run.run.state).toBe('applied');
    openAndFree(run);
  });

  it('is not released with such a taint when another host of its stage has failed', async () => {
    const hosts: NewHost[] = [{ name: 'w-1', behaviour: 7 }, { name: 'w-2' }];
    const run = await SimulatedRun.start({ hosts, maxUnavailable: 2 });
    await run.until(() => run.run.hosts.some(({ name, jobs }) => name === 'w-2' && jobs !== undefined));
    run.world.changeHost('w-2', { taints: [AGENT] });
    await run.until(() => run.run.hosts.some(({ result }) => result === 'failed'));
    await run.elapse(120_000);
    expect(run.claimed).toEqual(['w-1', 'w-2']);
    expect(run.reasons.join()).toContain(
      'w-2 is not released: it has the taint node.cilium.io/agent-not-ready',
    );
    run.world.changeHost('w-2', { taints: [] });
    await run.settle();
    expect(run.claimed).toEqual(['w-1']);
  });

  it.each<{ what: string; found: Found; named: string }>([
    {
      what: 'a taint',
      found: { taints: [AGENT] },
      named: 'the taint node.cilium.io/agent-not-ready:NoSchedule',
    },
    {
      what: 'an alarm condition',
      found: { conditions: [deadlock()] },
      named: 'reports KernelDeadlock (DockerHung: task docker:7 blocked)',
    },
  ])(
    'ends the run with $what that stays, is kept locked, and is judged alike by a retry',
    async ({ found, named }) => {
      const run = await rebooted();
      run.world.changeHost('w-1', found);
      await run.settle();
      expect(run.run.state).toBe('apply-timeout');
      expect(verifyOf(run)).toMatchObject({ result: 'timed-out' });
      expect(verifyOf(run)?.reason).toContain(named);
      expect([run.claimed, untouched(run, 'w-2')]).toEqual([['w-1'], true]);
      expect(await ask(run, { verb: 'resume' })).toMatch(/^accepted/);
      await run.settle();
      expect(verifyOf(run)?.reason).toContain(named);
      run.world.changeHost('w-1', { taints: [], conditions: [] });
      expect(await ask(run, { verb: 'resume' })).toMatch(/^accepted/);
      await run.settle();
      expect(run.run.state).toBe('applied');
    },
  );

  it('may have the taints and alarms that it had before', async () => {
    const taints = [AGENT, { key: 'example.com/gpu', effect: 'NoExecute' }];
    const run = await rebooted({ taints: taints.slice(1), conditions: [deadlock(0)] });
    await run.settle();
    expect(run.run.state).toBe('applied');
    openAndFree(run);
  });

  it.each([
    ['as its clock is ours', 0],
    ['though its clock is far behind', -3_600_000],
  ])('must not have an alarm again that came up after its outage began, %s', async (_what, clockError) => {
    const run = await rebooted({ conditions: [deadlock(0)] });
    run.world.changeHost('w-1', { conditions: [deadlock(run.world.now + clockError)] });
    await run.settle();
    expect(run.run.state).toBe('apply-timeout');
  });

  describe.each<{ clock: string; deadlockAt: number }>([
    { clock: 'behind', deadlockAt: 3_600_000 },
    { clock: 'ahead', deadlockAt: -3_600_000 },
  ])('whose clock is such that ours is far $clock', ({ deadlockAt }) => {
    /** A run whose claim the host refuses, since it has changed meanwhile. */
    const changedBeforeClaim = async (): Promise<SimulatedRun> => {
      let hasChanged = false;
      const refusal: RunOptions['refusal'] = ({ kind, host }, world) => {
        if (kind !== 'claim' || hasChanged) return undefined;
        hasChanged = true;
        world.changeHost(host, { conditions: [deadlock(world.now + deadlockAt)], taints: [AGENT] });
        return { kind: 'stale' };
      };
      return rebooted({}, { refusal });
    };

    it('may have the faults that came just before its claim', async () => {
      const run = await changedBeforeClaim();
      await run.until(() => !run.claimed.includes('w-1'));
      expect(run.run.apply.stages[0]?.result).not.toBe('timed-out');
    });

    it('must not have one of them again', async () => {
      const run = await changedBeforeClaim();
      run.world.changeHost('w-1', { conditions: [deadlock(run.world.now + deadlockAt)] });
      await run.settle();
      expect(run.run.state).toBe('apply-timeout');
    });
  });

  it('has faults of its outage also when its claim is made again after somebody removed it', async () => {
    const run = await rebooted();
    run.world.changeHost('w-1', { conditions: [deadlock()] });
    await run.settle();
    run.world.changeHost('w-1', { claim: undefined });
    expect(await ask(run, { verb: 'retry' })).toMatch(/^accepted/);
    await run.settle();
    expect(run.run.hosts).toMatchObject([{ name: 'w-1', alarmsBefore: [] }]);
  });

  it.each<{ what: string; found: Found; health?: RunOptions['health'] }>([
    {
      what: 'a taint that keeps no work away',
      found: { taints: [{ ...AGENT, effect: 'PreferNoSchedule' }] },
    },
    {
      what: 'the mark of a cordon',
      found: { taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] },
    },
    { what: 'a tolerated taint', found: { taints: [AGENT] }, health: { toleratedTaints: [AGENT.key] } },
    { what: 'a condition that is no alarm', found: { conditions: [{ ...deadlock(), type: 'FeelsFine' }] } },
    {
      what: 'an alarm that its pool left out',
      found: { conditions: [deadlock()] },
      health: { alarmConditions: ['NTPProblem'] },
    },
  ])('may have $what', async ({ found, health }) => {
    const run = await rebooted({}, health ? { health } : {});
    run.world.changeHost('w-1', found);
    await run.settle();
    expect(run.run.state).toBe('applied');
  });

  it('is not released while it settles with a taint that it did not have', async () => {
    const run = await rebooted();
    await run.until(() => run.step === 'system-stabilize');
    run.world.changeHost('w-1', { taints: [AGENT] });
    await run.settle();
    expect(run.run.apply.reason).toContain(': w-1 has the taint node.cilium.io/agent-not-ready:NoSchedule');
    expect([run.claimed, untouched(run, 'w-2')]).toEqual([['w-1'], true]);
  });

  const released = async (before: Found = {}): Promise<SimulatedRun> => {
    const run = await rebooted(before);
    await run.until(() => run.claimed.length === 0 && run.step === 'system-stabilize');
    return run;
  };
  const GPU = { key: 'example.com/gpu-broken', effect: 'NoSchedule' };

  it('was released if it was patched in place and lost its claim, whatever befell it right afterwards', async () => {
    const run = await SimulatedRun.start({ hosts: workers(1), spec: { patches: [kubeletPatch] } });
    await run.until(() => run.accepted.some(({ kind }) => kind === 'release'));
    expect(run.step).toBe('verify');
    run.world.changeHost('w-1', { ready: false });
    await run.elapse(10_000);
    expect([run.run.state, run.step]).toEqual(['applying', 'system-stabilize']);
    run.world.changeHost('w-1', { ready: true });
    await run.settle();
    expect(run.run.state).toBe('applied');
  });

  it('has lost its claim if that was removed before it was verified', async () => {
    const run = await SimulatedRun.start({ hosts: workers(1), spec: { patches: [kubeletPatch] } });
    await run.until(() => run.run.hosts[0]?.jobs?.[0] !== undefined);
    run.world.changeHost('w-1', { ready: false });
    await run.until(() => run.step === 'verify');
    run.world.changeHost('w-1', { claim: undefined });
    await run.elapse(10_000);
    expect(run.run.apply.reason).toContain('w-1 lost the claim of this run');
  });

  it('holds up its stage after its release with any taint that it did not have, also across a restart', async () => {
    const run = await released();
    expect(run.run.apply.stages[0]?.released).toMatchObject([{ name: 'w-1', taintsBefore: [] }]);
    run.world.changeHost('w-1', { taints: [GPU] });
    await run.elapse(300_000);
    expect([run.step, untouched(run, 'w-2')]).toEqual(['system-stabilize', true]);
    expect(run.reasons.join()).toContain('w-1 has the taint example.com/gpu-broken:NoSchedule, new since');
    run.world.changeHost('w-1', { taints: [] });
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect(run.run.apply.stages.some((stage) => 'released' in stage)).toBe(false);
  });

  it('ends the run when such a taint stays, and the next host is not touched', async () => {
    const run = await released();
    run.world.changeHost('w-1', { taints: [GPU] });
    await run.settle();
    expect(run.run.state).toBe('apply-timeout');
    expect(run.run.apply.reason).toContain(': w-1 has the taint example.com/gpu-broken:NoSchedule');
    expect([run.claimed, untouched(run, 'w-2')]).toEqual([[], true]);
  });

  it('may keep a taint or an alarm that it had before, also after its release', async () => {
    const run = await released({ taints: [GPU], conditions: [deadlock(0)] });
    await run.settle();
    expect(run.run.state).toBe('applied');
  });

  it('is judged in the same way when it was patched in place', async () => {
    const spec = { patches: [kubeletPatch] };
    const run = await SimulatedRun.start({ hosts: workers(1), spec });
    await run.until(() => run.claimed.length === 1);
    run.world.changeHost('w-1', { taints: [AGENT] });
    await run.elapse(60_000);
    expect([run.step, run.claimed]).toEqual(['verify', ['w-1']]);
  });

  it('is judged by its alarms alone where an earlier version recorded nothing', async () => {
    const run = await rebooted();
    const [{ taintsBefore: _taints, alarmsBefore: _alarms, ...outage } = { since: '' }] = run.run.hosts;
    run.world.changeHost('w-1', { ready: true, taints: [AGENT], conditions: [deadlock(run.world.now)] });
    const facts = new SimulatedHostOps(run.world).view(run.scope).host('w-1');
    if (!facts || !('name' in outage)) throw new Error('w-1 has no open outage');
    expect(newFaults(facts, { outage, runStartedAt: 0 })).toEqual([
      'reports KernelDeadlock (DockerHung: task docker:7 blocked)',
    ]);
  });
});

describe('another host', () => {
  const start = async (conditions: SimulatedHost['conditions']): Promise<SimulatedRun> => {
    const run = await SimulatedRun.start({ hosts: workers(2), maxUnavailable: 1 });
    run.world.addHost({ name: 'x', conditions });
    run.order = { mode: 'Run', throughStage: 0 };
    await run.settle();
    run.order = { mode: 'Run' };
    return run;
  };

  it('holds up no run by an alarm from before the run, which the run may mend', async () => {
    const run = await start([deadlock(0)]);
    await run.settle();
    expect(run.run.state).toBe('applied');
  });

  it('holds up the next stage by an alarm that came up during the run', async () => {
    const run = await start([]);
    run.world.changeHost('x', { conditions: [deadlock(run.world.now)] });
    await run.settle();
    expect(run.run.apply.reason).toContain('active alarms present (x: reports KernelDeadlock');
    expect(untouched(run, 'w-2')).toBe(true);
  });

  it('always holds up a run while it is under pressure', async () => {
    const run = await start([{ ...deadlock(0), type: 'DiskPressure' }]);
    expect(run.run.apply.reason).toContain('active alarms present (x: reports DiskPressure');
  });

  it.each([
    [AGENT, true],
    [{ key: 'example.com/gpu', effect: 'NoSchedule' }, false],
  ])('with the taint %o counts as out of service: %s', async (taint, counts) => {
    const run = await start([]);
    run.world.changeHost('x', { taints: [taint] });
    await run.settle();
    expect(run.run.apply.reason?.includes('out of service by others: x') ?? false).toBe(counts);
  });
});
