import { describe, expect, it } from 'vitest';
import { REBOOT } from '../../../src/crds/vocabulary.ts';
import { CAREEN_ENGINE } from '../../../src/engine/profiles/careen.ts';
import type { StepDefinition } from '../../../src/engine/steps/definitions.ts';
import { claimLost, lockHost } from '../../../src/engine/steps/lock-hosts.ts';
import { unlockHost } from '../../../src/engine/steps/unlock-hosts.ts';
import { DONE, ask, failed, keyOf, type HostStep, type Verdict } from '../../../src/engine/steps/verdict.ts';
import type { Plan } from '../../../src/planner/plan.ts';
import { openAndFree, workers } from '../support/fleets.ts';
import { SimulatedRun, kernelPatch, kubeletPatch, type RunOptions } from '../support/simulated-run.ts';

/**
 * A kind of step that native plans do not have: it runs the Jobs of the patches one by one, and reboots the host. It
 * replaces sw-patch-hosts, and nothing in src knows it.
 */
const upgrade: StepDefinition = {
  opensOutage: 'touched',
  keepsClosed: true,
  ownAction: true,
  needsBootId: true,
  judge: upgradeHost,
};

function upgradeHost(step: HostStep): Verdict {
  const { outage, stage } = step;
  if (outage?.level === 'touched') {
    const lock = lockHost(step);
    if (lock.kind !== 'done') return lock;
  }
  const lost = claimLost(step);
  if (lost) return lost;
  if (!outage?.patches) {
    const progress = { patches: stage.patches ?? [] };
    return { kind: 'act', effects: [], reason: 'it is about to be upgraded', progress };
  }
  const actions = [...outage.patches, ...(outage.level === 'away' ? [REBOOT] : [])];
  for (const action of actions) {
    const verdict = upgradeJob(step, action);
    if (verdict.kind !== 'done') return verdict;
  }
  return DONE;
}

function upgradeJob(step: HostStep, action: string): Verdict {
  const { name: host, outage, owner, view, plan } = step;
  const { job } = plan.actions.reboot ?? {};
  if (!job) return failed('nobody said how');
  const key = keyOf(step, 'swact-hosts', action);
  const found = view.effect(key, owner);
  if (!found) return ask(step, { kind: 'create-job', key, host, action, job }, 'making a Job');
  const { name, uid, revision, state } = found;
  const others = outage?.jobs?.filter((each) => each.action !== action) ?? [];
  const progress = { jobs: [...others, { action, name, uid }] };
  switch (state) {
    case 'suspended':
      return ask(
        step,
        { kind: 'start-job', key: `${key}/start`, host, name, uid, revision, timeoutSeconds: 60 },
        'starting a Job',
        progress,
      );
    case 'running':
      return { kind: 'wait', reason: 'a Job runs', progress };
    case 'succeeded':
      return DONE;
    case 'failed':
      return failed(`the upgrade of ${host} failed`);
  }
}

/** The plan with this step instead of sw-patch-hosts. */
function upgrading(plan: Plan): Plan {
  const stages = plan.stages.map((stage) => ({
    ...stage,
    steps: stage.steps.map((step) =>
      step.name === 'sw-patch-hosts' ? { name: 'swact-hosts' as const, timeoutSeconds: 600 } : step,
    ),
  }));
  return { ...plan, stages };
}

