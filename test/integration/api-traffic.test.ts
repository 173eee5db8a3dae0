/** The traffic of reading, writing and watching large pools and strategies. */
import type { KubernetesObject } from '@kubernetes/client-node';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConflictError } from '../../src/kube/errors.ts';
import { CareenApi, type HostPool } from '../../src/resources/careen-api.ts';
import type { Strategy } from '../../src/resources/stored-strategy.ts';
import { withPermits } from '../../src/engine/permits/permits.ts';
import { OperatorShell, type ObjectWatch } from '../../src/controllers/runtime/shell.ts';
import { GROUP, VERSION } from '../../src/crds/names.ts';
import type { Permit } from '../../src/crds/host-pool.ts';
import { newPhase } from '../../src/engine/run/run-state.ts';
import { apply, mergePatch, remove } from '../support/controlplane/apply.ts';
import { connect, startControlPlane, type ControlPlane } from '../support/controlplane/controlplane.ts';
import { eventually } from '../support/eventually.ts';
import { installCareen } from '../support/operator/operator.ts';
import { proxied } from '../support/network/proxied.ts';
import { poolManifest, strategyManifest } from '../support/operator/strategies.ts';
import { TcpProxy } from '../support/network/tcp-proxy.ts';

const SMALL = 10_000;
const manifest = poolManifest('large', 1_000);
const permits = Array.from({ length: 500 }, (_, i): Permit => ({
  host: `worker-${String(i).padStart(4, '0')}.example.com`,
  run: 'run-of-another',
  level: 'away',
  since: '2026-11-25T09:00:00Z',
}));
const hostsOf = (pool: HostPool | undefined) => pool?.status.permits?.map(({ host }) => host);

let plane: ControlPlane;
let proxy: TcpProxy;
beforeAll(async () => {
  plane = await startControlPlane({ args: ['--controller-manager=false', '--scheduler=false'] });
  await installCareen(connect(plane.kubeconfig));
  proxy = await TcpProxy.start(plane.server);
});
afterAll(async () => {
  await proxy.close();
  await plane.stop();
});
beforeEach(async () => {
  const admin = connect(plane.kubeconfig);
  await remove(admin, manifest);
  await apply(admin, manifest);
  const api = new CareenApi(admin);
  await api.writePool(await readPool(api), withPermits({ epoch: 1 }, permits));
});

const throughProxy = () => proxied(connect(plane.kubeconfig), `https://127.0.0.1:${String(proxy.port)}`);

async function readPool(api: CareenApi): Promise<HostPool> {
  const pool = await api.pool('large');
  if (!pool) throw new Error('the pool is gone');
  return pool;
}

async function bytesFor(act: () => Promise<unknown>): Promise<number> {
  const before = proxy.bytes;
  await act();
  return proxy.bytes - before;
}

describe('a pool with 500 permits', () => {
  it('is read whole only after a change by another process, and is written in a few kilobytes', async () => {
    const [api, other] = [new CareenApi(throughProxy()), new CareenApi(connect(plane.kubeconfig))];
    expect(await bytesFor(() => readPool(api))).toBeGreaterThan(5 * SMALL);
    expect(await bytesFor(() => readPool(api))).toBeLessThan(SMALL);

    const pool = await readPool(api);
    const fewer = withPermits(pool.status, permits.slice(1));
    expect(await bytesFor(() => api.writePool(pool, fewer))).toBeLessThan(SMALL);
    expect(await bytesFor(() => readPool(api))).toBeLessThan(SMALL);
    const asStored = await readPool(other);
    expect(await readPool(api)).toEqual(asStored);

    await other.writePool(asStored, withPermits(asStored.status, permits.slice(2)));
    expect(hostsOf(await readPool(api))).toEqual(permits.slice(2).map(({ host }) => host));
  });

  it('is not requested at all while its watch shows nothing newer, also after an own write', async () => {
    const admin = connect(plane.kubeconfig);
    const [api, other] = [new CareenApi(throughProxy()), new CareenApi(admin)];
    // The watch has a connection of its own: the proxy counts the reads only.
    const watch = new PoolWatch({ config: admin, log: QUIET, clock: Date.now });
    watch.follow = (pools) => api.followPools(pools);
    await watch.start();
    const isFree = async () => (await bytesFor(() => readPool(api))) === 0;
    await eventually('the watch is trusted', isFree);

    const pool = await readPool(api);
    await api.writePool(pool, withPermits(pool.status, permits.slice(1)));
    expect(await isFree()).toBe(true);
    const asStored = await readPool(other);
    expect(await readPool(api)).toEqual(asStored);

    await other.writePool(asStored, withPermits(asStored.status, permits.slice(2)));
    await eventually(
      'the change of another is read',
      async () => hostsOf(await readPool(api))?.length === 498,
    );
    expect(await isFree()).toBe(true);
    watch.stop();
    await eventually('without the watch it is read each time', async () => !(await isFree()));
  });

  it('loses no permit to a writer with another order, and that writer learns the order', async () => {
    const api = new CareenApi(connect(plane.kubeconfig));
    const pool = await readPool(api);
    const reversed = { ...pool.status, permits: permits.toReversed() };
    await api.writePool({ ...pool, status: reversed }, { ...reversed, epoch: 2 });
    const freeFirst = async (): Promise<void> => {
      const read = await readPool(api);
      const rest = (read.status.permits ?? []).filter(({ host }) => host !== permits[0]?.host);
      await api.writePool(read, withPermits(read.status, rest));
    };
    await expect(freeFirst()).rejects.toThrow(ConflictError);
    expect(hostsOf(await readPool(api))).toEqual(permits.map(({ host }) => host));
    await freeFirst();
    expect(hostsOf(await readPool(new CareenApi(connect(plane.kubeconfig))))).toEqual(
      permits.slice(1).map(({ host }) => host),
    );
  });
});

