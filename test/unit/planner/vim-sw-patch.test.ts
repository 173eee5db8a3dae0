import { describe, expect, it } from 'vitest';
import {
  CONTROLLERS,
  CURRENT,
  host,
  IN_PLACE,
  instance,
  LOCKED,
  patchBuild,
  stageTexts,
  stepsOf,
  worker,
} from './vim-platform.ts';

const PROFILES = ['vim-2017', 'vim-2020', 'vim-2024'];
const OTHER_CONTROLLER = host('controller-1', 'controller', CURRENT);
const allInOne = (name: string, patch = {}, more = {}) =>
  host(name, ['controller', 'worker'], patch, { openstackCompute: true, ...more });

describe('sorting hosts (starlingx-vim.md §7.1)', () => {
  it('gives controllers, storage, swift and workers, in each role first those without a reboot', () => {
    const hosts = (['worker', 'swift', 'storage', 'controller'] as const).flatMap((role) => [
      host(`${role}-0`, role),
      host(`${role}-1`, role, IN_PLACE),
    ]);
    expect(stageTexts(patchBuild(hosts))).toEqual([
      'controllers: controller-1',
      'controllers: controller-0',
      'storage-hosts: storage-1',
      'storage-hosts: storage-0',
      'swift-hosts: swift-1',
      'swift-hosts: swift-0',
      'worker-hosts: worker-1',
      'worker-hosts: worker-0',
    ]);
  });

  it('skips hosts that are patch current, and workers that are offline', () => {
    const offline = worker('worker-1', {}, { ...LOCKED, availStatus: 'offline' });
    const hosts = [...CONTROLLERS, worker('worker-0', CURRENT), offline, worker('worker-2')];
    expect(stageTexts(patchBuild(hosts))).toEqual(['worker-hosts: worker-2']);
  });

  it('puts a host of several roles into the first of controller, storage and swift, and into the workers', () => {
    const both = host('both', ['storage', 'worker']);
    const swift = host('swift-0', ['swift', 'storage'], CURRENT);
    expect(stageTexts(patchBuild([...CONTROLLERS, both, swift]))).toEqual([
      'storage-hosts: both',
      'worker-hosts: both',
    ]);
  });

  it('sorts by the personality in the patch service, and plans by the personality in the inventory', () => {
    const asController = allInOne('controller-0', { personality: ['controller'] });
    const asWorker = allInOne('controller-1', { personality: ['worker'] });
    expect(patchBuild([asController, allInOne('controller-1', CURRENT)]).failure).toBe(
      'no software patches need to be applied',
    );
    const build = patchBuild([asWorker, asController]);
    expect(stageTexts(build)).toEqual(['worker-hosts: controller-1']);
    expect(stepsOf(build)).toContain('swact-hosts controller-1');
  });
});

describe('controllers (§7.2)', () => {
  const three = ['controller-0', 'controller-1', 'controller-2'].map((name) => host(name, 'controller'));

  it('are patched one at a time in list order, the active one last', () => {
    expect(stageTexts(patchBuild(three))).toEqual([
      'controllers: controller-1',
      'controllers: controller-2',
      'controllers: controller-0',
    ]);
    const inPlace = three.map((each) => ({ ...each, patch: { ...each.patch, requiresReboot: false } }));
    expect(stageTexts(patchBuild(inPlace, { activeController: 'controller-1' }))).toEqual([
      'controllers: controller-0',
      'controllers: controller-2',
      'controllers: controller-1',
    ]);
  });

  it.each([
    ['vim-2017', [], 'system-stabilize 60'],
    ['vim-2020', ['system-stabilize 15'], 'system-stabilize 60'],
    ['vim-2024', ['system-stabilize 15'], 'wait-alarms-clear 2400'],
  ])('are swacted, the standby too, locked, patched and unlocked in %s', (profile, settle, end) => {
    expect(stepsOf(patchBuild([host('controller-0', 'controller'), OTHER_CONTROLLER], { profile }))).toEqual([
      'query-alarms',
      'swact-hosts controller-0',
      'lock-hosts controller-0',
      'sw-patch-hosts controller-0',
      ...settle,
      'unlock-hosts controller-0',
      end,
    ]);
  });

  it.each([
    ['vim-2017', 60],
    ['vim-2020', 30],
    ['vim-2024', 30],
  ])('without a reboot are only patched; %s waits %i seconds', (profile, seconds) => {
    const build = patchBuild([host('controller-0', 'controller', IN_PLACE), OTHER_CONTROLLER], { profile });
    expect(stepsOf(build)).toEqual([
      'query-alarms',
      'sw-patch-hosts controller-0',
      `system-stabilize ${String(seconds)}`,
    ]);
  });

  it.each([
    ['vim-2020', 'not enough controllers to apply software patches'],
    ['vim-2024', 'not enough controllers to apply software update'],
  ])('must be two in the inventory in %s, or be meant to be one', (profile, failure) => {
    const one = host('controller-0', 'controller');
    expect(patchBuild([one], { profile }).failure).toBe(failure);
    expect(patchBuild([one], { profile, singleController: true }).failure).toBeUndefined();
    expect(patchBuild([one, OTHER_CONTROLLER], { profile }).failure).toBeUndefined();
  });

  it('are refused in parallel, after the other checks, and only when there are any to patch', () => {
    const parallel = { params: { 'controller-apply-type': 'parallel' } };
    const REFUSED = 'parallel apply type not allowed for controllers';
    const stranger = worker('worker-0', { personality: ['controller'] });
    expect(patchBuild(three, parallel).failure).toBe(REFUSED);
    expect(
      patchBuild(
        ['controller-0', 'controller-1'].map((name) => allInOne(name)),
        parallel,
      ).failure,
    ).toBe(REFUSED);
    expect(patchBuild(three.slice(0, 1), parallel).failure).toBe(
      'not enough controllers to apply software update',
    );
    expect(patchBuild([stranger], parallel).failure).toBe(
      'host inventory personality controller mismatch detected',
    );
    expect(patchBuild([...CONTROLLERS, worker('worker-0')], parallel).failure).toBeUndefined();
  });

  it('are neither checked nor planned when they are ignored', () => {
    const stranger = worker('worker-1', { personality: ['controller'] });
    const build = patchBuild([...three.slice(0, 1), stranger, worker('worker-0')], {
      params: { 'controller-apply-type': 'ignore' },
    });
    expect([build.failure, stageTexts(build)]).toEqual([undefined, ['worker-hosts: worker-0']]);
  });
});

