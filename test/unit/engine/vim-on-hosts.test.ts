/** The plans of the VIM, carried out on simulated hosts. The checks of `SimulatedRun` hold after each pass. */
import { describe, expect, it } from 'vitest';
import type { StepName } from '../../../src/crds/vocabulary.ts';
import { isEmpty, openAndFree, twelveHosts, workers } from '../support/fleets.ts';
import {
  KERNEL,
  SimulatedRun,
  job,
  kubeletPatch,
  upgradeSpec,
  type RunOptions,
} from '../support/simulated-run.ts';

type Given = Omit<RunOptions, 'hosts' | 'spec'> & { readonly hosts?: RunOptions['hosts'] };

/** A run of a plan of the VIM, with one pod on each host. */
async function start(
  spec: Record<string, unknown> = {},
  { hosts = workers(3), ...given }: Given = {},
): Promise<SimulatedRun> {
  const run = await SimulatedRun.start({ hosts, spec: { profile: 'vim-2024', ...spec }, ...given });
  for (const { name } of hosts) run.world.addPod({ host: name, name: `on-${name}` });
  return run;
}

function stepsOf(run: SimulatedRun, stage: number): StepName[] {
  return run.wholeApply.stages[stage]?.steps.map(({ name }) => name) ?? [];
}

const AWAY: readonly StepName[] = [
  'query-alarms',
  'disable-host-services',
  'migrate-instances-from-host',
  'lock-hosts',
  'sw-patch-hosts',
  'system-stabilize',
  'unlock-hosts',
  'wait-alarms-clear',
];
const LASTING = AWAY.filter((step) => step !== 'query-alarms' && step !== 'lock-hosts');

