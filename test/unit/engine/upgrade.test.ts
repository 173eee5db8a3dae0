/** Whole runs of upgrades on simulated hosts, also with a restart between any two passes. */
import { describe, expect, it } from 'vitest';
import { currentStage } from '../../../src/engine/run/run-state.ts';
import { RELEASE, SimulatedRun, upgradeSpec } from '../support/simulated-run.ts';
import { actions, each, ended, FACT, fleet, job, UNENDED, versions, WHOLE } from '../support/upgrade-runs.ts';

describe.each([false, true])('an upgrade (restarts between passes: %s)', (restarts) => {
  it('stages, starts, upgrades, activates and completes', async () => {
    const run = await ended({ hosts: fleet, upgrade: upgradeSpec(WHOLE), restarts });
    expect(run.run.state).toBe('applied');
    expect(versions(run)).toEqual(fleet.map(() => RELEASE));
    expect(run.claimed).toEqual([]);
    const made = actions(run);
    const at = (text: string): number => made.findIndex((each) => each.startsWith(text));
    const last = (text: string): number => made.findLastIndex((each) => each.startsWith(text));
    expect(last('stage-')).toBeLessThan(at('start '));
    expect(at('start ')).toBeLessThan(at('controller '));
    expect(last('controller ')).toBeLessThan(at('worker '));
    expect(last('worker ')).toBeLessThan(at('activate '));
    expect(at('activate ')).toBeLessThan(at('complete '));
    expect(made.filter((each) => each.startsWith('reboot'))).toHaveLength(7);
    expect(new Set(made).size).toBe(made.length);
  });

  it('does not drain where it need not, and reboots hosts whose pods stay', async () => {
    const kept = { ...each, drain: 'never' };
    const spec = upgradeSpec({ ...WHOLE, hosts: { controller: kept, worker: kept } });
    const run = await ended({ hosts: fleet, upgrade: spec, restarts });
    expect(run.run.state).toBe('applied');
    expect([...run.world.pods.values()].map(({ host }) => host)).toEqual(fleet.map(({ name }) => name));
    expect(versions(run)).toEqual(fleet.map(() => RELEASE));
  });

  it('whose staging fails on a host locks none', async () => {
    const hosts = fleet.map((host) =>
      host.name === 'w-3' ? { ...host, jobs: { 'stage-worker': { exitCode: 7 } } } : host,
    );
    const run = await ended({ hosts, upgrade: upgradeSpec(WHOLE), restarts });
    expect(run.run.state).toBe('apply-failed');
    expect(run.run.apply.reason).toContain(
      'for stage-worker failed on w-3: container upgrade exited with code 7',
    );
    expect(versions(run)).not.toContain(RELEASE);
    expect(run.claimed).toEqual([]);
  });

  it('whose staging leaves no fact fails in the verification', async () => {
    const hosts = fleet.map((host) => (host.name === 'w-1' ? { ...host, behaviour: 'lie' as const } : host));
    const run = await ended({ hosts, upgrade: upgradeSpec(WHOLE), restarts });
    expect(run.run.state).toBe('apply-timeout');
    expect(run.run.apply.reason).toContain('w-1: lacks stage-worker (labels.staged is not known');
    expect(versions(run)).not.toContain(RELEASE);
  });

  it('whose start fails upgrades no host, and the retry runs start again', async () => {
    const hosts = fleet.map((host) =>
      host.name === 'c-1' ? { ...host, jobs: { start: { exitCode: 1 } } } : host,
    );
    const run = await ended({ hosts, upgrade: upgradeSpec(WHOLE), restarts });
    expect(run.run.apply.reason).toContain('for start failed on c-1');
    expect(versions(run)).not.toContain(RELEASE);
    run.world.changeHost('c-1', { jobs: {} });
    run.requests = [{ id: 'again', verb: 'retry' }];
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect(actions(run).filter((each) => each.startsWith('start '))).toHaveLength(2);
  });

  it('in place closes no host, nor says so', async () => {
    const inPlace = { action: { job }, drain: 'ifRebootRequired' };
    const spec = upgradeSpec({ ...WHOLE, hosts: { controller: inPlace, worker: inPlace } });
    const run = await SimulatedRun.start({ hosts: fleet, upgrade: spec, restarts });
    await run.until(() => {
      expect([...run.world.hosts.values()].some(({ closedToNewWork }) => closedToNewWork)).toBe(false);
      expect(run.reasons.join()).not.toMatch(/lock/);
      return run.run.state === 'applied';
    });
    expect(versions(run)).toEqual(fleet.map(() => RELEASE));
  });
});

