import { describe, expect, it } from 'vitest';
import { specOfUpgrade, type StrategySpec } from '../../../src/crds/spec/strategy-spec.ts';
import { upgradeStrategySpec } from '../../../src/crds/spec/upgrade-strategy-spec.ts';
import { build } from '../../../src/planner/build.ts';
import { specDigest } from '../../../src/planner/digest.ts';
import type { HostSeed } from '../../../src/planner/hosts/facts.ts';
import { wayBackFindings } from '../../../src/planner/findings/way-back.ts';
import { needsOf } from '../../../src/planner/hosts/needs.ts';
import { policyViolations } from '../../../src/planner/policy/pool-policy.ts';
import { hostPoolSpec } from '../../../src/crds/host-pool.ts';

const OLD = 'v1.35.4';
const TARGET = 'v1.36.2';
const job = { template: { spec: { containers: [{ name: 'upgrade', image: 'kubeadm:1' }] } } };
const byJob = { action: { job } };

function upgrade(overrides: Record<string, unknown> = {}): StrategySpec {
  const hosts = { controller: byJob, storage: byJob, worker: byJob };
  const spec = { release: { version: TARGET }, hosts, reboot: { job }, ...overrides };
  return specOfUpgrade(upgradeStrategySpec.parse(spec));
}

function seed(name: string, role: 'controller' | 'storage' | 'worker', version = OLD): HostSeed {
  return { name, roles: [role], facts: { 'nodeInfo.kubeletVersion': version } };
}

const FLEET = [
  seed('w-1', 'worker'),
  seed('w-2', 'worker'),
  seed('w-3', 'worker'),
  seed('s-1', 'storage'),
  seed('c-1', 'controller'),
  seed('c-2', 'controller'),
  seed('c-3', 'controller'),
];

type Limits = Partial<Parameters<typeof build>[2]>;

function stagesOf(spec: StrategySpec, hosts = FLEET, limits: Limits = {}): string[] {
  const { plan } = build(spec, hosts, { maxUnavailable: 2, ...limits });
  return plan.stages.map(
    ({ name, hosts: names }) => `${name.replace('sw-upgrade-', '')}: ${names.join(' ')}`,
  );
}

function stepsOf(spec: StrategySpec): string[] {
  const { plan } = build(spec, [seed('w-1', 'worker')], { maxUnavailable: 2 });
  return plan.stages.flatMap(({ steps, level }) => [level, ...steps.map(({ name }) => name)]);
}

