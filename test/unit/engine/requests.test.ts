import { describe, expect, it, vi } from 'vitest';
import { SimulatedHostOps } from '../../../src/hostops/simulated/simulated-host-ops.ts';
import { AWAY_STEPS, openAndFree, workers } from '../support/fleets.ts';
import { ask, held } from '../support/requests.ts';
import { SimulatedRun } from '../support/simulated-run.ts';

const PAUSED = { reason: 'Paused', message: 'HostPool default is paused' } as const;

describe('a request', () => {
  it('apply-all applies the whole plan although the mode is Hold', async () => {
    const run = await held({ hosts: workers(4) });
    expect(await ask(run, { verb: 'apply-all' })).toBe('accepted: the plan is carried out');
    await run.settle();
    expect(run.run.state).toBe('applied');
    openAndFree(run);
  });

  it('apply-stage applies one stage, in order, and then waits', async () => {
    const run = await held({ hosts: workers(6) });
    expect(await ask(run, { verb: 'apply-stage', stage: 1 })).toBe(
      'refused: stage 1 is not the next one; the next one is 0',
    );
    expect(await ask(run, { verb: 'apply-stage', stage: 0 })).toMatch(/^accepted/);
    await run.until(() => run.claimed.length > 0);
    expect(await ask(run, { verb: 'apply-stage', stage: 0 })).toBe(
      'refused: stage 0 is under way: wait for its end',
    );
    await run.settle();
    expect(run.run).toMatchObject({ state: 'applying', apply: { currentStage: 1, stopAtStage: 1 } });
    expect(await ask(run, { verb: 'apply-stage', stage: 0 })).toBe(
      'refused: stage 0 was applied already; the next one is 1',
    );
    openAndFree(run);
  });

  it('apply-stage names the stages that there are', async () => {
    const runs = await Promise.all([0, 1, 6].map((count) => held({ hosts: workers(count) })));
    const answers = await Promise.all(runs.map((run) => ask(run, { verb: 'apply-stage', stage: 3 })));
    const stages = ['no stage', 'only stage 0', 'the stages 0 to 2'];
    expect(answers).toEqual(stages.map((each) => `refused: there is no stage 3: the plan has ${each}`));
  });

  it('applies to the reviewed plan, and to no other', async () => {
    const run = await held({ hosts: workers(2) });
    expect(await ask(run, { verb: 'approve', plan: 'sha256:0' })).toMatch(
      /^refused: the plan is now sha256:[0-9a-f]+, not sha256:0: review it/,
    );
    expect(run.run.state).toBe('ready-to-apply');
    expect(await ask(run, { verb: 'approve', plan: run.plan.digest })).toMatch(/^accepted/);
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect(await ask(run, { verb: 'apply-all' })).toMatch(/^refused: the run has ended/);
  });

  it('retry repeats the failed host, and the released hosts of its stage', async () => {
    const run = await held({ hosts: [{ name: 'w-1', behaviour: 7 }, { name: 'w-2' }, { name: 'w-3' }] });
    expect(await ask(run, { verb: 'retry' })).toMatch(/^refused: only a failed run/);
    await ask(run, { verb: 'apply-all' });
    await run.settle();
    expect(run.run.state).toBe('apply-failed');
    run.world.changeHost('w-1', { behaviour: 'honest' });
    expect(await ask(run, { verb: 'retry' })).toMatch(/^accepted/);
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect(run.run.apply).not.toHaveProperty('reason');
    openAndFree(run);
  });

  it('retry creates new Jobs, also on hosts that were released meanwhile', async () => {
    const run = await held({ hosts: [{ name: 'w-1', behaviour: 7 }, { name: 'w-2' }] });
    await ask(run, { verb: 'apply-all' });
    await run.settle();
    const before = [...run.world.jobs.keys()];
    run.world.changeHost('w-1', { behaviour: 'honest' });
    await ask(run, { verb: 'retry' });
    await run.until(() => run.world.jobs.size >= before.length + 2);
    const made = [...run.world.jobs.values()].slice(before.length);
    expect(made.map(({ host, key }) => [host, key.endsWith('/2')])).toEqual([
      ['w-1', true],
      ['w-2', true],
    ]);
  });

  it('retry is refused while nothing may begin: the host stays failed and locked', async () => {
    const run = await held({ hosts: [{ name: 'w-1', behaviour: 7 }] });
    await ask(run, { verb: 'apply-all' });
    await run.settle();
    run.order = { mode: 'Hold', heldBack: PAUSED };
    expect(await ask(run, { verb: 'retry' })).toBe(
      `refused: the failed stage cannot restart: ${PAUSED.message}; fix that, or abort the run`,
    );
    await run.settle();
    expect(run.run).toMatchObject({ state: 'apply-failed', hosts: [{ name: 'w-1', result: 'failed' }] });
    run.world.changeHost('w-1', { behaviour: 'honest' });
    run.order = { mode: 'Hold' };
    expect(await ask(run, { verb: 'retry' })).toMatch(/^accepted/);
    await run.settle();
    expect(run.run.state).toBe('applied');
    openAndFree(run);
  });

  it('retry is refused while a Job of the last attempt still runs: no second Job begins beside it', async () => {
    const run = await held({
      hosts: workers(1),
      spec: { timing: { patchTimeoutSeconds: 60 } },
      times: { jobMilliseconds: 300_000 },
    });
    await ask(run, { verb: 'apply-all' });
    await run.until(() => run.run.state === 'apply-timeout');
    expect(await ask(run, { verb: 'retry' })).toMatch(
      /^refused: Job \S+ still runs on w-1: wait for its end/,
    );
    expect([...run.world.jobs.values()].map(({ state }) => state)).toEqual(['running']);
    await run.elapse(300_000);
    expect(await ask(run, { verb: 'retry' })).toMatch(/^accepted/);
  });

  it('retry allows the failed stage, also when an earlier request allowed fewer stages', async () => {
    const hosts = [{ name: 'w-1' }, { name: 'w-2' }, { name: 'w-3', behaviour: 7 }];
    const run = await held({ hosts });
    await ask(run, { verb: 'apply-stage', stage: 0 });
    run.order = { mode: 'Run' };
    await run.until(() => run.run.state === 'apply-failed');
    run.order = { mode: 'Hold' };
    run.world.changeHost('w-3', { behaviour: 'honest' });
    expect(await ask(run, { verb: 'retry' })).toMatch(/^accepted/);
    await run.settle();
    expect(run.run.state).toBe('applied');
    openAndFree(run);
  });

  it('resume repeats nothing: it continues when somebody has repaired the host, otherwise it fails again', async () => {
    const run = await held({ hosts: [{ name: 'w-1', behaviour: 7 }] });
    await ask(run, { verb: 'apply-all' });
    await run.settle();
    const jobs = run.world.jobs.size;
    await ask(run, { verb: 'resume' });
    await run.settle();
    expect(run.run.state).toBe('apply-failed');
    expect(run.world.jobs.size).toBe(jobs);

    const mended = { 'nodeInfo.kernelVersion': '6.12.48', 'nodeInfo.kubeletVersion': 'v1.36.4' };
    run.world.changeHost('w-1', { nodeInfo: mended, bootId: 'by-hand' });
    await ask(run, { verb: 'resume' });
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect(run.world.jobs.size).toBe(jobs);
    openAndFree(run);
  });

  it('resume does not wait for an earlier reboot, on a host that somebody has repaired and rebooted', async () => {
    const run = await held({ hosts: [{ name: 'w-1', behaviour: 'lie' }] });
    await ask(run, { verb: 'apply-all' });
    await run.settle();
    expect(run.run.state).toBe('apply-timeout');
    const mended = { 'nodeInfo.kernelVersion': '6.12.48', 'nodeInfo.kubeletVersion': 'v1.36.4' };
    run.world.changeHost('w-1', { nodeInfo: mended, bootId: 'by-hand' });
    await ask(run, { verb: 'resume' });
    await run.settle();
    expect(run.run.state).toBe('applied');
    openAndFree(run);
  });

  it('release-host releases a failed host as it is, and refuses any other host', async () => {
    const run = await held({ hosts: [{ name: 'w-1', behaviour: 7 }, { name: 'w-2' }] });
    await ask(run, { verb: 'apply-all' });
    await run.until(() => run.claimed.includes('w-2'));
    expect(await ask(run, { verb: 'release-host', host: 'w-2' })).toMatch(/^refused: w-2 is being worked on/);
    await run.settle();
    expect(run.claimed).toEqual(['w-1']);
    expect(await ask(run, { verb: 'release-host', host: 'w-9' })).toBe('refused: this run holds no host w-9');
    expect(await ask(run, { verb: 'release-host', host: 'w-1' })).toBe('accepted: w-1 is released as it is');
    await run.settle();
    openAndFree(run);
    expect(run.run.state).toBe('apply-failed');
  });

  it('abort releases every host; with a stage, only while that stage runs', async () => {
    const run = await held({ hosts: workers(4) });
    expect(await ask(run, { verb: 'abort' })).toBe(
      'refused: nothing is under way: the strategy is ready-to-apply',
    );
    await ask(run, { verb: 'apply-all' });
    await run.until(() => run.claimed.length > 0);
    expect(await ask(run, { verb: 'abort', stage: 1 })).toBe('refused: stage 1 is not under way, stage 0 is');
    expect(await ask(run, { verb: 'abort', stage: 0 })).toMatch(/^accepted/);
    expect(await ask(run, { verb: 'apply-all' })).toMatch(/^refused: an abort is under way/);
    await run.settle();
    expect(run.run).toMatchObject({ state: 'aborted', abortedIn: 'Hold' });
    openAndFree(run);
  });

  it('waits while the strategy is suspended, except an abort', async () => {
    const run = await SimulatedRun.start({ hosts: workers(2) });
    await run.until(() => run.claimed.length > 0);
    run.order = { mode: 'Suspend' };
    expect(await ask(run, { verb: 'apply-all' })).toBe('no answer');
    expect(await ask(run, { verb: 'abort' })).toMatch(/^accepted/);
    expect(await ask(run, { verb: 'apply-all' })).toBe('refused: an abort is under way: wait for its end');
    await run.settle();
    expect(run.run.state).toBe('aborted');
    openAndFree(run);
  });
});

