import { describe, expect, it } from 'vitest';
import { openAndFree, workers } from '../support/fleets.ts';
import { kernelPatch, SimulatedRun } from '../support/simulated-run.ts';

const ALTERED = 'spec.backoffLimit is 4, must be 0';

const REFUSAL = { kind: 'refused', reason: 'a policy changes it again' } as const;

/** A run whose Job on w-1 was just made, and then changed by a policy. */
async function altered(stays = false): Promise<SimulatedRun> {
  const run = await SimulatedRun.start({
    ...{ hosts: workers(1), spec: { patches: [kernelPatch] } },
    refusal: ({ kind }) => (stays && kind === 'mend-job' ? REFUSAL : undefined),
  });
  await run.until(() => run.world.jobs.size > 0);
  const [key = ''] = run.world.jobs.keys();
  run.world.changeJob(key, { altered: ALTERED });
  return run;
}

describe('a Job that somebody changed', () => {
  it('is changed back before it is started', async () => {
    const run = await altered();
    await run.settle();
    expect(run.run.state).toBe('applied');
    const kinds = run.accepted.map(({ kind }) => kind).filter((kind) => /-job$/.test(kind));
    expect(kinds.slice(0, 3)).toEqual(['create-job', 'mend-job', 'start-job']);
  });

  it('is never started while it cannot be changed back: the change is named, and the host given back', async () => {
    const run = await altered(true);
    await run.settle();
    expect(run.run).toMatchObject({ state: 'apply-failed', hosts: [] });
    expect(run.run.apply.reason).toContain(REFUSAL.reason);
    expect(run.accepted.some(({ kind }) => kind === 'start-job')).toBe(false);
    openAndFree(run);
  });

  it('is not started again when somebody suspended it, and it is not known whether it had begun', async () => {
    const run = await altered();
    const [key = ''] = run.world.jobs.keys();
    await run.until(() => run.world.jobs.get(key)?.state === 'running');
    run.world.changeJob(key, { state: 'suspended' });
    await run.settle();
    expect(run.accepted.filter(({ kind }) => kind === 'start-job')).toHaveLength(1);
    expect(run.run).toMatchObject({ state: 'apply-failed', hosts: [{ name: 'w-1', result: 'failed' }] });
  });

  it('is awaited when it runs already, and named meanwhile', async () => {
    const run = await altered(true);
    const [key = ''] = run.world.jobs.keys();
    run.world.changeJob(key, { altered: undefined });
    await run.until(() => run.world.jobs.get(key)?.state === 'running');
    run.world.changeJob(key, { altered: ALTERED });
    await run.next();
    await run.next();
    expect(run.reasons.join()).toContain(ALTERED);
    run.world.changeJob(key, { altered: undefined });
    await run.settle();
    expect(run.run.state).toBe('applied');
  });
});
