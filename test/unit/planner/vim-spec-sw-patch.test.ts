/** Rules of starlingx-vim.md §7.1 to §7.4 about patching that no recorded plan shows. */
import { describe, expect, it } from 'vitest';
import {
  CONTROLLERS,
  CURRENT,
  host,
  IN_PLACE,
  LOCKED,
  patchBuild,
  stageTexts,
  stepsOf,
  worker,
} from './vim-platform.ts';

const OFFLINE = { ...LOCKED, availStatus: 'offline' };
const standby = [
  host('storage-8', 'storage', CURRENT),
  host('storage-9', 'storage', CURRENT),
  host('swift-8', 'swift', CURRENT),
  host('swift-9', 'swift', CURRENT),
];

describe('a host of several roles (§7.1)', () => {
  it.each([
    [['storage', 'controller'], ['controllers: x']],
    [['swift', 'controller'], ['controllers: x']],
    [['swift', 'storage'], ['storage-hosts: x']],
    [
      ['worker', 'swift'],
      ['swift-hosts: x', 'worker-hosts: x'],
    ],
    [
      ['worker', 'storage', 'swift'],
      ['storage-hosts: x', 'worker-hosts: x'],
    ],
    [['storage', 'worker', 'controller'], ['worker-hosts: x']],
  ] as const)('%j is planned as %j', (personality, stages) => {
    expect(stageTexts(patchBuild([...CONTROLLERS, ...standby, host('x', personality)]))).toEqual(stages);
  });

  it('that is offline is no worker, and keeps its other roles', () => {
    const hosts = [...CONTROLLERS, ...standby, host('x', ['storage', 'worker'], {}, OFFLINE)];
    expect(stageTexts(patchBuild(hosts))).toEqual(['storage-hosts: x']);
  });

  it('has only the roles that the patch service gives it', () => {
    const both = (reported: string) => host('x', ['swift', 'worker'], { personality: [reported] });
    expect(stageTexts(patchBuild([...CONTROLLERS, ...standby, both('swift')]))).toEqual(['swift-hosts: x']);
    expect(stageTexts(patchBuild([...CONTROLLERS, ...standby, both('worker')]))).toEqual(['worker-hosts: x']);
  });
});

describe('controllers (§7.2)', () => {
  it('have the active one last, separately among those with and without a reboot', () => {
    const hosts = [
      host('controller-0', 'controller', IN_PLACE),
      host('controller-1', 'controller'),
      host('controller-2', 'controller', IN_PLACE),
    ];
    expect(stageTexts(patchBuild(hosts))).toEqual([
      'controllers: controller-2',
      'controllers: controller-0',
      'controllers: controller-1',
    ]);
  });

  it('keep their order when the active one is not among them', () => {
    const hosts = ['c-3', 'c-1', 'c-2'].map((name) => host(name, 'controller'));
    expect(stageTexts(patchBuild([...CONTROLLERS, ...hosts]))).toEqual(
      ['c-3', 'c-1', 'c-2'].map((name) => `controllers: ${name}`),
    );
  });

  it('are counted including patched and all-in-one ones, and not at all when none is to be patched', () => {
    const one = host('c-0', 'controller');
    expect(patchBuild([one]).failure).toBe('not enough controllers to apply software update');
    expect(patchBuild([one, host('c-1', ['controller', 'worker'], CURRENT)]).failure).toBeUndefined();
    expect(
      patchBuild([{ ...one, patch: { ...one.patch, ...CURRENT } }, worker('w-0')]).failure,
    ).toBeUndefined();
  });

  it('that are workers are patched with the workers, although controllers are ignored', () => {
    const nodes = ['c-0', 'c-1'].map((name) => host(name, ['controller', 'worker']));
    const params = { 'controller-apply-type': 'ignore', 'worker-apply-type': 'parallel' };
    expect(stageTexts(patchBuild([...nodes, host('c-2', 'controller')], { params }))).toEqual([
      'worker-hosts: c-0',
      'worker-hosts: c-1',
    ]);
  });

  it('are checked although all of them are workers, also when the patch service does not say so', () => {
    const node = host('c-0', ['controller', 'worker']);
    const TOO_FEW = 'not enough controllers to apply software update';
    expect(patchBuild([node]).failure).toBe(TOO_FEW);
    const reported = (...personality: string[]) => ({ ...node, patch: { ...node.patch, personality } });
    expect(patchBuild([reported('controller')]).failure).toBe(TOO_FEW);
    expect(stageTexts(patchBuild([reported('worker')]))).toEqual(['worker-hosts: c-0']);
  });

  it.each(['vim-2020', 'vim-2024'])(
    'are swacted although the system is meant to have one, in %s',
    (profile) => {
      const build = patchBuild([host('c-0', 'controller')], { profile, singleController: true });
      expect(stepsOf(build)[1]).toBe('swact-hosts c-0');
    },
  );
});