describe('storage hosts (§7.3)', () => {
  const hosts = ['s-0', 's-1', 's-2', 's-3'].map((name) => host(name, 'storage'));
  const hostGroups = (policy: string) => [
    { name: 'g', policies: [policy], memberNames: ['s-0', 's-1'] },
    { name: 'h', policies: [policy], memberNames: ['s-0', 's-2'] },
  ];

  it('are patched one at a time in serial', () => {
    const build = patchBuild([...CONTROLLERS, ...hosts], { hostGroups: hostGroups('storage-replication') });
    expect(stageTexts(build)).toEqual(hosts.map(({ name }) => `storage-hosts: ${name}`));
  });

  it('in parallel join the first list without a replication peer, however long it gets', () => {
    const params = { 'storage-apply-type': 'parallel' };
    const plan = (policy: string) =>
      stageTexts(patchBuild([...CONTROLLERS, ...hosts], { params, hostGroups: hostGroups(policy) }));
    expect(plan('storage-replication')).toEqual(['storage-hosts: s-0 s-3', 'storage-hosts: s-1 s-2']);
    expect(plan('other')).toEqual(['storage-hosts: s-0 s-1 s-2 s-3']);
  });

  it.each(PROFILES)('are locked all together, and data is synchronised at the end in %s', (profile) => {
    // A storage host that is a worker too may be locked already; it is still locked and unlocked.
    const both = host('s-9', ['storage', 'worker'], {}, LOCKED);
    const params = { 'storage-apply-type': 'parallel', 'worker-apply-type': 'ignore' };
    const settle = profile === 'vim-2017' ? [] : ['system-stabilize 15'];
    expect(stepsOf(patchBuild([...CONTROLLERS, ...hosts.slice(0, 1), both], { profile, params }))).toEqual([
      'query-alarms',
      'lock-hosts s-0 s-9',
      'sw-patch-hosts s-0 s-9',
      ...settle,
      'unlock-hosts s-0 s-9',
      'wait-data-sync 1800',
    ]);
  });

  it('must be two in the inventory, with the personality storage', () => {
    const one = hosts.slice(0, 1);
    const TOO_FEW = 'not enough storage hosts to apply software updates';
    const stranger = worker('worker-0', { personality: ['storage'] });
    expect(patchBuild([...CONTROLLERS, ...one]).failure).toBe(TOO_FEW);
    expect(patchBuild([...CONTROLLERS, ...one, host('s-9', 'storage', CURRENT)]).failure).toBeUndefined();
    expect(patchBuild([...CONTROLLERS, ...one, stranger]).failure).toBe(
      'host inventory personality storage mismatch detected',
    );
    const ignored = patchBuild([...CONTROLLERS, ...one, worker('worker-1')], {
      params: { 'storage-apply-type': 'ignore' },
    });
    expect([ignored.failure, stageTexts(ignored)]).toEqual([undefined, ['worker-hosts: worker-1']]);
  });
});

