import { describe, expect, it } from 'vitest';
import { claimOfAnother, isEmpty, openAndFree, workers } from '../support/fleets.ts';
import {
  KERNEL,
  kernelPatch,
  kubeletPatch,
  SimulatedRun,
  type RunOptions,
} from '../support/simulated-run.ts';
import type { SimulatedWorld } from '../../../src/hostops/simulated/simulated-world.ts';

describe.each([
  { how: 'in one process', restarts: false },
  { how: 'in an operator that restarts between any two passes', restarts: true },
])('a run $how', ({ restarts }) => {
  const start = (options: RunOptions): Promise<SimulatedRun> => SimulatedRun.start({ ...options, restarts });

  it('stops at a failed Job, keeps that host locked, releases the others, and releases it on Abort', async () => {
    const run = await start({ hosts: [{ name: 'w-1' }, { name: 'w-2', behaviour: 7 }, { name: 'w-3' }] });
    await run.settle();
    const failed = [...run.world.jobs.values()].find(({ state }) => state === 'failed');
    const step = run.run.apply.stages[0]?.steps.find(({ result }) => result === 'failed');
    expect(step?.name).toBe('sw-patch-hosts');
    expect(step?.reason).toContain(
      `Job ${String(failed?.name)} for ${KERNEL} failed on w-2: container apply exited with code 7`,
    );
    expect(run.run.state).toBe('apply-failed');
    expect(run.run.apply).toMatchObject({ result: 'failed', inProgress: false });
    expect(run.run.apply.reason).toContain('w-2');
    expect(run.run.apply.stages[1]?.result).toBe('initial');
    expect(run.run.hosts).toMatchObject([{ name: 'w-2', step: 'sw-patch-hosts', result: 'failed' }]);
    expect([run.claimed, [...run.permits.keys()]]).toEqual([['w-2'], ['w-2']]);
    expect(run.world.hosts.get('w-2')?.closedToNewWork).toBe(true);
    expect(run.world.hosts.get('w-1')?.closedToNewWork).toBe(false);

    run.order = { mode: 'Abort' };
    await run.settle();
    expect(run.run.state).toBe('aborted');
    openAndFree(run);
  });

  it('does not wait for a reboot whose Job was created and, after another host failed, not started', async () => {
    const run = await start({ hosts: workers(2), spec: { patches: [kernelPatch] } });
    await run.until(() =>
      [...run.world.jobs.values()].some(({ host, action }) => host === 'w-1' && action === 'reboot'),
    );
    run.world.changeHost('w-2', { claim: undefined, hasMaintenanceMark: false, closedToNewWork: false });
    await run.settle();
    expect(run.run.state).toBe('apply-failed');
    const reboots = [...run.world.jobs.values()].filter(({ action }) => action === 'reboot');
    expect(reboots.map(({ state }) => state)).toContain('suspended');
    openAndFree(run);
  });

  it('fails a host whose Jobs succeed and which did not reboot', async () => {
    const run = await start({ hosts: [{ name: 'w-1', behaviour: 'lie' }, { name: 'w-2' }] });
    await run.settle();
    const step = run.run.apply.stages[0]?.steps.find(({ name }) => name === 'verify');
    const bootId = String(run.world.hosts.get('w-1')?.bootId);
    expect(step?.result).toBe('timed-out');
    expect(step?.reason).toContain('after 900 s: w-1: ');
    expect(step?.reason).toContain(`has not rebooted (boot id still ${bootId})`);
    expect(run.run.state).toBe('apply-timeout');
    expect(run.claimed).toEqual(['w-1']);

    run.order = { mode: 'Abort' };
    await run.settle();
    expect(run.run.state).toBe('aborted');
    openAndFree(run);
  });

  it('keeps no claim on a host that fails while it is patched in place: it was never locked', async () => {
    const run = await start({ hosts: [{ name: 'w-1', behaviour: 7 }], spec: { patches: [kubeletPatch] } });
    await run.settle();
    expect(run.run.state).toBe('apply-failed');
    openAndFree(run);
  });

  it('keeps a host that an abort could not release, until Hold and another Abort release it as it is', async () => {
    const run = await start({ hosts: [{ name: 'w-1', behaviour: 'lie' }] });
    const rebooting = (): boolean =>
      run.run.hosts.some(({ jobs }) => jobs?.some(({ action }) => action === 'reboot'));
    await run.until(rebooting);
    run.order = { mode: 'Abort' };
    await run.settle();
    expect(run.run.state).toBe('abort-timeout');
    expect(run.claimed).toEqual(['w-1']);

    run.order = { mode: 'Hold' };
    await run.settle();
    expect(run.run.state).toBe('apply-failed');
    run.order = { mode: 'Abort' };
    await run.settle();
    expect(run.run.state).toBe('aborted');
    openAndFree(run);
  });

  it('waits for a budget, and continues when it allows the eviction', async () => {
    const run = await start({ hosts: workers(1) });
    run.world.setBudget('db', 0);
    run.world.addPod({ host: 'w-1', name: 'db-0', budget: 'db' });
    await run.until(() => run.step === 'migrate-instances-from-host');
    await run.elapse(300_000);
    expect(run.step).toBe('migrate-instances-from-host');
    expect(isEmpty(run, 'w-1')).toBe(false);
    run.world.setBudget('db', 1);
    await run.settle();
    expect(run.run.state).toBe('applied');
  });

  it('releases a host that it could not drain in time because of a budget', async () => {
    const run = await start({ hosts: workers(1) });
    run.world.setBudget('db', 0);
    run.world.addPod({ host: 'w-1', name: 'db-0', budget: 'db' });
    await run.settle();
    expect(run.run.state).toBe('apply-timeout');
    const step = run.run.apply.stages[0]?.steps.find(({ result }) => result === 'timed-out');
    expect(step).toMatchObject({ name: 'migrate-instances-from-host' });
    expect(isEmpty(run, 'w-1')).toBe(false);
    expect(run.world.jobs.size).toBe(0);
    openAndFree(run);
  });

  it('never disrupts more pods than their budget allows', async () => {
    const run = await start({ hosts: workers(2) });
    run.world.setBudget('db', 1);
    for (const name of ['db-0', 'db-1', 'db-2']) run.world.addPod({ host: 'w-1', name, budget: 'db' });
    run.world.addPod({ host: 'w-2', name: 'db-3', budget: 'db' });
    const leaving = (): number => [...run.world.pods.values()].filter((pod) => pod.leaving).length;
    while (run.step !== 'sw-patch-hosts') {
      await run.next();
      expect(leaving()).toBeLessThanOrEqual(1);
    }
    expect(run.world.pods.size).toBe(0);
  });

  it('releases a host that a person uncordons only when its Job has ended', async () => {
    const run = await start({
      hosts: workers(1),
      spec: { timing: { patchTimeoutSeconds: 60 } },
      times: { jobMilliseconds: 300_000 },
    });
    await run.until(() => run.run.state === 'apply-timeout');
    run.world.changeHost('w-1', { closedToNewWork: false });
    await run.elapse(60_000);
    expect(run.claimed).toEqual(['w-1']);
    await run.settle();
    openAndFree(run);
  });

  it.each([
    { what: 'without a controller', pod: { unmanaged: true }, consent: 'evictUnmanagedPods' },
    { what: 'with local data', pod: { localData: true }, consent: 'evictPodsWithLocalData' },
  ])('fails before any eviction over a pod $what, unless there is consent', async ({ pod, consent }) => {
    const populate = ({ world }: SimulatedRun): void => {
      world.addPod({ host: 'w-1', name: 'movable' });
      world.addPod({ host: 'w-2', name: 'special', ...pod });
    };
    const refused = await start({ hosts: workers(2) });
    populate(refused);
    await refused.settle();
    expect(refused.run.state).toBe('apply-failed');
    expect(refused.run.apply.reason).toContain('default/special');
    expect(refused.run.apply.reason).toContain(`spec.drain.${consent}`);
    expect(refused.accepted.filter(({ kind }) => kind === 'evict')).toEqual([]);
    openAndFree(refused);

    const agreed = await start({ hosts: workers(2), spec: { drain: { [consent]: true } } });
    populate(agreed);
    await agreed.settle();
    expect(agreed.run.state).toBe('applied');
  });

  it('leaves a host cordoned that was cordoned before', async () => {
    const run = await start({ hosts: [{ name: 'w-1', closedToNewWork: true }, { name: 'w-2' }] });
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect([...run.world.hosts.values()].map(({ name, closedToNewWork }) => [name, closedToNewWork])).toEqual(
      [
        ['w-1', true],
        ['w-2', false],
      ],
    );
    expect(run.claimed).toEqual([]);
  });

  it('delays a stage while too many hosts are out of service', async () => {
    const run = await start({
      hosts: [...workers(2), { name: 'x', labels: { infra: '' }, closedToNewWork: true }],
      spec: { workerApplyType: 'serial' },
      maxUnavailable: 1,
    });
    await run.elapse(60_000);
    expect(run.step).toBe('lock-hosts');
    expect(run.reasons.join()).toContain('waiting for permits');
    expect(run.accepted).toEqual([]);
    run.world.changeHost('x', { closedToNewWork: false });
    await run.settle();
    expect(run.run.state).toBe('applied');
  });

  it.each<[string, Parameters<SimulatedWorld['changeHost']>[1]]>([
    ['', {}],
    [', also where its claim was spoilt', { claim: undefined, spoiltClaim: 'its annotation was edited' }],
  ])('removes claim and permit of a failed host when a person uncordons it%s', async (_, change) => {
    const run = await start({ hosts: [{ name: 'w-1', behaviour: 7 }] });
    await run.settle();
    expect(run.claimed).toEqual(['w-1']);
    run.world.changeHost('w-1', change);
    await run.settle();
    expect(run.run.hosts).toMatchObject([{ name: 'w-1' }]);
    run.world.changeHost('w-1', { closedToNewWork: false });
    await run.settle();
    expect(run.run.state).toBe('apply-failed');
    openAndFree(run);
  });

  it('takes no host out of service while another one is unwell, and names that one', async () => {
    const run = await start({ hosts: workers(4) });
    run.order = { mode: 'Run', throughStage: 0 };
    await run.settle();
    const before = run.accepted.length;
    run.world.changeHost('w-1', { ready: false });
    run.order = { mode: 'Run' };
    await run.settle();
    expect(run.run.state).toBe('apply-timeout');
    const [query] = run.run.apply.stages[1]?.steps ?? [];
    expect(query).toMatchObject({ name: 'query-alarms', result: 'timed-out' });
    expect(query?.reason).toBe(
      'after 60 s: active alarms present (w-1: is not Ready); mend the host, or place the request skip-host',
    );
    expect(run.accepted).toHaveLength(before);
    openAndFree(run);
  });

  it('waits for a host that is unwell for a moment before a stage, and names it meanwhile', async () => {
    const run = await start({ hosts: workers(4) });
    run.order = { mode: 'Run', throughStage: 0 };
    await run.settle();
    run.world.changeHost('w-1', { ready: false });
    run.world.after(12_000, () => run.world.changeHost('w-1', { ready: true }));
    run.order = { mode: 'Run' };
    await run.pass();
    expect(run.reasons).toContain(
      'active alarms present (w-1: is not Ready); mend the host, or place the request skip-host',
    );
    await run.settle();
    expect(run.run.state).toBe('applied');
    openAndFree(run);
  });

  it('is not held up by a host that was never Ready', async () => {
    const run = await start({ hosts: workers(1) });
    run.world.addHost({ name: 'x', ready: false, wasReady: false });
    await run.settle();
    expect(run.run.state).toBe('applied');
  });

  it.each(['system-stabilize', 'unlock-hosts'] as const)(
    'begins the time to settle anew after a host was unwell, beginning with step %s',
    async (name) => {
      const run = await start({ hosts: workers(2) });
      await run.until(() => run.step === name);
      await run.until(() => run.step === 'system-stabilize');
      const stage = run.run.apply.stages[0];
      const step = stage?.steps[stage.currentStep];
      if (!step) throw new Error('no step is running');
      for (const second of [5, 9])
        run.world.after(second * 1000, () => run.world.changeHost('w-2', { ready: false }));
      for (const second of [8, 12])
        run.world.after(second * 1000, () => run.world.changeHost('w-2', { ready: true }));
      const wellAt = run.world.now + 12_000;
      await run.until(() => run.step !== 'system-stabilize');
      expect(run.world.now).toBe(wellAt + step.timeoutSeconds * 1000);
      await run.settle();
      expect(run.run.state).toBe('applied');
      openAndFree(run);
    },
  );

  it('times out when a patched host stays unwell while it settles, and keeps it locked', async () => {
    const run = await start({ hosts: workers(2) });
    await run.until(() => run.step === 'system-stabilize');
    run.world.changeHost('w-2', { ready: false });
    await run.settle();
    expect(run.run.state).toBe('apply-timeout');
    expect(run.run.apply.reason).toBe('stage 0: after 915 s: w-2 is not Ready');
    expect(run.claimed).toEqual(['w-2']);
  });

  it('fails when somebody removes the claim of a host under work', async () => {
    const run = await start({ hosts: workers(1) });
    await run.until(() => run.step === 'sw-patch-hosts');
    run.world.changeHost('w-1', { claim: undefined });
    await run.settle();
    expect(run.run.state).toBe('apply-failed');
    expect(run.run.apply.reason).toContain('w-1 lost the claim of this run');
  });

  it('never creates a deleted Job again', async () => {
    const run = await start({ hosts: workers(1) });
    await run.until(() => [...run.world.jobs.values()].some(({ state }) => state === 'running'));
    await run.pass();
    for (const job of run.world.jobs.values()) run.world.removeJob(job);
    await run.settle();
    expect(run.run.state).toBe('apply-failed');
    expect(run.run.apply.reason).toContain('was deleted');
    expect(run.world.jobs.size).toBe(0);
  });

  it("waits for another strategy's host, names that strategy, and claims no host when the wait times out", async () => {
    const run = await start({ hosts: workers(2) });
    run.world.changeHost('w-2', { claim: claimOfAnother, closedToNewWork: true });
    await run.elapse(60_000);
    expect(run.reasons).toContain('w-2 is held by PatchStrategy careen-hosts/firmware');
    await run.settle();
    expect(run.run.state).toBe('apply-timeout');
    expect(run.claimed).toEqual([]);
    expect(run.world.hosts.get('w-1')?.closedToNewWork).toBe(false);
    expect(run.world.hosts.get('w-2')).toMatchObject({ claim: claimOfAnother, closedToNewWork: true });
  });
});
