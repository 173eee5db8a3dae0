import { describe, expect, it } from 'vitest';
import type { StepName } from '../../../src/crds/vocabulary.ts';
import { AWAY_STEPS, claimOfAnother, isEmpty, openAndFree, twelveHosts, workers } from '../support/fleets.ts';
import { KERNEL, KUBELET, SimulatedRun, kubeletPatch, type RunOptions } from '../support/simulated-run.ts';

describe.each([
  { how: 'in one process', restarts: false },
  { how: 'in an operator that restarts between any two passes', restarts: true },
])('a run $how', ({ restarts }) => {
  const start = (options: RunOptions): Promise<SimulatedRun> => SimulatedRun.start({ ...options, restarts });

  it('patches twelve hosts stage by stage and releases each', async () => {
    const run = await start({ hosts: twelveHosts() });
    for (const { name } of twelveHosts()) run.world.addPod({ host: name, name: `on-${name}` });
    await run.settle();

    expect(run.run.state).toBe('applied');
    expect(run.run.apply).toMatchObject({
      result: 'success',
      completionPercentage: 100,
      inProgress: false,
      currentStage: 8,
    });
    expect(run.run.apply.stages.map(({ hosts }) => hosts?.join(' '))).toEqual([
      ...['c-1', 'c-2', 's-1', 's-2'],
      ...['w-1 w-2', 'w-3 w-4', 'w-5 w-6', 'w-7 w-8'],
    ]);
    for (const host of run.world.hosts.values()) {
      expect(host.nodeInfo).toEqual({
        'nodeInfo.kernelVersion': '6.12.48',
        'nodeInfo.kubeletVersion': 'v1.36.4',
      });
      expect(isEmpty(run, host.name)).toBe(true);
    }
    openAndFree(run);
    const jobs = [...run.world.jobs.values()].map(({ host, action, state }) => `${host} ${action} ${state}`);
    expect(jobs.filter((each) => each.startsWith('c-1 '))).toEqual(
      [KERNEL, KUBELET, 'reboot'].map((action) => `c-1 ${action} succeeded`),
    );
    expect(jobs).toHaveLength(36);
    const keys = run.accepted.map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('begins nothing while the order is Hold', async () => {
    const run = await start({ hosts: workers(2) });
    run.order = { mode: 'Hold' };
    await run.elapse(600_000);
    expect(run.run.state).toBe('ready-to-apply');
    expect(run.accepted).toEqual([]);
    expect(run.permits.size).toBe(0);

    run.order = { mode: 'Run' };
    await run.settle();
    expect(run.run.state).toBe('applied');
  });

  it('pauses after throughStage and continues when throughStage is raised', async () => {
    const run = await start({ hosts: workers(6) });
    run.order = { mode: 'Run', throughStage: 1 };
    await run.settle();
    expect(run.run).toMatchObject({
      state: 'applying',
      apply: { currentStage: 2, stopAtStage: 2, inProgress: true },
    });
    expect(run.run.apply.stages.map(({ result }) => result)).toEqual(['success', 'success', 'initial']);
    openAndFree(run);

    run.order = { mode: 'Run', throughStage: 2 };
    await run.settle();
    expect(run.run.state).toBe('applied');
  });

  it('resets a stage on Hold before any host is locked, and restarts it on Run', async () => {
    const run = await start({ hosts: workers(2) });
    const pristine = structuredClone(run.run.apply.stages[0]);
    run.world.addHost({ name: 'x', closedToNewWork: true });
    await run.until(() => run.reasons.some((reason) => reason.startsWith('waiting for permits')));
    expect(run.step).toBe('lock-hosts');
    run.order = { mode: 'Hold' };
    await run.settle();
    expect(run.run.apply.stages[0]).toEqual(pristine);
    expect(run.run).toMatchObject({
      state: 'applying',
      apply: { currentStage: 0, stopAtStage: 0, completionPercentage: 0 },
    });
    expect(run.accepted).toEqual([]);

    run.world.changeHost('x', { closedToNewWork: false });
    run.order = { mode: 'Run' };
    await run.settle();
    expect(run.run.state).toBe('applied');
  });

  it('keeps its locked hosts on Hold while it waits for the rest of the stage', async () => {
    const run = await start({ hosts: workers(4) });
    run.world.changeHost('w-2', { claim: claimOfAnother, closedToNewWork: true });
    await run.until(() => run.claimed.includes('w-1'));
    run.order = { mode: 'Hold' };
    await run.elapse(60_000);
    expect(run.step).toBe('lock-hosts');
    expect(run.claimed).toEqual(['w-1']);

    run.world.changeHost('w-2', { claim: undefined, closedToNewWork: false });
    await run.settle();
    expect(run.run).toMatchObject({ state: 'applying', apply: { currentStage: 1, stopAtStage: 1 } });
    openAndFree(run);
  });

  it('frees unused permits on Hold', async () => {
    const run = await start({ hosts: workers(2) });
    await run.untilGranted();
    expect([run.permits.size, run.run.hosts]).toEqual([2, []]);
    run.order = { mode: 'Hold' };
    await run.settle();
    expect(run.accepted).toEqual([]);
    openAndFree(run);
  });

  it('finishes the stage with hosts on Hold, and begins no other', async () => {
    const run = await start({ hosts: workers(4) });
    await run.until(() => run.step === 'sw-patch-hosts');
    run.order = { mode: 'Hold' };
    await run.settle();
    expect(run.run).toMatchObject({ state: 'applying', apply: { currentStage: 1, stopAtStage: 1 } });
    expect(run.run.apply.stages.map(({ result }) => result)).toEqual(['success', 'initial']);
    openAndFree(run);
  });

  it.each(AWAY_STEPS)('releases every host when it is aborted in %s', async (step) => {
    const run = await start({ hosts: workers(4) });
    for (const { name } of workers(4)) run.world.addPod({ host: name, name: `on-${name}` });
    run.alarmsKnown = step !== 'query-alarms';
    await run.until(() => run.step === step);
    run.order = { mode: 'Abort' };
    await run.settle();
    expect(run.run).toMatchObject({
      state: 'aborted',
      currentPhase: 'abort',
      apply: { result: 'aborted', inProgress: false },
    });
    expect(run.run.apply.stages[0]).toMatchObject({ result: 'aborted', inProgress: false });
    expect(run.run.abort).toMatchObject({ result: 'success', inProgress: false, completionPercentage: 100 });
    expect(run.run.apply.stages[1]?.result).toBe('initial');
    openAndFree(run);
    expect([...run.world.hosts.values()].every(({ ready }) => ready)).toBe(true);
  });

  it('releases a host only after the reboot that was in progress at the abort', async () => {
    const run = await start({ hosts: workers(1) });
    const bootId = run.world.hosts.get('w-1')?.bootId;
    await run.until(() =>
      [...run.world.jobs.values()].some(({ action, state }) => action === 'reboot' && state === 'running'),
    );
    run.order = { mode: 'Abort' };
    await run.until(() => run.claimed.length === 0);
    expect(run.world.hosts.get('w-1')).toMatchObject({ ready: true, closedToNewWork: false });
    expect(run.world.hosts.get('w-1')?.bootId).not.toBe(bootId);
    await run.settle();
    expect(run.run.state).toBe('aborted');
  });

  it('is aborted at once between two stages', async () => {
    const run = await start({ hosts: workers(4) });
    run.order = { mode: 'Run', throughStage: 0 };
    await run.settle();
    const { now } = run.world;
    run.order = { mode: 'Abort' };
    await run.settle();
    expect(run.world.now).toBe(now);
    expect(run.run).toMatchObject({
      state: 'aborted',
      apply: { result: 'aborted' },
      abort: { totalStages: 0, result: 'success' },
    });
  });

  it('neither cordons nor drains a host for patches without a reboot', async () => {
    const run = await start({
      hosts: workers(4),
      spec: { patches: [kubeletPatch], maxParallelWorkerHosts: 4 },
    });
    for (const { name } of workers(4)) run.world.addPod({ host: name, name: `on-${name}` });
    let claimed = 0;
    run.world.listen((name) => {
      const host = run.world.hosts.get(name);
      expect(host?.closedToNewWork).toBe(false);
      if (host?.claim) claimed += 1;
    });
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect(claimed).toBeGreaterThan(0);
    expect(run.world.pods.size).toBe(4);
    expect(new Set(run.accepted.map(({ kind }) => kind))).toEqual(
      new Set(['claim', 'create-job', 'start-job', 'release']),
    );
    expect(
      [...run.world.hosts.values()].every(
        ({ nodeInfo }) => nodeInfo['nodeInfo.kubeletVersion'] === 'v1.36.4',
      ),
    ).toBe(true);
    openAndFree(run);
  });

  it.each<StepName>(['sw-patch-hosts', 'verify', 'system-stabilize'])(
    'releases hosts that are patched in place when it is aborted in %s',
    async (step) => {
      const run = await start({ hosts: workers(2), spec: { patches: [kubeletPatch] } });
      await run.until(() => run.step === step);
      run.order = { mode: 'Abort' };
      await run.settle();
      expect(run.run.state).toBe('aborted');
      openAndFree(run);
    },
  );
});

describe('a restart', () => {
  it('does not change the course of a run, at any point', async () => {
    const runs = await Promise.all(
      [false, true].map((restarts) => SimulatedRun.start({ hosts: twelveHosts(), restarts })),
    );
    for (const run of runs) {
      for (const { name } of twelveHosts()) run.world.addPod({ host: name, name: `on-${name}` });
      await run.settle();
    }
    const [undisturbed, restarted] = runs;
    expect(restarted?.run.state).toBe('applied');
    expect(restarted?.run).toEqual(undisturbed?.run);
    expect(restarted?.accepted).toEqual(undisturbed?.accepted);
  });
});
