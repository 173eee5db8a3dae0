import type { CoreV1Event, KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { call, rawList } from '../../src/kube/client.ts';
import type { CareenEvent, ObjectReference } from '../../src/telemetry/event-object.ts';
import { EventRecorder } from '../../src/telemetry/events.ts';
import { apply, read, remove, tryCreate, type Manifest } from '../support/controlplane/apply.ts';
import { connect, startControlPlane, type ControlPlane } from '../support/controlplane/controlplane.ts';
import { eventually } from '../support/eventually.ts';

const NODE = 'worker-3';
const FLUSH_MILLISECONDS = 30_000;
const START = Date.parse('2026-11-25T03:00:00Z');

let plane: ControlPlane;
let admin: KubeConfig;
let node: ObjectReference;
let now: number;
let warnings: object[];

beforeAll(async () => {
  plane = await startControlPlane();
  admin = connect(plane.kubeconfig);
  const manifest = { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } };
  await apply(admin, manifest, namespace('careen-hosts'), namespace('going'));
  const { metadata } = z
    .object({ metadata: z.object({ uid: z.string() }) })
    .parse(await read(admin, manifest));
  node = { apiVersion: 'v1', kind: 'Node', name: NODE, uid: metadata.uid };
});
afterAll(async () => plane.stop());

const namespace = (name: string): Manifest => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
const configMap = (inNamespace: string, name: string, finalizers: string[]): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: inNamespace, name, finalizers },
});
const strategy = (inNamespace: string, uid: string): ObjectReference => ({
  apiVersion: 'careen.dev/v1alpha1',
  kind: 'PatchStrategy',
  namespace: inNamespace,
  name: 'kernel',
  uid,
});
const locked = (regarding: ObjectReference): CareenEvent => ({
  reason: 'HostLocked',
  regarding,
  related: node,
  note: `${NODE} was taken out of service`,
});

function recorder(): EventRecorder {
  now = START;
  warnings = [];
  return new EventRecorder({
    send: async (method, path, body) => {
      await call(admin, { method, path, body });
    },
    log: { warn: (fields) => void warnings.push(fields) },
    instance: 'careen-0',
    clock: () => now,
  });
}

/** The events that `kubectl get events` shows about an object. */
async function shown(inNamespace: string, { name, uid }: ObjectReference): Promise<readonly CoreV1Event[]> {
  const fieldSelector = `involvedObject.name=${name},involvedObject.uid=${uid ?? ''},reportingComponent=careen.dev/operator`;
  return rawList<CoreV1Event>(admin, `/api/v1/namespaces/${inNamespace}/events`, { fieldSelector });
}

describe('events', () => {
  it('are accepted by the API server, and a repeat raises the count of the stored one', async () => {
    const regarding = strategy('careen-hosts', 'grows');
    const events = recorder();
    events.record(locked(regarding));
    await events.flush(FLUSH_MILLISECONDS);
    const [first, ...more] = await shown('careen-hosts', regarding);
    expect(more).toEqual([]);
    expect(first).toMatchObject({
      type: 'Normal',
      reason: 'HostLocked',
      action: 'Lock',
      message: 'worker-3 was taken out of service',
      involvedObject: regarding,
      related: node,
      eventTime: '2026-11-25T03:00:00.000000Z',
      reportingComponent: 'careen.dev/operator',
      reportingInstance: 'careen-0',
    });

    now += 1500;
    events.record(locked(regarding));
    await events.flush(FLUSH_MILLISECONDS);
    const [second, ...others] = await shown('careen-hosts', regarding);
    expect(others).toEqual([]);
    expect(second?.metadata.uid).toBe(first?.metadata.uid);
    expect(second?.series).toEqual({ count: 2, lastObservedTime: '2026-11-25T03:00:01.500000Z' });
    expect(warnings).toEqual([]);
  });

  it('from before a restart of the same replica are found again', async () => {
    const regarding = strategy('careen-hosts', 'restarts');
    for (const events of [recorder(), recorder()]) {
      events.record(locked(regarding));
      await events.flush(FLUSH_MILLISECONDS);
    }
    const found = await shown('careen-hosts', regarding);
    expect(found.map(({ series }) => series?.count)).toEqual([2]);
    expect(warnings).toEqual([]);
  });

  it('are created again when they expired', async () => {
    const regarding = strategy('careen-hosts', 'expires');
    const events = recorder();
    events.record(locked(regarding));
    await events.flush(FLUSH_MILLISECONDS);
    const [expiring] = await shown('careen-hosts', regarding);
    const { namespace: where = '', name = '' } = expiring?.metadata ?? {};
    await remove(admin, { apiVersion: 'v1', kind: 'Event', metadata: { namespace: where, name } });
    events.record(locked(regarding));
    await events.flush(FLUSH_MILLISECONDS);
    const [again] = await shown('careen-hosts', regarding);
    expect(again?.metadata.uid).not.toBe(expiring?.metadata.uid);
    expect(again?.metadata.name).toBe(name);
    expect(warnings).toEqual([]);
  });

  it('about a pool, which is cluster-scoped, are in the namespace default; the longest note fits', async () => {
    const pool = { apiVersion: 'careen.dev/v1alpha1', kind: 'HostPool', name: 'edge', uid: 'pool' };
    const events = recorder();
    events.record({ reason: 'PoolOverlap', regarding: pool, note: 'ä'.repeat(2000) });
    await events.flush(FLUSH_MILLISECONDS);
    const [found] = await shown('default', pool);
    expect(found).toMatchObject({ type: 'Warning', message: `${'ä'.repeat(500)}…` });
    expect(warnings).toEqual([]);
  });

  it('with several occurrences in the queue are created with their count', async () => {
    const regarding = strategy('careen-hosts', 'waits');
    const events = recorder();
    events.record({ reason: 'StageStarted', regarding, note: 'stage 1 begins' });
    for (const _ of [1, 2, 3]) events.record(locked(regarding));
    await events.flush(FLUSH_MILLISECONDS);
    const found = await shown('careen-hosts', regarding);
    expect(found.find(({ reason }) => reason === 'HostLocked')?.series?.count).toBe(3);
  });
});

describe('in a namespace that is being deleted', () => {
  it('an event is recorded about its node instead', async () => {
    const holder = configMap('going', 'holder', ['careen.dev/test']);
    await apply(admin, holder);
    await remove(admin, namespace('going'));
    await eventually('the namespace takes nothing new', () =>
      tryCreate(admin, configMap('going', 'probe', [])).then(
        () => false,
        () => true,
      ),
    );

    const regarding = strategy('going', 'going');
    const events = recorder();
    events.record(locked(regarding));
    events.record({ reason: 'Aborted', regarding, note: 'every host was given back' });
    await events.flush(FLUSH_MILLISECONDS);
    expect(await shown('going', regarding)).toEqual([]);
    expect(await shown('default', node)).toMatchObject([
      {
        message: 'PatchStrategy going/kernel: worker-3 was taken out of service',
        related: { kind: 'PatchStrategy', namespace: 'going', name: 'kernel' },
      },
    ]);
    expect(warnings).toMatchObject([{ event: 'Aborted' }]);

    await apply(admin, configMap('going', 'holder', []));
  });

  it('and in a deleted namespace, too', async () => {
    const events = recorder();
    now += 3600_000;
    events.record(locked(strategy('never-was', 'gone')));
    await events.flush(FLUSH_MILLISECONDS);
    const messages = (await shown('default', node)).map(({ message }) => message);
    expect(messages).toContain('PatchStrategy never-was/kernel: worker-3 was taken out of service');
    expect(warnings).toEqual([]);
  });
});
