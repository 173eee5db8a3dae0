/** When the plan of a strategy that is about to begin is built again. */
import { expect, it } from 'vitest';
import { SmallCluster } from '../support/small-cluster.ts';

async function heldBack(): Promise<SmallCluster> {
  const cluster = new SmallCluster(['w-1', 'w-2']);
  cluster.editPool({ paused: true });
  cluster.placeStrategy({ mode: 'Run' });
  await cluster.until('a plan', () => cluster.status.state === 'ready-to-apply');
  return cluster;
}

it('a label or fact that the strategy does not compare builds no plan again', async () => {
  const cluster = await heldBack();
  const { run } = cluster.status;
  const kernel = cluster.world.hosts.get('w-1')?.nodeInfo ?? {};
  cluster.world.changeHost('w-1', {
    labels: { zone: 'a' },
    nodeInfo: { ...kernel, 'nodeInfo.osImage': 'B' },
  });
  for (let pass = 0; pass < 5; pass++) await cluster.pass();
  expect(cluster.status.run?.id).toBe(run?.id);
});

it('a fact that it compares builds the plan again, and so does another host under the same name', async () => {
  const cluster = await heldBack();
  const first = cluster.status.run?.id;
  cluster.world.changeHost('w-1', { nodeInfo: { 'nodeInfo.kernelVersion': '6.12.48' } });
  await cluster.until('another plan', () => cluster.status.run?.id !== first);
  expect(cluster.status.applyPhase?.stages.flatMap(({ hosts }) => hosts)).toEqual(['w-2']);
  const second = cluster.status.run?.id;
  cluster.world.removeHost('w-2');
  cluster.world.addHost({ name: 'w-2', nodeInfo: { 'nodeInfo.kernelVersion': '6.12.40' } });
  await cluster.until('a third plan', () => cluster.status.run?.id !== second);
});
