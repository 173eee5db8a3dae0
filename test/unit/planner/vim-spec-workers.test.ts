/** Rules of starlingx-vim.md §7.5 about workers that no recorded plan shows. */
import { describe, expect, it } from 'vitest';
import {
  aggregate,
  CONTROLLERS,
  CURRENT,
  group,
  host,
  IN_PLACE,
  instance,
  LOCKED,
  patchBuild,
  stageTexts,
  stepsOf,
  worker,
} from './vim-platform.ts';

const PARALLEL = { 'worker-apply-type': 'parallel' };
const STOP_START = { 'default-instance-action': 'stop-start' };
const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `w${String(i)}`);
const workers = (count: number) => numbered(count).map((name) => worker(name));
const onEach = (count: number) => numbered(count).map((name) => instance(`on-${name}`, name));
const node = (name: string, patch = {}, more = {}) =>
  host(name, ['controller', 'worker'], patch, { openstackCompute: true, ...more });
const texts = (...lists: string[]) => lists.map((list) => `worker-hosts: ${list}`);

describe('the checks', () => {
  const SINGLE = 'cannot migrate instances in a single controller configuration';
  const single = { singleController: true };

  it('A: cover only hosts that are to be patched, separately for each of the two lists', () => {
    const labelled = node('c-0', CURRENT);
    expect(patchBuild([labelled, worker('w0')], single).failure).toBeUndefined();
    const build = patchBuild([node('c-0'), worker('w0', IN_PLACE)], single);
    expect([build.failure, stageTexts(build)]).toEqual([SINGLE, texts('w0')]);
  });

  it('A: require label and personality on the same host', () => {
    const bare = node('c-0', {}, { openstackCompute: false, openstackControl: true });
    expect(patchBuild([bare, worker('w0')], single).failure).toBeUndefined();
    expect(patchBuild([bare, worker('w0'), node('c-1')], single).failure).toBe(SINGLE);
  });

  it('C: do not depend on the host, nor on the policy of a group', () => {
    const given = {
      instances: [instance('alone', 'w0', 'locked'), instance('vm', 'controller-0', 'locked')],
      instanceGroups: [group('other', 'anti-affinity', 'gone'), group('g', 'soft-affinity', 'vm')],
    };
    expect(patchBuild([...CONTROLLERS, worker('w0')], given).failure).toBe(
      'instance vm in group g must not be shut down',
    );
    expect(patchBuild([...CONTROLLERS, worker('w0', IN_PLACE)], given).failure).toBeUndefined();
  });
});

describe('lists', () => {
  it('have controllers first with and without a reboot, whether or not they have instances', () => {
    const hosts = [worker('w0'), node('c-8'), worker('w1'), node('c-9')];
    const instances = [instance('a', 'c-8'), instance('b', 'w0')];
    const inPlace = hosts.map((each) => ({ ...each, patch: { ...each.patch, ...IN_PLACE } }));
    const plan = (of: typeof hosts, type: string) =>
      stageTexts(patchBuild([...CONTROLLERS, ...of], { instances, params: { 'worker-apply-type': type } }));
    expect(plan(hosts, 'serial')).toEqual(texts('c-8', 'c-9', 'w1', 'w0'));
    expect(plan(inPlace, 'serial')).toEqual(texts('c-8', 'c-9', 'w1', 'w0'));
    expect(plan(hosts, 'parallel')).toEqual(texts('c-8', 'c-9', 'w1', 'w0'));
    expect(plan(inPlace, 'parallel')).toEqual(texts('c-8', 'c-9', 'w0 w1'));
  });

  it('do not count a controller as a worker', () => {
    const hosts = [node('c-8'), ...workers(2)];
    const given = {
      params: PARALLEL,
      instances: [instance('a', 'c-8'), ...onEach(2)],
      instanceGroups: [group('g', 'anti-affinity', 'a', 'on-w0')],
      hostAggregates: [aggregate('x', 'c-8', 'w0')],
    };
    expect(stageTexts(patchBuild([...CONTROLLERS, ...hosts], given))).toEqual(texts('c-8', 'w0 w1'));
  });

  it.each([3, '3'])('hold up to %j hosts, with and without instances', (most) => {
    const given = { params: { ...PARALLEL, 'max-parallel-worker-hosts': most }, instances: onEach(4) };
    const hosts = [...workers(4), ...['e0', 'e1', 'e2', 'e3'].map((name) => worker(name))];
    expect(stageTexts(patchBuild([...CONTROLLERS, ...hosts], given))).toEqual(
      texts('e0 e1 e2', 'e3', 'w0 w1 w2', 'w3'),
    );
  });

  it('hold up to 100, and the next host begins another list', () => {
    const params = { ...PARALLEL, 'max-parallel-worker-hosts': 100 };
    for (const instances of [[], onEach(101)])
      expect(stageTexts(patchBuild([...CONTROLLERS, ...workers(101)], { params, instances }))).toEqual(
        texts(numbered(100).join(' '), 'w100'),
      );
  });

  it('keep a host apart from every host in a list, not only from the last', () => {
    const given = {
      params: { ...PARALLEL, 'max-parallel-worker-hosts': 10 },
      instances: [...onEach(5), instance('more', 'w3')],
      instanceGroups: [
        group('g', 'anti-affinity', 'on-w0', 'more'),
        group('h', 'affinity', 'on-w4', 'on-w3'),
      ],
    };
    expect(stageTexts(patchBuild([...CONTROLLERS, ...workers(5)], given))).toEqual(
      texts('w0 w1 w2 w4', 'w3'),
    );
  });

  it('respect every group of an instance', () => {
    const given = {
      params: { ...PARALLEL, 'max-parallel-worker-hosts': 10 },
      instances: onEach(4),
      instanceGroups: [
        group('g', 'anti-affinity', 'on-w0', 'on-w1'),
        group('h', 'anti-affinity-best-effort', 'on-w2', 'on-w1'),
        group('i', 'anti-affinity', 'on-w3', 'on-w2'),
      ],
    };
    expect(stageTexts(patchBuild([...CONTROLLERS, ...workers(4)], given))).toEqual(texts('w0 w2', 'w1 w3'));
  });
});

