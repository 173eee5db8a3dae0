import { KubeConfig } from '@kubernetes/client-node';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';
import type { Claim, HostFacts } from '../../../src/engine/view.ts';
import { KubernetesHostOps } from '../../../src/hostops/kubernetes/kubernetes-host-ops.ts';
import type { Subscription } from '../../../src/hostops/port.ts';
import type { Answer, Call } from '../../../src/kube/client.ts';
import { carryOut } from '../../simulation/world/api-requests.ts';
import { ApiServer } from '../../simulation/world/api-server.ts';
import { eventually } from '../../support/eventually.ts';

const run = 'r1';
const owner = { kind: 'PatchStrategy', namespace: 'n', name: 's', uid: 'u' };
const claim: Claim = {
  ...{ run, pool: 'p', epoch: 1, owner, planDigest: 'd', stage: 0, level: 'away' },
  ...{ closedToNewWorkBefore: false, since: '2026-11-25T09:00:00Z' },
};
const { provider, roles, health } = hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable: 1 });
const SCOPE = { pool: 'p', provider, before: [], roles, health };
const { signal } = new AbortController();

const started: KubernetesHostOps[] = [];
afterEach(async () => {
  for (const each of started.splice(0)) await each.stop();
});

/** Host `a`, watched and empty; its watches are up and bring nothing. */
class WatchedHost {
  readonly #server = new ApiServer(() => 0);
  readonly #ops: KubernetesHostOps;
  /** How often its pods were listed or watched. */
  looks = 0;

  private constructor(unschedulable: boolean) {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'a' }, spec: { unschedulable } };
    this.#server.create('nodes', node, 'cluster');
    const transport = async (call: Call, aborted?: AbortSignal): Promise<Answer> => {
      if (call.path.endsWith('/pods')) this.looks += 1;
      return call.query?.['watch'] === true
        ? answer(undefined, silence(aborted))
        : answer(carryOut(this.#server, call, () => undefined, 'operator'));
    };
    const quiet = { info: () => undefined, warn: () => undefined };
    this.#ops = new KubernetesHostOps(
      Object.assign(new KubeConfig(), { transport, listsInPages: true }),
      quiet,
      () => 0,
    );
    started.push(this.#ops);
  }

  static async start({ cordoned }: { cordoned: boolean }): Promise<WatchedHost> {
    const host = new WatchedHost(cordoned);
    await host.#ops.start();
    host.#ops.fleet(SCOPE, () => undefined);
    host.watch();
    if (cordoned) expect(await host.pods()).toEqual([]);
    return host;
  }

  watch(): Subscription {
    const watch = this.#ops.watch(SCOPE, () => undefined);
    watch.want(new Set(['a']));
    return watch;
  }

  get facts(): HostFacts {
    const facts = this.#ops.view(SCOPE).host('a');
    if (!facts) throw new Error('a is not known');
    return facts;
  }

  async pods(): Promise<string[]> {
    return (await eventually('the pods of a', () => this.facts.instances)).map(({ name }) => name);
  }

  comes(pod: string, marks: object = {}): void {
    const metadata = { name: pod, namespace: 'apps', ...marks };
    this.#server.create(
      'pods',
      { apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: 'a' } },
      'cluster',
    );
  }

  cordon(unschedulable: boolean): void {
    this.#server.update('nodes', 'a', (node) => ({ ...node, spec: { unschedulable } }), 'somebody');
  }

  async look(): Promise<void> {
    await this.#ops.confirm(SCOPE, ['a'], signal);
  }

  async close(kind: 'claim' | 'recordon'): Promise<void> {
    const at = { key: kind, host: 'a', revision: this.facts.revision };
    const effect = kind === 'claim' ? { ...at, kind, claim } : { ...at, kind, run };
    const outcome = await this.#ops.perform(SCOPE, effect, { owner, run, epoch: 1 }, signal);
    expect(outcome).toEqual({ kind: 'accepted' });
    expect(this.facts).toMatchObject({ claim: { run }, closedToNewWork: true });
  }
}

function answer(content: unknown, body: Answer['body'] = null): Answer {
  const text = JSON.stringify(content);
  return { ok: true, status: 200, headers: [], body, json: async () => content, text: async () => text };
}

function silence(aborted: AbortSignal | undefined): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (stream) => aborted?.addEventListener('abort', () => stream.error(aborted.reason)),
  });
}

describe('what runs on a host whose watch lags behind', () => {
  it('is looked at only once its host is claimed, and then includes the pod that came before', async () => {
    const host = await WatchedHost.start({ cordoned: false });
    host.comes('web');
    await setImmediate();
    expect([host.looks, host.facts.instances]).toEqual([0, undefined]);
    await host.close('claim');
    expect(await host.pods()).toEqual(['web']);
    expect(host.looks).toBeLessThanOrEqual(2);
  });

  it('is unknown from the claim of a closed host on until it is listed anew', async () => {
    const host = await WatchedHost.start({ cordoned: true });
    host.comes('web');
    await host.close('claim');
    expect(host.facts.instances).toBeUndefined();
    expect(await host.pods()).toEqual(['web']);
  });

  it('is listed anew when the host is closed again that somebody had opened', async () => {
    const host = await WatchedHost.start({ cordoned: false });
    await host.close('claim');
    expect(await host.pods()).toEqual([]);
    host.cordon(false);
    host.comes('web');
    await host.look();
    await host.close('recordon');
    expect(await host.pods()).toEqual(['web']);
  });

  it('is listed anew for the claim of a closed host, which may have been open between two looks', async () => {
    const host = await WatchedHost.start({ cordoned: true });
    host.cordon(false);
    host.comes('web');
    host.cordon(true);
    await host.look();
    expect(await host.pods()).toEqual([]);
    await host.close('claim');
    expect(await host.pods()).toEqual(['web']);
  });

  it('stays known when one of two who watch it ends', async () => {
    const host = await WatchedHost.start({ cordoned: false });
    const another = host.watch();
    await host.close('claim');
    expect(await host.pods()).toEqual([]);
    another.close();
    expect(host.facts.instances).toEqual([]);
  });
});

describe('the pod of a Job that no strategy of ours has made', () => {
  it('is an instance, whatever its labels say', async () => {
    const host = await WatchedHost.start({ cordoned: false });
    const owner = { apiVersion: 'batch/v1', kind: 'Job', name: 'backup', uid: 'job-1', controller: true };
    host.comes('backup-1', { labels: { 'careen.dev/run': run }, ownerReferences: [owner] });
    await host.close('claim');
    expect(await host.pods()).toEqual(['backup-1']);
  });
});
