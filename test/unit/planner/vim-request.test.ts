/** The request to the VIM's planner that stands for a strategy and its hosts, and what becomes of the answer. */
import { describe, expect, it } from 'vitest';
import type { HostSeed } from '../../../src/planner/hosts/facts.ts';
import type { PlanLimits } from '../../../src/planner/plan-limits.ts';
import { planStrategy } from '../../../src/planner/plan-strategy.ts';
import { requestOf } from '../../../src/planner/vim/request-of.ts';
import type { PatchInputs } from '../../../src/planner/vim/request.ts';
import { BuildRefusal } from '../../../src/planner/problems/build-refusal.ts';
import { specDigest } from '../../../src/planner/digest.ts';
import { job, kubeletPatch, strategySpec, upgradeSpec } from '../support/simulated-run.ts';

const OLD = { 'nodeInfo.kernelVersion': '6.12.40', 'nodeInfo.kubeletVersion': 'v1.36.3' };
const NEW = { 'nodeInfo.kernelVersion': '6.12.48', 'nodeInfo.kubeletVersion': 'v1.36.4' };

function seed(name: string, fields: Partial<HostSeed> = {}): HostSeed {
  return { name, roles: ['worker'], facts: OLD, ...fields };
}

function patchInputs(
  seeds: readonly HostSeed[],
  spec: Record<string, unknown> = {},
  limits: Partial<PlanLimits> = {},
): PatchInputs {
  const request = requestOf(strategySpec(spec), seeds, limits);
  return request.kind === 'sw-patch' ? request.inputs : expect.fail('it is no request to patch');
}

const c = (name: string, fields: Partial<HostSeed> = {}): HostSeed =>
  seed(name, { roles: ['controller'], ...fields });

describe('a request to patch', () => {
  it('lists the hosts that have a role by their names, with what each lacks', () => {
    const hosts = [
      seed('w-10'),
      seed('w-2', { facts: NEW }),
      seed('w-3', { facts: { ...NEW, 'nodeInfo.kubeletVersion': 'v1.36.3' } }),
      seed('x', { roles: [] }),
      seed('a', { roles: ['controller', 'worker'] }),
      seed('s', { roles: ['storage', 'worker'] }),
    ];
    const inputs = patchInputs(hosts);
    expect(inputs.hosts.map(({ name, personality }) => [name, ...personality])).toEqual([
      ['a', 'controller', 'worker'],
      ['s', 'storage', 'worker'],
      ['w-2', 'worker'],
      ['w-3', 'worker'],
      ['w-10', 'worker'],
    ]);
    expect(inputs.hosts.map(({ patch }) => patch)).toEqual([
      lacks('controller', 'worker'),
      lacks('storage'),
      { ...lacks('worker'), requiresReboot: false, patchCurrent: true },
      { ...lacks('worker'), requiresReboot: false },
      lacks('worker'),
    ]);
  });

  it('says which hosts others keep closed, and which do not serve', () => {
    const states = [
      {},
      { closedByOthers: true },
      { isDown: true },
      { closedByOthers: true, isDown: true },
    ] as const;
    const { hosts } = patchInputs(states.map((each, i) => seed(`w-${String(i)}`, each)));
    expect(
      hosts.map(({ adminState, operState, availStatus }) => [adminState, operState, availStatus]),
    ).toEqual([
      ['unlocked', 'enabled', 'available'],
      ['locked', 'disabled', 'online'],
      ['unlocked', 'disabled', 'failed'],
      ['locked', 'disabled', 'offline'],
    ]);
  });

  it('leaves out skipped hosts, and takes the leader for active where it is a controller', () => {
    const hosts = [c('c-1'), c('c-2'), seed('w-1')];
    const active = (activeHost?: string) => patchInputs(hosts, {}, { activeHost }).activeController;
    expect([active('c-2'), active('w-1'), active()]).toEqual(['c-2', 'c-1', 'c-1']);
    const skipped = patchInputs(hosts, {}, { skipped: ['c-1'] });
    expect(skipped.hosts.map(({ name }) => name)).toEqual(['c-2', 'w-1']);
    expect([patchInputs(hosts).singleController, skipped.singleController]).toEqual([false, true]);
  });

  it('has the servers, groups and aggregates that the inventory of a cloud shows', () => {
    const group = { uid: 'g', name: 'db', policies: ['anti-affinity'] };
    const facts = { ...OLD, 'labels.aggregate/rack': 'member' };
    const inputs = patchInputs([
      seed('w-1', { facts, servers: [{ uid: 'u1', name: 'db-1', stopped: false, group }] }),
      seed('w-2', { facts, servers: [{ uid: 'u2', name: 'db-2', stopped: true, group }] }),
    ]);
    expect(inputs.instances).toEqual([
      { uuid: 'u1', name: 'db-1', host: 'w-1', adminState: 'unlocked' },
      { uuid: 'u2', name: 'db-2', host: 'w-2', adminState: 'locked' },
    ]);
    expect(inputs.instanceGroups).toEqual([
      { uuid: 'g', name: 'db', policies: ['anti-affinity'], memberUuids: ['u1', 'u2'] },
    ]);
    expect(inputs.hostAggregates).toEqual([{ name: 'rack', hostNames: ['w-1', 'w-2'] }]);
  });
});