describe('a strategy with 100 stages', () => {
  const key = { kind: 'PatchStrategy', namespace: 'careen-hosts', name: 'long' } as const;
  const stages = Array.from({ length: 100 }, (_, i) => ({
    ...({
      name: 'sw-patch-worker-hosts',
      hosts: [`worker-${String(i)}.example.com`],
      patches: ['kernel'],
    } as const),
    ...({ level: 'away', steps: [{ name: 'lock-hosts', timeoutSeconds: 60 }], timeoutSeconds: 61 } as const),
  }));

  async function readStrategy(api: CareenApi): Promise<Strategy> {
    const strategy = await api.strategy(key);
    if (!strategy) throw new Error('the strategy is gone');
    return strategy;
  }

  it('is read whole only after a write by another process; after an own write the stored object is known', async () => {
    await apply(connect(plane.kubeconfig), strategyManifest(key.name, key.namespace));
    const [api, other] = [new CareenApi(throughProxy()), new CareenApi(connect(plane.kubeconfig))];
    await other.writeStatus(await readStrategy(other), { applyPhase: newPhase(stages) });
    expect(await bytesFor(() => readStrategy(api))).toBeGreaterThan(2 * SMALL);
    const strategy = await readStrategy(api);
    await api.writeStatus(strategy, { ...strategy.status, message: 'told' });
    expect(await bytesFor(() => readStrategy(api))).toBeLessThan(SMALL);
    const asStored = await readStrategy(new CareenApi(connect(plane.kubeconfig)));
    expect(asStored.status.message).toBe('told');
    expect(await readStrategy(api)).toEqual(asStored);

    await other.writeStatus(asStored, { ...asStored.status, message: 'told by another' });
    expect((await readStrategy(api)).status.message).toBe('told by another');
  });
});

const QUIET = { info: () => undefined, warn: () => undefined };

class PoolWatch extends OperatorShell {
  readonly told: KubernetesObject[] = [];
  follow: (watch: ObjectWatch) => void = () => undefined;

  protected override async init(): Promise<void> {
    const take = async ({ object }: { object: KubernetesObject }): Promise<void> =>
      void this.told.push(object);
    const { follow } = this;
    await this.watchResource(GROUP, VERSION, 'hostpools', take, undefined, { changesAs: 'metadata', follow });
  }
}

describe('a watch of metadata', () => {
  it('gets whole objects at first, then changes without spec and status', async () => {
    const watch = new PoolWatch({ config: throughProxy(), log: QUIET, clock: Date.now });
    await watch.start();
    expect(watch.told).toMatchObject([{ spec: { maxUnavailable: 1_000 }, status: { away: 500 } }]);
    const change = { spec: { maxUnavailable: 999 } };
    const bytes = await bytesFor(async () => {
      await mergePatch(connect(plane.kubeconfig), manifest, change);
      await eventually('the change is told', () => watch.told.length === 2);
    });
    watch.stop();
    expect(watch.told[1]).toMatchObject({ metadata: { name: 'large', generation: 2 } });
    expect(watch.told[1]).not.toHaveProperty('spec');
    expect(watch.told[1]).not.toHaveProperty('status');
    expect(bytes).toBeLessThan(SMALL);
  });
});
