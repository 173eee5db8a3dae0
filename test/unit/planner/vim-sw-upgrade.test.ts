import { describe, expect, it } from 'vitest';
import {
  aggregate,
  CONTROLLERS,
  group,
  host,
  instance,
  stageTexts,
  stepsOf,
  upgradeBuild,
  worker,
} from './vim-platform.ts';

const UPGRADED = { softwareLoad: '20.06' };
const CONTROLLER_0 = host('controller-0', 'controller');
const CONTROLLER_1 = host('controller-1', 'controller');
const both = [CONTROLLER_0, CONTROLLER_1];
const PARALLEL = { 'worker-apply-type': 'parallel', 'storage-apply-type': 'parallel' };

describe('the order of an upgrade (starlingx-vim.md §8)', () => {
  it('is controllers, storage, workers, completion; each host in the first of its roles', () => {
    const hosts = [
      worker('w0'),
      host('s0', ['worker', 'storage']),
      host('s1', 'storage', {}, UPGRADED),
      host('swift-0', 'swift'),
      ...both,
    ];
    const build = upgradeBuild(hosts, { params: { 'complete-upgrade': true } });
    expect(stageTexts(build)).toEqual([
      'controllers: controller-1',
      'controllers: controller-0',
      'storage-hosts: s0',
      'worker-hosts: w0',
      'complete: ',
    ]);
    expect(stepsOf(build, 4)).toEqual([
      'query-alarms',
      'swact-hosts controller-1',
      'activate-upgrade',
      'complete-upgrade',
      'system-stabilize 60',
    ]);
  });

  it('continues without ignored roles', () => {
    const params = { 'worker-apply-type': 'ignore', 'storage-apply-type': 'ignore' };
    const hosts = [...both, host('storage-0', 'storage'), worker('w0')];
    expect(stageTexts(upgradeBuild(hosts, { params }))).toEqual([
      'controllers: controller-1',
      'controllers: controller-0',
    ]);
  });

  it('can be the completion alone', () => {
    expect(stageTexts(upgradeBuild(CONTROLLERS, { params: { 'complete-upgrade': true } }))).toEqual([
      'complete: ',
    ]);
  });
});

describe('upgrading controllers', () => {
  const upgraded1 = host('controller-1', 'controller', {}, UPGRADED);

  it('swacts controller-0 away only after controller-1 was upgraded here', () => {
    const steps = (name: string, ...swact: string[]) => [
      'query-alarms',
      ...swact,
      `lock-hosts ${name}`,
      `upgrade-hosts ${name}`,
      `unlock-hosts ${name}`,
      'wait-data-sync 14400',
    ];
    const build = upgradeBuild(both);
    expect(stepsOf(build, 0)).toEqual(steps('controller-1'));
    expect(stepsOf(build, 1)).toEqual(steps('controller-0', 'swact-hosts controller-0'));
    const second = upgradeBuild([CONTROLLER_0, upgraded1]);
    expect(stepsOf(second)).toEqual(steps('controller-0'));
  });

  it('leaves controllers of other names alone', () => {
    const hosts = [...CONTROLLERS, host('controller-2', 'controller')];
    expect(upgradeBuild(hosts).failure).toBe('no software upgrades need to be applied');
  });

  it('needs two in the inventory, and none that is a worker, in this order', () => {
    const allInOne = host('controller-0', ['controller', 'worker']);
    expect(upgradeBuild([allInOne]).failure).toBe('not enough controllers to apply software upgrades');
    expect(upgradeBuild([allInOne, upgraded1]).failure).toBe(
      'cannot apply software upgrades to CPE configuration',
    );
    const current = host('controller-2', ['controller', 'worker'], {}, UPGRADED);
    expect(upgradeBuild([...both, current]).failure).toBeUndefined();
    expect(upgradeBuild([worker('w0'), upgraded1]).failure).toBeUndefined();
  });
});