describe('an upgrade', () => {
  it('takes controllers one by one, the active one last, then storage hosts, then workers', () => {
    const spec = upgrade({ workerApplyType: 'parallel', maxParallelWorkerHosts: 5 });
    expect(stagesOf(spec, FLEET, { activeHost: 'c-1' })).toEqual([
      'controllers: c-2',
      'controllers: c-3',
      'controllers: c-1',
      'storage-hosts: s-1',
      'worker-hosts: w-1 w-2',
      'worker-hosts: w-3',
    ]);
  });

  it('leaves out the hosts that have the release, and those of an ignored role', () => {
    const hosts = [...FLEET.slice(1), seed('w-1', 'worker', TARGET)];
    const spec = upgrade({ controllerApplyType: 'ignore', storageApplyType: 'ignore' });
    expect(stagesOf(spec, hosts)).toEqual(['worker-hosts: w-2', 'worker-hosts: w-3']);
    expect(needsOf(spec, hosts)).toEqual({ hosts: 3, lacking: ['w-2', 'w-3'] });
  });

  it('takes a host of several roles as a controller before all, and as a storage host before a worker', () => {
    const both = [
      { ...seed('a-1', 'worker'), roles: ['worker', 'controller'] as const },
      { ...seed('b-1', 'worker'), roles: ['worker', 'storage'] as const },
    ];
    expect(stagesOf(upgrade(), both)).toEqual(['controllers: a-1', 'storage-hosts: b-1']);
  });

  it('stages all hosts before the first one is locked, some at once, then starts; activates and completes at the end', () => {
    const staged = { ...byJob, stage: { job } };
    const spec = upgrade({
      hosts: { controller: staged, storage: byJob, worker: staged },
      maxParallelStagedHosts: 2,
      ...{ start: { job }, activate: { job }, complete: { job } },
      workerApplyType: 'ignore',
    });
    expect(stagesOf({ ...spec, workerApplyType: 'parallel' })).toEqual([
      'stage-hosts: c-1 c-2',
      'stage-hosts: c-3',
      'stage-hosts: w-1 w-2',
      'stage-hosts: w-3',
      'start: c-1',
      ...['controllers: c-1', 'controllers: c-2', 'controllers: c-3', 'storage-hosts: s-1'],
      'worker-hosts: w-1 w-2',
      'worker-hosts: w-3',
      'complete: c-1',
    ]);
    const { plan } = build(spec, FLEET, { maxUnavailable: 2 });
    const acts = plan.stages.map(({ steps }) => steps.map(({ name }) => name).slice(1, -2));
    expect(acts[0]).toEqual(['stage-hosts']);
    expect(acts[2]).toEqual(['start-upgrade']);
    expect(acts.at(-1)).toEqual(['activate-upgrade', 'complete-upgrade']);
    expect(plan.stages.at(-1)?.patches).toEqual(['activate', 'complete']);
  });

  it('says how many hosts may fail to be staged only where some may: other plans keep their digests', () => {
    const planOf = (fields: Record<string, unknown>) =>
      build(upgrade(fields), FLEET, { maxUnavailable: 2 }).plan;
    expect(upgrade({ maxUnstagedHosts: 0 })).not.toHaveProperty('maxUnstagedHosts');
    expect(planOf({ maxUnstagedHosts: 0 })).toEqual(planOf({}));
    expect(planOf({ maxUnstagedHosts: 0 }).actions).not.toHaveProperty('maxUnstagedHosts');
    expect(planOf({ maxUnstagedHosts: 2 }).actions.maxUnstagedHosts).toBe(2);
    expect(planOf({ maxUnstagedHosts: 2 }).digest).not.toBe(planOf({}).digest);
  });

  it('does not stage a host that is staged already, nor one that has the release', () => {
    const staged = [{ fact: 'labels.staged', operator: 'In', values: [TARGET] }];
    const spec = upgrade({ hosts: { worker: { ...byJob, stage: { job, staged } } } });
    const is = (name: string, release: string, version = OLD): HostSeed => ({
      ...seed(name, 'worker'),
      facts: { 'labels.staged': release, 'nodeInfo.kubeletVersion': version },
    });
    const hosts = [is('w-1', TARGET), is('w-2', 'v1.36.1'), is('w-3', '', TARGET)];
    expect(stagesOf(spec, hosts)).toEqual(['stage-hosts: w-2', 'worker-hosts: w-1', 'worker-hosts: w-2']);
  });

  it('whose hosts all have the release has still to activate and to complete, once', () => {
    const spec = upgrade({ activate: { job } });
    const done = FLEET.map((each) => ({ ...each, facts: { 'nodeInfo.kubeletVersion': TARGET } }));
    expect(stagesOf(spec, done)).toEqual(['complete: c-1']);
    const complete = { completedRelease: TARGET, completedHooks: ['activate'] };
    expect(stagesOf(spec, done, complete)).toEqual([]);
    expect(stagesOf(spec, done, { ...complete, completedHooks: [] })).toEqual(['complete: c-1']);
    expect(stagesOf(spec, done, { ...complete, completedRelease: OLD })).toEqual(['complete: c-1']);
    expect(stagesOf(spec, FLEET, complete).at(-1)).toBe('complete: c-1');
  });

  it('drains where it must, locks for a reboot, and works in place otherwise', () => {
    const as = (drain: string, rebootRequired: boolean): string[] =>
      stepsOf(upgrade({ hosts: { worker: { ...byJob, drain, rebootRequired } } }));
    const inPlace = ['touched', 'query-alarms', 'upgrade-hosts', 'verify', 'system-stabilize'];
    const end = ['upgrade-hosts', 'verify', 'system-stabilize', 'unlock-hosts', 'system-stabilize'];
    const locked = ['away', 'query-alarms', 'lock-hosts'];
    const drained = [...locked, 'migrate-instances-from-host', ...end];
    expect(as('always', false)).toEqual(drained);
    expect(as('always', true)).toEqual(drained);
    expect(as('ifRebootRequired', true)).toEqual(drained);
    expect(as('ifRebootRequired', false)).toEqual(inPlace);
    expect(as('never', false)).toEqual(inPlace);
    expect(as('never', true)).toEqual([...locked, ...end]);
  });

  it('has the timeouts of its own steps', () => {
    const timing = { stageTimeoutSeconds: 11, hookTimeoutSeconds: 12, upgradeTimeoutSeconds: 13 };
    const spec = upgrade({ timing, start: { job }, hosts: { worker: { ...byJob, stage: { job } } } });
    const { plan } = build(spec, [seed('w-1', 'worker')], { maxUnavailable: 1 });
    const steps = plan.stages.flatMap((each) => each.steps);
    const of = (name: string): number | undefined => steps.find((step) => step.name === name)?.timeoutSeconds;
    expect([of('stage-hosts'), of('start-upgrade'), of('upgrade-hosts')]).toEqual([11, 12, 13]);
  });

  it('has another digest for another release; the standing order does not count', () => {
    expect(specDigest(upgrade())).not.toBe(specDigest(upgrade({ release: { version: 'v1.36.3' } })));
    expect(specDigest(upgrade())).toBe(specDigest(upgrade({ execution: { mode: 'Run' } })));
  });
});

