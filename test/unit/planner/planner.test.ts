import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CurrentRequirement } from '../../../src/crds/spec/requirement.ts';
import type { Role } from '../../../src/crds/vocabulary.ts';
import { build } from '../../../src/planner/build.ts';
import { unmetRequirements } from '../../../src/planner/hosts/current.ts';
import { specDigest } from '../../../src/planner/digest.ts';
import { compareHostNames, type Facts, type HostSeed } from '../../../src/planner/hosts/facts.ts';
import type { Plan } from '../../../src/planner/plan.ts';
import { queryStage, timeoutOver } from '../../../src/planner/stage-steps.ts';
import { KERNEL, KUBELET, kernelPatch, kubeletPatch, strategySpec } from '../support/simulated-run.ts';

const LACKS_BOTH = { 'nodeInfo.kernelVersion': '6.12.40', 'nodeInfo.kubeletVersion': 'v1.36.3' };
const LACKS_KUBELET = { 'nodeInfo.kernelVersion': '6.12.48', 'nodeInfo.kubeletVersion': 'v1.36.3' };
const CURRENT = { 'nodeInfo.kernelVersion': '6.12.48', 'nodeInfo.kubeletVersion': 'v1.36.4' };

const seed = (name: string, facts: Facts = LACKS_BOTH, roles: readonly Role[] = ['worker']): HostSeed => ({
  name,
  roles,
  facts,
});

function stagesOf(
  seeds: readonly HostSeed[],
  overrides: Record<string, unknown> = {},
  maxUnavailable = 10,
): string[] {
  const { plan } = build(strategySpec(overrides), seeds, { maxUnavailable });
  return plan.stages.map(
    ({ name, level, hosts }) => `${name.replace('sw-patch-', '')} ${level}: ${hosts.join(' ')}`,
  );
}

describe('requirements', () => {
  const kernel = (operator: CurrentRequirement['operator'], ...values: string[]): CurrentRequirement[] => [
    { fact: 'nodeInfo.kernelVersion', operator, ...(values.length > 0 ? { values } : {}) },
  ];
  const met = (requirements: readonly CurrentRequirement[], found?: string): boolean =>
    unmetRequirements(requirements, found === undefined ? {} : { 'nodeInfo.kernelVersion': found }).length ===
    0;

  it('hold only for a fact that fits', () => {
    expect([met(kernel('In', 'a', 'b'), 'b'), met(kernel('In', 'a', 'b'), 'c')]).toEqual([true, false]);
    expect([met(kernel('NotIn', 'a'), 'b'), met(kernel('NotIn', 'a'), 'a')]).toEqual([true, false]);
    expect([met(kernel('Exists'), 'a'), met(kernel('Exists'), '')]).toEqual([true, false]);
    expect([met(kernel('AtLeast', '6.12.9'), '6.12.48'), met(kernel('AtLeast', '6.12.9'), '6.12.8')]).toEqual(
      [true, false],
    );
    expect(met(kernel('AtLeast', '6.12.9', '6.13'), '6.12.48')).toBe(false);
  });

  it('are not met by a fact without a version, and say so', () => {
    expect(unmetRequirements(kernel('AtLeast', '0'), { 'nodeInfo.kernelVersion': 'generic-amd64' })).toEqual([
      'nodeInfo.kernelVersion is "generic-amd64", which holds no version, not at least 0',
    ]);
  });

  it('hold for a missing fact only with NotIn', () => {
    const missing = (['In', 'NotIn', 'Exists', 'AtLeast'] as const).filter((each) =>
      met(kernel(each, ...(each === 'Exists' ? [] : ['6']))),
    );
    expect(missing).toEqual(['NotIn']);
    expect(met(kernel('AtLeast', '0'))).toBe(false);
  });

  it('name the found value and the wanted value', () => {
    expect(unmetRequirements(kernel('AtLeast', '6.12.48'), { 'nodeInfo.kernelVersion': '6.12.40' })).toEqual([
      'nodeInfo.kernelVersion is "6.12.40", not at least 6.12.48',
    ]);
    expect(unmetRequirements(kernel('Exists'), {})).toEqual(['nodeInfo.kernelVersion is not known']);
    expect(
      [kernel('In', 'a', 'b'), kernel('NotIn', 'c', 'd')].flatMap((each) =>
        unmetRequirements(each, { 'nodeInfo.kernelVersion': 'c' }),
      ),
    ).toEqual([
      'nodeInfo.kernelVersion is "c", not one of a, b',
      'nodeInfo.kernelVersion is "c", not none of c, d',
    ]);
  });
});