describe('Suspend', () => {
  it('starts nothing, and stops the deadlines', async () => {
    const run = await SimulatedRun.start({
      hosts: workers(2),
      spec: { timing: { patchTimeoutSeconds: 60 } },
    });
    await run.until(() => run.step === 'sw-patch-hosts');
    const { length } = run.accepted;
    run.order = { mode: 'Suspend' };
    await run.elapse(3_600_000);
    expect(run.accepted).toHaveLength(length);
    expect(run.step).toBe('sw-patch-hosts');
    expect(run.claimed).toEqual(['w-1', 'w-2']);
    expect(run.permits.size).toBe(2);

    run.order = { mode: 'Run' };
    await run.until(() => run.run.apply.endTime !== undefined);
    expect([run.run.state, run.run.apply.reason]).toEqual(['applied', undefined]);
    const step = run.run.apply.stages[0]?.steps.find(({ name }) => name === 'sw-patch-hosts');
    expect(step?.extendedSeconds).toBe(3600);
    openAndFree(run);
  });
});

describe.each(AWAY_STEPS)('in %s', (step) => {
  const start = async (): Promise<SimulatedRun> => {
    const run = await SimulatedRun.start({ hosts: workers(2) });
    for (const { name } of workers(2)) run.world.addPod({ host: name, name: `on-${name}` });
    run.alarmsKnown = step !== 'query-alarms';
    await run.until(() => run.step === step);
    return run;
  };

  it('Suspend starts nothing for a day, and then the run continues to its end', async () => {
    const run = await start();
    const { length } = run.accepted;
    run.order = { mode: 'Suspend' };
    await run.elapse(86_400_000);
    expect([run.step, run.accepted.length]).toEqual([step, length]);
    run.order = { mode: 'Run' };
    run.alarmsKnown = true;
    await run.settle();
    expect(run.run.state).toBe('applied');
    openAndFree(run);
  });

  it('the deletion of the strategy releases every host', async () => {
    const run = await start();
    run.order = { mode: 'Abort', finalizing: true };
    await run.settle();
    expect(run.run.state).toBe('aborted');
    openAndFree(run);
    expect([...run.world.hosts.values()].map(({ leftLocked }) => leftLocked)).toEqual([undefined, undefined]);
  });
});

