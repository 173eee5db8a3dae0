/** Rules of starlingx-vim.md §6 about the build that no recorded plan shows. */
import { describe, expect, it } from 'vitest';
import { buildDocument } from '../../../src/planner/vim/build-document.ts';
import {
  alarm,
  CONTROLLERS,
  CURRENT,
  host,
  IN_PLACE,
  instance,
  LOCKED,
  patchBuild,
  stageTexts,
  upgradeBuild,
  worker,
} from './vim-platform.ts';

const fleet = [...CONTROLLERS, worker('worker-0')];
const SICK = { availStatus: 'failed' };
const UPGRADED = { softwareLoad: '20.06' };

describe('a query without an answer', () => {
  it.each([
    patchBuild([worker('worker-0', {}, SICK)], {
      failQuery: 'query-sw-patches',
      patches: [],
      alarms: [alarm('1.1')],
    }),
    upgradeBuild([worker('worker-0', {}, SICK)], {
      failQuery: 'query-upgrade',
      upgrade: null,
      alarms: [alarm('1.1')],
    }),
  ])('precedes every check, and ends the build', (build) => {
    const document = buildDocument(build);
    expect(document).toMatchObject({
      state: 'build-failed',
      failure: '',
      'current-phase': 'build',
      'current-phase-completion-percentage': 100,
      'build-phase': { inprogress: false, 'completion-percentage': 100, reason: '' },
    });
    expect(document['build-phase'].stages.map(({ inprogress, reason }) => [inprogress, reason])).toEqual([
      [false, ''],
    ]);
  });
});

describe('a build that fails in planning', () => {
  it('has run its queries to the end, and holds an apply phase that was never started', () => {
    const hosts = [...CONTROLLERS, host('s-0', 'storage', IN_PLACE), host('s-1', 'storage'), worker('w-0')];
    const stranger = worker('w-1', { personality: ['storage'] });
    const document = buildDocument(patchBuild([...hosts, stranger]));
    expect(document['build-phase']).toMatchObject({
      timeout: 182,
      'current-stage': 1,
      'stop-at-stage': 1,
      result: 'failed',
      reason: 'host inventory personality storage mismatch detected',
      stages: [{ 'current-step': 3, 'total-steps': 3, result: 'success', reason: '' }],
    });
    expect(document['apply-phase']).toMatchObject({
      timeout: 0,
      'total-stages': 1,
      'current-stage': 0,
      'stop-at-stage': 0,
      inprogress: false,
      'completion-percentage': 100,
      result: 'initial',
      reason: '',
      stages: [{ 'stage-id': 0, timeout: 1891, 'current-step': 0, result: 'initial', inprogress: false }],
    });
  });

  it('keeps the stages of every list before the failing list, also of the same role', () => {
    const stranger = worker('w-1', { personality: ['storage'] });
    const storage = [host('s-0', 'storage', IN_PLACE), host('s-1', 'storage')];
    const build = patchBuild([
      host('c-0', 'controller'),
      ...CONTROLLERS,
      ...storage,
      worker('w-0'),
      stranger,
    ]);
    expect(stageTexts(build)).toEqual(['controllers: c-0', 'storage-hosts: s-0']);
  });

  it.each([
    ['cannot migrate instances in a single controller configuration', {}],
    [
      'instance vm in group g must not be shut down',
      {
        params: { 'default-instance-action': 'stop-start' },
        instances: [instance('vm', 'node', 'locked')],
        instanceGroups: [{ uuid: 'g', name: 'g', policies: [], memberUuids: ['vm'] }],
      },
    ],
  ])('keeps controllers when its workers fail: %s', (failure, given) => {
    const node = host(
      'node',
      ['controller', 'worker'],
      { personality: ['worker'] },
      { openstackCompute: true },
    );
    const build = patchBuild([host('c-0', 'controller'), node], { singleController: true, ...given });
    expect([build.failure, stageTexts(build)]).toEqual([failure, ['controllers: c-0']]);
  });
});

describe('alarms', () => {
  it('have strict restrictions by default', () => {
    const alarms = [alarm('1.1', 'False')];
    expect([patchBuild(fleet, { alarms }).failure, upgradeBuild(fleet, { alarms }).failure]).toEqual([
      'active alarms present',
      'active alarms present',
    ]);
  });

  it('fail the check when one of many is relevant', () => {
    const params = { 'alarm-restrictions': 'relaxed' };
    const ignored = [alarm('900.005'), alarm('1.1', 'False'), alarm('1.2')];
    const given = { params, ignoreAlarms: ['1.2'] };
    expect(patchBuild(fleet, { ...given, alarms: ignored }).failure).toBeUndefined();
    expect(upgradeBuild(fleet, { ...given, alarms: ignored }).failure).toBeUndefined();
    const alarms = [...ignored, alarm('1.3')];
    expect(patchBuild(fleet, { ...given, alarms }).failure).toBe('active alarms present');
    expect(upgradeBuild(fleet, { ...given, alarms }).failure).toBe('active alarms present');
  });

  it('are compared by their whole id', () => {
    expect(patchBuild(fleet, { alarms: [alarm('900.0010')] }).failure).toBe('active alarms present');
    expect(patchBuild(fleet, { alarms: [alarm('1.10')], ignoreAlarms: ['1.1'] }).failure).toBe(
      'active alarms present',
    );
  });
});