describe('host names', () => {
  it('are ordered by the numbers in them', () => {
    const names = ['worker-10', 'rack-2-a', 'worker-2', 'worker-1', 'rack-10-a'];
    expect(names.toSorted(compareHostNames)).toEqual([
      'rack-2-a',
      'rack-10-a',
      'worker-1',
      'worker-2',
      'worker-10',
    ]);
  });

  it('have one fixed order, also when they look the same', () => {
    const alike = ['w-1', 'w-01', 'w-001'];
    expect(alike.toSorted(compareHostNames)).toEqual(alike.toReversed().toSorted(compareHostNames));
    expect(compareHostNames('w-01', 'w-1')).toBe(-1);
    expect(compareHostNames('w-1', 'w-01')).toBe(1);
    expect(compareHostNames('w-1', 'w-1')).toBe(0);
  });
});

describe('a build', () => {
  it('queries alarms, patches and hosts, with a minute for each query', () => {
    const { steps } = queryStage(false);
    expect(steps.map(({ name, timeoutSeconds }) => [name, timeoutSeconds])).toEqual([
      ['query-alarms', 60],
      ['query-sw-patches', 60],
      ['query-sw-patch-hosts', 60],
    ]);
    expect([timeoutOver(steps), timeoutOver([])]).toEqual([181, 0]);
  });
});

