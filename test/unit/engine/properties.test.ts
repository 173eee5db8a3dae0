import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NewHost } from '../../../src/hostops/simulated/simulated-objects.ts';
import { SimulatedRun, kernelPatch, kubeletPatch } from '../support/simulated-run.ts';

const EVENTS = [
  ...(['hold', 'run', 'suspend', 'retry', 'resume', 'apply-all'] as const),
  ...(['uncordon', 'cordon', 'spoil', 'vanish', 'unwell', 'well'] as const),
];
type Event = {
  readonly afterSeconds: number;
  readonly what: (typeof EVENTS)[number];
};

const anyHost = fc.record({
  behaviour: fc.oneof(
    { weight: 4, arbitrary: fc.constant('honest' as const) },
    { weight: 1, arbitrary: fc.constant('lie' as const) },
    { weight: 1, arbitrary: fc.constant(7) },
  ),
  closedToNewWork: fc.oneof(
    { weight: 5, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
  pods: fc.integer({ min: 0, max: 2 }),
});
const anyEvent = fc.record<Event>({
  afterSeconds: fc.integer({ min: 0, max: 120 }),
  what: fc.constantFrom(...EVENTS),
});

function meddle(run: SimulatedRun, what: Event['what'], host: string): void {
  switch (what) {
    case 'hold':
      run.order = { mode: 'Hold' };
      return;
    case 'run':
      run.order = { mode: 'Run' };
      return;
    case 'suspend':
      run.order = { mode: 'Suspend' };
      return;
    case 'retry':
    case 'resume':
    case 'apply-all':
      run.requests = [{ id: `q-${String(run.passes)}`, verb: what }];
      return;
    case 'uncordon':
    case 'cordon':
      return run.world.changeHost(host, { closedToNewWork: what === 'cordon' });
    case 'spoil':
      if (!run.claimed.includes(host)) return;
      return run.world.changeHost(host, { claim: undefined, spoiltClaim: 'its annotation was edited' });
    case 'vanish':
      return run.world.removeHost(host);
    case 'unwell':
    case 'well':
      return run.world.changeHost(host, { ready: what === 'well' });
  }
}

/**
 * A host that never returns from its reboot makes an abort time out. The status
 * names it, and a person uncordons it. Returns the names of these hosts.
 */
async function uncordonThoseKept(run: SimulatedRun, uncordoned: boolean): Promise<string[]> {
  const kept = run.run.hosts.map(({ name }) => name);
  expect(['applied', 'aborted', 'ready-to-apply', 'abort-timeout']).toContain(run.run.state);
  // A host that somebody had uncordoned before is released as soon as the abort fails on it.
  if (kept.length > 0 || !uncordoned) expect(kept.length > 0).toBe(run.run.state === 'abort-timeout');
  for (const { name, reason } of run.run.hosts) {
    expect(reason).toBe(`${name} has not completed its reboot`);
    run.world.changeHost(name, { closedToNewWork: false });
  }
  await run.settle();
  return kept;
}

describe('after any events and any orders, an abort', () => {
  it('ends the run with every host released as it was found, and no permit held', async () => {
    const scenario = fc.record({
      hosts: fc.array(anyHost, { minLength: 1, maxLength: 5 }),
      events: fc.array(fc.tuple(anyEvent, fc.nat({ max: 4 })), { maxLength: 6 }),
      inPlace: fc.boolean(),
      restarts: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ hosts, events, inPlace, restarts }) => {
        const named = hosts.map(({ behaviour, closedToNewWork }, i): NewHost => ({
          name: `w-${String(i)}`,
          behaviour,
          closedToNewWork,
        }));
        const patches = inPlace ? [kubeletPatch] : [kernelPatch, kubeletPatch];
        const run = await SimulatedRun.start({
          hosts: named,
          spec: { patches },
          maxUnavailable: 3,
          restarts,
        });
        for (const [i, { pods }] of hosts.entries()) {
          for (let pod = 0; pod < pods; pod += 1)
            run.world.addPod({ host: `w-${String(i)}`, name: `pod-${String(pod)}` });
        }
        for (const [{ afterSeconds, what }, index] of events) {
          const before = run.accepted.length;
          const suspended = run.order.mode === 'Suspend' && run.run.state !== 'aborting';
          await run.elapse(afterSeconds * 1000);
          if (suspended) expect(run.accepted).toHaveLength(before);
          meddle(run, what, `w-${String(index % hosts.length)}`);
        }
        run.order = { mode: 'Abort' };
        await run.settle();

        const uncordoned = events.some(([{ what }]) => what === 'uncordon' || what === 'cordon');
        const kept = await uncordonThoseKept(run, uncordoned);
        expect({ open: run.run.hosts, claimed: run.claimed, permits: [...run.permits.keys()] }).toEqual({
          open: [],
          claimed: [],
          permits: [],
        });
        for (const { name, closedToNewWork } of named) {
          const left = run.world.hosts.get(name);
          if (left && !uncordoned && !kept.includes(name))
            expect([name, left.closedToNewWork]).toEqual([name, closedToNewWork]);
        }
        const keys = run.accepted.filter(({ kind }) => kind === 'create-job').map(({ key }) => key);
        expect(new Set(keys).size).toBe(keys.length);
      }),
      { numRuns: 300 },
    );
  }, 60_000);
});
