import { describe, expect, it } from 'vitest';
import { AWAY_STEPS, openAndFree, workers } from '../support/fleets.ts';
import { messageAtEnd } from '../support/message-at-end.ts';
import { SimulatedRun, type RunOptions } from '../support/simulated-run.ts';

const KERNEL_VERSION = 'nodeInfo.kernelVersion';

describe.each([
  { how: 'in one process', restarts: false },
  { how: 'in an operator that restarts between any two passes', restarts: true },
])('a run $how', ({ restarts }) => {
  const start = (options: RunOptions): Promise<SimulatedRun> => SimulatedRun.start({ ...options, restarts });

  describe.each([
    { how: 'vanishes', comesBack: false, reason: 'w-2 no longer exists' },
    { how: 'is replaced', comesBack: true, reason: 'w-2 was removed, and another host has its name now' },
  ])('with a host that $how', ({ comesBack, reason }) => {
    const leave = ({ world }: SimulatedRun, name = 'w-2'): void => {
      world.removeHost(name);
      if (comesBack) world.addHost({ name, nodeInfo: { [KERNEL_VERSION]: '6.12.40' } });
    };

    it.each(AWAY_STEPS.slice(1))('in %s goes on with the others, and says so', async (step) => {
      const run = await start({ hosts: workers(4) });
      for (const { name } of workers(4)) run.world.addPod({ host: name, name: `on-${name}` });
      await run.until(() => run.step === step && run.run.hosts.length > 0);
      const before = run.accepted.length;
      leave(run);
      await run.settle();
      expect(run.run.state).toBe('applied');
      expect(run.run.apply.stages[0]?.left).toEqual([{ name: 'w-2', reason }]);
      expect(messageAtEnd(run)).toBe(`all hosts of the plan that are left are patched: ${reason}`);
      expect(run.accepted.slice(before).filter(({ host }) => host === 'w-2')).toEqual([]);
      const kernels = ['w-1', 'w-3', 'w-4'].map(
        (name) => run.world.hosts.get(name)?.nodeInfo[KERNEL_VERSION],
      );
      expect(kernels).toEqual(['6.12.48', '6.12.48', '6.12.48']);
      openAndFree(run);
    });

    it('while its Job runs keeps its outage and its permit until the Job has ended, and says so', async () => {
      const run = await start({ hosts: workers(2), times: { jobMilliseconds: 300_000 } });
      const jobs = () => [...run.world.jobs.values()].filter(({ host }) => host === 'w-2');
      await run.until(() => jobs().some(({ state }) => state === 'running'));
      leave(run);
      await run.elapse(30_000);
      expect(run.reasons).toContain(`${reason}; Job ${jobs()[0]?.name ?? ''} has not ended there yet`);
      expect(run.run.hosts.map(({ name }) => name)).toContain('w-2');
      expect(run.permits.has('w-2')).toBe(true);
      await run.until(() => jobs().every(({ state }) => state === 'failed'));
      await run.elapse(1_000);
      expect(run.run.apply.stages[0]?.left).toEqual([{ name: 'w-2', reason }]);
      expect(run.permits.has('w-2')).toBe(false);
      await run.settle();
      expect(run.run.state).toBe('applied');
      openAndFree(run);
    });

    it('while its Job runs, and is aborted then, ends when the Job has ended', async () => {
      const run = await start({ hosts: workers(2), times: { jobMilliseconds: 30_000 } });
      await run.until(() => [...run.world.jobs.values()].some(({ state }) => state === 'running'));
      leave(run);
      run.order = { mode: 'Abort' };
      await run.elapse(35_000);
      expect(run.run.state).toBe('aborting');
      expect(run.permits.has('w-2')).toBe(true);
      await run.settle();
      expect(run.run.state).toBe('aborted');
      openAndFree(run);
    });

    it('after it was shut down, which ended its Job, is no failure', async () => {
      const run = await start({ hosts: workers(2) });
      const job = () => [...run.world.jobs.values()].find(({ host }) => host === 'w-2');
      await run.until(() => job()?.state === 'running');
      run.world.changeHost('w-2', { ready: false });
      run.world.changeJob(job()?.key ?? '', {
        state: 'failed',
        failure: 'container apply exited with code 143',
      });
      await run.elapse(60_000);
      expect(run.reasons.join()).toContain('w-2 is not Ready: waiting until it is, or has left');
      leave(run);
      await run.settle();
      expect(run.run.state).toBe('applied');
      expect(run.run.apply.stages[0]?.left).toEqual([{ name: 'w-2', reason }]);
      openAndFree(run);
    });

    it('and was the only one of the plan ends, and says that no host is left', async () => {
      const run = await start({ hosts: workers(1) });
      await run.until(() => run.step === 'verify');
      leave(run, 'w-1');
      await run.settle();
      expect(run.run.state).toBe('applied');
      expect(messageAtEnd(run)).toBe(`no host of the plan is left: ${reason.replace('w-2', 'w-1')}`);
      openAndFree(run);
    });

    it.each(AWAY_STEPS.slice(1))('in %s, and is aborted then, releases the other', async (step) => {
      const run = await start({ hosts: workers(2) });
      for (const { name } of workers(2)) run.world.addPod({ host: name, name: `on-${name}` });
      await run.until(() => run.step === step && run.run.hosts.length > 0);
      leave(run);
      run.order = { mode: 'Abort' };
      await run.settle();
      expect(run.run.state).toBe('aborted');
      openAndFree(run);
    });

    it.each(['leaves the run to the others', 'is aborted'])(
      'while its Job has not started, withdraws that Job, and %s',
      async (how) => {
        const run = await start({ hosts: [{ name: 'w-1' }, { name: 'w-2', behaviour: 'stuck' }] });
        const jobs = () => [...run.world.jobs.values()].filter(({ host }) => host === 'w-2');
        await run.until(() => jobs().some(({ state }) => state === 'running'));
        leave(run);
        if (how === 'is aborted') run.order = { mode: 'Abort' };
        await run.until(() => run.run.hosts.every(({ name }) => name !== 'w-2'));
        expect(jobs()).toMatchObject([{ state: 'suspended', containerStarted: false }]);
        await run.settle();
        expect(run.run.state).toBe(how === 'is aborted' ? 'aborted' : 'applied');
        openAndFree(run);
      },
    );

    it('after it has failed counts it as failed, and a retry goes on without it', async () => {
      const run = await start({ hosts: [{ name: 'w-1' }, { name: 'w-2', behaviour: 7 }] });
      await run.until(() => run.run.hosts.some(({ result }) => result === 'failed'));
      leave(run);
      await run.settle();
      expect(run.run.state).toBe('apply-failed');
      openAndFree(run);
      if (comesBack) run.world.removeHost('w-2');
      run.requests = [{ id: 'again', verb: 'retry' }];
      await run.settle();
      expect(run.run.state).toBe('applied');
      openAndFree(run);
    });
  });

  it('with a host whose Job failed while it was not Ready fails once it is Ready again', async () => {
    const run = await start({ hosts: workers(1) });
    const job = () => [...run.world.jobs.values()][0];
    await run.until(() => job()?.state === 'running');
    run.world.changeHost('w-1', { ready: false });
    run.world.changeJob(job()?.key ?? '', {
      state: 'failed',
      failure: 'container apply exited with code 143',
    });
    await run.elapse(60_000);
    expect(run.run.state).toBe('applying');
    run.world.changeHost('w-1', { ready: true });
    await run.settle();
    expect(run.run.state).toBe('apply-failed');
    expect(run.run.apply.reason).toContain('exited with code 143');
    expect(run.claimed).toEqual(['w-1']);
  });

  it('that has failed keeps the permit of a host that vanishes until its Job has ended', async () => {
    const patches = { timing: { patchTimeoutSeconds: 60 } };
    const run = await start({
      hosts: workers(1),
      spec: patches,
      times: { jobMilliseconds: 900_000 },
    });
    await run.until(() => run.run.state === 'apply-timeout');
    run.world.removeHost('w-1');
    await run.elapse(30_000);
    expect(run.permits.has('w-1')).toBe(true);
    await run.settle();
    openAndFree(run);
  });

  it('does not take a host again that left and came back before its stage was restarted', async () => {
    const run = await start({ hosts: [{ name: 'w-1', behaviour: 7 }, { name: 'w-2' }] });
    await run.until(() => run.step === 'sw-patch-hosts');
    run.world.removeHost('w-2');
    await run.settle();
    expect(run.run.state).toBe('apply-failed');
    run.world.addHost({ name: 'w-2' });
    run.world.changeHost('w-1', { behaviour: 'honest' });
    const before = run.accepted.length;
    run.requests = [{ id: 'again', verb: 'retry' }];
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect(run.accepted.slice(before).filter(({ host }) => host === 'w-2')).toEqual([]);
  });

  it('fails on a new host that carries a copy of our mark, and an abort releases it', async () => {
    const run = await start({ hosts: workers(2) });
    await run.until(() => run.step === 'sw-patch-hosts');
    run.world.removeHost('w-2');
    run.world.addHost({ name: 'w-2', closedToNewWork: true });
    run.world.changeHost('w-2', { hasMaintenanceMark: true, spoiltClaim: 'it was copied' });
    await run.settle();
    expect(run.run.apply.reason).toBe('stage 0: w-2 lost the claim of this run: it was copied');
    run.order = { mode: 'Abort' };
    await run.settle();
    openAndFree(run);
  });

  it('gets its permits when a host vanishes while its stage waits for them', async () => {
    const closed = { name: 'x', labels: { infra: '' }, closedToNewWork: true };
    const run = await start({ hosts: [...workers(2), closed] });
    await run.until(() => run.reasons.some((reason) => reason.startsWith('waiting for permits')));
    run.world.removeHost('w-2');
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect(run.accepted.some(({ host }) => host === 'w-2')).toBe(false);
    run.world.removeHost('x');
    openAndFree(run);
  });

  it.each([
    { how: 'while its stage waits for permits', closedToNewWork: true },
    { how: 'between its permit and its claim', closedToNewWork: false },
  ])('does not claim a host that moves to another pool $how', async ({ closedToNewWork }) => {
    const labels = { shelf: 'a' };
    const taken = workers(2).map((host) => ({ ...host, labels }));
    const hosts = [...taken, { name: 'x', labels: { ...labels, infra: '' }, closedToNewWork }];
    const run = await start({ hosts, nodeSelector: labels });
    await (closedToNewWork ? run.until(() => run.step === 'lock-hosts') : run.untilGranted());
    expect(run.permits.size).toBe(closedToNewWork ? 0 : 2);
    run.world.changeHost('w-2', { labels: { shelf: 'b' } });
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect(messageAtEnd(run)).toContain('w-2 is no longer a host of pool default');
    expect(run.accepted.filter(({ host }) => host === 'w-2')).toEqual([]);
    run.world.changeHost('x', { closedToNewWork: false });
    openAndFree(run);
  });
});
