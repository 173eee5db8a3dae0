import { ApiException } from '@kubernetes/client-node';
import { describe, expect, it, vi } from 'vitest';
import { SmallCluster } from '../support/small-cluster.ts';

/** A planned strategy whose next pass fails with this error. */
async function failing(error: unknown): Promise<SmallCluster> {
  const cluster = new SmallCluster(['w-1']);
  cluster.placeStrategy({ mode: 'Hold' });
  await cluster.until('a plan', () => cluster.status.state === 'ready-to-apply');
  vi.spyOn(cluster.hosts, 'prepare').mockRejectedValueOnce(error);
  await expect(cluster.pass()).rejects.toBe(error);
  return cluster;
}

describe('a pass that fails', () => {
  it.each([
    [
      'a fault of the code',
      new RangeError('Maximum call stack size exceeded'),
      'Maximum call stack size exceeded',
    ],
    [
      'a refused write',
      new ApiException(422, '', '{"message":"a policy denies it"}', {}),
      'a policy denies it',
    ],
  ])('says so in the conditions: %s', async (_what, error, words) => {
    const cluster = await failing(error);
    const message = `the operator cannot continue, and tries again: ${words}; its log has the details`;
    expect(cluster.status).toMatchObject({ state: 'ready-to-apply', message });
    expect(cluster.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'Stalled', status: 'True', reason: 'PassFailed', message }),
    );
    await cluster.pass();
    expect(cluster.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'Ready', reason: 'AwaitingApproval' }),
    );
  });

  it.each([
    ['the network', new TypeError('fetch failed', { cause: new Error('ECONNREFUSED') })],
    ['an overloaded server', new ApiException(503, '', '{}', {})],
  ])('says nothing when it may succeed soon: %s', async (_what, error) => {
    const cluster = await failing(error);
    expect(cluster.status.message).toMatch(/^1 host in 1 stage/);
  });
});
