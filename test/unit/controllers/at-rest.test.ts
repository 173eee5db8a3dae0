/** A strategy whose run has ended costs nothing, and misses nothing. */
import { describe, expect, it, vi } from 'vitest';
import { SmallCluster } from '../support/small-cluster.ts';

/** A strategy that was applied on w-1 and is at rest. */
async function atRest(): Promise<SmallCluster> {
  const cluster = new SmallCluster(['w-1']);
  cluster.watch();
  cluster.placeStrategy({ mode: 'Run' });
  await cluster.until('the end', () => cluster.status.state === 'applied');
  await cluster.pass();
  await cluster.pass();
  await cluster.poolPass();
  forget(cluster);
  return cluster;
}

function forget({ requests, woken }: SmallCluster): void {
  requests.length = 0;
  woken.length = 0;
}

function drift({ status }: SmallCluster): string | undefined {
  return status.conditions?.find(({ type }) => type === 'Drifted')?.message;
}

describe('a strategy at rest', () => {
  it('makes no request in its turn, and is not woken by its hosts', async () => {
    const cluster = await atRest();
    cluster.world.changeHost('w-1', { closedToNewWork: true });
    await cluster.pass();
    expect([cluster.requests, cluster.woken]).toEqual([[], []]);
  });

  it('shows in its turn that a host lacks a patch since, and is at rest again', async () => {
    const cluster = await atRest();
    cluster.world.addHost({ name: 'w-2', nodeInfo: { 'nodeInfo.kernelVersion': '6.12.40' } });
    await cluster.pass();
    expect(drift(cluster)).toContain('w-2');
    await cluster.pass();
    await cluster.pass();
    forget(cluster);
    await cluster.pass();
    expect(cluster.requests).toEqual([]);
  });

  it.each<[string, (cluster: SmallCluster) => void, string]>([
    ['an edit', (cluster) => cluster.editSpec({ maxParallelWorkerHosts: 7 }), 'applied'],
    [
      'a request for the rest',
      (cluster) => {
        cluster.world.addHost({ name: 'w-2', nodeInfo: { 'nodeInfo.kernelVersion': '6.12.40' } });
        cluster.request({ id: 'r', verb: 'apply-all' });
      },
      'applied',
    ],
    ['the loss of its status', (cluster) => cluster.wipeStatus(), 'applied'],
  ])('follows %s', async (_, change, state) => {
    const cluster = await atRest();
    const run = cluster.status.run?.id;
    change(cluster);
    await cluster.until('the end', () => cluster.status.run?.id !== run && cluster.status.state === state);
  });

  it('is not kept in memory: it is read again when its pool was edited', async () => {
    const cluster = await atRest();
    const { wholeReads } = cluster;
    cluster.editPool({ maxUnavailable: 2 });
    await cluster.pass();
    expect(cluster.wholeReads).toBe(wholeReads + 1);
  });

  it('hears what a project has said since', async () => {
    const cluster = await atRest();
    const hear = vi.spyOn(cluster.tenants, 'hear');
    await cluster.pass();
    expect(hear).not.toHaveBeenCalled();
    vi.spyOn(cluster.tenants, 'hasNews').mockReturnValue(true);
    await cluster.pass();
    expect(hear).toHaveBeenCalledOnce();
  });
});
