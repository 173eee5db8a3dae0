/** Rules of starlingx-vim.md §8 about upgrading that no recorded plan shows. */
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
const PARALLEL = { 'worker-apply-type': 'parallel', 'storage-apply-type': 'parallel' };
const COMPLETE = { 'complete-upgrade': true };

describe('which hosts are upgraded', () => {
  it('are those that do not run the target release, whatever they run or target', () => {
    const hosts = ['20.01', '19.12', '21.05', '20.06'].map((softwareLoad) =>
      worker(`w-${softwareLoad}`, {}, { softwareLoad, targetLoad: '20.06' }),
    );
    expect(stageTexts(upgradeBuild([...CONTROLLERS, ...hosts]))).toEqual(
      ['20.01', '19.12', '21.05'].map((load) => `worker-hosts: w-${load}`),
    );
    const aimless = worker('w', {}, { ...UPGRADED, targetLoad: '20.01' });
    expect(upgradeBuild([...CONTROLLERS, aimless]).failure).toBe('no software upgrades need to be applied');
  });

  it('are each planned in the first of their roles', () => {
    const hosts = [
      host('s-1', ['worker', 'storage']),
      host('s-2', ['swift', 'storage']),
      host('w-1', ['swift', 'worker']),
      host('controller-1', ['storage', 'controller']),
      host('controller-0', 'controller', {}, UPGRADED),
    ];
    expect(stageTexts(upgradeBuild(hosts))).toEqual([
      'controllers: controller-1',
      'storage-hosts: s-1',
      'storage-hosts: s-2',
      'worker-hosts: w-1',
    ]);
  });
});

describe('controllers', () => {
  it('must be two, although the system is meant to have one', () => {
    const given = { singleController: true };
    expect(upgradeBuild([host('controller-0', 'controller')], given).failure).toBe(
      'not enough controllers to apply software upgrades',
    );
  });

  it('are upgraded in the order 1, 0, for any order of the table and any active one', () => {
    const both = ['controller-0', 'controller-2', 'controller-1'].map((name) => host(name, 'controller'));
    for (const activeController of ['controller-0', 'controller-1'])
      expect(stageTexts(upgradeBuild(both, { activeController }))).toEqual([
        'controllers: controller-1',
        'controllers: controller-0',
      ]);
  });

  it('are not counted when all are upgraded', () => {
    const one = host('controller-1', ['controller', 'worker'], {}, UPGRADED);
    expect(upgradeBuild([one, worker('w0')]).failure).toBeUndefined();
  });

  it('that fail leave no stage planned, not even the completion', () => {
    const params = { ...PARALLEL, ...COMPLETE };
    const hosts = [host('controller-1', 'controller'), worker('w0')];
    expect(upgradeBuild(hosts, { params }).stages).toEqual([]);
  });
});

describe('storage hosts', () => {
  const storage = (name: string, more = {}) => host(name, 'storage', {}, more);

  it('are grouped without storage-0, which is alone even without a peer', () => {
    const hosts = ['storage-2', 'storage-1', 'storage-0'].map((name) => storage(name));
    const plan = (more: Parameters<typeof upgradeBuild>[0]) =>
      stageTexts(upgradeBuild([...CONTROLLERS, ...more], { params: PARALLEL }));
    expect(plan(hosts)).toEqual(['storage-hosts: storage-0', 'storage-hosts: storage-2 storage-1']);
    expect(plan([...hosts.slice(0, 2), storage('storage-0', UPGRADED)])).toEqual([
      'storage-hosts: storage-2 storage-1',
    ]);
  });

  it('ignored are not checked, and not counted when all are upgraded', () => {
    const params = { 'storage-apply-type': 'ignore' };
    const build = upgradeBuild([...CONTROLLERS, storage('storage-0'), worker('w0')], { params });
    expect([build.failure, stageTexts(build)]).toEqual([undefined, ['worker-hosts: w0']]);
    const one = [...CONTROLLERS, storage('storage-0', UPGRADED), worker('w0')];
    expect(upgradeBuild(one).failure).toBeUndefined();
  });
});

