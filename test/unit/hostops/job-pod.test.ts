import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { warningOf } from '../../../src/hostops/jobs/job-events.ts';
import { jobPod } from '../../../src/hostops/jobs/job-pod.ts';
import { jobName, jobState, ownerReference } from '../../../src/hostops/jobs/job.ts';
import { effectKey } from '../../../src/engine/effect.ts';
import { ownerNamed } from '../support/owners.ts';

type Status = NonNullable<V1Pod['status']>;
/** Times are texts, as the API server sends them. */
const at = (time: string): Date => time as unknown as Date;
const container = (name: string, state: V1ContainerStatus['state'], restartCount = 0): V1ContainerStatus => ({
  ...{ name, image: '', imageID: '', ready: false, restartCount },
  ...(state ? { state } : {}),
});
const read = (status: Status) => {
  const owner = { apiVersion: 'batch/v1', kind: 'Job', name: 'j', uid: 'job-1', controller: true };
  const pod = jobPod({ metadata: { name: 'p', namespace: 'n', uid: 'u', ownerReferences: [owner] }, status });
  return [pod?.hasStarted, pod?.words];
};

describe('the pod of a Job', () => {
  it.each<[string, Status, readonly [boolean, string | undefined]]>([
    ['has no status yet', { phase: 'Pending' }, [false, undefined]],
    [
      'is being made',
      { containerStatuses: [container('apply', { waiting: { reason: 'ContainerCreating' } })] },
      [false, undefined],
    ],
    [
      'cannot pull its image',
      {
        containerStatuses: [
          container('apply', { waiting: { reason: 'ImagePullBackOff', message: 'no such image' } }),
        ],
      },
      [false, 'container apply waits: ImagePullBackOff: no such image'],
    ],
    [
      'lacks a secret',
      {
        containerStatuses: [
          container('apply', {
            waiting: { reason: 'CreateContainerConfigError', message: 'secret "s" not found' },
          }),
        ],
      },
      [false, 'container apply waits: CreateContainerConfigError: secret "s" not found'],
    ],
    [
      'has no place',
      {
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'no node' }],
      },
      [false, 'pod p waits: Unschedulable: no node'],
    ],
    [
      'is rejected by the kubelet',
      { phase: 'Failed', reason: 'OutOfcpu', message: 'too much' },
      [false, 'pod p waits: OutOfcpu: too much'],
    ],
    [
      'has a container that cannot be run',
      {
        containerStatuses: [
          container('apply', {
            terminated: {
              exitCode: 128,
              reason: 'StartError',
              startedAt: at('1970-01-01T00:00:00Z'),
              message: 'no file',
            },
          }),
        ],
      },
      [false, 'container apply did not start: StartError: no file'],
    ],
    [
      'runs',
      { phase: 'Running', containerStatuses: [container('apply', { running: {} })] },
      [true, undefined],
    ],
    ['runs, as far as its phase says', { phase: 'Running' }, [true, undefined]],
    [
      'ran an init container',
      { initContainerStatuses: [container('i', { terminated: { exitCode: 0 } })] },
      [true, undefined],
    ],
    [
      'was restarted',
      { containerStatuses: [container('apply', { waiting: { reason: 'Error' } }, 1)] },
      [true, undefined],
    ],
    ['failed, and nobody says how', { phase: 'Failed' }, [true, undefined]],
    [
      'has ended but for another container',
      {
        containerStatuses: [
          container('apply', { terminated: { exitCode: 0 } }),
          container('log-shipper', { running: {} }),
        ],
      },
      [true, 'container apply has ended with code 0, container log-shipper still runs'],
    ],
  ])('that %s', (_, status, expected) => {
    expect(read(status)).toEqual(expected);
  });
});

describe('the newest warning', () => {
  it('is that of the last repetition', () => {
    const event = (reason: string, time: string) => ({
      reason,
      note: 'x',
      eventTime: at(''),
      deprecatedLastTimestamp: at(time),
    });
    expect(
      warningOf([
        { ...event('Old', '2026-11-26T09:00:00Z'), metadata: {} },
        { ...event('FailedCreate', '2026-11-26T10:00:00Z'), metadata: {} },
      ]),
    ).toBe('FailedCreate: x');
    expect(warningOf([])).toBeUndefined();
  });
});

describe('a Job', () => {
  const key = effectKey('r1', 0, 'sw-patch-hosts', 'w-1', 'kernel', 1);
  const name = jobName({ key, action: 'kernel' });
  const annotations = { 'careen.dev/effect': key };
  const ownerReferences = [ownerReference(ownerNamed('s'))];
  const state = (spec: object, status: object, marks: object = {}) =>
    jobState({
      metadata: { name, ownerReferences, annotations: { ...annotations, ...marks } },
      spec: { template: {}, ...spec },
      status,
    });

  it('had no pod only when its controller has taken it up and counted none', () => {
    expect(state({}, {})?.hadNoPod).toBe(false);
    expect(state({}, { startTime: at('2026-11-26T09:00:00Z') })?.hadNoPod).toBe(true);
    for (const count of [{ active: 1 }, { failed: 1 }, { uncountedTerminatedPods: { failed: ['u'] } }])
      expect(state({}, { startTime: at('2026-11-26T09:00:00Z'), ...count })?.hadNoPod).toBe(false);
  });

  it('that is suspended was started before when its start has marked it: a policy may set a deadline, too', () => {
    expect(state({ suspend: true }, {})).toMatchObject({ state: 'suspended', wasStarted: false });
    expect(state({ suspend: true, activeDeadlineSeconds: 9 }, {})).toMatchObject({ wasStarted: false });
    expect(state({ suspend: true }, {}, { 'careen.dev/started': '9' })).toMatchObject({
      state: 'suspended',
      wasStarted: true,
    });
  });
});