describe('a rollback', () => {
  const both = { ...byJob, rollback: { job } };
  const back = (overrides: Record<string, unknown> = {}): StrategySpec =>
    upgrade({
      hosts: { controller: both, storage: both, worker: both },
      ...{ rollback: true, start: { job }, activate: { job }, ...overrides },
    });
  const half = FLEET.map((each) =>
    each.name < 'w-2' ? { ...each, facts: { 'nodeInfo.kubeletVersion': TARGET } } : each,
  );

  it('takes the hosts that have the release, workers first and controllers last, without staging and hooks', () => {
    expect(stagesOf(back(), half)).toEqual([
      'worker-hosts: w-1',
      'storage-hosts: s-1',
      'controllers: c-1',
      'controllers: c-2',
      'controllers: c-3',
    ]);
    const { plan } = build(back(), half, { maxUnavailable: 1 });
    expect(plan.stages[0]?.steps.map(({ name }) => name)).toContain('rollback-hosts');
    expect(stagesOf(back(), FLEET)).toEqual([]);
  });

  it('is refused once the release was activated', () => {
    expect(() => stagesOf(back(), half, { activatedRelease: TARGET })).toThrow(
      'spec.rollback is true: v1.36.2 was activated, so there is no way back; set it to false',
    );
    expect(stagesOf(back(), half, { activatedRelease: OLD })).toHaveLength(5);
  });

  it('is refused where nothing says how hosts of a role are brought back', () => {
    expect(() => stagesOf(back({ hosts: { controller: both, storage: both, worker: byJob } }), half)).toThrow(
      'spec.hosts.worker.rollback is missing: w-1 is a worker and has v1.36.2; say how it is brought back, or set ' +
        'workerApplyType to ignore',
    );
  });
});

describe('the stages without a way back', () => {
  const back = { ...byJob, rollback: { job } };
  const told = (overrides: Record<string, unknown>): string[] => {
    const spec = upgrade({ storageApplyType: 'ignore', ...overrides });
    const { stages } = build(spec, FLEET, { maxUnavailable: 2 }).plan;
    return wayBackFindings({ spec, stages }).map(
      ({ message, subjects }) => `${message} (${subjects.join()})`,
    );
  };

  it('are named: those of roles without rollback, and those from the activation on', () => {
    expect(told({ hosts: { controller: byJob, worker: back }, activate: { job } })).toEqual([
      'what stages 0, 1, 2 do cannot be undone: spec.hosts.controller has no rollback (c-1,c-2,c-3)',
      'once stage 6 has begun, spec.rollback is refused: the release is activated (c-1)',
    ]);
    expect(told({ hosts: { controller: back, worker: back } })).toEqual([]);
    expect(told({ hosts: { controller: back, worker: back }, rollback: true })).toEqual([]);
  });
});