it('an upgrade whose host of the hooks left is not said to be complete', async () => {
  const run = await SimulatedRun.start({ hosts: fleet, upgrade: upgradeSpec(WHOLE) });
  await run.until(() => run.run.apply.currentStage === run.run.apply.totalStages - 1);
  run.world.removeHost('c-1');
  await run.settle();
  expect(run.run.state).toBe('apply-timeout');
  expect(run.run.apply.reason).toContain('no host is left for activate-upgrade: the rest is planned again');
});

it('goes on when the host of a hook leaves after the hook has succeeded', async () => {
  const run = await SimulatedRun.start({ hosts: fleet, upgrade: upgradeSpec(UNENDED) });
  const isStarted = (): boolean => currentStage(run.run.apply)?.name === 'sw-upgrade-start';
  await run.until(() => isStarted() && run.step === 'system-stabilize');
  run.world.removeHost('c-1');
  // It may still be a member of etcd: the other controllers wait until somebody says that it is none.
  run.requests = [{ id: 'gone', verb: 'skip-host', host: 'c-1' }];
  await run.settle();
  expect(run.run.state).toBe('applied');
  expect(actions(run).filter((each) => each.startsWith('start '))).toHaveLength(1);
});

it('is planned again when the host of a hook leaves, also when a deadline is over by then', async () => {
  const spec = upgradeSpec({ ...WHOLE, timing: { hookTimeoutSeconds: 10 } });
  const run = await SimulatedRun.start({ hosts: fleet, upgrade: spec });
  await run.until(() => run.step === 'activate-upgrade' && run.run.hosts.length > 0);
  run.world.removeHost('c-1');
  run.advanceTime(run.world.now + 11_000);
  await run.pass();
  expect(currentStage(run.run.apply)).toMatchObject({ left: [{ name: 'c-1' }] });
  expect(run.run).toMatchObject({ state: 'applying', hosts: [] });
});

it('a rollback brings every host back that has the release', async () => {
  const back = { ...each, rollback: { job } };
  const spec = upgradeSpec({ ...WHOLE, hosts: { controller: back, worker: back }, rollback: true });
  const hosts = fleet.map((host) => ({ ...host, nodeInfo: host.name === 'w-4' ? {} : { [FACT]: RELEASE } }));
  const run = await ended({ hosts, upgrade: spec });
  expect(run.run.state).toBe('applied');
  expect(versions(run)).not.toContain(RELEASE);
  expect(actions(run).some((each) => each.endsWith('w-4'))).toBe(false);
});

it('a permit to stage a host is none to take it out of service', async () => {
  const spec = upgradeSpec({ ...WHOLE, controllerApplyType: 'ignore', timing: { stabilizeSeconds: 0 } });
  const run = await SimulatedRun.start({ hosts: fleet, upgrade: spec, maxUnavailable: 1 });
  run.freesLate = true;
  await run.until(() => run.step === 'start-upgrade');
  run.world.changeHost('w-4', { closedToNewWork: true });
  await run.elapse(300_000);
  expect(run.reasons.join()).toContain('waiting for permits: 1 more would make 2 hosts out of service');
  expect(run.claimed).toEqual([]);
  run.world.changeHost('w-4', { closedToNewWork: false });
  run.freesLate = false;
  await run.settle();
  expect(run.run.state).toBe('applied');
});

it('a host that does not reboot after its upgrade is named, and stays locked', async () => {
  const hosts = fleet.map((host) =>
    host.name === 'c-1' ? { ...host, times: { rebootMilliseconds: 1e9 } } : host,
  );
  const run = await ended({ hosts, upgrade: upgradeSpec({ storageApplyType: 'ignore' }) });
  expect(run.run.state).toBe('apply-timeout');
  expect(run.run.apply.reason).toMatch(/c-1: has not rebooted \(boot id still \S+\)/);
  expect(run.claimed).toEqual(['c-1']);
});

it('an abort in the middle of the workers gives back the open hosts, and leaves the others as they are', async () => {
  const run = await SimulatedRun.start({ hosts: fleet, upgrade: upgradeSpec(WHOLE) });
  await run.until(() => run.claimed.includes('w-1') && run.step === 'upgrade-hosts');
  run.order = { mode: 'Abort' };
  await run.settle();
  expect(run.run.state).toBe('aborted');
  expect(run.claimed).toEqual([]);
  expect([...run.world.hosts.values()].some(({ closedToNewWork }) => closedToNewWork)).toBe(false);
});
