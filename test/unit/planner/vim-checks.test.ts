import { describe, expect, it } from 'vitest';
import { buildDocument } from '../../../src/planner/vim/build-document.ts';
import {
  alarm,
  CONTROLLERS,
  host,
  LOCKED,
  patchBuild,
  stageTexts,
  upgradeBuild,
  worker,
} from './vim-platform.ts';

const fleet = [...CONTROLLERS, worker('worker-0')];

describe('the build phase (starlingx-vim.md §6.1)', () => {
  it.each([
    [patchBuild(fleet), 'sw-patch-query', ['query-alarms', 'query-sw-patches', 'query-sw-patch-hosts'], 181],
    [upgradeBuild(fleet), 'sw-upgrade-query', ['query-alarms', 'query-upgrade'], 121],
  ])('has one stage of queries, 60 seconds each', (build, name, steps, timeout) => {
    const phase = buildDocument(build)['build-phase'];
    expect(phase.stages.map((stage) => [stage['stage-name'], stage.timeout])).toEqual([[name, timeout]]);
    expect(phase.stages.flatMap((stage) => stage.steps.map((step) => step['step-name']))).toEqual(steps);
    expect(phase.stages.flatMap((stage) => stage.steps.map((step) => step.timeout))).toEqual(
      steps.map(() => 60),
    );
    expect([phase.timeout, phase['current-stage'], phase['stop-at-stage']]).toEqual([timeout + 1, 1, 1]);
  });

  it.each([
    [patchBuild(fleet, { failQuery: 'query-sw-patch-hosts' }), ['success', 'success', 'failed'], 2, 182],
    [upgradeBuild(fleet, { failQuery: 'query-upgrade' }), ['success', 'failed'], 1, 122],
    [upgradeBuild(fleet, { failQuery: 'query-alarms' }), ['failed', 'initial'], 0, 122],
  ])('fails without a reason at the query that gets no answer', (build, results, currentStep, timeout) => {
    const document = buildDocument(build);
    const phase = document['build-phase'];
    expect([document.state, document.failure, phase.result, phase.reason]).toEqual([
      'build-failed',
      '',
      'failed',
      '',
    ]);
    expect([phase['current-stage'], phase['stop-at-stage'], phase.timeout]).toEqual([0, 1, timeout]);
    const [stage] = phase.stages;
    expect([stage?.result, stage?.['current-step']]).toEqual(['failed', currentStep]);
    expect(stage?.steps.map(({ result }) => result)).toEqual(results);
    expect(document['apply-phase'].stages).toEqual([]);
  });

  it('keeps its stage and steps successful when a check after them fails', () => {
    const document = buildDocument(patchBuild(fleet, { patches: [] }));
    const phase = document['build-phase'];
    expect([phase.result, phase.reason]).toEqual(['failed', 'no software patches found']);
    expect(
      phase.stages.flatMap(({ result, steps }) => [result, ...steps.map((step) => step.result)]),
    ).toEqual(Array<string>(4).fill('success'));
  });
});

describe('relevant alarms', () => {
  const PATCH_2020 = ['900.001', '900.005', '900.101', '200.001', '700.004', '280.002'];
  const PATCH_2024 = [...PATCH_2020, '100.119', '900.701', '750.006'];
  const UPGRADE = ['900.005', '900.201'];
  const OTHERS = ['100.101', '900.002'];
  const all = [...new Set([...PATCH_2024, ...UPGRADE, ...OTHERS])];

  it.each([
    [
      'sw-patch in vim-2017',
      PATCH_2020,
      (id: string) => patchBuild(fleet, { profile: 'vim-2017', alarms: [alarm(id)] }),
    ],
    [
      'sw-patch in vim-2020',
      PATCH_2020,
      (id: string) => patchBuild(fleet, { profile: 'vim-2020', alarms: [alarm(id)] }),
    ],
    ['sw-patch in vim-2024', PATCH_2024, (id: string) => patchBuild(fleet, { alarms: [alarm(id)] })],
    ['sw-upgrade', UPGRADE, (id: string) => upgradeBuild(fleet, { alarms: [alarm(id)] })],
  ])('for %s are all except the built-in ones', (_, ignored, build) => {
    const counting = all.filter((id) => build(id).failure === 'active alarms present');
    expect(counting).toEqual(all.filter((id) => !ignored.includes(id)));
  });

  it('exclude those of the site configuration', () => {
    const given = { alarms: [alarm('1.1'), alarm('1.2')], ignoreAlarms: ['1.1', '1.2'] };
    expect(patchBuild(fleet, given).failure).toBeUndefined();
    expect(upgradeBuild(fleet, { ...given, ignoreAlarms: ['1.1'] }).failure).toBe('active alarms present');
  });

  it.each([
    ['strict', 'False', true],
    ['relaxed', 'False', false],
    ['relaxed', 'True', true],
    ['relaxed', 'false', true],
    ['relaxed', '', true],
    ['relaxed', false, true],
    ['relaxed', undefined, true],
  ])('under %s restrictions, with mgmt_affecting %j: %s', (restrictions, mgmtAffecting, counts) => {
    const given = { alarms: [alarm('1.1', mgmtAffecting)], params: { 'alarm-restrictions': restrictions } };
    const failure = counts ? 'active alarms present' : undefined;
    expect([patchBuild(fleet, given).failure, upgradeBuild(fleet, given).failure]).toEqual([
      failure,
      failure,
    ]);
  });
});