function lacks(...personality: string[]) {
  return { personality, requiresReboot: true, patchCurrent: false, interimState: false };
}

const plan = (spec: ReturnType<typeof strategySpec>, seeds: readonly HostSeed[]) =>
  planStrategy(spec, seeds, { maxUnavailable: 1 }).plan;
const vim = (fields: Record<string, unknown> = {}) => strategySpec({ profile: 'vim-2024', ...fields });

describe('a plan of the VIM', () => {
  const three = ['w-1', 'w-2', 'w-3'].map((name) => seed(name));

  it('is never cut, and says what its hosts lack', () => {
    const { stages, actions } = plan(vim({ maxParallelWorkerHosts: 3 }), three);
    expect(stages.map(({ hosts, patches }) => ({ hosts, patches }))).toEqual([
      { hosts: ['w-1', 'w-2', 'w-3'], patches: ['kernel-6.12.48', 'kubelet-1.36.4'] },
    ]);
    expect(actions.profile).toBe('vim-2024');
  });

  it('does not depend on the order of the hosts, and differs from that of another profile', () => {
    const digests = [vim(), vim({ profile: 'vim-2020' }), strategySpec()].map(
      (spec) => plan(spec, three).digest,
    );
    expect(plan(vim(), three.toReversed()).digest).toBe(digests[0]);
    expect(new Set(digests).size).toBe(3);
  });

  it.each([
    [[seed('w-1', { facts: NEW })], 'no software patches need to be applied'],
    [
      [seed('w-1', { isDown: true })],
      'all worker hosts must be unlocked-enabled-available, locked-disabled-online or locked-disabled-offline',
    ],
    [
      [c('c-1'), c('c-2', { closedByOthers: true })],
      'all controller hosts must be unlocked-enabled-available',
    ],
    [[seed('s-1', { roles: ['storage'] })], 'not enough storage hosts to apply software updates'],
  ])('is refused in the words of the VIM', (seeds, reason) => {
    expect(() => plan(vim(), seeds)).toThrow(new BuildRefusal(reason));
  });

  it('of an upgrade passes no controller over', () => {
    const spec = upgradeSpec({ profile: 'vim-2020' });
    const others = [c('cp-1'), c('cp-2'), seed('w-1')];
    expect(() => plan(spec, others)).toThrow(
      'hosts.cp-1 is "cp-1": the VIM upgrades only controllers with the names controller-0 and controller-1',
    );
    const ignored = upgradeSpec({ profile: 'vim-2020', controllerApplyType: 'ignore' });
    expect(plan(ignored, others).stages.map(({ hosts }) => hosts.join())).toEqual(['w-1']);
  });

  it('of an upgrade ends it where the strategy says how', () => {
    const spec = upgradeSpec({ profile: 'vim-2020', complete: { job } });
    const hosts = [c('controller-0', { facts: NEW }), c('controller-1', { facts: NEW })];
    const [stage] = plan(spec, hosts).stages;
    expect(stage).toMatchObject({
      name: 'sw-upgrade-complete',
      hosts: ['controller-1'],
      patches: ['complete'],
    });
  });
});

it('the profile careen changes no digest of a spec', () => {
  const spec = { patches: [kubeletPatch] };
  expect(strategySpec({ ...spec, profile: 'careen' })).not.toHaveProperty('profile');
  expect(specDigest(strategySpec({ ...spec, profile: 'careen' }))).toBe(specDigest(strategySpec(spec)));
});