describe('the limit of an aggregate', () => {
  const plan = (count: number, most: number | string, size = count) => {
    const given = {
      params: { ...PARALLEL, 'max-parallel-worker-hosts': most },
      instances: onEach(count),
      hostAggregates: [aggregate('a', ...numbered(size))],
    };
    const stages = stageTexts(patchBuild([...CONTROLLERS, ...workers(count)], given));
    return stages.map((text) => text.split(' ').length - 1);
  };

  it.each([
    [8, 4, [4, 4]],
    [8, '4', [4, 4]],
    [9, 4, [4, 4, 1]],
    [9, 5, [4, 4, 1]],
    [3, 2, [1, 1, 1]],
    [5, 100, [2, 2, 1]],
    [100, 29, [28, 28, 28, 16]],
  ])('of %i hosts in it of as many, at most %j at once', (count, most, sizes) => {
    expect(plan(count, most)).toEqual(sizes);
  });

  it('lets hosts without an aggregate fill its lists up', () => {
    // 3 of 8 of 4 hosts are 1: w0, w4 and w5 are together, then w1, w6 and w7.
    expect(plan(8, 3, 4)).toEqual([3, 3, 1, 1]);
  });
});

describe('steps', () => {
  it.each([
    ['vim-2020', ['migrate-instances a'], 'system-stabilize 60'],
    ['vim-2024', ['migrate-instances-from-host a'], 'wait-alarms-clear 2400'],
  ])('swact an all-in-one node before it is freed, in %s', (profile, freeing, end) => {
    const build = patchBuild([node('c-8'), ...CONTROLLERS], { profile, instances: [instance('a', 'c-8')] });
    expect(stepsOf(build)).toEqual([
      'query-alarms',
      'swact-hosts c-8',
      ...freeing,
      'lock-hosts c-8',
      'sw-patch-hosts c-8',
      'system-stabilize 15',
      'unlock-hosts c-8',
      end,
    ]);
  });

  it.each([
    ['vim-2020', ['disable-host-services c-8', 'migrate-instances a']],
    ['vim-2024', ['disable-host-services c-8', 'migrate-instances-from-host a']],
  ])('disable services of an all-in-one node too, in parallel in %s', (profile, freeing) => {
    const given = { profile, params: PARALLEL, instances: [instance('a', 'c-8')] };
    expect(stepsOf(patchBuild([node('c-8'), ...CONTROLLERS], given)).slice(2, 4)).toEqual(freeing);
  });

  it.each(['vim-2020', 'vim-2024'])('only stop and start on a simplex, in %s', (profile) => {
    const given = { profile, singleController: true, params: STOP_START, instances: [instance('a', 'c-0')] };
    expect(stepsOf(patchBuild([node('c-0')], given))).toEqual([
      'query-alarms',
      'stop-instances a',
      'lock-hosts c-0',
      'sw-patch-hosts c-0',
      'system-stabilize 15',
      'unlock-hosts c-0',
      'start-instances a',
      profile === 'vim-2020' ? 'system-stabilize 60' : 'wait-alarms-clear 2400',
    ]);
  });

  it.each(['vim-2020', 'vim-2024'])('never disable services to stop instances, in %s', (profile) => {
    const given = { profile, params: { ...PARALLEL, ...STOP_START }, instances: onEach(2) };
    expect(stepsOf(patchBuild([...CONTROLLERS, ...workers(2)], given)).slice(0, 3)).toEqual([
      'query-alarms',
      'stop-instances on-w0 on-w1',
      'lock-hosts w0 w1',
    ]);
  });

  it.each([
    ['vim-2020', 'migrate-instances on-w1 on-w0', 'system-stabilize 60'],
    ['vim-2024', 'migrate-instances-from-host on-w1 on-w0', 'wait-alarms-clear 600'],
  ])('free hosts that are locked, and reboot them, all in list order, in %s', (profile, migration, end) => {
    const hosts = [worker('w1', {}, LOCKED), worker('w0', {}, LOCKED)];
    const build = patchBuild([...CONTROLLERS, ...hosts], { profile, params: PARALLEL, instances: onEach(2) });
    expect(stepsOf(build)).toEqual([
      'query-alarms',
      'disable-host-services w1 w0',
      migration,
      'sw-patch-hosts w1 w0',
      'system-stabilize 15',
      'reboot-hosts w1 w0',
      end,
    ]);
  });

  it('of a storage host that is also a worker are planned for each role', () => {
    const hosts = [host('x', ['storage', 'worker']), host('y', 'storage', CURRENT)];
    const build = patchBuild([...CONTROLLERS, ...hosts]);
    expect([stepsOf(build, 0).at(-1), stepsOf(build, 1).at(-1)]).toEqual([
      'wait-data-sync 1800',
      'system-stabilize 60',
    ]);
  });
});
