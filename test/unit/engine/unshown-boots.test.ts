/** Hosts whose platform shows no boot ids: the Job of a reboot tells of it. */
import { describe, expect, it } from 'vitest';
import { isUnrebooted } from '../../../src/engine/steps/reboot.ts';
import type { HostJob, HostProgress } from '../../../src/crds/observed/host-progress.ts';
import type { HostFacts } from '../../../src/engine/view.ts';
import { openAndFree, workers } from '../support/fleets.ts';
import { ask } from '../support/requests.ts';
import { job, KERNEL, kernelPatch, SimulatedRun, type RunOptions } from '../support/simulated-run.ts';
import { actions } from '../support/upgrade-runs.ts';

const quick = { timing: { stabilizeSeconds: 0 } };
const CURRENT = { 'nodeInfo.kernelVersion': '6.12.48' };

async function start(options: Partial<RunOptions> = {}): Promise<SimulatedRun> {
  return SimulatedRun.start({
    ...{ hosts: workers(1), spec: { patches: [kernelPatch], reboot: { job }, ...quick }, restarts: true },
    shown: (facts) => ({ ...facts, bootId: undefined }),
    ...options,
  });
}

const reboots = (run: SimulatedRun): number => actions(run).filter((each) => each === 'reboot w-1').length;

/** A run whose reboot Job ends so, while the host shows the patch already. */
async function rebooting(failure?: string): Promise<SimulatedRun> {
  const run = await start();
  const running = () =>
    [...run.world.jobs.values()].find(({ action, state }) => action === 'reboot' && state === 'running');
  await run.until(() => running() !== undefined);
  run.world.changeHost('w-1', { nodeInfo: CURRENT });
  const { key } = running() ?? expect.fail('no reboot');
  run.world.changeJob(key, failure === undefined ? { state: 'succeeded' } : { state: 'failed', failure });
  return run;
}

describe('a host without boot ids', () => {
  it('is verified once its reboot Job has succeeded and it is back', async () => {
    const run = await start();
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect(actions(run)).toEqual([`${KERNEL} w-1`, 'reboot w-1']);
    openAndFree(run);
  });

  it('is not verified before it is back', async () => {
    const run = await start({ times: { rebootMilliseconds: 120_000 } });
    await run.until(() => run.step === 'verify');
    expect(run.world.hosts.get('w-1')?.ready).toBe(false);
    await run.elapse(60_000);
    expect([run.step, run.claimed]).toEqual(['verify', ['w-1']]);
    await run.settle();
    expect(run.run.state).toBe('applied');
  });

  it('fails with the reason of its reboot Job', async () => {
    const run = await rebooting('container apply exited with code 9');
    await run.settle();
    expect(run.run.state).toBe('apply-failed');
    expect(run.run.apply.reason).toMatch(
      /Job \S+ for reboot failed on w-1: container apply exited with code 9/,
    );
    expect(run.claimed).toEqual(['w-1']);
  });

  it('fails when its reboot Job is deleted: its result is not known', async () => {
    const run = await start();
    await run.until(() =>
      [...run.world.jobs.values()].some(({ action, state }) => action === 'reboot' && state === 'running'),
    );
    for (const each of [...run.world.jobs.values()]) if (each.action === 'reboot') run.world.removeJob(each);
    await run.settle();
    expect(run.run.apply.reason).toMatch(/for reboot on w-1 was deleted; its result is not known/);
  });

  it('is rebooted by a retry after its reboot has failed, although it shows the patch already', async () => {
    const run = await rebooting('container apply exited with code 9');
    await run.settle();
    expect(reboots(run)).toBe(1);
    expect(await ask(run, { verb: 'retry' })).toMatch(/^accepted/);
    await run.settle();
    expect([run.run.state, reboots(run)]).toEqual(['applied', 2]);
  });

  it('is not rebooted again by a retry after its reboot has succeeded', async () => {
    const run = await rebooting();
    const alarm = { type: 'KernelDeadlock', detail: 'stuck', since: undefined };
    run.world.changeHost('w-1', { conditions: [alarm] });
    await run.settle();
    expect(run.run.state).toBe('apply-timeout');
    run.world.changeHost('w-1', { conditions: [] });
    expect(await ask(run, { verb: 'retry' })).toMatch(/^accepted/);
    await run.settle();
    expect([run.run.state, reboots(run)]).toEqual(['applied', 1]);
  });

  it('is named by an abort that releases it between its patch and its reboot', async () => {
    const run = await rebooting('container apply exited with code 9');
    await run.settle();
    await ask(run, { verb: 'abort' });
    await run.settle();
    expect(run.run.abortedBecause ?? '').toContain('w-1 was changed and has not rebooted since');
  });
});

describe('whether a required reboot did not happen', () => {
  const reboot = (result: HostJob['result']): HostJob => ({
    action: 'reboot',
    name: 'j',
    uid: 'u',
    ...(result ? { result } : {}),
  });
  const judge = async (jobs: HostJob[] | undefined, bootId?: string): Promise<boolean> => {
    const { plan } = await start();
    // A cast: only the boot id is looked at.
    const facts = { facts: {}, bootId } as unknown as HostFacts;
    const outage = { name: 'w-1', patches: [KERNEL], bootIdBefore: 'boot-1', ...(jobs ? { jobs } : {}) };
    // A cast: the rest of an outage is not looked at.
    return isUnrebooted({ plan, facts }, outage as unknown as HostProgress);
  };

  it('is told by its Job where no boot id is shown', async () => {
    expect(await judge([reboot('failed')])).toBe(true);
    expect(await judge([reboot(undefined)])).toBe(true);
    expect(await judge([reboot('succeeded')])).toBe(false);
    expect(await judge(undefined), 'there is none').toBe(false);
  });

  it('is told by the boot id where there is one, whatever became of the Job', async () => {
    expect(await judge([reboot('succeeded')], 'boot-1')).toBe(true);
    expect(await judge([reboot('failed')], 'boot-2')).toBe(false);
  });
});
