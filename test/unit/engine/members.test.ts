/** Runs that take controllers out of service: what the other members of the control plane say counts. */
import { afterEach, beforeEach, describe, expect, it, vi, type MockInstance } from 'vitest';
import { SimulatedHostOps } from '../../../src/hostops/simulated/simulated-host-ops.ts';
import { workers } from '../support/fleets.ts';
import { ask } from '../support/requests.ts';
import { SimulatedRun, upgradeSpec } from '../support/simulated-run.ts';

const CONTROL = { 'node-role.kubernetes.io/control-plane': '' };
const controllers = ['c-1', 'c-2', 'c-3'].map((name) => ({ name, labels: CONTROL }));
const DEAD = 'https://10.0.0.3:6443/readyz: [-]etcd failed: reason withheld';
const REFUSAL =
  'waiting for permits: without c-1 1 of 3 controllers would be in service, a quorum needs 2 ' +
  `(out of service: c-3: ${DEAD})`;
/** A running step is observed so often, whether or not anything happens. */
const OBSERVATION_MILLISECONDS = 20_000;

let asking: MockInstance<SimulatedHostOps['memberHealth']>;
beforeEach(() => {
  asking = vi.spyOn(SimulatedHostOps.prototype, 'memberHealth');
});
afterEach(() => {
  asking.mockRestore();
});

describe.each([false, true])('a run (restarts between passes: %s)', (restarts) => {
  it('asks the other members once for each controller', async () => {
    const run = await SimulatedRun.start({ hosts: controllers, restarts });
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect(asking.mock.calls.map(([, asked]) => asked.toSorted())).toEqual([
      ['c-2', 'c-3'],
      ['c-1', 'c-3'],
      ['c-1', 'c-2'],
    ]);
  });

  it('asks nobody for workers, for staging, and where a control plane has no quorum', async () => {
    const patched = await SimulatedRun.start({ hosts: [...workers(3), ...controllers.slice(1)], restarts });
    await patched.settle();
    expect(patched.run.state).toBe('applied');
    expect(asking).not.toHaveBeenCalled();

    const each = { action: { job: { template: { spec: { containers: [{ name: 'a', image: 'b:1' }] } } } } };
    const upgrade = upgradeSpec({ hosts: { controller: { ...each, stage: each.action } } });
    const staged = await SimulatedRun.start({ hosts: controllers, upgrade, restarts });
    staged.world.membersDown.set('c-3', DEAD);
    await staged.until(() => staged.reasons.includes(REFUSAL));
    expect(staged.run.apply.stages[0]).toMatchObject({ name: 'sw-upgrade-stage-hosts', result: 'success' });
  });

  it('takes no controller while the others would be too few, and goes on by itself when they are back', async () => {
    const run = await SimulatedRun.start({ hosts: controllers, restarts });
    run.world.membersDown.set('c-3', DEAD);
    await run.elapse(10 * OBSERVATION_MILLISECONDS);
    expect(run.reasons).toEqual([REFUSAL]);
    expect(run.obstacle).toBe('WaitingForPermits');
    expect([run.claimed, [...run.permits]]).toEqual([[], []]);
    // With each observation, and in the pass after it, which the store of the observation causes.
    expect(asking.mock.calls.length).toBeLessThan(25);

    run.world.membersDown.clear();
    await run.elapse(OBSERVATION_MILLISECONDS);
    expect([...run.permits.keys()]).toEqual(['c-1']);
  });

  it('names the member when the time for permits is over', async () => {
    const run = await SimulatedRun.start({ hosts: controllers, restarts });
    run.world.membersDown.set('c-3', DEAD);
    await run.settle();
    expect(run.run.state).toBe('apply-timeout');
    expect(run.run.apply.stages[0]?.reason).toContain(REFUSAL);
  });

  it('takes no controller while etcd cannot be asked as the pool wants it', async () => {
    const run = await SimulatedRun.start({ hosts: [...controllers, ...workers(1)], restarts });
    run.world.membersUnknown = 'Secret careen-system/etcd is not there';
    await run.until(() => run.reasons.length > 0);
    expect(run.reasons).toEqual(['waiting for permits: Secret careen-system/etcd is not there']);
    run.world.membersUnknown = undefined;
    await run.settle();
    expect(run.run.state).toBe('applied');
  });

  it('counts a controller whose Node was deleted, though the plan does not work on it, until it is skipped', async () => {
    const current = { 'nodeInfo.kernelVersion': '6.12.48', 'nodeInfo.kubeletVersion': 'v1.36.4' };
    const hosts = controllers.map((each) => (each.name === 'c-3' ? { ...each, nodeInfo: current } : each));
    const run = await SimulatedRun.start({ hosts, restarts });
    await run.until(() => run.claimed.includes('c-1'));
    run.world.removeHost('c-3');
    await run.until(() => run.run.apply.currentStage === 1 && run.reasons.length > 0);
    await run.elapse(2 * OBSERVATION_MILLISECONDS);
    expect(run.reasons).toEqual([
      'waiting for permits: without c-2 1 of 3 controllers would be in service, a quorum needs 2 (out of service: c-3: ' +
        'has left the pool since the plan was made); bring c-3 back, or place the request skip-host for each that is ' +
        'gone for good, from etcd, too',
    ]);
    expect(run.claimed).toEqual([]);
    expect(await ask(run, { verb: 'skip-host', host: 'c-3' })).toMatch(/^accepted/);
    await run.settle();
    expect(run.run.state).toBe('applied');
  });
});
