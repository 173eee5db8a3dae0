import { setImmediate } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import k8sOperator from '@dot-i/k8s-operator';
import type { ResourceEvent } from '@dot-i/k8s-operator';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CareenOperator } from '../../../src/controllers/runtime/careen-operator.ts';
import { operatorMetrics } from '../../../src/controllers/runtime/operator-metrics.ts';
import type { Answer, Call } from '../../../src/kube/client.ts';
import { KubernetesHostOps } from '../../../src/hostops/kubernetes/kubernetes-host-ops.ts';

/** Longer than the time in which changes share a pass. */
const SPACING_OVER_MILLISECONDS = 50;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Nothing here waits for I/O, so a pass has ended when other tasks get their turn. */
async function eventHandled(): Promise<void> {
  await vi.advanceTimersByTimeAsync(SPACING_OVER_MILLISECONDS);
  await setImmediate();
}

type Handler = (event: ResourceEvent) => Promise<void>;

/** An operator whose watches deliver the events of a test. */
class ScriptedOperator extends CareenOperator {
  readonly #handlers = new Map<string, Handler>();

  protected override watchResource(
    _group: string,
    _version: string,
    plural: string,
    handler: Handler,
  ): Promise<void> {
    this.#handlers.set(plural, handler);
    return Promise.resolve();
  }

  async deliver(plural: string, event: ResourceEvent): Promise<void> {
    await this.#handlers.get(plural)?.(event);
  }
}

const TIME = '2026-11-25T09:00:00Z';
const { Modified, Deleted } = k8sOperator.ResourceEventType;

function pool(name: string): ResourceEvent {
  const meta = { id: '', name, namespace: '', resourceVersion: '1', apiVersion: '', kind: '' };
  return { meta, type: Modified, object: { kind: 'HostPool', metadata: { name } } };
}

/** On the wire a date is a string. */
function overTheWire<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T; // a cast: the type of JSON.parse is any
}

function strategy(type = Modified): ResourceEvent {
  const meta = {
    id: '',
    name: 's',
    namespace: 'careen-hosts',
    resourceVersion: '1',
    apiVersion: '',
    kind: '',
  };
  return { meta, type, object: { kind: 'PatchStrategy' } };
}

/** The paths that the operator reads after these events of its watches, on a server without objects. */
async function pathsRead(...events: readonly ResourceEvent[]): Promise<readonly string[]> {
  const paths: string[] = [];
  const transport = async ({ path }: Call): Promise<Answer> => {
    paths.push(path);
    return {
      ok: false,
      status: 404,
      headers: [],
      body: null,
      json: async () => ({}),
      text: async () => '{}',
    };
  };
  const config = Object.assign(new KubeConfig(), { transport });
  const log = pino({ level: 'silent' });
  const clock = (): number => 0;
  const operator = new ScriptedOperator({
    ...{
      config,
      log,
      clock,
      hosts: new KubernetesHostOps(config, log, clock),
      metrics: operatorMetrics(clock),
    },
    kinds: { outdated: undefined, changed: () => undefined },
    events: { record: () => undefined },
    newId: () => 'r',
    operatorNamespace: 'careen-system',
    activeHost: undefined,
    fetchFile: () => Promise.reject(new Error('there is no network')),
    resyncSeconds: 3600,
    deposed: (error) => expect.fail(error.message),
  });
  await operator.start();
  for (const event of events) {
    await operator.deliver(event.object.kind === 'HostPool' ? 'hostpools' : 'patchstrategies', event);
    await eventHandled();
  }
  await operator.close();
  return paths;
}

const passesIn = async (...events: readonly ResourceEvent[]): Promise<number> =>
  (await pathsRead(...events)).filter((path) => path.includes('/careen-hosts/')).length;

describe('a strategy', () => {
  it('is watched as metadata, and each change and its deletion queue it', async () => {
    expect(await passesIn(strategy(), strategy(), strategy(Deleted))).toBe(3);
  });
});

describe('a change of a pool', () => {
  const { meta, type } = pool('named');
  const metadata = {
    ...{ name: 'named', uid: 'u', resourceVersion: '1', generation: 1 },
    creationTimestamp: new Date(TIME),
  };
  const spec = { provider: { kubernetes: {} }, maxUnavailable: 1 };
  const listed = { meta, type, object: overTheWire({ kind: 'HostPool', metadata, spec }) };
  const generation = (number: number): ResourceEvent => ({
    ...{
      meta,
      type,
      object: overTheWire({ kind: 'HostPool', metadata: { ...metadata, generation: number } }),
    },
  });

  it('requeues a strategy that no pass has read yet', async () => {
    expect(await passesIn(listed, strategy(), generation(2))).toBe(2);
  });

  it('requeues no strategy that lacks no permits when only its status has changed', async () => {
    expect(await passesIn(listed, strategy(), generation(1))).toBe(1);
  });
});