describe('the checks of sw-patch (§6.2)', () => {
  const degraded = { availStatus: 'degraded' };
  const unwell = [
    ...CONTROLLERS,
    worker('worker-0', { interimState: true }),
    worker('worker-1', {}, degraded),
  ];
  const WORKERS =
    'all worker hosts must be unlocked-enabled-available, locked-disabled-online or locked-disabled-offline';
  const PENDING = 'at least one host is in pending patch current state';
  const MISMATCH = 'host inventory mismatch detected';
  const extraPatchHosts = [
    { name: 'stranger', personality: ['worker'], requiresReboot: true, patchCurrent: true },
  ];

  it.each([
    ['no software patches found', unwell, { patches: [], alarms: [alarm('1.1')], extraPatchHosts }],
    ['active alarms present', unwell, { alarms: [alarm('1.1')], extraPatchHosts }],
    [WORKERS, unwell, { extraPatchHosts }],
    [PENDING, unwell.slice(0, 3), { extraPatchHosts }],
    [MISMATCH, CONTROLLERS, { extraPatchHosts }],
    ['no software patches need to be applied', CONTROLLERS, {}],
  ])('run in their order: %s', (failure, hosts, given) => {
    expect(patchBuild(hosts, given)).toMatchObject({ failure, stages: [] });
  });

  it('include patched hosts', () => {
    const pending = worker('worker-9', { patchCurrent: true, interimState: true });
    expect(patchBuild([...fleet, pending]).failure).toBe(PENDING);
  });

  it.each([
    [LOCKED, undefined],
    [{ ...LOCKED, availStatus: 'offline' }, 'no software patches need to be applied'],
    [{ ...LOCKED, availStatus: 'failed' }, WORKERS],
    [{ ...LOCKED, operState: 'enabled' }, WORKERS],
    [{ ...LOCKED, adminState: 'unlocked' }, WORKERS],
    [{ operState: 'disabled' }, WORKERS],
    [degraded, WORKERS],
  ])('of a plain worker with %j give: %s', (state, failure) => {
    expect(patchBuild([...CONTROLLERS, worker('worker-0', {}, state)]).failure).toBe(failure);
  });

  it.each([
    [['controller'], 'all controller hosts must be unlocked-enabled-available'],
    [['controller', 'worker'], 'all controller,worker hosts must be unlocked-enabled-available'],
    [['storage'], 'all storage hosts must be unlocked-enabled-available'],
    [['swift'], 'all swift hosts must be unlocked-enabled-available'],
  ] as const)('want any other host (%j) in service', (personality, failure) => {
    expect(patchBuild([...fleet, host('other', personality, {}, LOCKED)]).failure).toBe(failure);
    expect(patchBuild([...fleet, host('other', personality, {}, degraded)]).failure).toBe(failure);
  });

  it('name the first host in table order that is unfit', () => {
    const storage = host('storage-0', 'storage', {}, degraded);
    const sick = worker('worker-1', {}, degraded);
    expect(patchBuild([sick, storage]).failure).toBe(WORKERS);
    expect(patchBuild([storage, sick]).failure).toBe('all storage hosts must be unlocked-enabled-available');
  });

  it('keep the stages planned before a failure, and none of the failing list', () => {
    const swift = host('swift-0', 'swift');
    const build = patchBuild([...fleet, host('storage-0', 'storage'), host('storage-1', 'storage'), swift]);
    expect(build.failure).toBe('not enough swift hosts to apply software patches');
    expect(stageTexts(build)).toEqual(['storage-hosts: storage-0', 'storage-hosts: storage-1']);
  });
});

describe('the checks of sw-upgrade (§6.2)', () => {
  const locked = [...CONTROLLERS, worker('worker-0', {}, LOCKED)];
  const alarms = [alarm('1.1')];
  const upgrade = (state: string) => ({ state, toRelease: '20.06' });
  const current = CONTROLLERS;

  it.each([
    ['no upgrade in progress', locked, { upgrade: null, alarms }],
    ['invalid upgrade state for orchestration: started', locked, { upgrade: upgrade('started'), alarms }],
    [
      'controller-1 must be active for orchestration to upgrade controller-0',
      locked,
      { upgrade: upgrade('upgrading-controllers'), alarms },
    ],
    ['active alarms present', locked, { upgrade: upgrade('upgrading-hosts'), alarms }],
    ['all worker hosts must be unlocked-enabled-available', locked, {}],
    ['no software upgrades need to be applied', current, {}],
  ])('run in their order: %s', (failure, hosts, given) => {
    expect(upgradeBuild(hosts, given)).toMatchObject({ failure, stages: [] });
  });

  it('accept any active controller once controllers are upgraded', () => {
    const given = { upgrade: upgrade('upgrading-controllers'), activeController: 'controller-1' };
    expect([upgradeBuild(fleet, given).failure, upgradeBuild(fleet).failure]).toEqual([undefined, undefined]);
  });
});