describe('a plan', () => {
  it('patches controllers, then storage hosts, then workers', () => {
    const seeds = [seed('w'), seed('s', LACKS_BOTH, ['storage']), seed('c', LACKS_BOTH, ['controller'])];
    expect(stagesOf(seeds)).toEqual(['controllers away: c', 'storage-hosts away: s', 'worker-hosts away: w']);
  });

  it('patches the hosts of a group without a reboot before those with one', () => {
    const seeds = [seed('w-1'), seed('w-2', LACKS_KUBELET), seed('s', LACKS_BOTH, ['storage'])];
    expect(stagesOf(seeds)).toEqual([
      'storage-hosts away: s',
      'worker-hosts touched: w-2',
      'worker-hosts away: w-1',
    ]);
  });

  it('fills parallel stages in order up to the limit of the strategy', () => {
    const seeds = ['w-10', 'w-2', 'w-1', 'w-3', 'w-4'].map((name) => seed(name));
    expect(stagesOf(seeds, { maxParallelWorkerHosts: 3 })).toEqual([
      'worker-hosts away: w-1 w-2 w-3',
      'worker-hosts away: w-4 w-10',
    ]);
  });

  it('takes no more hosts away at once than the pool allows, and patches more in place', () => {
    const seeds = [
      ...['w-1', 'w-2', 'w-3'].map((name) => seed(name)),
      seed('t-1', LACKS_KUBELET),
      seed('t-2', LACKS_KUBELET),
    ];
    expect(stagesOf(seeds, { maxParallelWorkerHosts: 3 }, 2)).toEqual([
      'worker-hosts touched: t-1 t-2',
      'worker-hosts away: w-1 w-2',
      'worker-hosts away: w-3',
    ]);
  });

  it('patches hosts one by one with serial, and leaves a group out with ignore', () => {
    const seeds = [
      seed('w-1'),
      seed('w-2'),
      seed('s-1', LACKS_BOTH, ['storage']),
      seed('c-1', LACKS_BOTH, ['controller']),
    ];
    expect(
      stagesOf(seeds, {
        workerApplyType: 'serial',
        controllerApplyType: 'ignore',
        storageApplyType: 'ignore',
      }),
    ).toEqual(['worker-hosts away: w-1', 'worker-hosts away: w-2']);
  });

  it('patches workers that are controllers too first, each in a stage of its own', () => {
    const both: readonly Role[] = ['controller', 'worker'];
    const seeds = [seed('a-1'), seed('a-2'), seed('c-1', LACKS_BOTH, both), seed('c-2', LACKS_BOTH, both)];
    expect(stagesOf(seeds)).toEqual([
      'worker-hosts away: c-1',
      'worker-hosts away: c-2',
      'worker-hosts away: a-1 a-2',
    ]);
  });

  it("patches the operator's controller last, also among controllers that are workers too", () => {
    const both: readonly Role[] = ['controller', 'worker'];
    const planOf = (roles: readonly Role[], activeHost?: string) =>
      build(
        strategySpec(),
        ['c-1', 'c-2', 'c-3'].map((name) => seed(name, LACKS_BOTH, roles)),
        { maxUnavailable: 3, activeHost },
      ).plan;
    const hostsOf = (...args: Parameters<typeof planOf>) => planOf(...args).stages.map(({ hosts }) => hosts);
    expect(hostsOf(['controller'], 'c-1')).toEqual([['c-2'], ['c-3'], ['c-1']]);
    expect(hostsOf(both, 'c-2')).toEqual([['c-1'], ['c-3'], ['c-2']]);
    expect(hostsOf(both)).toEqual([['c-1'], ['c-2'], ['c-3']]);
    expect(planOf(['worker'], 'c-1')).toEqual(planOf(['worker']));
  });

  it('leaves out hosts that are current, and hosts without a role', () => {
    const seeds = [seed('w-1', CURRENT), seed('none', LACKS_BOTH, [])];
    const built = build(strategySpec(), seeds, { maxUnavailable: 2 });
    expect(built.plan.stages).toEqual([]);
  });

  it('knows the controllers of the pool, current ones too, where it works on one and a quorum is to be kept', () => {
    const known = (...seeds: readonly HostSeed[]): Plan['controllers'] =>
      build(strategySpec(), seeds, { maxUnavailable: 2 }).plan.controllers;
    const c = (name: string, facts = CURRENT): HostSeed => seed(name, facts, ['controller']);
    expect(known(c('c-3'), c('c-1', LACKS_BOTH), c('c-2'), seed('w-1'))).toEqual(['c-1', 'c-2', 'c-3']);
    expect(known(c('c-3'), c('c-1'), c('c-2'), seed('w-1'))).toBeUndefined();
    expect(known(c('c-1', LACKS_BOTH), c('c-2'))).toBeUndefined();
  });

  it('names the missing patches of its hosts in list order, and sums the timeouts', () => {
    const seeds = [seed('w-1', { ...CURRENT, 'nodeInfo.kernelVersion': '6.1' }), seed('w-2', LACKS_BOTH)];
    const { plan } = build(strategySpec({ patches: [kubeletPatch, kernelPatch] }), seeds, {
      maxUnavailable: 2,
    });
    const [stage] = plan.stages;
    expect(stage?.patches).toEqual([KUBELET, KERNEL]);
    expect(stage?.timeoutSeconds).toBe(60 + 900 + 1800 + 1800 + 900 + 15 + 1800 + 60 + 1);
    expect(stage?.steps.map(({ name }) => name)).toEqual([
      'query-alarms',
      'lock-hosts',
      'migrate-instances-from-host',
      'sw-patch-hosts',
      'verify',
      'system-stabilize',
      'unlock-hosts',
      'system-stabilize',
    ]);
  });

  it('has another digest when its limit or its actions change', () => {
    const seeds = [seed('w-1')];
    const digestOf = (overrides: Record<string, unknown>, maxUnavailable: number): string =>
      build(strategySpec(overrides), seeds, { maxUnavailable }).plan.digest;
    const digests = [
      digestOf({}, 2),
      digestOf({}, 3),
      digestOf({ timing: { settleSeconds: 1 } }, 2),
      digestOf({ drain: { evictUnmanagedPods: true } }, 2),
      digestOf({ onForeignUncordon: 'recordon' }, 2),
      digestOf({ reboot: undefined }, 2),
      digestOf({ patches: [{ ...kernelPatch, action: kubeletPatch.action, id: 'other' }] }, 2),
    ];
    expect(new Set(digests).size).toBe(digests.length);
    expect(digestOf({ execution: { mode: 'Run' } }, 2)).toBe(digests[0]);
  });
});

