/** What the Jobs of a host did before its stage was restarted: the facts of the host alone do not show it. */
import { describe, expect, it } from 'vitest';
import { openAndFree, workers } from '../support/fleets.ts';
import { ask } from '../support/requests.ts';
import { job, kernelPatch, KERNEL, RELEASE, SimulatedRun, upgradeSpec } from '../support/simulated-run.ts';
import { actions, FACT, UNENDED } from '../support/upgrade-runs.ts';

const CURRENT = { 'nodeInfo.kernelVersion': '6.12.48', [FACT]: RELEASE };
const quick = { timing: { stabilizeSeconds: 0 } };
const KINDS = [
  { kind: 'an upgrade', options: { upgrade: upgradeSpec({ ...UNENDED, ...quick }) }, work: 'worker' },
  { kind: 'a patch', options: { spec: { patches: [kernelPatch], reboot: { job }, ...quick } }, work: KERNEL },
];
const CASES = KINDS.flatMap((each) => [false, true].map((restarts) => ({ ...each, restarts })));

function jobsOn(run: SimulatedRun, action: string): number {
  return actions(run).filter((each) => each === `${action} w-1`).length;
}

function bootId({ world }: SimulatedRun): string | undefined {
  return world.hosts.get('w-1')?.bootId;
}

describe.each(CASES)('$kind (restarts between passes: $restarts)', ({ options, work, restarts }) => {
  const start = async (): Promise<SimulatedRun> => {
    const run = await SimulatedRun.start({ hosts: workers(1), ...options, restarts });
    await run.until(() => jobsOn(run, work) === 1);
    return run;
  };
  const unrebooted = async (): Promise<SimulatedRun> => {
    const run = await start();
    await run.until(() => jobsOn(run, 'reboot') === 1);
    run.world.changeHost('w-1', { behaviour: 'lie', nodeInfo: CURRENT });
    await run.settle();
    expect(run.run.apply.reason).toContain('w-1: has not rebooted');
    return run;
  };
  const workFailed = async (): Promise<SimulatedRun> => {
    const run = await start();
    run.world.changeHost('w-1', { behaviour: 7 });
    await run.settle();
    expect(run.run.state).toBe('apply-failed');
    run.world.changeHost('w-1', { behaviour: 'honest', nodeInfo: CURRENT });
    return run;
  };

  it('retry reboots a host that shows its work and has not rebooted, and does not repeat the work', async () => {
    const run = await unrebooted();
    const before = bootId(run);
    run.world.changeHost('w-1', { behaviour: 'honest' });
    expect(await ask(run, { verb: 'retry' })).toMatch(/^accepted/);
    await run.settle();
    expect([run.run.state, jobsOn(run, work), jobsOn(run, 'reboot')]).toEqual(['applied', 1, 2]);
    expect(bootId(run)).not.toBe(before);
    openAndFree(run);
  });

  it.each(['retry', 'resume'] as const)('%s fails again while the host does not reboot', async (verb) => {
    const run = await unrebooted();
    for (const again of [verb, verb]) {
      expect(await ask(run, { verb: again })).toMatch(/^accepted/);
      await run.settle();
      expect(run.run.state).toBe('apply-timeout');
      expect(run.run.apply.reason).toContain('w-1: has not rebooted');
      expect(run.claimed).toEqual(['w-1']);
    }
  });

  it.each(['retry', 'resume'] as const)(
    '%s makes no Job once somebody has rebooted the host',
    async (verb) => {
      const run = await unrebooted();
      run.world.changeHost('w-1', { bootId: 'by-hand' });
      expect(await ask(run, { verb })).toMatch(/^accepted/);
      await run.settle();
      expect([run.run.state, jobsOn(run, work), jobsOn(run, 'reboot')]).toEqual(['applied', 1, 1]);
      openAndFree(run);
    },
  );

  it('resume goes on when somebody reboots the host during it', async () => {
    const run = await unrebooted();
    await ask(run, { verb: 'resume' });
    await run.until(() => run.step === 'verify');
    await run.elapse(60_000);
    expect(run.run.state).toBe('applying');
    run.world.changeHost('w-1', { bootId: 'by-hand' });
    await run.settle();
    expect([run.run.state, jobsOn(run, 'reboot')]).toEqual(['applied', 1]);
  });

  it('retry repeats work whose Job failed, whatever the host shows, and reboots', async () => {
    const run = await workFailed();
    const before = bootId(run);
    await ask(run, { verb: 'retry' });
    await run.settle();
    expect([run.run.state, jobsOn(run, work), jobsOn(run, 'reboot')]).toEqual(['applied', 2, 1]);
    expect(bootId(run)).not.toBe(before);
    openAndFree(run);
  });

  it('resume repeats no work that somebody did by hand, and reboots', async () => {
    const run = await workFailed();
    const before = bootId(run);
    await ask(run, { verb: 'resume' });
    await run.settle();
    expect([run.run.state, jobsOn(run, work), jobsOn(run, 'reboot')]).toEqual(['applied', 1, 1]);
    expect(bootId(run)).not.toBe(before);
    openAndFree(run);
  });

  it('remembers the failed Job through restarts that end before the work', async () => {
    const run = await workFailed();
    for (const verb of ['retry', 'retry'] as const) {
      run.alarmsKnown = false;
      await ask(run, { verb });
      await run.settle();
      expect(run.run.hosts).toMatchObject([{ result: 'failed', unfinished: [work] }]);
    }
    run.alarmsKnown = true;
    await ask(run, { verb: 'retry' });
    await run.settle();
    expect([run.run.state, jobsOn(run, work), jobsOn(run, 'reboot')]).toEqual(['applied', 2, 1]);
  });

  it('a host that was changed when another failed is not given back before its reboot', async () => {
    const hosts = [{ name: 'w-1' }, { name: 'w-2', jobs: { [work]: { exitCode: 7 } } }];
    const run = await SimulatedRun.start({ hosts, ...options, restarts });
    await run.until(() => jobsOn(run, work) === 1);
    run.world.changeHost('w-1', { nodeInfo: CURRENT });
    await run.settle();
    expect(run.run.apply.reason).toMatch(/failed on w-2: .*; w-1 was changed and has not rebooted since$/);
    expect(run.claimed).toEqual(['w-1', 'w-2']);
    run.world.changeHost('w-2', { jobs: {} });
    const before = bootId(run);
    await ask(run, { verb: 'retry' });
    await run.settle();
    expect([run.run.state, jobsOn(run, work), jobsOn(run, 'reboot')]).toEqual(['applied', 1, 1]);
    expect(bootId(run)).not.toBe(before);
    openAndFree(run);
  });

  it('an abort names the host that it gives back before its reboot', async () => {
    const run = await unrebooted();
    run.order = { mode: 'Abort' };
    await run.settle();
    expect([run.run.state, run.run.abortedBecause]).toEqual([
      'aborted',
      'w-1 was changed and has not rebooted since',
    ]);
    openAndFree(run);
  });
});
