/** What becomes of the Jobs of a host besides success: deleted, stuck, refused. */
import { describe, expect, it } from 'vitest';
import { openAndFree, workers } from '../support/fleets.ts';
import { KERNEL, kernelPatch, SimulatedRun, type RunOptions } from '../support/simulated-run.ts';
import type { Effect, Outcome } from '../../../src/engine/effect.ts';
import type { SimulatedWorld } from '../../../src/hostops/simulated/simulated-world.ts';

describe.each([
  { how: 'in one process', restarts: false },
  { how: 'in an operator that restarts between any two passes', restarts: true },
])('the Jobs of a run $how', ({ restarts }) => {
  const quick = { patches: [kernelPatch], timing: { patchTimeoutSeconds: 600 } };
  const start = (options: RunOptions): Promise<SimulatedRun> => SimulatedRun.start({ ...options, restarts });

  it('remembers the success of a Job that is deleted afterwards', async () => {
    const run = await start({ hosts: workers(2), spec: { patches: [kernelPatch] } });
    const recorded = (): string[] =>
      run.run.hosts.flatMap(({ jobs = [] }) => jobs.filter(({ result }) => result).map(({ uid }) => uid));
    let removed = 0;
    while (run.run.state !== 'applied') {
      await run.next();
      for (const job of run.world.jobs.values())
        if (recorded().includes(job.uid)) {
          run.world.removeJob(job);
          removed += 1;
        }
    }
    expect(removed).toBe(4);
    expect(run.world.jobs.size).toBe(0);
  });

  it('does not know the result of a Job that was deleted before its end', async () => {
    const run = await start({ hosts: workers(1) });
    await run.until(() => [...run.world.jobs.values()].some(({ state }) => state === 'running'));
    const [job] = run.world.jobs.values();
    if (job) run.world.removeJob(job);
    await run.settle();
    expect(run.run.state).toBe('apply-failed');
    expect(run.run.apply.reason).toContain('was deleted; its result is not known');
    expect(run.claimed).toEqual(['w-1']);
  });

  it('neither awaits nor believes a Job that took the name of a recorded one', async () => {
    const run = await start({ hosts: [{ name: 'w-1', behaviour: 'stuck' }] });
    await run.until(() => [...run.world.jobs.values()].some(({ state }) => state === 'running'));
    const [job] = run.world.jobs.values();
    if (job) run.world.changeJob(job.key, { uid: 'of-a-stranger', containerStarted: true });
    await run.settle();
    expect(run.run.apply.reason).toContain(
      `Job ${job?.name ?? ''} on w-1 was replaced by one that this run did not make: delete it, then retry`,
    );
    expect(run.claimed).toEqual(['w-1']);
    run.order = { mode: 'Abort' };
    await run.settle();
    expect(run.run.state).toBe('aborted');
    openAndFree(run);
  });

  it('judges a reboot by the boot id when its Job is deleted', async () => {
    const run = await start({ hosts: workers(1), spec: { patches: [kernelPatch] } });
    const reboot = () => [...run.world.jobs.values()].find(({ action }) => action === 'reboot');
    await run.until(() => reboot()?.state === 'running');
    const job = reboot();
    run.world.changeHost('w-1', { ready: false });
    if (job) run.world.removeJob(job);
    await run.elapse(60_000);
    expect(run.step).toBe('verify');
    run.world.changeHost('w-1', {
      ready: true,
      bootId: 'another',
      nodeInfo: { 'nodeInfo.kernelVersion': '6.12.48' },
    });
    await run.settle();
    expect(run.run.state).toBe('applied');
  });

  it('remembers why a Job failed', async () => {
    const run = await start({ hosts: [{ name: 'w-1', behaviour: 7 }], spec: { patches: [kernelPatch] } });
    await run.settle();
    for (const job of run.world.jobs.values()) run.world.removeJob(job);
    run.requests = [{ verb: 'resume', id: 'r-1' }];
    await run.settle();
    expect(run.run.apply.reason).toContain('container apply exited with code 7');
  });

  it('gives a host back on which no container of its Job started, and says what that waited for', async () => {
    const run = await start({
      hosts: [{ name: 'w-1', behaviour: 'stuck' }, { name: 'w-2' }],
      spec: quick,
    });
    await run.settle();
    expect(run.run.state).toBe('apply-timeout');
    expect(run.run.apply.reason).toMatch(/Job \S+ has not started on w-1: no pod of it was made/);
    expect([...run.world.jobs.values()].map(({ host }) => host)).not.toContain('w-1');
    openAndFree(run);
  });

  it('gives up a Job that has not started, when another host fails or the run is aborted', async () => {
    for (const behaviour of [7, 'stuck'] as const) {
      const run = await start({
        hosts: [
          { name: 'w-1', behaviour: 'stuck' },
          { name: 'w-2', behaviour },
        ],
      });
      const began = run.world.now;
      await run.until(
        () => [...run.world.jobs.values()].filter(({ state }) => state === 'running').length === 2,
      );
      if (behaviour === 'stuck') run.order = { mode: 'Abort' };
      await run.settle();
      expect(run.run.state).toBe(behaviour === 'stuck' ? 'aborted' : 'apply-failed');
      expect(run.claimed).toEqual(behaviour === 'stuck' ? [] : ['w-2']);
      expect(run.world.now - began).toBeLessThan(120_000);
    }
  });

  it('keeps a host locked whose own Job failed while the stage of another failed host ends', async () => {
    const run = await start({
      hosts: [
        { name: 'w-1', behaviour: 'stuck' },
        { name: 'w-2', behaviour: 7 },
      ],
    });
    await run.until(() => run.run.hosts.some(({ name, result }) => name === 'w-2' && result === 'failed'));
    run.world.changeHost('w-1', { behaviour: 7 });
    for (const job of run.world.jobs.values()) if (job.host === 'w-1') run.world.lateStart(job);
    await run.settle();
    expect(run.claimed).toEqual(['w-1', 'w-2']);
    expect(run.run.hosts[0]).toMatchObject({ name: 'w-1', result: 'failed' });
  });

  it('keeps a host locked whose container started while its Job was withdrawn', async () => {
    const run = await start({
      hosts: [{ name: 'w-1', behaviour: 'stuck' }],
      spec: quick,
    });
    await run.until(() => run.accepted.some(({ kind }) => kind === 'withdraw-job'));
    for (const job of run.world.jobs.values()) run.world.lateStart(job);
    await run.settle();
    expect(run.run.state).toBe('apply-timeout');
    expect(run.claimed).toEqual(['w-1']);
    expect(run.run.hosts[0]?.jobs).toMatchObject([
      { action: KERNEL, result: 'failed', reason: 'it was suspended while it ran' },
    ]);
  });

  it('releases a host whose withdrawn Job is kept by a finalizer of others after its deletion', async () => {
    const run = await start({
      hosts: [{ name: 'w-1', behaviour: 'stuck' }],
      spec: quick,
    });
    await run.until(() => run.accepted.some(({ kind }) => kind === 'withdraw-job'));
    for (const { key } of run.world.jobs.values())
      run.world.changeJob(key, { state: 'failed', failure: 'it was deleted', wasSuspended: true });
    await run.settle();
    expect([run.run.state, run.claimed]).toEqual(['apply-timeout', []]);
  });

  describe('whose start has no answer', () => {
    const lost = { kind: 'unknown', reason: 'no answer' } as const;
    const started = ({ world }: SimulatedRun) => [...world.jobs.values()].find(({ host }) => host === 'w-1');

    it('is deleted before its host is released, so that a late start is refused', async () => {
      const run = await start({
        hosts: workers(1),
        refusal: ({ kind }) => (kind === 'start-job' ? lost : undefined),
      });
      await run.until(() => run.reasons.some((reason) => /no answer|starting Job/.test(reason)));
      const job = started(run);
      run.order = { mode: 'Abort' };
      await run.settle();
      expect(run.run.state).toBe('aborted');
      expect(run.accepted.map(({ kind }) => kind).slice(-2)).toEqual(['delete-job', 'release']);
      expect(job?.state).toBe('suspended');
      openAndFree(run);
    });

    it('is awaited when the start comes before the deletion', async () => {
      const late = ({ kind }: Effect, world: SimulatedWorld): Outcome | undefined => {
        if (kind === 'start-job') return lost;
        const [job] = world.jobs.values();
        if (kind === 'delete-job' && job?.state === 'suspended') world.startJob(job);
        return undefined;
      };
      const run = await start({ hosts: workers(1), refusal: late });
      await run.until(() => run.reasons.some((reason) => /no answer|starting Job/.test(reason)));
      run.order = { mode: 'Abort' };
      await run.settle();
      expect(run.accepted.map(({ kind }) => kind)).not.toContain('delete-job');
      expect(started(run)?.state).toBe('succeeded');
      openAndFree(run);
    });

    it('is deleted also on a host that stays locked, before somebody opens it', async () => {
      const run = await start({
        hosts: workers(1),
        spec: { timing: { patchTimeoutSeconds: 60 } },
        refusal: (effect, { jobs }) => (effect.kind === 'start-job' && jobs.size > 1 ? lost : undefined),
      });
      await run.settle();
      expect(run.claimed).toEqual(['w-1']);
      expect([...run.world.jobs.values()].map(({ state }) => state)).toEqual(['succeeded']);
      run.requests = [{ id: 'r', verb: 'release-host', host: 'w-1' }];
      await run.settle();
      openAndFree(run);
    });
  });

  it('keeps a host locked whose patch was applied, and whose reboot did not start', async () => {
    const run = await start({ hosts: workers(1), spec: quick });
    await run.until(() => [...run.world.jobs.values()].some(({ state }) => state === 'succeeded'));
    run.world.changeHost('w-1', { behaviour: 'stuck' });
    await run.until(() => run.run.state === 'apply-timeout');
    expect(run.claimed).toEqual(['w-1']);
  });

  it('keeps a host locked that had failed, when its retry starts no container', async () => {
    const run = await start({ hosts: [{ name: 'w-1', behaviour: 7 }], spec: quick });
    await run.settle();
    run.world.changeHost('w-1', { behaviour: 'stuck' });
    run.requests = [{ verb: 'retry', id: 'r-1' }];
    await run.until(() => run.run.state === 'apply-timeout');
    expect(run.claimed).toEqual(['w-1']);
  });
});