describe('the digest of a spec', () => {
  it('does not depend on execution, and differs when another field changes', () => {
    const wanted = specDigest(strategySpec());
    expect(specDigest(strategySpec({ execution: { mode: 'Run', throughStage: 1 } }))).toBe(wanted);
    expect(specDigest(strategySpec({ poolRef: 'other' }))).not.toBe(wanted);
  });
});

describe('every plan', () => {
  const anyRoles = fc.constantFrom<readonly Role[]>(
    ['controller'],
    ['storage'],
    ['worker'],
    ['controller', 'worker'],
    ['storage', 'worker'],
    ['controller', 'storage'],
    [],
  );
  const anyFacts = fc.constantFrom<Facts>(LACKS_BOTH, LACKS_KUBELET, CURRENT, {});
  const anySeeds = fc
    .uniqueArray(fc.tuple(fc.stringMatching(/^[a-z]-[0-9]{1,3}$/), anyRoles, anyFacts), {
      maxLength: 40,
      selector: ([name]) => name,
    })
    .map((all) => all.map(([name, roles, facts]) => seed(name, facts, roles)));
  const anyType = fc.constantFrom('serial', 'parallel');

  it('has each host with a role and a missing patch in one stage, no other host, and no stage above the limits', () => {
    fc.assert(
      fc.property(
        anySeeds,
        anyType,
        anyType,
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 6 }),
        (seeds, worker, storage, parallel, limit) => {
          const spec = strategySpec({
            workerApplyType: worker,
            storageApplyType: storage,
            maxParallelWorkerHosts: parallel,
          });
          const { stages } = build(spec, seeds, { maxUnavailable: limit }).plan;
          const lacking = seeds
            .filter(({ facts, roles }) => facts !== CURRENT && roles.length > 0)
            .map(({ name }) => name);
          expect(stages.flatMap(({ hosts }) => hosts).toSorted()).toEqual(lacking.toSorted());
          for (const { name, level, hosts } of stages) {
            expect(hosts.length).toBeGreaterThan(0);
            if (level === 'away') expect(hosts.length).toBeLessThanOrEqual(limit);
            if (name === 'sw-patch-worker-hosts')
              expect(hosts.length).toBeLessThanOrEqual(worker === 'serial' ? 1 : parallel);
            if (name === 'sw-patch-controllers') expect(hosts).toHaveLength(1);
            if (name === 'sw-patch-storage-hosts')
              expect(hosts.length).toBeLessThanOrEqual(storage === 'serial' ? 1 : limit);
          }
        },
      ),
    );
  });

  it('does not depend on the order in which hosts are listed, digest included', () => {
    const shuffled = anySeeds.chain((seeds) =>
      fc.tuple(fc.constant(seeds), fc.shuffledSubarray(seeds, { minLength: seeds.length })),
    );
    fc.assert(
      fc.property(shuffled, ([seeds, others]) => {
        const plan = build(strategySpec(), seeds, { maxUnavailable: 3 });
        expect(build(strategySpec(), others, { maxUnavailable: 3 })).toEqual(plan);
      }),
    );
  });
});
