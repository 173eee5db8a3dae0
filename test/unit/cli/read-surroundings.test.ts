import { expect, it } from 'vitest';
import { readSurroundings } from '../../../src/cli/status/read-surroundings.ts';
import { statusReport } from '../../../src/cli/status/report.ts';
import type { NewObject } from '../../simulation/world/objects.ts';
import { poolManifest } from '../../support/operator/strategies.ts';
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

it('reads no pods for compute hosts of OpenStack, and says how to list their servers', async () => {
  const strategy = (await seenStrategies()).get('a stage runs, a budget blocks a pod');
  if (!strategy) throw new Error('the sample is gone');
  const cluster = new ClusterInMemory();
  const provider = { openstack: { identityRef: { name: 'login', cloudName: 'prod' } } };
  // A cast: a manifest has a kind and a name.
  const pool = poolManifest(strategy.spec.poolRef, 1, { provider }) as unknown as NewObject;
  cluster.server.create('hostpools', pool, 'person');
  const notes: string[] = [];
  const surroundings = await readSurroundings(cluster.connection, strategy, (text) => notes.push(text));
  expect(cluster.requests.filter((request) => request.includes('pods'))).toEqual([]);
  expect(notes).toEqual([]);
  const called = { program: 'careen', singular: 'patchstrategy' };
  const { todo } = statusReport(strategy, called, Date.now(), surroundings);
  const [host] = strategy.status.progress?.hosts ?? [];
  expect(todo).toContainEqual({
    does: `see which servers are left on ${String(host?.name)}`,
    command: `openstack server list --all-projects --host ${String(host?.name)}`,
  });
});
