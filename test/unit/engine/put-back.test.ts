import { describe, expect, it } from 'vitest';
import { openAndFree } from '../support/fleets.ts';
import type { NewHost } from '../../../src/hostops/simulated/simulated-objects.ts';
import { SimulatedRun } from '../support/simulated-run.ts';

/** Workers during their drain; `closed`: somebody had cordoned the first before. */
async function emptying(
  closedToNewWork: boolean,
  onForeignUncordon = 'pause',
  others: readonly NewHost[] = [],
): Promise<SimulatedRun> {
  const hosts = [{ name: 'w-1', closedToNewWork }, ...others];
  const run = await SimulatedRun.start({ hosts, spec: { onForeignUncordon } });
  for (const { name } of hosts) run.world.addPod({ host: name, name: `leaves-${name}-in-five-seconds` });
  await run.until(() => run.step === 'migrate-instances-from-host');
  return run;
}

async function restart(run: SimulatedRun, verb: 'retry' | 'resume'): Promise<void> {
  run.requests = [{ id: verb, verb }];
  await run.pass();
  run.requests = [];
  await run.settle();
}

describe('a host that somebody had cordoned before its claim', () => {
  it('stays cordoned', async () => {
    const run = await emptying(true);
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect(run.world.hosts.get('w-1')).toMatchObject({
      closedToNewWork: true,
      hasMaintenanceMark: false,
      claim: undefined,
    });
  });

  it('ends up uncordoned when it was uncordoned meanwhile, and cordoned again as the run requested', async () => {
    const run = await emptying(true);
    run.world.changeHost('w-1', { closedToNewWork: false });
    await run.elapse(60_000);
    expect(run.reasons[0]).toContain('kubectl cordon w-1 to go on');
    run.world.changeHost('w-1', { closedToNewWork: true });
    await run.settle();
    expect(run.run.state).toBe('applied');
    openAndFree(run);
  });

  it('stays cordoned when it was uncordoned and cordoned again unobserved', async () => {
    const run = await emptying(true);
    run.world.changeHost('w-1', { closedToNewWork: false });
    run.world.changeHost('w-1', { closedToNewWork: true });
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect(run.world.hosts.get('w-1')).toMatchObject({
      closedToNewWork: true,
      hasMaintenanceMark: false,
      claim: undefined,
    });
  });

  it('ends up uncordoned when the run has cordoned it again, also when its claim was lost later', async () => {
    const run = await emptying(true, 'recordon');
    run.world.changeHost('w-1', { closedToNewWork: false });
    await run.until(() => run.step === 'sw-patch-hosts');
    expect(run.world.hosts.get('w-1')).toMatchObject({
      closedToNewWork: true,
      claim: { closedToNewWorkBefore: false },
    });
    run.world.changeHost('w-1', { claim: undefined });
    await run.settle();
    expect(run.run.state).toBe('apply-failed');
    run.order = { mode: 'Abort' };
    await run.settle();
    openAndFree(run);
  });

  it.each(['retry', 'resume'] as const)(
    'stays cordoned when its claim was lost, after a %s',
    async (verb) => {
      const run = await emptying(true);
      await run.until(() => run.step === 'sw-patch-hosts');
      run.world.changeHost('w-1', { claim: undefined });
      await run.settle();
      expect(run.run.state).toBe('apply-failed');
      await restart(run, verb);
      expect(run.run.state).toBe('applied');
      expect(run.world.hosts.get('w-1')).toMatchObject({
        closedToNewWork: true,
        hasMaintenanceMark: false,
        claim: undefined,
      });
    },
  );
});

describe('a host that was open before its claim', () => {
  it.each([
    { how: 'seen', isSeen: true },
    { how: 'unseen', isSeen: false },
  ])(
    'stays cordoned when it was cordoned after its claim was lost while it was open, $how',
    async ({ isSeen }) => {
      const run = await emptying(false, 'pause', [{ name: 'w-2' }]);
      await run.pass();
      run.world.changeHost('w-1', { closedToNewWork: false });
      await run.pass();
      run.world.changeHost('w-1', { claim: undefined });
      if (isSeen) await run.pass();
      run.world.changeHost('w-1', { closedToNewWork: true });
      await run.settle();
      expect(run.run.state).toBe('apply-failed');
      expect(run.run.hosts).toEqual([]);
      expect(run.world.hosts.get('w-1')).toMatchObject({ closedToNewWork: true, hasMaintenanceMark: false });
    },
  );

  it.each(['retry', 'resume'] as const)(
    'ends up uncordoned when its claim was lost, after a %s',
    async (verb) => {
      const run = await emptying(false);
      await run.until(() => [...run.world.jobs.values()].some(({ state }) => state === 'running'));
      run.world.changeHost('w-1', { claim: undefined });
      await run.settle();
      expect(run.run.state).toBe('apply-failed');
      expect(run.world.hosts.get('w-1')).toMatchObject({ closedToNewWork: true, hasMaintenanceMark: true });
      await restart(run, verb);
      expect(run.run.state).toBe('applied');
      openAndFree(run);
    },
  );
});