describe('an order that is held back', () => {
  it('stops the run at the next safe point, also when a request started it', async () => {
    const run = await held({ hosts: workers(4) });
    await ask(run, { verb: 'apply-all' });
    await run.until(() => run.claimed.length > 0);
    run.order = { mode: 'Hold', heldBack: PAUSED };
    await run.settle();
    expect(run.run).toMatchObject({ state: 'applying', apply: { currentStage: 1 } });
    openAndFree(run);
    run.order = { mode: 'Hold' };
    await run.settle();
    expect(run.run.state).toBe('applied');
  });
});

describe('a host that somebody uncordons while we work on it', () => {
  const start = async (onForeignUncordon: string): Promise<SimulatedRun> => {
    const run = await SimulatedRun.start({ hosts: workers(1), spec: { onForeignUncordon } });
    run.world.addPod({ host: 'w-1', name: 'leaves-in-five-seconds' });
    return run;
  };

  it('waits until it is cordoned again (pause), and is patched only when it is empty', async () => {
    const run = await start('pause');
    await run.until(() => run.step === 'migrate-instances-from-host');
    run.world.changeHost('w-1', { closedToNewWork: false });
    run.world.addPod({ host: 'w-1', name: 'late' });
    await run.elapse(60_000);
    expect(run.world.jobs.size).toBe(0);
    expect(run.run.hosts).toMatchObject([{ name: 'w-1', uncordoned: true }]);
    expect(run.reasons[0]).toBe(
      'w-1 was uncordoned by somebody while we work on it: kubectl cordon w-1 to go on, or abort',
    );
    run.world.changeHost('w-1', { closedToNewWork: true });
    await run.until(() => run.world.jobs.size > 0);
    expect(run.world.podsOn('w-1')).toEqual([]);
    expect(run.run.hosts[0]?.uncordoned).toBeUndefined();
    await run.settle();
    expect(run.run.state).toBe('applied');
    openAndFree(run);
  });

  it('is cordoned again (recordon)', async () => {
    const run = await start('recordon');
    await run.until(() => run.step === 'migrate-instances-from-host');
    run.world.changeHost('w-1', { closedToNewWork: false });
    await run.until(() => run.world.hosts.get('w-1')?.closedToNewWork === true);
    await run.settle();
    expect(run.run.state).toBe('applied');
    openAndFree(run);
  });

  it('fails its step (fail)', async () => {
    const run = await start('fail');
    await run.until(() => run.step === 'migrate-instances-from-host');
    run.world.changeHost('w-1', { closedToNewWork: false });
    await run.settle();
    expect(run.run.state).toBe('apply-failed');
    expect(run.run.apply.reason).toContain('w-1 was uncordoned by somebody while we work on it');
  });

  it('is drained again when a pod arrives between the drain and the Job', async () => {
    const run = await start('pause');
    await run.until(() => run.step === 'sw-patch-hosts');
    run.world.addPod({ host: 'w-1', name: 'late' });
    await run.until(() => [...run.world.jobs.values()].some(({ state }) => state === 'running'));
    expect(run.world.podsOn('w-1')).toEqual([]);
    await run.settle();
    openAndFree(run);
  });
});

