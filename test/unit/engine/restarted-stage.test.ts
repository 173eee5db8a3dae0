import { describe, expect, it } from 'vitest';
import { openAndFree, workers } from '../support/fleets.ts';
import { ask, held } from '../support/requests.ts';
import { SimulatedRun } from '../support/simulated-run.ts';

describe('a restarted stage', () => {
  it.each(['retry', 'resume'] as const)(
    '%s that fails before its work begins keeps the failed host locked, and can be repeated',
    async (verb) => {
      const run = await held({ hosts: [{ name: 'w-1', behaviour: 7 }, ...workers(3).slice(1)] });
      await ask(run, { verb: 'apply-all' });
      await run.settle();
      run.world.changeHost('w-3', { ready: false });
      expect(await ask(run, { verb })).toMatch(/^accepted/);
      await run.settle();
      expect(run.run.apply.reason).toContain('active alarms present (w-3: is not Ready)');
      const reason = 'w-1 had failed before, and was not worked on again';
      expect(run.run.hosts).toMatchObject([{ name: 'w-1', result: 'failed', reason }]);
      expect([run.claimed, run.world.hosts.get('w-1')?.closedToNewWork]).toEqual([['w-1'], true]);
      run.world.changeHost('w-3', { ready: true });
      run.world.changeHost('w-1', { behaviour: 'honest' });
      expect(await ask(run, { verb: 'retry' })).toMatch(/^accepted/);
      await run.settle();
      expect(run.run.state).toBe('applied');
      openAndFree(run);
    },
  );

  it('resume makes new Jobs on a host that was released: those of its last outage may have been deleted', async () => {
    const run = await held({ hosts: [{ name: 'w-1', behaviour: 7 }, ...workers(2).slice(1)] });
    await ask(run, { verb: 'apply-all' });
    await run.settle();
    expect(run.claimed).toEqual(['w-1']);
    const mended = { 'nodeInfo.kernelVersion': '6.12.48', 'nodeInfo.kubeletVersion': 'v1.36.4' };
    run.world.changeHost('w-1', { nodeInfo: mended });
    await ask(run, { verb: 'resume' });
    await run.settle();
    expect(run.run.state).toBe('applied');
    const made = run.accepted.filter(({ kind, host }) => kind === 'create-job' && host === 'w-2');
    expect(made.map(({ key }) => key.split('/').at(-1))).toEqual(expect.arrayContaining(['1', '2']));
    openAndFree(run);
  });

  it('retry cancels an earlier release-host', async () => {
    const run = await held({ hosts: [{ name: 'w-1', behaviour: 7 }] });
    await ask(run, { verb: 'apply-all' });
    await run.settle();
    run.requests = [
      { id: 'r-1', verb: 'release-host', host: 'w-1' },
      { id: 'r-2', verb: 'retry' },
    ];
    await run.settle();
    expect(run.run.state).toBe('apply-failed');
    expect(run.claimed).toEqual(['w-1']);
  });

  it.each([
    { when: 'while it waits for permits', closedToNewWork: true },
    { when: 'when it has permits', closedToNewWork: false },
  ])('claims no further host when the order is held back $when, and says so', async ({ closedToNewWork }) => {
    const other = { name: 'x', labels: { infra: '' } };
    const run = await SimulatedRun.start({
      hosts: [{ name: 'w-1', behaviour: 7 }, { name: 'w-2' }, other],
    });
    await run.settle();
    run.world.changeHost('x', { closedToNewWork });
    const before = run.accepted.length;
    run.requests = [{ id: 'r-1', verb: 'retry' }];
    run.alarmsKnown = false;
    await run.until(() => run.step === 'query-alarms');
    run.alarmsKnown = true;
    await (closedToNewWork ? run.until(() => run.step === 'lock-hosts') : run.untilGranted());
    expect(run.permits.size).toBe(closedToNewWork ? 1 : 2);
    const message = 'the spec was edited, the remaining stages are planned again';
    run.order = { mode: 'Run', heldBack: { reason: 'Building', message } };
    await run.settle();
    expect(run.run).toMatchObject({ state: 'apply-failed', apply: { reason: `stage 0: ${message}` } });
    expect(run.accepted.slice(before)).toEqual([]);
    expect([run.claimed, [...run.permits.keys()]]).toEqual([['w-1'], ['w-1']]);
  });

  it('leaves a failed host locked, also when its next attempt was about to begin', async () => {
    const run = await SimulatedRun.start({ hosts: [{ name: 'w-1', behaviour: 7 }, { name: 'w-2' }] });
    await run.settle();
    run.requests = [{ id: 'r-1', verb: 'retry' }];
    await run.until(() => run.step === 'lock-hosts');
    run.order = { mode: 'Abort', finalizing: true };
    await run.settle();
    expect(run.run).toMatchObject({ state: 'aborted', hosts: [] });
    expect(run.claimed).toEqual([]);
    expect(run.world.hosts.get('w-1')?.closedToNewWork).toBe(true);
    expect(run.world.hosts.get('w-1')?.leftLocked).toContain('w-1 had failed before');
  });
});
