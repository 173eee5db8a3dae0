import { expect, it, vi } from 'vitest';
import { SmallCluster } from '../support/small-cluster.ts';

it('gives the verdicts on answers once they are stored, before an effect can fail', async () => {
  const cluster = new SmallCluster(['w-1']);
  const acts: string[] = [];
  vi.spyOn(cluster.tenants, 'settle').mockImplementation(() => void acts.push('settled'));
  vi.spyOn(cluster.hosts, 'perform').mockImplementation(() => {
    acts.push('effect');
    return Promise.reject(new Error('no answer'));
  });
  cluster.placeStrategy({ mode: 'Run' });
  for (let passes = 0; passes < 10 && !acts.includes('effect'); passes += 1) {
    acts.length = 0;
    await cluster.pass().catch(() => undefined);
  }
  expect(acts).toEqual(['settled', 'effect']);
});
