/** A controller is judged when it is taken, and again before the work on it begins: its drain may last. */
import { describe, expect, it } from 'vitest';
import { openAndFree } from '../support/fleets.ts';
import { SimulatedRun, upgradeSpec } from '../support/simulated-run.ts';
import { fleet, UNENDED } from '../support/upgrade-runs.ts';

const hosts = fleet.slice(0, 3);
const quick = { ...UNENDED, timing: { stabilizeSeconds: 0 } };
const WAITS =
  'the work on c-1 has not begun: without c-1 1 of 3 controllers would be in service, a quorum needs 2 (out of service: c-3)';

function works({ world }: SimulatedRun): string[] {
  return [...world.jobs.values()]
    .filter(({ host, action }) => host === 'c-1' && ['controller', 'reboot'].includes(action))
    .map(({ action, state }) => `${action} ${state}`);
}

describe.each([false, true])('a controller that is away (restarts between passes: %s)', (restarts) => {
  const start = async (): Promise<SimulatedRun> =>
    SimulatedRun.start({ hosts, upgrade: upgradeSpec(quick), restarts });

  it('is not worked on once another controller has failed, and is when that one is back', async () => {
    const run = await start();
    run.world.addPod({ host: 'c-1', name: 'slow' });
    await run.until(() => run.step === 'migrate-instances-from-host' && run.claimed.includes('c-1'));
    run.world.changeHost('c-3', { ready: false });
    await run.until(() => run.step === 'upgrade-hosts');
    await run.elapse(120_000);
    expect(run.reasons).toContain(WAITS);
    expect(works(run)).toEqual([]);
    run.world.changeHost('c-3', { ready: true });
    await run.settle();
    expect(run.run.state).toBe('applied');
    openAndFree(run);
  });

  it('has its Job not started, which was made before', async () => {
    const run = await start();
    await run.until(() => works(run).length > 0);
    run.world.changeHost('c-3', { ready: false });
    await run.elapse(120_000);
    expect(works(run)).toEqual(['controller suspended']);
    expect(run.run.hosts).toMatchObject([{ name: 'c-1', jobs: [{ action: 'controller' }] }]);
    run.world.changeHost('c-3', { ready: true });
    await run.settle();
    expect(run.run.state).toBe('applied');
  });

  it('is given back when its time is over before that', async () => {
    const run = await start();
    await run.until(() => works(run).length > 0);
    run.world.changeHost('c-3', { ready: false });
    await run.settle();
    expect(run.run.state).toBe('apply-timeout');
    expect(run.run.apply.reason).toContain(WAITS);
    openAndFree(run);
  });

  it('is brought to its end when its work has begun', async () => {
    const run = await start();
    await run.until(() => works(run).includes('controller running'));
    run.world.changeHost('c-3', { ready: false });
    await run.until(() => works(run).includes('reboot succeeded'));
  });
});
