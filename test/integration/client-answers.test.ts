/** Informers and the answers of an API server: a real one, behind a proxy that sometimes answers in its place. */
import type { KubeConfig } from '@kubernetes/client-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { call, type PooledKubeConfig } from '../../src/kube/client.ts';
import {
  CONFIG_MAPS,
  ConfigMaps,
  watchConfigMaps,
  type WatchedConfigMaps,
} from '../support/controlplane/config-maps.ts';
import { connect, startControlPlane, type ControlPlane } from '../support/controlplane/controlplane.ts';
import { eventually } from '../support/eventually.ts';
import { HoldingProxy, statusAnswer, type Match } from '../support/network/holding-proxy.ts';
import { proxied } from '../support/network/proxied.ts';
import { actAs, createServiceAccount, grant, requestToken } from '../support/controlplane/tester.ts';

const LIST = 'GET /api/v1/namespaces/{namespace}/configmaps';
const WATCH = 'WATCH /api/v1/namespaces/{namespace}/configmaps';

let plane: ControlPlane;
let admin: KubeConfig;
let tester: KubeConfig;
let server: ConfigMaps;
let proxy: HoldingProxy;
const watched: WatchedConfigMaps[] = [];

beforeAll(async () => {
  plane = await startControlPlane({ args: ['--controller-manager=false', '--scheduler=false'] });
  admin = connect(plane.kubeconfig);
  server = new ConfigMaps(admin);
  await createServiceAccount(admin, 'tester');
  await grant(admin, 'tester', 'cluster-admin');
  tester = actAs(admin, { token: await requestToken(admin, 'tester') });
  // A new API server knows no history, so it refuses a watch from the past.
  await plane.command('kill apiserver');
  await plane.command('start apiserver');
  await eventually('the API server serves', () => server.revisions().catch(() => false as const));
});
afterAll(async () => plane.stop());

beforeEach(async () => {
  proxy = await HoldingProxy.start(admin);
  await server.create('steady', 'changing', 'going');
});
afterEach(async () => {
  for (const { informer } of watched.splice(0)) informer.stop();
  await proxy.close();
  await server.removeAll();
});

const isWatch: Match = ({ path, query }) => path === CONFIG_MAPS && query.get('watch') === 'true';
const isList: Match = ({ path, query }) => path === CONFIG_MAPS && !query.has('watch');
const count = (kind: string): number => proxy.requests.get(kind) ?? 0;

function watch(
  options?: Parameters<typeof watchConfigMaps>[1],
  config: KubeConfig = tester,
): WatchedConfigMaps {
  return watchWith(proxied(config, proxy.url), options);
}

function watchWith(
  client: PooledKubeConfig,
  options?: Parameters<typeof watchConfigMaps>[1],
): WatchedConfigMaps {
  const result = watchConfigMaps(client, options);
  watched.push(result);
  return result;
}

describe('an informer that begins', () => {
  it('lists and watches with one request, which brings every change', async () => {
    const each = watch();
    await each.informer.synced;
    await Promise.all([server.change('changing'), server.remove('going'), server.create('new')]);
    await each.agrees(server);
    expect([count(WATCH), count(LIST)]).toEqual([1, 0]);
  });

  it('lists in pages where the server refuses that', async () => {
    proxy.rewrite(isWatch, (url) => {
      url.searchParams.set('resourceVersionMatch', 'Exact');
      return url;
    });
    const each = watch();
    expect(await each.informer.firstAnswer).toBeUndefined();
    await each.agrees(server);
    expect([count(WATCH), count(LIST)]).toEqual([2, 1]);
    expect(each.log.map(({ error }) => error)).toEqual([
      expect.stringMatching(/resourceVersionMatch: Forbidden/),
    ]);
  });
});