describe.each([false, true])('a plan of the VIM (restarts between passes: %s)', (restarts) => {
  it('is carried out to its end: each host is emptied, patched, rebooted once, and given back', async () => {
    const run = await start({}, { restarts, hosts: twelveHosts() });
    expect(run.wholeApply.stages.map(({ hosts = [] }) => hosts.join(' '))).toEqual([
      'c-2',
      'c-1',
      's-1',
      's-2',
      'w-1 w-2',
      'w-3 w-4',
      'w-5 w-6',
      'w-7 w-8',
    ]);
    expect(stepsOf(run, 4)).toEqual(AWAY);
    expect(stepsOf(run, 0)).toContain('swact-hosts');
    await run.settle();
    expect(run.run).toMatchObject({ state: 'applied', apply: { result: 'success' } });
    for (const { nodeInfo } of run.world.hosts.values())
      expect(nodeInfo).toMatchObject({
        'nodeInfo.kernelVersion': '6.12.48',
        'nodeInfo.kubeletVersion': 'v1.36.4',
      });
    const reboots = [...run.world.jobs.values()].filter(({ action }) => action === 'reboot');
    expect(reboots).toHaveLength(12);
    openAndFree(run);
  });

  it('empties what it locks, also where the plan has no step for that', async () => {
    const run = await start({ profile: 'vim-2020' }, { restarts, hosts: workers(2) });
    expect(stepsOf(run, 0)).toEqual(['query-alarms', 'lock-hosts', ...AWAY.slice(4, -1), 'system-stabilize']);
    await run.until(() => run.step === 'sw-patch-hosts');
    const began = [...run.world.jobs.values()].filter(({ state }) => state !== 'suspended');
    expect([isEmpty(run, 'w-1'), isEmpty(run, 'w-2'), began]).toEqual([true, true, []]);
    await run.settle();
    expect(run.run.state).toBe('applied');
    openAndFree(run);
  });

  it('patches in place without a lock, and gives each host back before the next stage', async () => {
    const run = await start({ patches: [kubeletPatch] }, { restarts });
    expect(stepsOf(run, 0)).toEqual(['query-alarms', 'sw-patch-hosts', 'system-stabilize']);
    await run.until(() => run.run.apply.currentStage === 1);
    expect(run.claimed).not.toContain('w-1');
    expect(isEmpty(run, 'w-1')).toBe(false);
    await run.settle();
    expect(run.run.state).toBe('applied');
    openAndFree(run);
  });

  it('reboots a host that others had closed in a step of its own, and leaves it closed', async () => {
    const hosts = [{ name: 'w-1', closedToNewWork: true }, { name: 'w-2' }];
    const run = await start({ workerApplyType: 'parallel' }, { restarts, hosts, maxUnavailable: 3 });
    const { steps = [] } = run.wholeApply.stages[0] ?? {};
    expect(steps.filter(({ hosts: of }) => of).map(({ name, hosts: of }) => [name, of])).toEqual([
      ['lock-hosts', ['w-2']],
      ['unlock-hosts', ['w-2']],
      ['reboot-hosts', ['w-1']],
    ]);
    const bootId = run.world.hosts.get('w-1')?.bootId;
    await run.until(() => run.step === 'reboot-hosts');
    expect(run.world.hosts.get('w-1')?.bootId).toBe(bootId);
    expect(run.world.hosts.get('w-2')?.closedToNewWork).toBe(false);
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect(run.world.hosts.get('w-1')?.bootId).not.toBe(bootId);
    expect([...run.world.hosts.values()].map(({ closedToNewWork }) => closedToNewWork)).toEqual([
      true,
      false,
    ]);
    expect([run.claimed, run.permits.size]).toEqual([[], 0]);
  });

  it.each([
    // A lock that finds its hosts empty ends in the pass in which it begins.
    ...LASTING.map((step) => [step, 'vim-2024'] as const),
    ['lock-hosts', 'vim-2020'] as const,
  ])('gives every host back when it is aborted in %s of %s', async (step, profile) => {
    const run = await start({ profile }, { restarts });
    await run.until(() => run.step === step);
    run.order = { mode: 'Abort' };
    await run.settle();
    expect(run.run).toMatchObject({ state: 'aborted', currentPhase: 'abort', abort: { result: 'success' } });
    openAndFree(run);
  });

  it('aborts by itself after a failure, gives every host back, and says why', async () => {
    const run = await start({}, { restarts, hosts: [{ name: 'w-1' }, { name: 'w-2', behaviour: 7 }] });
    await run.settle();
    expect(run.run).toMatchObject({ state: 'aborted', apply: { result: 'failed' } });
    expect(run.run.abortedBecause).toContain(
      `for ${KERNEL} failed on w-2: container apply exited with code 7`,
    );
    expect(run.run.abort?.stages[0]?.steps.map(({ name }) => name)).toEqual([
      'unlock-hosts',
      'enable-host-services',
    ]);
    openAndFree(run);
  });

  it('gives hosts back that only the move of their instances had closed', async () => {
    const run = await start({ workerApplyType: 'serial' }, { restarts });
    run.world.addPod({ host: 'w-1', name: 'by-hand', unmanaged: true });
    await run.settle();
    expect(run.run.state).toBe('aborted');
    expect(run.run.abortedBecause).toContain('by-hand');
    openAndFree(run);
  });

  it('fails when a host of its stage leaves', async () => {
    const run = await start({}, { restarts });
    await run.until(() => run.step === 'sw-patch-hosts');
    run.world.removeHost('w-2');
    await run.settle();
    expect(run.run.state).toBe('aborted');
    expect(run.run.abortedBecause).toContain('w-2 no longer exists');
    openAndFree(run);
  });

  it('holds the hosts only as long as something is wrong after their release', async () => {
    const run = await start({}, { restarts });
    await run.until(() => run.step === 'wait-alarms-clear');
    expect(run.claimed).toEqual([]);
    run.world.changeHost('w-3', { ready: false });
    await run.elapse(90_000);
    expect([run.step, run.reasons.join()]).toEqual(['wait-alarms-clear', expect.stringContaining('w-3')]);
    run.world.changeHost('w-3', { ready: true });
    await run.settle();
    expect(run.run.state).toBe('applied');
  });

  it('upgrades hosts, and ends the upgrade on the controller that the VIM names', async () => {
    const controller = { 'node-role.kubernetes.io/control-plane': '' };
    const hosts = [
      ...['controller-0', 'controller-1'].map((name) => ({ name, labels: controller })),
      ...workers(2),
    ];
    const upgrade = upgradeSpec({ profile: 'vim-2020', activate: { job }, complete: { job } });
    const run = await start({}, { restarts, hosts, upgrade });
    expect(run.wholeApply.stages.map(({ hosts: of = [] }) => of.join())).toEqual([
      'controller-1',
      'controller-0',
      'w-1',
      'w-2',
      'controller-1',
    ]);
    await run.settle();
    expect(run.run.state).toBe('applied');
    expect([...run.world.jobs.values()].map(({ action }) => action)).toEqual(
      expect.arrayContaining(['activate', 'complete']),
    );
    openAndFree(run);
  });

  it('takes a lead that runs on the host of a swact away from it, once', async () => {
    let since = 0;
    const led = { restarts, hosts: twelveHosts() };
    const run = await start({}, { ...led, leader: () => ({ host: 'c-2', since }) });
    await run.until(() => run.step === 'swact-hosts');
    expect(run.reasons).toEqual(['the leading replica runs on c-2: another one takes over']);
    since = run.world.now + 1;
    await run.until(() => run.step === 'lock-hosts');
    expect(run.run.apply.currentStage).toBe(0);
  });
});

it('closes a host only with a permit, in its first step that closes', async () => {
  const run = await start(
    {},
    { maxUnavailable: 1, hosts: [...workers(2), { name: 'w-3', closedToNewWork: true }] },
  );
  await run.until(() => run.step === 'disable-host-services');
  await run.elapse(60_000);
  expect([run.claimed, run.obstacle]).toEqual([[], 'WaitingForPermits']);
});

it.each(['disable-host-services', 'migrate-instances-from-host', 'sw-patch-hosts'])(
  'notices in %s that somebody opens a host',
  async (step) => {
    const run = await start();
    await run.until(() => run.step === step);
    run.world.changeHost('w-1', { closedToNewWork: false });
    await run.elapse(30_000);
    expect(run.run.hosts.find(({ name }) => name === 'w-1')?.uncordoned).toBe(true);
  },
);
