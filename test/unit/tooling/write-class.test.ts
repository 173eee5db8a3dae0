import { describe, expect, it } from 'vitest';
import { CLAIM_ANNOTATION, EPOCH_ANNOTATION } from '../../../src/crds/names.ts';
import { guardOperations, jsonPatch } from '../../../src/kube/json-patch.ts';
import { poolPatch } from '../../../src/resources/pool-patch.ts';
import type { ProxiedRequest } from '../../support/network/holding-proxy.ts';
import { writeClass } from '../../support/audit/write-class.ts';

const ask = (method: string, path: string, body?: unknown): ProxiedRequest => ({
  ...{ method, path, body, query: new URLSearchParams() },
});
const strategy = (before: object, after: object): ProxiedRequest =>
  ask('PATCH', '/apis/careen.dev/v1alpha1/namespaces/n/patchstrategies/s/status', [
    ...guardOperations({ uid: 'u', resourceVersion: '1' }),
    ...jsonPatch(before, after, '/status'),
  ]);
const waits = (reason: string, more: object = {}): object => ({
  ...{ state: 'applying', message: reason },
  progress: { stage: 0, step: 'sw-patch-hosts', hosts: [{ name: 'a', reason, ...more }] },
});
const host = (body: unknown): ProxiedRequest => ask('PATCH', '/api/v1/nodes/a', body);
const JOBS = '/apis/batch/v1/namespaces/n/jobs';
const permit = { host: 'a', run: 'r', level: 'away', since: 't' } as const;
const pool = (...[before, after]: [Parameters<typeof poolPatch>[1], Parameters<typeof poolPatch>[2]]) =>
  ask(
    'PATCH',
    '/apis/careen.dev/v1alpha1/hostpools/p/status',
    poolPatch({ uid: 'u', resourceVersion: '1' }, before, after),
  );

describe('the class of a write', () => {
  it.each([
    ['pool: lead', pool({}, { epoch: 1 })],
    ['pool: lead', pool({ epoch: 1 }, { epoch: 2 })],
    ['pool: show', pool({ epoch: 1 }, { epoch: 1, hosts: 3 })],
    ['pool: show', pool({ epoch: 1 }, { epoch: 1, hosts: 3, permits: [] })],
    ['pool: grant permits', pool({ epoch: 1 }, { epoch: 1, permits: [permit] })],
    ['pool: grant permits', pool({ permits: [] }, { permits: [permit] })],
    ['pool: free permits', pool({ permits: [permit] }, { permits: [] })],
    ['strategy: keep', ask('PATCH', '/apis/careen.dev/v1alpha1/namespaces/n/patchstrategies/s', {})],
    ['strategy: remove', ask('DELETE', '/apis/careen.dev/v1alpha1/namespaces/n/patchstrategies/s', {})],
    ['strategy: take over', strategy({ run: { epoch: 1 } }, { run: { epoch: 2 } })],
    ['strategy: building', strategy({}, { observedGeneration: 1, state: 'building' })],
    [
      'strategy: building',
      ask('PATCH', '/apis/careen.dev/v1alpha1/namespaces/n/patchstrategies/s/status', [
        { op: 'add', path: '/status', value: { observedGeneration: 1, state: 'building' } },
      ]),
    ],
    [
      'strategy: applied',
      strategy({ state: 'applying', progress: { step: 'unlock-hosts' } }, { state: 'applied' }),
    ],
    [
      'strategy: lock-hosts',
      strategy({ message: 'm' }, { message: 'n', progress: { stage: 1, step: 'lock-hosts' } }),
    ],
    [
      'strategy: unlock-hosts',
      strategy(
        { progress: { step: 'verify', hosts: [] } },
        { progress: { step: 'unlock-hosts', hosts: [] } },
      ),
    ],
    ['strategy: record a Job', strategy(waits(''), waits('starting Job j on a'))],
    [
      'strategy: record a withdrawal',
      strategy(waits('', { jobs: [{ name: 'j' }] }), waits('', { jobs: [{ name: 'j', withdrawn: true }] })),
    ],
    ['strategy: report', strategy(waits('starting Job j on a'), waits('Job j runs on a'))],
    [
      'host: claim',
      host({ metadata: { annotations: { [CLAIM_ANNOTATION]: '{}' } }, spec: { unschedulable: true } }),
    ],
    ['host: claim again', host({ metadata: { annotations: { [CLAIM_ANNOTATION]: '{}' } } })],
    [
      'host: release',
      host({ metadata: { annotations: { [CLAIM_ANNOTATION]: null } }, spec: { taints: [] } }),
    ],
    ['pod: evict', ask('POST', '/api/v1/namespaces/n/pods/web-0/eviction', {})],
    ['Job: make', ask('POST', JOBS, { spec: { suspend: true } })],
    ['Job: start', ask('PATCH', `${JOBS}/j`, [{ op: 'add', path: '/spec/suspend', value: false }])],
    ['Job: stamp', ask('PATCH', `${JOBS}/j`, { metadata: { annotations: { [EPOCH_ANNOTATION]: '2' } } })],
    ['Job: mend', ask('PATCH', `${JOBS}/j`, { metadata: { uid: 'u' }, spec: { backoffLimit: 0 } })],
    ['Job: withdraw', ask('PATCH', `${JOBS}/j`, { metadata: { uid: 'u' }, spec: { suspend: true } })],
    ['Job: remove', ask('DELETE', `${JOBS}/j`, {})],
  ])('is %s', (name, request) => {
    expect(writeClass(request)).toBe(name);
  });

  it.each([
    ['a read', ask('GET', '/api/v1/nodes')],
    ['the Lease', ask('PATCH', '/apis/coordination.k8s.io/v1/namespaces/careen-system/leases/careen', {})],
    ['an event', ask('POST', '/apis/events.k8s.io/v1/namespaces/n/events', {})],
  ])('does not exist for %s', (_, request) => {
    expect(writeClass(request)).toBeUndefined();
  });

  it('is reported as unlisted for a write without a class', () => {
    const write = ask('DELETE', '/api/v1/namespaces/n/pods/web-0');
    expect(writeClass(write)).toBe('unlisted: DELETE /api/v1/namespaces/{namespace}/pods/{name}');
    expect(writeClass(strategy({}, { state: 'aborting' }))).toBe('unlisted: strategy: aborting');
  });
});