describe('a Job whose creation is refused', () => {
  const FULL = 'making Job n/careen-x on w-1: quota "jobs" is full';
  const refusing = async (refusal: (world: SimulatedWorld) => Outcome | undefined): Promise<SimulatedRun> =>
    SimulatedRun.start({
      hosts: workers(1),
      spec: { patches: [kernelPatch], timing: { patchTimeoutSeconds: 600 } },
      refusal: ({ kind }, world) => (kind === 'create-job' ? refusal(world) : undefined),
    });

  it('for now is waited for until the deadline, and the untouched host is given back', async () => {
    const run = await refusing(() => ({ kind: 'blocked', reason: FULL }));
    await run.until(() => run.step === 'sw-patch-hosts');
    await run.elapse(300_000);
    expect(run.run.state).toBe('applying');
    expect(run.run.hosts[0]?.reason).toBe(FULL);
    await run.settle();
    expect(run.run.state).toBe('apply-timeout');
    expect(run.run.apply.reason).toContain(FULL);
    openAndFree(run);
  });

  it('for now gets the room of the Jobs that have succeeded', async () => {
    const run = await refusing(({ jobs }) => (jobs.size > 0 ? { kind: 'blocked', reason: FULL } : undefined));
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect(run.accepted.filter(({ kind }) => kind === 'delete-job')).toHaveLength(1);
    openAndFree(run);
  });

  it('for good ends the step, and the untouched host is given back', async () => {
    const run = await refusing(() => ({ kind: 'refused', reason: 'no right' }));
    await run.settle();
    expect(run.run.state).toBe('apply-failed');
    expect(run.run.apply.reason).toContain('no right');
    openAndFree(run);
  });
});
