import { describe, expect, it } from 'vitest';
import {
  aggregate,
  CONTROLLERS,
  CURRENT,
  group,
  host,
  hostsOf,
  IN_PLACE,
  instance,
  LOCKED,
  patchBuild,
  worker,
  type TestHost,
} from './vim-platform.ts';

type Given = Parameters<typeof patchBuild>[1];

function lists(hosts: readonly TestHost[], given: Given = {}, type = 'parallel', most = 2): string[] {
  const params = { 'worker-apply-type': type, 'max-parallel-worker-hosts': most, ...given.params };
  const build = patchBuild([...CONTROLLERS, ...hosts], { ...given, params });
  return build.stages.map((stage) => hostsOf(stage).join(' '));
}

const numbered = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, i) => `w${String(i + from)}`);
const workers = (count: number): TestHost[] => numbered(count).map((name) => worker(name));
const onEach = (count: number) => numbered(count).map((name) => instance(`on-${name}`, name));
const apart = (policy: string, ...names: string[]) => group(`${policy}-${names.join('-')}`, policy, ...names);

describe('serial worker lists (starlingx-vim.md §7.5)', () => {
  it.each([{}, IN_PLACE])(
    'are controllers, then empty hosts, then the others, each in order (%j)',
    (patch) => {
      const hosts = [
        worker('w0', patch),
        worker('w1', patch),
        host('c9', ['controller', 'worker'], patch),
        worker('w2', patch),
        worker('w3', patch),
      ];
      const instances = [instance('a', 'w2'), instance('b', 'w0'), instance('c', 'c9')];
      expect(lists(hosts, { instances }, 'serial')).toEqual(['c9', 'w1', 'w3', 'w0', 'w2']);
    },
  );
});

describe('parallel worker lists', () => {
  it('take controllers alone and first, then empty hosts in pieces, then the others', () => {
    const hosts = [worker('w9'), ...workers(3), host('c9', ['controller', 'worker']), worker('w8')];
    const instances = [instance('a', 'w9'), instance('b', 'w8')];
    expect(lists(hosts, { instances })).toEqual(['c9', 'w0 w1', 'w2', 'w9 w8']);
  });

  it('count instances in any state', () => {
    expect(lists(workers(2), { instances: [instance('a', 'w0', 'locked')] })).toEqual(['w1', 'w0']);
  });

  it('without a reboot have all hosts in order, with or without instances', () => {
    const hosts = numbered(5).map((name) => worker(name, IN_PLACE));
    const given = {
      instances: onEach(5),
      instanceGroups: [apart('anti-affinity', 'on-w0', 'on-w1')],
      hostAggregates: [aggregate('a', 'w0', 'w1')],
    };
    expect(lists(hosts, given)).toEqual(['w0 w1', 'w2 w3', 'w4']);
  });

  it('hold two hosts at most by default', () => {
    const params = { 'max-parallel-worker-hosts': undefined };
    expect(lists(workers(3), { params })).toEqual(['w0 w1', 'w2']);
  });

  it.each(['anti-affinity', 'anti-affinity-best-effort'])(
    'keep members of a group with %s apart',
    (policy) => {
      const given = { instances: onEach(4), instanceGroups: [apart(policy, 'on-w0', 'on-w1')] };
      expect(lists(workers(4), given)).toEqual(['w0 w2', 'w1 w3']);
    },
  );

  it.each(['affinity', 'soft-anti-affinity'])('ignore a group with %s', (policy) => {
    const given = { instances: onEach(4), instanceGroups: [apart(policy, 'on-w0', 'on-w1')] };
    expect(lists(workers(4), given)).toEqual(['w0 w1', 'w2 w3']);
  });

  it('respect a group of several policies when one of them is anti-affinity', () => {
    const both = { ...apart('affinity', 'on-w0', 'on-w1'), policies: ['affinity', 'anti-affinity'] };
    expect(lists(workers(2), { instances: onEach(2), instanceGroups: [both] })).toEqual(['w0', 'w1']);
  });

  it('fill the first list that has room, and count a locked instance', () => {
    const given = {
      instances: [instance('on-w0', 'w0', 'locked'), ...onEach(4).slice(1)],
      instanceGroups: [apart('anti-affinity', 'on-w1', 'on-w2')],
    };
    expect(lists(workers(4), given, 'parallel', 3)).toEqual(['w0 w1 w3', 'w2']);
  });

  it('accept two members of a group on one host', () => {
    const instances = [instance('a', 'w0'), instance('b', 'w0'), instance('c', 'w1')];
    expect(lists(workers(2), { instances, instanceGroups: [apart('anti-affinity', 'a', 'b')] })).toEqual([
      'w0 w1',
    ]);
  });
});

describe('the limit of a host aggregate', () => {
  const aggregates = (...each: ReturnType<typeof aggregate>[]) => ({ hostAggregates: each });

  it('is the maximum times its share of all workers, rounded down', () => {
    const given = { instances: onEach(10), ...aggregates(aggregate('a', ...numbered(10))) };
    expect(lists(workers(10), given, 'parallel', 3)).toEqual(['w0 w1 w2', 'w3 w4 w5', 'w6 w7 w8', 'w9']);
    const half = {
      ...given,
      ...aggregates(aggregate('a', ...numbered(5)), aggregate('b', ...numbered(5, 5))),
    };
    expect(lists(workers(10), half, 'parallel', 4)).toEqual(['w0 w1 w5 w6', 'w2 w3 w7 w8', 'w4 w9']);
  });

  it('is at most half of the aggregate, and at least one host', () => {
    const given = { instances: onEach(4), ...aggregates(aggregate('a', ...numbered(4))) };
    expect(lists(workers(4), given, 'parallel', 100)).toEqual(['w0 w1', 'w2 w3']);
    const small = { instances: onEach(6), ...aggregates(aggregate('a', 'w0', 'w1'), aggregate('b', 'w2')) };
    expect(lists(workers(6), small, 'parallel', 3)).toEqual(['w0 w2 w3', 'w1 w4 w5']);
  });

  it('is divided before it is multiplied: 49 hosts at 2 of 49 give 1', () => {
    const given = { instances: onEach(49), ...aggregates(aggregate('a', ...numbered(49))) };
    expect(lists(workers(49), given).length).toBe(49);
  });

  it('counts locked and patched workers, workers that are controllers, and names without a host', () => {
    const others = [
      worker('x', CURRENT),
      worker('y', CURRENT, LOCKED),
      host('z', ['controller', 'worker'], CURRENT),
    ];
    const given = { instances: onEach(4), ...aggregates(aggregate('a', ...numbered(4))) };
    // 3 of 7 of 4 hosts are 1; of 4 workers it would be half of them.
    expect(lists([...workers(4), ...others], given, 'parallel', 3)).toEqual(['w0', 'w1', 'w2', 'w3']);
    // 3 of 7 of 5 names are 2.
    const stranger = { ...given, ...aggregates(aggregate('a', ...numbered(4), 'stranger')) };
    expect(lists([...workers(4), ...others], stranger, 'parallel', 3)).toEqual(['w0 w1', 'w2 w3']);
  });

  it('holds for each aggregate of a host, and not for hosts without instances', () => {
    const given = {
      instances: onEach(4),
      ...aggregates(aggregate('a', 'w0', 'w1'), aggregate('b', 'w1', 'w2')),
    };
    expect(lists(workers(4), given, 'parallel', 4)).toEqual(['w0 w2 w3', 'w1']);
    expect(lists(workers(4), { ...given, instances: [] }, 'parallel', 4)).toEqual(['w0 w1 w2 w3']);
  });
});