describe('a claim that somebody edits or removes', () => {
  it('stops the work on that host, and an abort restores the host', async () => {
    for (const spoiltClaim of [undefined, 'its annotation was edited']) {
      const run = await SimulatedRun.start({ hosts: workers(1) });
      await run.until(() => run.step === 'sw-patch-hosts');
      run.world.changeHost('w-1', { claim: undefined, spoiltClaim });
      await run.settle();
      expect(run.run.state).toBe('apply-failed');
      expect(run.run.apply.reason).toMatch(/w-1 lost the claim of this run/);
      run.order = { mode: 'Abort' };
      await run.settle();
      expect(run.world.hosts.get('w-1')).toMatchObject({ closedToNewWork: false, hasMaintenanceMark: false });
      openAndFree(run);
    }
  });

  it('is never replaced: a host with such a claim waits until somebody removes the claim', async () => {
    const run = await SimulatedRun.start({ hosts: workers(1) });
    run.world.changeHost('w-1', { spoiltClaim: 'its annotation careen.dev/claim was copied' });
    await run.until(() => run.reasons.some((reason) => reason.includes('cannot be claimed')));
    expect(run.reasons[0]).toContain('kubectl annotate node w-1 careen.dev/claim-');
    expect(run.accepted).toEqual([]);
  });
});

