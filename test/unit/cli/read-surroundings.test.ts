import { expect, it } from 'vitest';
import { readSurroundings } from '../../../src/cli/status/read-surroundings.ts';
import { ClusterInMemory, forbidden } from '../support/cluster-in-memory.ts';
import { seenStrategies } from '../support/seen-strategies.ts';

it('says once what blocks a drain and may not be read', async () => {
  const strategy = (await seenStrategies()).get('a stage runs, a budget blocks a pod');
  if (!strategy) throw new Error('the sample is gone');
  const cluster = new ClusterInMemory();
  cluster.before = ({ path }) => {
    if (path === '/api/v1/pods') throw forbidden('list');
  };
  const notes: string[] = [];
  const { pods } = await readSurroundings(cluster.connection, strategy, (text) => notes.push(text));
  expect([...pods.values()].flat()).toEqual([]);
  expect(notes).toEqual([expect.stringMatching(/^the pods cannot be read: .*cannot list/)]);
});
