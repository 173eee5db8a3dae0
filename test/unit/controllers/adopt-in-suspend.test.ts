import { describe, expect, it, vi } from 'vitest';
import { SmallCluster } from '../support/small-cluster.ts';

/** A strategy in Suspend whose claim on w-1 may be in flight, and a new leader. */
async function suspended(): Promise<{ cluster: SmallCluster; made: () => (boolean | undefined)[] }> {
  const cluster = new SmallCluster(['w-1']);
  cluster.placeStrategy({ mode: 'Run' });
  const perform = vi
    .spyOn(cluster.hosts, 'perform')
    .mockResolvedValue({ kind: 'unknown', reason: 'no answer' });
  await cluster.until('the claim', () => perform.mock.calls.some(([, { kind }]) => kind === 'claim'));
  setMode(cluster, 'Suspend');
  cluster.restartOperator();
  const adopt = vi.spyOn(cluster.hosts, 'adopt');
  await cluster.pass();
  return { cluster, made: () => adopt.mock.calls.map(([, hosts]) => hosts.get('w-1')?.makeIfMissing) };
}

function setMode(cluster: SmallCluster, mode: string): void {
  cluster.edit((object) => ({ ...object, spec: { ...object.spec, execution: { mode } } }));
}

describe('a claim that may be in flight when a new leader adopts a suspended run', () => {
  it('is not made in Suspend, and is made once the suspension ends', async () => {
    const { cluster, made } = await suspended();
    await cluster.pass();
    expect(made()).toEqual([false]);
    setMode(cluster, 'Run');
    await cluster.pass();
    await cluster.pass();
    expect(made()).toEqual([false, true]);
  });

  it.each([
    ['an abort', { 'careen.dev/abort': 'a-1' }, undefined],
    ['a deletion', {}, '2026-11-26T00:00:00Z'],
  ])('is made before %s ends the outage, also in Suspend', async (_, annotations, deletionTimestamp) => {
    const { cluster, made } = await suspended();
    cluster.edit((object) => ({
      ...object,
      metadata: { ...object.metadata, annotations, ...(deletionTimestamp ? { deletionTimestamp } : {}) },
    }));
    await cluster.pass();
    expect(made()).toEqual([false, true]);
  });

  it('is made before Careen ends a suspension that is longer than the pool allows', async () => {
    const { cluster, made } = await suspended();
    cluster.editPool({ maxOutageSeconds: 3600 });
    await cluster.pass();
    expect(made()).toEqual([false]);
    cluster.world.advanceTo(cluster.world.now + 3_600_000);
    await cluster.pass();
    expect([made(), cluster.status.state]).toEqual([[false, true], 'aborting']);
  });
});