describe('a strategy that is deleted', () => {
  it('releases healthy hosts and leaves the failed one locked, with the reason', async () => {
    const run = await SimulatedRun.start({ hosts: [{ name: 'w-1', behaviour: 7 }, { name: 'w-2' }] });
    await run.until(() => run.run.hosts.some(({ result }) => result === 'failed'));
    run.order = { mode: 'Abort', finalizing: true };
    await run.settle();
    expect(run.run.hosts).toEqual([]);
    expect(run.permits.size).toBe(0);
    expect(run.world.hosts.get('w-2')).toMatchObject({ closedToNewWork: false, claim: undefined });
    expect(run.world.hosts.get('w-1')).toMatchObject({
      closedToNewWork: true,
      hasMaintenanceMark: false,
      claim: undefined,
    });
    expect(run.world.hosts.get('w-1')?.leftLocked).toContain('exited with code 7');
  });

  it('is kept until the note on its failed host is written: without it the sweep would open the host', async () => {
    const run = await SimulatedRun.start({ hosts: [{ name: 'w-1', behaviour: 7 }] });
    await run.until(() => run.run.hosts.some(({ result }) => result === 'failed'));
    const perform = vi.spyOn(SimulatedHostOps.prototype, 'perform');
    perform.mockResolvedValue({ kind: 'refused', reason: 'no right to patch nodes' });
    run.order = { mode: 'Abort', finalizing: true };
    await run.elapse(60_000);
    perform.mockRestore();
    expect(run.run.hosts).toEqual([expect.objectContaining({ name: 'w-1', result: 'failed' })]);
    expect(run.reasons).toEqual(['no right to patch nodes']);
    await run.settle();
    expect(run.run.hosts).toEqual([]);
    expect(run.world.hosts.get('w-1')?.leftLocked).toContain('exited with code 7');
  });

  it('is removed also when its hosts are gone', async () => {
    const run = await SimulatedRun.start({ hosts: workers(2) });
    await run.until(() => run.step === 'sw-patch-hosts');
    for (const { name } of workers(2)) run.world.removeHost(name);
    run.order = { mode: 'Abort', finalizing: true };
    await run.settle();
    expect(run.run.hosts).toEqual([]);
    expect(run.permits.size).toBe(0);
  });
});