describe('an informer whose watch has expired', () => {
  /** Disconnects the informer while objects change and one is deleted; `expire` then decides about its next watch. */
  async function missChanges(expire: () => void): Promise<WatchedConfigMaps> {
    const each = watch();
    await each.agrees(server);
    const away = proxy.hold(isWatch);
    expire();
    proxy.cut();
    await away;
    await server.change('changing');
    await server.remove('going');
    await server.create('new');
    proxy.cut();
    await each.agrees(server);
    return each;
  }

  it('lists again after the status 410, and misses no deletion', async () => {
    await missChanges(() => proxy.respond(isWatch, statusAnswer(410, 'Expired')));
    expect(count(LIST)).toBe(1);
  });

  it('lists again after an ERROR event with 410, and misses no deletion', async () => {
    const { log } = await missChanges(() =>
      proxy.rewrite(isWatch, (url) => {
        url.searchParams.set('resourceVersion', '1');
        return url;
      }),
    );
    expect(count(LIST)).toBe(1);
    expect(log.map(({ error }) => error)).toContainEqual(expect.stringMatching(/too old resource version/));
  });

  it('continues from its last revision when only the connection broke', async () => {
    await missChanges(() => proxy.respond(isWatch, statusAnswer(503, 'ServiceUnavailable')));
    expect(count(LIST)).toBe(0);
  });
});

describe('an informer that lists', () => {
  it('does not keep an object that it received during the list and that is deleted by its end', async () => {
    const each = watch();
    await each.agrees(server);
    const list = proxy.hold(isList);
    proxy.respond(isWatch, statusAnswer(410, 'Expired'));
    proxy.cut();
    const held = await list;
    await server.change('going');
    each.informer.upsert(await call(admin, { method: 'GET', path: `${CONFIG_MAPS}/going` }));
    await server.remove('going');
    await held.release();
    await each.agrees(server);
  });
});

describe('an informer of a kind without changes', () => {
  it('watches again after silence, and is as quick as before when something happens', async () => {
    const each = watch({ idleLimitMs: 100 });
    await each.agrees(server);
    await eventually('silence, time and again', () => count(WATCH) >= 10, { seconds: 10 });
    await server.change('changing');
    await each.agrees(server, 2);
    expect(each.informer.failure).toBeUndefined();
    expect(each.log).toEqual([]);
  });

  it('notices that the cluster is older than its own state, for example after the restore of a backup', async () => {
    const future = (name: string) => ({
      metadata: { name, namespace: 'default', resourceVersion: '999999998' },
    });
    const items = ['steady', 'never-backed-up'].map(future);
    proxy.respond(isList, {
      status: 200,
      body: { metadata: { resourceVersion: '999999999' }, items },
    });
    const each = watchWith(Object.assign(proxied(tester, proxy.url), { listsInPages: true }), {
      idleLimitMs: 500,
    });
    await each.informer.synced;
    expect(each.informer.get('default/never-backed-up')).toBeDefined();
    await each.agrees(server);
  });
});

describe('an informer that is refused', () => {
  it('waits as long as the server requests', async () => {
    proxy.respond(isWatch, statusAnswer(429, 'TooManyRequests', 1));
    const each = watch();
    expect(await each.informer.firstAnswer).toBe('injected TooManyRequests');
    const refusedAt = performance.now();
    await each.informer.synced;
    expect(performance.now() - refusedAt).toBeGreaterThan(990);
  });

  it('names the missing right, and begins when it is granted', async () => {
    await createServiceAccount(admin, 'stranger');
    const stranger = actAs(admin, { token: await requestToken(admin, 'stranger') });
    const each = watch({}, stranger);
    expect(await each.informer.firstAnswer).toMatch(/cannot (list|watch) resource "configmaps"/);
    expect(each.informer.failure).toMatch(/cannot (list|watch) resource "configmaps"/);
    await grant(admin, 'stranger', 'cluster-admin');
    await each.agrees(server);
    await eventually('its watch is open, too', () => each.informer.failure === undefined);
  });
});