describe.each([
  { how: 'in one process', restarts: false },
  { how: 'in an operator that restarts between any two passes', restarts: true },
])('a kind of step that exists only as a definition, $how,', ({ restarts }) => {
  const start = (
    hosts: RunOptions['hosts'],
    { kind = upgrade, spec = {} }: { kind?: StepDefinition; spec?: Record<string, unknown> } = {},
  ): Promise<SimulatedRun> => {
    const profile = { ...CAREEN_ENGINE, steps: { ...CAREEN_ENGINE.steps, 'swact-hosts': kind } };
    return SimulatedRun.start({ hosts, spec, restarts, profile, planned: upgrading });
  };
  const inPlace = { patches: [kubeletPatch], reboot: { job: kubeletPatch.action.job } };

  it('takes part in a whole run', async () => {
    const run = await start(workers(4));
    for (const { name } of workers(4)) run.world.addPod({ host: name, name: `on-${name}` });
    const bootIds = [...run.world.hosts.values()].map(({ bootId }) => bootId);
    await run.settle();
    expect(run.run.state).toBe('applied');
    const ended = run.run.apply.stages.map(({ steps }) => steps.find(({ name }) => name === 'swact-hosts'));
    expect(ended.map((step) => step?.result)).toEqual(['success', 'success']);
    for (const { bootId, nodeInfo } of run.world.hosts.values()) {
      expect(bootIds).not.toContain(bootId);
      expect(nodeInfo['nodeInfo.kernelVersion']).toBe('6.12.48');
    }
    expect([...run.world.jobs.keys()].every((key) => key.split('/')[2] === 'swact-hosts')).toBe(true);
    openAndFree(run);
  });

  it('opens the outages of the stages in its opensOutage', async () => {
    const run = await start(workers(2), { spec: inPlace });
    await run.settle();
    expect(run.run.state).toBe('applied');
    openAndFree(run);

    const { opensOutage: _, ...closed } = upgrade;
    const never = await start(workers(2), { kind: closed, spec: inPlace });
    await never.settle();
    expect(never.run.state).toBe('apply-failed');
    expect(never.accepted).toEqual([]);
  });

  it.each([
    { closesOutage: 'away', state: 'applied' },
    { closesOutage: 'touched', state: 'apply-failed' },
  ] as const)('closes the outages of released hosts, where closesOutage is $closesOutage', async (each) => {
    const { closesOutage, state } = each;
    const judge = (step: HostStep): Verdict => {
      const given = step.outage?.jobs !== undefined && step.facts?.claim === undefined;
      const verdict = given ? DONE : upgradeHost(step);
      return verdict.kind === 'done' ? unlockHost(step) : verdict;
    };
    const run = await start(workers(1), { kind: { ...upgrade, closesOutage, judge } });
    await run.settle();
    expect(run.run.state).toBe(state);
  });

  it.each([
    { ownAction: true, locked: ['w-1'] },
    { ownAction: false, locked: [] },
  ])('keeps a failed host locked, where ownAction is $ownAction', async ({ ownAction, locked }) => {
    const run = await start([{ name: 'w-1', behaviour: 7 }, { name: 'w-2' }], {
      kind: { ...upgrade, ownAction },
    });
    await run.settle();
    expect(run.run.state).toBe('apply-failed');
    expect(run.run.apply.reason).toContain('the upgrade of w-1 failed');
    expect(run.claimed).toEqual(locked);
  });

  it.each([
    { keepsClosed: true, cordoned: true },
    { keepsClosed: false, cordoned: false },
  ])('keeps its hosts cordoned, where keepsClosed is $keepsClosed', async ({ keepsClosed, cordoned }) => {
    const run = await start(workers(1), {
      kind: { ...upgrade, keepsClosed },
      spec: { onForeignUncordon: 'recordon' },
    });
    await run.until(() => run.step === 'swact-hosts');
    run.world.changeHost('w-1', { closedToNewWork: false });
    await run.until(() => run.world.jobs.size > 0);
    expect(run.world.hosts.get('w-1')?.closedToNewWork).toBe(cordoned);
  });

  it('stores the boot id before its first Job, and an abort waits for its reboot', async () => {
    const run = await start(workers(1));
    const bootId = run.world.hosts.get('w-1')?.bootId;
    await run.until(() => run.run.hosts.some(({ patches }) => patches !== undefined));
    expect(run.run.hosts).toMatchObject([{ bootIdBefore: bootId }]);
    expect(run.world.jobs.size).toBe(0);
    await run.until(() =>
      [...run.world.jobs.values()].some(({ action, state }) => action === REBOOT && state === 'running'),
    );
    run.order = { mode: 'Abort' };
    await run.until(() => run.claimed.length === 0);
    expect(run.world.hosts.get('w-1')?.ready).toBe(true);
    expect(run.world.hosts.get('w-1')?.bootId).not.toBe(bootId);
  });

  it('has a reboot Job with its own name: an abort does not wait for a Job that was not started', async () => {
    const run = await start(workers(2), { spec: { patches: [kernelPatch] } });
    await run.until(() =>
      [...run.world.jobs.values()].some(({ host, action }) => host === 'w-1' && action === REBOOT),
    );
    run.world.changeHost('w-2', { claim: undefined, hasMaintenanceMark: false, closedToNewWork: false });
    await run.settle();
    expect(run.run.state).toBe('apply-failed');
    expect([...run.world.jobs.values()].map(({ state }) => state)).toContain('suspended');
    openAndFree(run);
  });
});

it('a step of an unknown kind fails, and its hosts are released', async () => {
  const run = await SimulatedRun.start({ hosts: workers(1), planned: upgrading });
  await run.settle();
  expect(run.run.apply.reason).toContain('step swact-hosts is not supported on these hosts');
  openAndFree(run);
});
