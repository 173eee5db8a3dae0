/** The client and its informers on a faulty network: a TCP proxy in front of a real API server. */
import type { KubeConfig } from '@kubernetes/client-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { call } from '../../src/kube/client.ts';
import {
  CONFIG_MAPS,
  ConfigMaps,
  watchConfigMaps,
  type WatchedConfigMaps,
} from '../support/controlplane/config-maps.ts';
import { connect, startControlPlane, type ControlPlane } from '../support/controlplane/controlplane.ts';
import { eventually } from '../support/eventually.ts';
import { proxied } from '../support/network/proxied.ts';
import { TcpProxy } from '../support/network/tcp-proxy.ts';

let plane: ControlPlane;
let admin: KubeConfig;
let server: ConfigMaps;
let proxy: TcpProxy;
const watched: WatchedConfigMaps[] = [];

beforeAll(async () => {
  plane = await startControlPlane({ args: ['--controller-manager=false', '--scheduler=false'] });
  admin = connect(plane.kubeconfig);
  server = new ConfigMaps(admin);
});
afterAll(async () => plane.stop());

beforeEach(async () => {
  proxy = await TcpProxy.start(plane.server);
  await server.create('steady', 'changing', 'going');
});
afterEach(async () => {
  for (const { informer } of watched.splice(0)) informer.stop();
  await proxy.close();
  await server.removeAll();
});

const client = () => proxied(admin, `https://127.0.0.1:${String(proxy.port)}`);

function watch(options?: Parameters<typeof watchConfigMaps>[1]): WatchedConfigMaps {
  const result = watchConfigMaps(client(), options);
  watched.push(result);
  return result;
}

/** One change of each sort. */
async function changeEverything(): Promise<void> {
  await server.change('changing');
  await server.remove('going');
  await server.create('new');
}

describe('the client', () => {
  it('shares few connections among many requests', async () => {
    const config = client();
    const queue = Array.from({ length: 200 }, () => CONFIG_MAPS).values();
    const worker = async (): Promise<void> => {
      for (const path of queue) await call(config, { method: 'GET', path });
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    expect(proxy.accepted).toBeLessThanOrEqual(16);
  });
});

describe('an informer', () => {
  it('survives a kill and restart of the API server', async () => {
    const each = watch();
    await each.agrees(server);
    await plane.command('kill apiserver');
    await eventually('the loss is noticed', () => each.informer.failure);
    await plane.command('start apiserver');
    await eventually('the API server serves', () =>
      server.change('changing').then(
        () => true,
        () => false,
      ),
    );
    await changeEverything();
    await each.agrees(server);
    expect(each.informer.failure).toBeUndefined();
  });

  it('survives cut connections, without losing the changes meanwhile', async () => {
    const each = watch();
    await each.agrees(server);
    proxy.refuse();
    proxy.cut();
    await eventually('the loss is noticed', () => each.informer.failure);
    const lostAt = each.informer.connectedAt(Infinity);
    expect(lostAt).toBeLessThanOrEqual(Date.now());
    await changeEverything();
    proxy.heal();
    await each.agrees(server);
    expect(each.informer.connectedAt(Infinity)).toBe(Infinity);
  });

  it('notices a half-open connection by its silence', async () => {
    const each = watch({ idleLimitMs: 1_000 });
    await each.agrees(server);
    const before = proxy.accepted;
    proxy.blackHole();
    await changeEverything();
    await eventually('it tries anew', () => proxy.accepted > before);
    proxy.heal();
    await each.agrees(server);
  });

  it('reports why it cannot begin, and begins when it can', async () => {
    proxy.refuse();
    const each = watch();
    expect(await each.informer.firstAnswer).toMatch(/fetch failed: .+/);
    proxy.heal();
    await each.informer.synced;
    await each.agrees(server);
  });

  it('delivers nothing after its end, and sends no more requests', async () => {
    const [ended, other] = [watch(), watch()];
    await Promise.all([ended.agrees(server), other.agrees(server)]);
    ended.informer.stop();
    proxy.cut();
    await changeEverything();
    await other.agrees(server);
    await expect(ended.agrees(server, 0)).rejects.toThrow('not within 0 s');
    expect(ended.log).toEqual([]);
  });
});
