/** What a pool allows a strategy: how long Suspend may hold a host, and which pods its consents concern. */
import { describe, expect, it } from 'vitest';
import { SmallCluster } from '../support/small-cluster.ts';

const HOUR = 3600;
const BECAUSE =
  'Suspend has kept w-1 out of service for longer than the 3600 s that maxOutageSeconds of HostPool default allows';

/** A strategy in Suspend while w-1 is locked. */
async function suspendedWhileLocked(pool: object): Promise<SmallCluster> {
  const cluster = new SmallCluster(['w-1']);
  cluster.editPool(pool);
  cluster.placeStrategy({ mode: 'Run' });
  await cluster.until('the cordon', () => cluster.world.hosts.get('w-1')?.closedToNewWork === true);
  setMode(cluster, 'Suspend');
  return cluster;
}

function setMode(cluster: SmallCluster, mode: string): void {
  cluster.editSpec({ execution: { mode } });
}

async function elapse(cluster: SmallCluster, seconds: number): Promise<void> {
  cluster.world.advanceTo(cluster.world.now + seconds * 1000);
  await cluster.pass();
}

describe('Suspend with a host out of service', () => {
  it('ends in an abort that says why, once the host has been away for as long as the pool allows', async () => {
    const cluster = await suspendedWhileLocked({ maxOutageSeconds: HOUR });
    await elapse(cluster, HOUR / 2);
    expect(cluster.status.state).toBe('applying');
    expect(cluster.status.message).toMatch(/^suspended/);
    await elapse(cluster, HOUR / 2);
    expect(cluster.status.run).toMatchObject({ abortedIn: 'Suspend', abortedBecause: BECAUSE });
    expect(cluster.status.message).toMatch(/^Suspend has kept w-1 .*; releasing hosts: /);
    await cluster.until('the end of the abort', () => cluster.status.state === 'aborted');
    expect(cluster.status.message).toBe(
      `${BECAUSE}; aborted, no host is held; set execution.mode to Hold for a new plan`,
    );
    expect(cluster.world.hosts.get('w-1')).toMatchObject({ closedToNewWork: false });
    expect(cluster.pool.status).toMatchObject({ permits: [] });
  });

  it('gains no time by an end of the suspension in between', async () => {
    const cluster = await suspendedWhileLocked({ maxOutageSeconds: HOUR });
    await elapse(cluster, HOUR - 60);
    setMode(cluster, 'Hold');
    await cluster.pass();
    setMode(cluster, 'Suspend');
    await elapse(cluster, 60);
    expect(cluster.status.run?.abortedBecause).toBe(BECAUSE);
  });

  it('wakes up at that time without an event', async () => {
    const cluster = await suspendedWhileLocked({ maxOutageSeconds: HOUR });
    const endsAt = Date.parse(cluster.status.progress?.hosts[0]?.since ?? '') + HOUR * 1000;
    cluster.world.advanceTo(endsAt - 5_000);
    expect(await cluster.pass()).toMatchObject({ requeueAt: endsAt });
  });

  it('lasts where the pool says nothing, and where no host is out of service', async () => {
    const unbounded = await suspendedWhileLocked({});
    await elapse(unbounded, 1000 * HOUR);
    expect(unbounded.status.state).toBe('applying');

    const idle = new SmallCluster(['w-1']);
    idle.editPool({ maxOutageSeconds: HOUR, paused: true });
    idle.placeStrategy({ mode: 'Run' });
    await idle.pass();
    await idle.pass();
    setMode(idle, 'Suspend');
    await elapse(idle, 2 * HOUR);
    expect(idle.status.state).toBe('ready-to-apply');
  });

  it('is an abort of a person, without a reason of Careen, when a person aborts', async () => {
    const cluster = await suspendedWhileLocked({ maxOutageSeconds: HOUR });
    setMode(cluster, 'Abort');
    await cluster.until('the end of the abort', () => cluster.status.state === 'aborted');
    expect(cluster.status.run?.abortedBecause).toBeUndefined();
  });
});

describe('a pod without a controller', () => {
  const CONSENT = { evictUnmanagedPods: true, evictPodsWithLocalData: true };

  async function drained(namespace: string, pool: object): Promise<SmallCluster> {
    const cluster = new SmallCluster(['w-1']);
    cluster.editPool(pool);
    cluster.world.addPod({ host: 'w-1', name: 'agent', namespace, unmanaged: true });
    cluster.placeStrategy({ mode: 'Run' });
    cluster.editSpec({ drain: CONSENT });
    await cluster.until('the end', () => ['applied', 'apply-failed'].includes(cluster.status.state ?? ''));
    return cluster;
  }

  it.each([
    ['kube-system', {}],
    ['storage', { drainPolicy: { protectedNamespaces: ['storage'] } }],
  ])(
    'in %s stays where the pool protects the namespace, whatever the strategy consents to',
    async (namespace, pool) => {
      const { status, world } = await drained(namespace, pool);
      expect(status.state).toBe('apply-failed');
      expect(status.message).toContain(
        `${namespace}/agent without a controller in a namespace that the pool protects, so no strategy may evict them`,
      );
      expect(world.podsOn('w-1')).toHaveLength(1);
    },
  );

  it.each([
    ['default', {}],
    ['kube-system', { drainPolicy: { protectedNamespaces: [] } }],
  ])(
    'in %s is evicted with consent where the pool does not protect the namespace',
    async (namespace, pool) => {
      expect((await drained(namespace, pool)).status.state).toBe('applied');
    },
  );
});