describe('workers', () => {
  it.each([{}, COMPLETE])('ignored are not checked, nor their instances (%j)', (more) => {
    const given = {
      params: { ...more, 'worker-apply-type': 'ignore' },
      instances: [instance('a', 'w0', 'locked')],
      instanceGroups: [group('g', 'affinity', 'a')],
    };
    const build = upgradeBuild([...CONTROLLERS, worker('w0')], given);
    const completes = 'complete-upgrade' in more;
    expect([build.failure, stageTexts(build)]).toEqual(
      completes ? [undefined, ['complete: ']] : ['no software upgrades need to be applied', []],
    );
  });

  /** The specification says so of controllers and of patching, and not explicitly of workers. */
  it('are not checked when all are upgraded', () => {
    const given = {
      params: COMPLETE,
      instances: [instance('a', 'w0', 'locked')],
      instanceGroups: [group('g', 'affinity', 'a')],
    };
    expect(upgradeBuild([...CONTROLLERS, worker('w0', {}, UPGRADED)], given).failure).toBeUndefined();
  });

  it('that fail keep the stages of controllers and storage, without the completion', () => {
    const hosts = [
      host('controller-1', 'controller'),
      ...CONTROLLERS.slice(0, 1),
      host('s-0', 'storage'),
      host('s-1', 'storage', {}, UPGRADED),
      worker('w0'),
    ];
    const build = upgradeBuild(hosts, { params: COMPLETE, instances: [instance('a', 'w0', 'locked')] });
    expect(build.failure).toBe('instance a must not be shut down');
    expect(stageTexts(build)).toEqual(['controllers: controller-1', 'storage-hosts: s-0']);
  });

  it('name the first stopped instance in the order of lists and hosts, not of the table', () => {
    const instances = [
      instance('late', 'w1', 'locked'),
      instance('runs', 'w0'),
      instance('early', 'w0', 'locked'),
      instance('next', 'w0', 'locked'),
    ];
    const hosts = [...CONTROLLERS, worker('w0'), worker('w1')];
    for (const params of [{}, PARALLEL])
      expect(upgradeBuild(hosts, { params, instances }).failure).toBe('instance early must not be shut down');
  });

  it.each([
    [{ openstackInstalled: false }, ['migrate-instances b a']],
    [{}, ['disable-host-services w0 w1', 'migrate-instances b a']],
  ])('are freed host by host; no missing service is disabled (%j)', (given, freeing) => {
    const hosts = [...CONTROLLERS, worker('w0'), worker('w1')];
    const instances = [instance('a', 'w1'), instance('b', 'w0')];
    const build = upgradeBuild(hosts, { ...given, instances, params: PARALLEL });
    expect(stepsOf(build)).toEqual([
      'query-alarms',
      ...freeing,
      'lock-hosts w0 w1',
      'upgrade-hosts w0 w1',
      'unlock-hosts w0 w1',
      'system-stabilize 60',
    ]);
  });

  it('in serial have no service disabled', () => {
    const build = upgradeBuild([...CONTROLLERS, worker('w0')], { instances: [instance('a', 'w0')] });
    expect(stepsOf(build)[1]).toBe('migrate-instances a');
  });

  it('count upgraded ones for the share of an aggregate', () => {
    const names = ['w0', 'w1', 'w2', 'w3'];
    const given = {
      params: { ...PARALLEL, 'max-parallel-worker-hosts': '2' },
      instances: names.map((name) => instance(`on-${name}`, name)),
      hostAggregates: [aggregate('a', ...names)],
    };
    const plan = (more: string[]) =>
      stageTexts(
        upgradeBuild(
          [
            ...CONTROLLERS,
            ...names.map((name) => worker(name)),
            ...more.map((name) => worker(name, {}, UPGRADED)),
          ],
          given,
        ),
      ).length;
    expect([plan([]), plan(['w4'])]).toEqual([2, 4]);
  });
});