describe('the state of hosts before sw-patch', () => {
  const WORKERS =
    'all worker hosts must be unlocked-enabled-available, locked-disabled-online or locked-disabled-offline';

  it.each([
    ['storage', 'worker'],
    ['worker', 'swift'],
  ] as const)('is that of a plain worker for %s,%s: it may be locked', (...personality) => {
    const params = { 'storage-apply-type': 'ignore', 'swift-apply-type': 'ignore' };
    const build = (state: Readonly<Record<string, unknown>>) =>
      patchBuild([...CONTROLLERS, host('both', personality, {}, state), worker('worker-0')], { params });
    expect(build(LOCKED).failure).toBeUndefined();
    expect(build({ ...LOCKED, availStatus: 'offline' }).failure).toBeUndefined();
    expect(build(SICK).failure).toBe(WORKERS);
  });

  it.each([
    [['worker', 'controller'], 'all worker,controller hosts must be unlocked-enabled-available'],
    [['storage', 'swift'], 'all storage,swift hosts must be unlocked-enabled-available'],
    [
      ['controller', 'storage', 'worker'],
      'all controller,storage,worker hosts must be unlocked-enabled-available',
    ],
  ] as const)('of %j is named with all that the inventory calls it, in its order', (personality, failure) => {
    const reported = { personality: ['worker'] };
    expect(patchBuild([host('x', personality, reported, LOCKED)]).failure).toBe(failure);
  });

  it('is checked for patched hosts too, and for ignored ones', () => {
    const sick = host('storage-0', 'storage', CURRENT, SICK);
    expect(patchBuild([...fleet, sick], { params: { 'storage-apply-type': 'ignore' } }).failure).toBe(
      'all storage hosts must be unlocked-enabled-available',
    );
    expect(patchBuild([...fleet, worker('w', CURRENT, SICK)]).failure).toBe(WORKERS);
  });
});

describe('hosts that only the patch service knows', () => {
  it.each([
    { name: 'stranger' },
    { name: 'stranger', interimState: true, patchFailed: true },
    { name: 'stranger', personality: ['controller', 'storage'], patchCurrent: true, interimState: false },
  ])('are a mismatch, with or without other facts: %j', (stranger) => {
    const build = patchBuild(fleet, { extraPatchHosts: [{ name: 'first' }, stranger] });
    expect([build.failure, build.stages]).toEqual(['host inventory mismatch detected', []]);
    expect(patchBuild([], { extraPatchHosts: [stranger] }).failure).toBe('host inventory mismatch detected');
  });
});

describe('nothing to do', () => {
  it.each([
    ['sw-patch of no hosts', patchBuild([]), 'no software patches need to be applied'],
    ['sw-upgrade of no hosts', upgradeBuild([]), 'no software upgrades need to be applied'],
    [
      'all ignored',
      patchBuild(
        (['controller', 'storage', 'swift', 'worker'] as const).map((role) => host(role, role)),
        {
          params: Object.fromEntries(
            ['controller', 'storage', 'swift', 'worker'].map((role) => [`${role}-apply-type`, 'ignore']),
          ),
        },
      ),
      'no software patches need to be applied',
    ],
  ])('fails the build: %s', (_, build, failure) => {
    expect(buildDocument(build)).toMatchObject({
      state: 'build-failed',
      failure,
      'build-phase': { 'current-stage': 1, result: 'failed', reason: failure },
      'apply-phase': { 'total-stages': 0, stages: [], timeout: 0, 'completion-percentage': 100 },
    });
  });
});

describe('the checks of sw-upgrade', () => {
  const upgrade = (state: string) => ({ upgrade: { state, toRelease: '20.06' } });

  it.each(['started', 'data-migration-complete', 'activation-requested', 'completing', ''])(
    'refuse the upgrade state %j by name, with any active controller',
    (state) => {
      const given = { ...upgrade(state), activeController: 'controller-1' };
      expect(upgradeBuild(fleet, given).failure).toBe(`invalid upgrade state for orchestration: ${state}`);
    },
  );

  it.each([
    ['an upgraded worker', worker('x', {}, { ...LOCKED, ...UPGRADED }), 'worker'],
    ['a locked worker that is offline', worker('x', {}, { ...LOCKED, availStatus: 'offline' }), 'worker'],
    ['an upgraded controller', host('x', 'controller', {}, { ...SICK, ...UPGRADED }), 'controller'],
    ['a swift host', host('x', 'swift', {}, LOCKED), 'swift'],
    ['a storage host that is a worker', host('x', ['storage', 'worker'], {}, LOCKED), 'storage,worker'],
  ])('require every host in service: %s', (_, unfit, personality) => {
    const params = {
      'storage-apply-type': 'ignore',
      'worker-apply-type': 'ignore',
      'complete-upgrade': true,
    };
    expect(upgradeBuild([...fleet, unfit], { params })).toMatchObject({
      failure: `all ${personality} hosts must be unlocked-enabled-available`,
      stages: [],
    });
  });

  it('name the first host in table order that is unfit', () => {
    const [storage, sick] = [host('s', 'storage', {}, SICK), worker('w', {}, SICK)];
    expect(upgradeBuild([storage, sick]).failure).toContain('all storage hosts');
    expect(upgradeBuild([sick, storage]).failure).toContain('all worker hosts');
  });

  it('precede the checks of planning', () => {
    const lone = host('controller-0', ['controller', 'worker'], {}, SICK);
    expect(upgradeBuild([lone]).failure).toBe(
      'all controller,worker hosts must be unlocked-enabled-available',
    );
  });
});
