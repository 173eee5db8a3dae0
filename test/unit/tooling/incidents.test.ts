import { describe, expect, it } from 'vitest';
import { gitRestores } from '../../simulation/incidents/objects.ts';
import { ApiServer, type Change } from '../../simulation/world/api-server.ts';
import { Random } from '../../simulation/world/random.ts';
import { Scheduler } from '../../simulation/world/scheduler.ts';

const KEY = 'n/kernel';

/** What git does to a strategy that is deleted in the second before, and that the operator still holds. */
async function restored(seed: number): Promise<readonly Change['type'][]> {
  const scheduler = new Scheduler(0);
  const server = new ApiServer(() => scheduler.now);
  gitRestores({
    ...{
      server,
      scheduler,
      random: new Random(seed),
      hosts: [],
      strategies: [{ resource: 'patchstrategies', key: KEY }],
      isMild: false,
    },
    ...{ isOver: () => false, expectPatched: () => undefined, note: () => undefined },
  });
  const metadata = { name: 'kernel', namespace: 'n', finalizers: ['careen.dev/release'] };
  server.create(
    'patchstrategies',
    { apiVersion: 'careen.dev/v1alpha1', kind: 'PatchStrategy', metadata, spec: {} },
    'admin',
  );
  await scheduler.runUntil(8_000);
  server.remove('patchstrategies', KEY, 'admin');
  const types: Change['type'][] = [];
  server.listen(({ type, by }) => {
    if (by === 'git') types.push(type);
  });
  await scheduler.runUntil(300_000);
  return types;
}

describe('git, which restores a strategy', () => {
  it('makes one again that ended as its last finalizer was removed', async () => {
    const ways: string[] = [];
    for (let seed = 1; seed <= 40; seed += 1) ways.push((await restored(seed)).join());
    expect(ways).toContain('DELETED,ADDED');
  });
});