describe('swift hosts (§7.4)', () => {
  const hosts = ['swift-0', 'swift-1'].map((name) => host(name, 'swift', {}, { openstackControl: true }));

  it.each(['serial', 'parallel'])('are patched one at a time when %s', (type) => {
    const build = patchBuild([...CONTROLLERS, ...hosts], { params: { 'swift-apply-type': type } });
    expect(stageTexts(build)).toEqual(['swift-hosts: swift-0', 'swift-hosts: swift-1']);
    expect(stepsOf(build)).toEqual([
      'query-alarms',
      'lock-hosts swift-0',
      'sw-patch-hosts swift-0',
      'system-stabilize 15',
      'unlock-hosts swift-0',
      'system-stabilize 60',
    ]);
  });

  it('are ignored by default, and are checked otherwise', () => {
    const stranger = worker('worker-0', { personality: ['swift'] });
    expect(
      patchBuild([...CONTROLLERS, ...hosts], { params: { 'swift-apply-type': undefined } }).failure,
    ).toBe('no software patches need to be applied');
    expect(patchBuild([...CONTROLLERS, ...hosts, stranger]).failure).toBe(
      'host inventory personality swift mismatch detected',
    );
    expect(patchBuild([...CONTROLLERS, ...hosts.slice(0, 1)]).failure).toBe(
      'not enough swift hosts to apply software patches',
    );
  });
});

describe('the checks of workers (§7.5)', () => {
  const SINGLE = 'cannot migrate instances in a single controller configuration';
  const LOCKED_MEMBER = 'instance vm in group g must not be shut down';
  const stopped = {
    instances: [instance('vm', 'elsewhere', 'locked')],
    instanceGroups: [{ uuid: 'g', name: 'g', policies: ['affinity'], memberUuids: ['vm'] }],
  };
  const elsewhere = worker('elsewhere', CURRENT);
  const stranger = host(
    'controller-9',
    'controller',
    { personality: ['worker'] },
    { openstackCompute: true },
  );

  it('run in the order A, B, C', () => {
    const hosts = [...CONTROLLERS, elsewhere, worker('worker-0'), stranger];
    const given = { singleController: true, ...stopped };
    expect(patchBuild(hosts, given).failure).toBe(SINGLE);
    expect(patchBuild(hosts, { ...given, singleController: false }).failure).toBe(
      'host inventory personality worker mismatch detected',
    );
    expect(patchBuild(hosts.slice(0, -1), given).failure).toBe(LOCKED_MEMBER);
  });

  it.each([
    ['with a reboot', allInOne('controller-0'), {}],
    ['without a reboot', allInOne('controller-0', IN_PLACE), {}],
    ['without the compute plug-in', allInOne('controller-0'), { openstackInstalled: false }],
  ])('A: on a single controller with the compute label nothing can migrate, %s', (_, node, given) => {
    const single = { singleController: true, ...given };
    expect(patchBuild([node], single).failure).toBe(SINGLE);
    expect(patchBuild([{ ...node, openstackCompute: false }], single).failure).toBeUndefined();
    expect(
      patchBuild([node], { ...single, params: { 'default-instance-action': 'stop-start' } }).failure,
    ).toBeUndefined();
    expect(patchBuild([node], { ...single, params: { 'worker-apply-type': 'ignore' } }).failure).toBe(
      'no software patches need to be applied',
    );
  });

  it('C: is not made without a reboot, and keeps the stages of the list without one', () => {
    const inPlace = worker('worker-0', IN_PLACE);
    expect(patchBuild([...CONTROLLERS, elsewhere, inPlace], stopped).failure).toBeUndefined();
    const build = patchBuild([...CONTROLLERS, elsewhere, worker('worker-1'), inPlace], stopped);
    expect([build.failure, stageTexts(build)]).toEqual([LOCKED_MEMBER, ['worker-hosts: worker-0']]);
  });

  it('C: names the first instance in the order of instances, with its first group in the order of groups', () => {
    const group = (name: string, ...memberUuids: string[]) => ({
      uuid: name,
      name,
      policies: [],
      memberUuids,
    });
    const given = {
      instances: ['a', 'b', 'c'].map((name) =>
        instance(name, 'elsewhere', name === 'a' ? 'unlocked' : 'locked'),
      ),
      instanceGroups: [
        group('of-a', 'a'),
        group('of-c', 'c'),
        group('of-both', 'c', 'b'),
        group('of-b', 'b'),
      ],
    };
    expect(patchBuild([...CONTROLLERS, elsewhere, worker('worker-0')], given).failure).toBe(
      'instance b in group of-both must not be shut down',
    );
  });

  it('are not made for ignored workers', () => {
    const build = patchBuild(
      [elsewhere, worker('worker-0'), host('controller-0', 'controller'), OTHER_CONTROLLER],
      {
        ...stopped,
        params: { 'worker-apply-type': 'ignore' },
      },
    );
    expect([build.failure, stageTexts(build)]).toEqual([undefined, ['controllers: controller-0']]);
  });
});
