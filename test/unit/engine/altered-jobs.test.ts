import { describe, expect, it } from 'vitest';
import { workers } from '../support/fleets.ts';
import { kernelPatch, SimulatedRun } from '../support/simulated-run.ts';

const ALTERED = 'spec.backoffLimit is 4, must be 0';

/** A run whose Job on w-1 was just made, and then changed by a policy. */
async function altered(): Promise<SimulatedRun> {
  const run = await SimulatedRun.start({ hosts: workers(1), spec: { patches: [kernelPatch] } });
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

  it('is never started while it cannot be changed back: the host stays locked, and the change is named', async () => {
    const run = await altered();
    run.refuses = (effect) => (effect.kind === 'mend-job' ? 'a policy changes it again' : undefined);
    await run.settle();
    expect(run.run).toMatchObject({ state: 'apply-failed', hosts: [{ name: 'w-1', result: 'failed' }] });
    expect(run.run.hosts[0]?.reason).toContain('a policy changes it again');
    expect(run.accepted.some(({ kind }) => kind === 'start-job')).toBe(false);
    expect(run.world.hosts.get('w-1')?.closedToNewWork).toBe(true);
  });

  it('is awaited when it runs already, and named meanwhile', async () => {
    const run = await altered();
    const [key = ''] = run.world.jobs.keys();
    run.world.changeJob(key, { altered: undefined });
    await run.until(() => run.world.jobs.get(key)?.state === 'running');
    run.refuses = (effect) => (effect.kind === 'mend-job' ? 'a policy changes it again' : undefined);
    run.world.changeJob(key, { altered: ALTERED });
    await run.next();
    await run.next();
    expect(run.reasons.join()).toContain(ALTERED);
    run.world.changeJob(key, { altered: undefined });
    await run.settle();
    expect(run.run.state).toBe('applied');
  });
});