describe('storage hosts (§7.3)', () => {
  const params = { 'storage-apply-type': 'parallel', 'max-parallel-worker-hosts': 2 };
  const replicas = (name: string, ...memberNames: string[]) => ({
    name,
    policies: ['other', 'storage-replication'],
    memberNames,
  });

  it('are kept apart from every peer in a list, also by a group with further policies', () => {
    const hosts = ['a', 'b', 'c', 'd', 'e'].map((name) => host(name, 'storage'));
    const hostGroups = [replicas('g', 'a', 'd'), replicas('h', 'b', 'gone', 'd'), replicas('i', 'd', 'e')];
    const build = patchBuild([...CONTROLLERS, ...hosts], { params, hostGroups });
    expect(stageTexts(build)).toEqual(['storage-hosts: a b c e', 'storage-hosts: d']);
  });

  it('are in separate lists with and without a reboot, and a patched peer does not matter', () => {
    const hosts = [
      host('a', 'storage'),
      host('b', 'storage', IN_PLACE),
      host('c', 'storage', CURRENT),
      host('d', 'storage'),
      host('e', 'storage', IN_PLACE),
      host('f', 'storage', IN_PLACE),
    ];
    const build = patchBuild([...CONTROLLERS, ...hosts], {
      params,
      hostGroups: [replicas('g', 'a', 'b', 'c'), replicas('h', 'b', 'e')],
    });
    expect(stageTexts(build)).toEqual(['storage-hosts: b f', 'storage-hosts: e', 'storage-hosts: a d']);
    expect(stepsOf(build)).toEqual(['query-alarms', 'sw-patch-hosts b f', 'system-stabilize 30']);
  });

  it('are not counted when none is to be patched', () => {
    const hosts = [...CONTROLLERS, host('a', 'storage', CURRENT), worker('w-0')];
    expect(patchBuild(hosts).failure).toBeUndefined();
  });
});

describe('swift hosts (§7.4)', () => {
  it.each(['serial', 'parallel'])('without a reboot are patched first and in place, %s', (type) => {
    const hosts = [host('a', 'swift'), host('b', 'swift', IN_PLACE), host('c', 'swift', IN_PLACE)];
    const build = patchBuild([...CONTROLLERS, ...hosts], { params: { 'swift-apply-type': type } });
    expect(stageTexts(build)).toEqual(['swift-hosts: b', 'swift-hosts: c', 'swift-hosts: a']);
    expect(stepsOf(build)).toEqual(['query-alarms', 'sw-patch-hosts b', 'system-stabilize 30']);
  });

  it('are checked by personality before they are counted', () => {
    const stranger = worker('w-0', { personality: ['swift'] });
    expect(patchBuild([...CONTROLLERS, stranger]).failure).toBe(
      'host inventory personality swift mismatch detected',
    );
    const ignored = { 'swift-apply-type': 'ignore' };
    expect(
      patchBuild([...CONTROLLERS, stranger, worker('w-1')], { params: ignored }).failure,
    ).toBeUndefined();
  });
});
