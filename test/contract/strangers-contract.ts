/** The part of the contract that tells our Jobs from those of strangers. */
import { expect, it } from 'vitest';
import { JOB, keyOf, PATCH, type ContractCase } from './contract-case.ts';

/** Adds its cases to the contract; `current` gives the running case. */
export function strangersContract(current: () => ContractCase): void {
  it.each(['same namespace', 'other namespace'] as const)(
    'does not take a Job of a stranger in the %s for ours, whatever its labels say',
    async (where) => {
      const c = current();
      const held = await c.claimed(await c.watched('strange'));
      const key = keyOf(held.name, 'sw-patch-hosts', PATCH);
      const stranger = await c.fixture.addStrangersJob(keyOf(held.name, 'sw-patch-hosts', 'other'), where);
      await c.perform({ kind: 'create-job', key, host: held.name, action: PATCH, job: JOB });
      const ours = await c.job(key, 'suspended');
      await c.fixture.alterJob(ours.name);
      // By then the watch has brought the Job of the stranger, too.
      await c.observe('the change', () => c.effect(key)?.altered);

      expect(c.effect(keyOf(held.name, 'sw-patch-hosts', 'other'))).toBeUndefined();
      expect(c.jobsOn(held.name)).toEqual([]);
      expect(c.fixture.ops.idleJobs(c.fixture.owner).map(({ uid }) => uid)).toEqual([ours.uid]);
      const [marked] = c.fixture.ops.markedHosts(c.fixture.scope);
      expect(marked).toMatchObject({ host: held.name, busy: false, begun: false });
      await c.handedOver();
      expect(await stranger.isUntouched()).toBe(true);
      expect((await c.released(held)).closedToNewWork).toBe(false);
    },
  );

  it('refuses to make a Job under the name of a stranger’s, and names it', async () => {
    const c = current();
    const { name: taken } = await c.watched('taken');
    const key = keyOf(taken, 'sw-patch-hosts', PATCH);
    const stranger = await c.fixture.addStrangersJob(key, 'same namespace');
    const made = await c.perform({ kind: 'create-job', key, host: taken, action: PATCH, job: JOB });
    expect(made).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining(stranger.name) as unknown,
    });
    expect(c.effect(key)).toBeUndefined();
    expect(await stranger.isUntouched()).toBe(true);
  });
}
