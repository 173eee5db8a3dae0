/** The simplest session: one host is taken out, until a person says so. */
import { expect, it } from 'vitest';
import { session } from './simple-session.ts';

it('takes a host out until a person says so, and longer than any other step may take', async () => {
  const day = 86_400;
  const run = await session('by-hand', {
    hosts: ['w-1'],
    actions: [{ plugin: 'by-hand', type: 'compute', manual: { timeoutSeconds: day } }],
  });
  const { world } = run;
  await run.until(() => run.obstacle === 'WaitingForPerson');
  expect(run.reasons.join()).toContain('careen done w-1 by-hand -n careen-hosts');
  expect(run.reasons.join()).toContain('maintenancesession/by-hand');
  const until = world.now + (day - 60) * 1000;
  await run.until(() => world.now >= until);
  expect(world.hosts.get('w-1')?.claim?.level).toBe('away');

  run.requests = [{ id: 'q-1', verb: 'done', host: 'w-1' }];
  await run.until(() => run.run.state === 'applied');
  expect(run.run.session?.state).toBe('MAINTENANCE_DONE');
  expect(world.hosts.get('w-1')).toMatchObject({ claim: undefined, closedToNewWork: false });
});
