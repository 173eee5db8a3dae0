import { describe, expect, it } from 'vitest';
import { CAREEN_ENGINE } from '../../../src/engine/profiles/careen.ts';
import { STEP_DEFINITIONS, type Judge } from '../../../src/engine/steps/definitions.ts';
import { failed } from '../../../src/engine/steps/verdict.ts';
import type { StepKindName } from '../../../src/planner/step-kinds.ts';
import { workers } from '../support/fleets.ts';
import { SimulatedRun } from '../support/simulated-run.ts';

/** A run in which one of the native steps has another verdict. */
function start(
  count: number,
  name: StepKindName,
  otherwise: (native: Judge) => Judge,
): Promise<SimulatedRun> {
  const native = STEP_DEFINITIONS[name];
  const steps = { ...STEP_DEFINITIONS, [name]: { ...native, judge: otherwise(native.judge) } };
  return SimulatedRun.start({ hosts: workers(count), profile: { ...CAREEN_ENGINE, steps } });
}

describe.each<{ name: StepKindName; locked: readonly string[] }>([
  { name: 'query-alarms', locked: [] },
  { name: 'lock-hosts', locked: [] },
  { name: 'migrate-instances-from-host', locked: [] },
  { name: 'sw-patch-hosts', locked: ['w-1'] },
  { name: 'verify', locked: ['w-1'] },
  { name: 'system-stabilize', locked: ['w-1'] },
  { name: 'unlock-hosts', locked: ['w-1'] },
])('a host that fails in $name', ({ name, locked }) => {
  it(
    locked.length > 0 ? 'stays locked, and the other is released' : 'is released with the other',
    async () => {
      const run = await start(2, name, (native) => (host) => {
        // A host on which no Job began is given back.
        const isDue = name !== 'sw-patch-hosts' || host.outage?.jobs?.some(({ result }) => result);
        return host.name === 'w-1' && isDue ? failed('broken') : native(host);
      });
      await run.settle();
      expect(run.run).toMatchObject({ state: 'apply-failed', apply: { reason: 'stage 0: broken' } });
      expect([run.run.hosts.map((host) => host.name), run.claimed]).toEqual([locked, locked]);
    },
  );
});

describe.each<{ name: StepKindName; noticed: boolean }>([
  { name: 'lock-hosts', noticed: true },
  { name: 'migrate-instances-from-host', noticed: true },
  { name: 'sw-patch-hosts', noticed: true },
  { name: 'verify', noticed: true },
  { name: 'system-stabilize', noticed: false },
])('a host that somebody uncordons in $name', ({ name, noticed }) => {
  it(noticed ? 'blocks its step' : 'no longer needs the cordon', async () => {
    const run = await start(1, name, (native) => (host) => {
      const verdict = native(host);
      return verdict.kind === 'done' ? { kind: 'wait', reason: 'not yet' } : verdict;
    });
    await run.until(() => run.claimed.length === 1 && run.run.hosts[0]?.step === name);
    run.world.changeHost('w-1', { closedToNewWork: false });
    await run.pass();
    expect(run.run.hosts[0]?.uncordoned).toBe(noticed ? true : undefined);
  });
});

it('a host that cannot be unlocked in time has no second unlock timeout', async () => {
  const run = await start(1, 'unlock-hosts', () => () => ({ kind: 'wait', reason: 'not yet' }));
  await run.until(() => run.step === 'unlock-hosts');
  const began = run.world.now;
  await run.settle();
  expect(run.run.state).toBe('apply-timeout');
  expect(run.world.now - began).toBe(run.plan.actions.timing.unlockTimeoutSeconds * 1000);
});