describe('an upgrade that cannot be planned', () => {
  it.each(['+k3s1', '-eks-5e0fdde', '-gke.1500', '+rke2r1'])(
    'is none where hosts have a build %s of a release that names no build',
    (suffix) => {
      const hosts = [seed('w-1', 'worker', `${TARGET}${suffix}`), seed('w-2', 'worker', `${OLD}${suffix}`)];
      expect(stagesOf(upgrade(), hosts)).toEqual(['worker-hosts: w-2']);
    },
  );

  it.each(['.1', '-1', '+k3s2'])('is one to a release below that of a host by its end %s', (end) => {
    const release = end === '+k3s2' ? `${TARGET}+k3s1` : TARGET;
    const hosts = [seed('w-1', 'worker', `${TARGET}${end}`)];
    expect(() => stagesOf(upgrade({ release: { version: release } }), hosts)).toThrow(
      `it is below ${TARGET}${end}`,
    );
  });

  it('is one to a release below the present one of a host that it is about', () => {
    const hosts = [seed('w-1', 'worker', 'v1.37.0'), seed('w-2', 'worker')];
    expect(() => stagesOf(upgrade(), hosts)).toThrow(
      'spec.release.version is "v1.36.2": it is below v1.37.0, which w-1 has (nodeInfo.kubeletVersion); give this ' +
        'release or a higher one, or take the host out of the pool',
    );
    const elsewhere = [seed('c-1', 'controller', 'v1.37.0'), seed('w-2', 'worker')];
    expect(stagesOf(upgrade({ controllerApplyType: 'ignore' }), elsewhere)).toEqual(['worker-hosts: w-2']);
  });

  it('is one back from a release below that of a host', () => {
    const back = { ...byJob, rollback: { job } };
    const spec = upgrade({ rollback: true, hosts: { worker: back } });
    expect(() => stagesOf(spec, [seed('w-1', 'worker', 'v1.37.0')])).toThrow(
      'it is below v1.37.0, which w-1 has (nodeInfo.kubeletVersion); bring the host back from v1.37.0 first, with that as spec.release.version, or take the host out of the pool',
    );
  });

  it('is one to another build of the release that a host has', () => {
    const hosts = [seed('w-1', 'worker', `${TARGET}+rke2r1`)];
    expect(() => stagesOf(upgrade({ release: { version: `${TARGET}+k3s1` } }), hosts)).toThrow(
      `it is another build of the same release than ${TARGET}+rke2r1, which w-1 has (nodeInfo.kubeletVersion); give ${TARGET}+rke2r1 or a higher one of that build, or take`,
    );
  });

  it('is one whose own fact is to show what is staged', () => {
    const staged = [{ fact: 'nodeInfo.kubeletVersion', operator: 'AtLeast', values: [TARGET] }];
    const spec = upgrade({ hosts: { worker: { ...byJob, stage: { job, staged } } } });
    expect(() => stagesOf(spec, [seed('w-1', 'worker')])).toThrow(
      'spec.hosts.worker.stage.staged is "nodeInfo.kubeletVersion": staging does not change the fact of spec.release',
    );
  });

  it('is one whose fact holds no version, but not one whose staging does', () => {
    const staged = [{ fact: 'labels.staged', operator: 'AtLeast', values: [TARGET] }];
    const worker = { ...byJob, stage: { job, staged } };
    const spec = upgrade({ hosts: { worker } });
    const host = {
      ...seed('w-1', 'worker'),
      facts: { 'nodeInfo.kubeletVersion': OLD, 'labels.staged': 'stable' },
    };
    expect(stagesOf(spec, [host])).toHaveLength(2);
    expect(() => stagesOf(spec, [seed('w-1', 'worker', 'stable')])).toThrow(
      'hosts.w-1.nodeInfo.kubeletVersion is "stable": it holds no version to compare with v1.36.2; give another spec.release.fact, or take the host out of the pool',
    );
  });

  it('is one that does not say how hosts of a role are upgraded, if some must be', () => {
    const spec = upgrade({ hosts: { worker: byJob } });
    expect(() => stagesOf(spec)).toThrow(
      'spec.hosts.controller is missing: c-1 is a controller and lacks v1.36.2; say how it is upgraded, or set ' +
        'controllerApplyType to ignore',
    );
    expect(stagesOf({ ...spec, controllerApplyType: 'ignore', storageApplyType: 'ignore' })).toHaveLength(3);
    const current = FLEET.map((each) =>
      each.roles.includes('worker') ? each : { ...each, facts: { 'nodeInfo.kubeletVersion': TARGET } },
    );
    expect(stagesOf(spec, current)).toHaveLength(3);
  });

  it('is one of a host whose version cannot be read', () => {
    expect(() => stagesOf(upgrade(), [seed('w-1', 'worker', 'unknown')])).toThrow(
      'hosts.w-1.nodeInfo.kubeletVersion is "unknown": it holds no version to compare with v1.36.2; give another spec.release.fact, or take',
    );
  });
});

it('a pool names the field of an upgrade that it does not permit', () => {
  const spec = upgrade({
    timing: { upgradeTimeoutSeconds: 9000 },
    hosts: { worker: { ...byJob, stage: { job }, rollback: { job } } },
    activate: { job },
  });
  const pool = hostPoolSpec.parse({
    provider: { kubernetes: {} },
    maxUnavailable: 1,
    allowedNamespaces: ['a'],
    actionPolicy: { images: ['registry.example.com/*'] },
    maxTimeoutSeconds: 7200,
  });
  const found = policyViolations(spec, 'a', { ...pool, name: 'default' }, 'careen-system').join('\n');
  for (const field of [
    'spec.timing.upgradeTimeoutSeconds is 9000',
    'spec.hosts.worker.action.job.template.spec.containers[0].image',
    'spec.hosts.worker.stage.job.template.spec.containers[0].image',
    'spec.hosts.worker.rollback.job.template.spec.containers[0].image',
    'spec.activate.job.template.spec.containers[0].image',
    'spec.reboot.job.template.spec.containers[0].image',
  ])
    expect(found).toContain(field);
});