describe('upgrading storage hosts', () => {
  const hosts = ['s1', 'storage-0', 's2', 's3'].map((name) => host(name, 'storage'));
  const hostGroups = [{ name: 'g', policies: ['storage-replication'], memberNames: ['s1', 's2'] }];
  const TOO_FEW = 'not enough storage hosts to apply software updates';

  it('begins with storage-0, then continues like patching', () => {
    const build = upgradeBuild([...CONTROLLERS, ...hosts], { hostGroups, params: PARALLEL });
    expect(stageTexts(build)).toEqual([
      'storage-hosts: storage-0',
      'storage-hosts: s1 s3',
      'storage-hosts: s2',
    ]);
    expect(stepsOf(build, 1)).toEqual([
      'query-alarms',
      'lock-hosts s1 s3',
      'upgrade-hosts s1 s3',
      'unlock-hosts s1 s3',
      'wait-data-sync 7200',
    ]);
    expect(stageTexts(upgradeBuild([...CONTROLLERS, ...hosts], { hostGroups }))).toEqual(
      ['storage-0', 's1', 's2', 's3'].map((name) => `storage-hosts: ${name}`),
    );
  });

  it('checks before storage-0 is planned, and counts upgraded hosts', () => {
    const first = host('storage-0', 'storage');
    const build = upgradeBuild([...both, first]);
    expect([build.failure, stageTexts(build).length]).toEqual([TOO_FEW, 2]);
    expect(upgradeBuild([...both, first, host('s1', 'storage', {}, UPGRADED)]).failure).toBeUndefined();
    expect(upgradeBuild([...both, host('storage-0', 'storage', {}, UPGRADED)]).failure).toBeUndefined();
  });
});

describe('upgrading workers', () => {
  it('empties hosts that have instances, and only those', () => {
    const build = upgradeBuild([...CONTROLLERS, worker('w0'), worker('w1')], {
      instances: [instance('b', 'w0'), instance('a', 'w0')],
    });
    expect(stageTexts(build)).toEqual(['worker-hosts: w1', 'worker-hosts: w0']);
    const steps = (name: string, ...before: string[]) => [
      'query-alarms',
      ...before,
      `lock-hosts ${name}`,
      `upgrade-hosts ${name}`,
      `unlock-hosts ${name}`,
      'system-stabilize 60',
    ];
    expect(stepsOf(build, 0)).toEqual(steps('w1'));
    expect(stepsOf(build, 1)).toEqual(steps('w0', 'migrate-instances b a'));
  });

  it('disables services in parallel on all hosts, if the first has the compute service', () => {
    const plain = host('w0', 'worker');
    const given = { params: PARALLEL, instances: [instance('a', 'w0'), instance('b', 'w1')] };
    const second = (...hosts: Parameters<typeof upgradeBuild>[0]) =>
      stepsOf(upgradeBuild([...CONTROLLERS, ...hosts], given)).slice(1, 3);
    expect(second(worker('w0'), worker('w1'))).toEqual([
      'disable-host-services w0 w1',
      'migrate-instances a b',
    ]);
    expect(second(plain, worker('w1'))).toEqual(['migrate-instances a b', 'lock-hosts w0 w1']);
  });

  it('takes hosts together like patching with a reboot', () => {
    const names = ['w0', 'w1', 'w2', 'w3'];
    const given = {
      params: { ...PARALLEL, 'max-parallel-worker-hosts': 4 },
      instances: names.slice(1).map((name) => instance(`on-${name}`, name)),
      instanceGroups: [group('g', 'anti-affinity', 'on-w1', 'on-w2')],
      hostAggregates: [aggregate('a', 'w2', 'w3')],
    };
    expect(stageTexts(upgradeBuild([...CONTROLLERS, ...names.map((name) => worker(name))], given))).toEqual([
      'worker-hosts: w0',
      'worker-hosts: w1 w3',
      'worker-hosts: w2',
    ]);
  });

  it('stops at a list with a stopped instance and keeps the stages before it', () => {
    const instances = [instance('a', 'w0'), instance('b', 'w1', 'locked')];
    const build = upgradeBuild([...CONTROLLERS, worker('w0'), worker('w1'), worker('w2')], { instances });
    expect(build.failure).toBe('instance b must not be shut down');
    expect(stageTexts(build)).toEqual(['worker-hosts: w2', 'worker-hosts: w0']);
  });

  it('accepts a stopped instance on an upgraded host, unless it is in a group', () => {
    const hosts = [...CONTROLLERS, worker('old', {}, UPGRADED), worker('w0')];
    const given = { instances: [instance('a', 'old', 'locked')] };
    expect(upgradeBuild(hosts, given).failure).toBeUndefined();
    expect(upgradeBuild(hosts, { ...given, instanceGroups: [group('g', 'affinity', 'a')] }).failure).toBe(
      'instance a in group g must not be shut down',
    );
  });
});
