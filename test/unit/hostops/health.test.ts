import { describe, expect, it } from 'vitest';
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';
import { alarmsOf, outOfServiceTaints, taintsOf } from '../../../src/hostops/health.ts';

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
