import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Attachments } from '../../../src/controllers/runtime/attachments.ts';
import { SimulatedHostOps } from '../../../src/hostops/simulated/simulated-host-ops.ts';
import { SimulatedWorld } from '../../../src/hostops/simulated/simulated-world.ts';
import { Pools } from '../../../src/controllers/pool/pools.ts';

it('a strategy is woken at once while it holds hosts, and within a second while it waits', async () => {
  const world = new SimulatedWorld();
  world.addHost({ name: 'w-1' });
  const woken = new Set<number>();
  const attachments = new Attachments(new SimulatedHostOps(world), (_, inMilliseconds) =>
    woken.add(inMilliseconds),
  );
  const attachment = attachments.attach('s', new Pools({ moved: () => undefined }).scopeOfMissing('default'));
  const afterChange = async (ready: boolean): Promise<number[]> => {
    await setImmediate();
    woken.clear();
    world.changeHost('w-1', { ready });
    await setImmediate();
    return [...woken];
  };
  expect(await afterChange(false)).toEqual([1_000]);
  attachment.want(new Set(['w-1']), true);
  expect(await afterChange(true)).toEqual([0]);
  attachment.want(new Set(['w-1']), false);
  expect(await afterChange(false)).toEqual([1_000]);
});
