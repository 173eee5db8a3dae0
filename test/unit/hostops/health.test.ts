import type { V1Node } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';
import { alarmsOf, outOfServiceTaints, taintsOf } from '../../../src/hostops/health.ts';
import { nextNodeState, nodeState } from '../../../src/hostops/kubernetes/node-facts.ts';

const healthOf = (health: object) =>
  hostPoolSpec.parse({ provider: { kubernetes: {} }, maxUnavailable: 1, health }).health;
const taint = (key: string, effect = 'NoSchedule') => ({ key, effect });

describe('the taints of a host', () => {
  it('are those that keep work away, without a cordon and without tolerated ones', () => {
    const taints = [
      taint('example.com/a'),
      taint('example.com/b', 'NoExecute'),
      taint('example.com/c', 'PreferNoSchedule'),
      taint('example.com/d'),
      taint('careen.dev/maintenance'),
      taint('node.kubernetes.io/unschedulable'),
    ];
    expect(taintsOf(taints, healthOf({ toleratedTaints: ['example.com/d'] }))).toEqual([
      'example.com/a:NoSchedule',
      'example.com/b:NoExecute',
    ]);
  });

  it.each<[string, boolean]>([
    ['node.cilium.io/agent-not-ready', true],
    ['ebs.csi.aws.com/agent-not-ready', true],
    ['node.cloudprovider.kubernetes.io/uninitialized', true],
    ['node.kubernetes.io/network-unavailable', true],
    // The condition Ready says that itself, and at once.
    ['node.kubernetes.io/not-ready', false],
    ['node-role.kubernetes.io/control-plane', false],
    ['agent-not-ready', false],
  ])('say with %s that it is not in service: %s', (key, says) => {
    expect(outOfServiceTaints([taint(key)], healthOf({})).length > 0).toBe(says);
    expect(outOfServiceTaints([taint(key)], healthOf({ toleratedTaints: [key] }))).toEqual([]);
  });
});

describe('the alarms of a host', () => {
  const condition = (type: string) => ({ type, detail: 'why', since: 7 });
  const conditions = ['DiskPressure', 'ReadonlyFilesystem', 'NTPProblem'].map(condition);
  const idsBy = (health: object) =>
    alarmsOf({ notReady: 'is not Ready', conditions }, healthOf(health)).map(({ id, since }) => [id, since]);

  it('are the default conditions, with a time where an older alarm holds up nothing', () => {
    expect(idsBy({})).toEqual([
      ['NotReady', undefined],
      ['DiskPressure', undefined],
      ['ReadonlyFilesystem', 7],
    ]);
  });

  it('are those of the pool in place of the default, and always the missing readiness', () => {
    expect(idsBy({ alarmConditions: ['NTPProblem'] })).toEqual([
      ['NotReady', undefined],
      ['NTPProblem', 7],
    ]);
    expect(idsBy({ alarmConditions: [] })).toEqual([['NotReady', undefined]]);
  });
});

describe('a node', () => {
  it('says in words why it is not Ready, and names its pressure', () => {
    const conditions = [
      { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: 'PLEG is not healthy.' },
      { type: 'DiskPressure', status: 'True', reason: 'KubeletHasDiskPressure' },
    ];
    expect(alarmsOf(nodeState({ status: { conditions } }), healthOf({})).map(({ text }) => text)).toEqual([
      'is not Ready (KubeletNotReady: PLEG is not healthy)',
      'reports DiskPressure (KubeletHasDiskPressure)',
    ]);
  });

  it('is known to have been Ready from a later transition of the condition, or from an earlier observation', () => {
    const created = new Date('2026-11-26T09:00:00Z');
    const seen = (status: string, transition?: string, reason = '', uid = 'u'): V1Node => ({
      metadata: { name: 'a', uid, creationTimestamp: created },
      status: {
        conditions: [
          {
            type: 'Ready',
            status,
            reason,
            ...(transition ? { lastTransitionTime: new Date(transition) } : {}),
          },
        ],
      },
    });
    const joining = seen('False', '2026-11-26T09:00:00Z', 'KubeletNotReady');
    const wasReady = (...nodes: readonly V1Node[]): boolean[] =>
      nodes.map((each) => nodeState(each).wasReady);
    expect(wasReady(joining, seen('Unknown', '2026-11-26T09:01:00Z', 'NodeStatusNeverUpdated'), {})).toEqual([
      false,
      false,
      false,
    ]);
    expect(wasReady(seen('True'), seen('False', '2026-11-26T09:00:01Z'), seen('Unknown'))).toEqual([
      true,
      true,
      true,
    ]);
    const ready = nextNodeState(seen('True'), nodeState(joining));
    expect(nextNodeState(joining, ready).wasReady).toBe(true);
    const another = seen('False', '2026-11-26T09:00:00Z', 'KubeletNotReady', 'v');
    expect(nextNodeState(another, ready).wasReady).toBe(false);
  });
});
