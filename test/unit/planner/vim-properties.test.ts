import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VimBuild } from '../../../src/planner/vim/build.ts';
import {
  aggregate,
  group,
  host,
  hostsOf,
  instance,
  LOCKED,
  patchBuild,
  upgradeBuild,
  type TestHost,
} from './vim-platform.ts';

const ROLES = [['controller'], ['controller', 'worker'], ['storage'], ['swift'], ['worker']] as const;
const POLICIES = ['anti-affinity', 'anti-affinity-best-effort', 'affinity'];
const picks = fc.array(fc.nat(1000), { maxLength: 6 });

/** A platform in good order; numbers stand for hosts and instances, modulo how many there are. */
const anyPlatform = fc.record({
  profile: fc.constantFrom('vim-2017', 'vim-2020', 'vim-2024'),
  hosts: fc.array(
    fc.record({
      role: fc.nat(6),
      current: fc.boolean(),
      reboot: fc.boolean(),
      locked: fc.boolean(),
      compute: fc.boolean(),
    }),
    { maxLength: 25 },
  ),
  instances: fc.array(fc.nat(1000), { maxLength: 40 }),
  groups: fc.array(fc.record({ policy: fc.constantFrom(...POLICIES), members: picks }), { maxLength: 6 }),
  aggregates: fc.array(picks, { maxLength: 4 }),
  replication: fc.array(picks, { maxLength: 4 }),
  parallel: fc.boolean(),
  action: fc.constantFrom('migrate', 'stop-start'),
  most: fc.integer({ min: 2, max: 6 }),
});
type Drawn = typeof anyPlatform extends fc.Arbitrary<infer T> ? T : never;

function platform(drawn: Drawn) {
  const hosts = [...drawn.hosts, ...TWO_OF_EACH].map(({ role, current, reboot, locked, compute }, i) => {
    const personality = ROLES[role] ?? (['worker'] as const);
    const state = locked && personality.length === 1 && personality[0] === 'worker' ? LOCKED : {};
    const patch = { patchCurrent: current, requiresReboot: reboot };
    return host(`h${String(i)}`, personality, patch, { openstackCompute: compute, ...state });
  });
  const names = (numbers: readonly number[]) => [
    ...new Set(numbers.map((n) => `h${String(n % hosts.length)}`)),
  ];
  const instances = drawn.instances.map((n, i) => instance(`vm${String(i)}`, `h${String(n % hosts.length)}`));
  const members = (numbers: readonly number[]) =>
    numbers.flatMap((n) => instances[n % Math.max(1, instances.length)]?.uuid ?? []);
  const type = drawn.parallel ? 'parallel' : 'serial';
  return {
    hosts,
    given: {
      profile: drawn.profile,
      activeController: 'h0',
      instances,
      instanceGroups: drawn.groups.map(({ policy, members: of }, i) =>
        group(`g${String(i)}`, policy, ...members(of)),
      ),
      hostAggregates: drawn.aggregates.map((of, i) => aggregate(`a${String(i)}`, ...names(of))),
      hostGroups: drawn.replication.map((of, i) => ({
        name: `r${String(i)}`,
        policies: ['storage-replication'],
        memberNames: names(of),
      })),
      params: {
        'worker-apply-type': type,
        'storage-apply-type': type,
        'default-instance-action': drawn.action,
        'max-parallel-worker-hosts': drawn.most,
      },
    },
  };
}

/** What the checks of a role ask of the inventory. */
const TWO_OF_EACH = [0, 0, 2, 2, 3, 3].map((role) => ({
  role,
  current: true,
  reboot: true,
  locked: false,
  compute: false,
}));

type Taken = { readonly name: string; readonly hosts: readonly TestHost[]; readonly locks: boolean };

function taken({ stages }: VimBuild, hosts: readonly TestHost[]): Taken[] {
  const byName = new Map(hosts.map((each) => [each.name, each]));
  return stages.map((stage) => ({
    name: stage.name,
    hosts: hostsOf(stage).flatMap((name) => byName.get(name) ?? []),
    locks: stage.steps.some(({ name }) => /^(lock|reboot)-hosts$/.test(name)),
  }));
}

const isWorkerStage = ({ name }: Taken): boolean => name === 'sw-patch-worker-hosts';
const isController = ({ personality }: TestHost): boolean => personality.includes('controller');

describe('any sw-patch plan', () => {
  const plan = (drawn: Drawn) => {
    const { hosts, given } = platform(drawn);
    return { hosts, given, stages: taken(patchBuild(hosts, given), hosts) };
  };

  it('has every host that lacks a patch in one stage, and no other', () => {
    fc.assert(
      fc.property(anyPlatform, (drawn) => {
        const { hosts, stages } = plan(drawn);
        const planned = stages.flatMap((stage) => stage.hosts.map(({ name }) => name));
        const lacking = hosts.filter(({ patch }) => !patch.patchCurrent).map(({ name }) => name);
        expect(planned.toSorted()).toEqual(lacking.toSorted());
      }),
    );
  });

  it('never takes more workers at once than allowed, nor controllers together with anything', () => {
    fc.assert(
      fc.property(anyPlatform, (drawn) => {
        for (const stage of plan(drawn).stages) {
          if (isWorkerStage(stage))
            expect(stage.hosts.length).toBeLessThanOrEqual(drawn.parallel ? drawn.most : 1);
          if (stage.hosts.some(isController)) expect(stage.hosts).toHaveLength(1);
        }
      }),
    );
  });

  it('never takes two hosts out of service that run members of one anti-affine group', () => {
    fc.assert(
      fc.property(anyPlatform, (drawn) => {
        const { stages, given } = plan(drawn);
        const apart = given.instanceGroups.filter(({ policies }) => !policies.includes('affinity'));
        for (const stage of stages.filter((each) => isWorkerStage(each) && each.locks)) {
          for (const { memberUuids } of apart) {
            const homes = given.instances
              .filter(({ uuid }) => memberUuids.includes(uuid))
              .map((each) => each.host);
            expect(stage.hosts.filter(({ name }) => homes.includes(name)).length).toBeLessThanOrEqual(1);
          }
        }
      }),
    );
  });

  it('never takes two storage hosts of one replication group', () => {
    fc.assert(
      fc.property(anyPlatform, (drawn) => {
        const { stages, given } = plan(drawn);
        for (const { hosts } of stages.filter(({ name }) => name === 'sw-patch-storage-hosts'))
          for (const { memberNames } of given.hostGroups)
            expect(hosts.filter(({ name }) => memberNames.includes(name)).length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('goes from controllers over storage and swift to workers, each without a reboot first', () => {
    const order = ['controllers', 'storage-hosts', 'swift-hosts', 'worker-hosts'];
    fc.assert(
      fc.property(anyPlatform, (drawn) => {
        const ranks = plan(drawn).stages.map(
          ({ name, locks }) => order.indexOf(name.replace('sw-patch-', '')) * 2 + Number(locks),
        );
        expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
      }),
    );
  });

  it('is the same in whatever order groups, aggregates, their members and alarms are listed', () => {
    fc.assert(
      fc.property(anyPlatform, (drawn) => {
        const { hosts, given } = platform(drawn);
        const reversed = {
          ...given,
          instanceGroups: given.instanceGroups
            .map((each) => ({ ...each, memberUuids: each.memberUuids.toReversed() }))
            .toReversed(),
          hostAggregates: given.hostAggregates
            .map((each) => ({ ...each, hostNames: each.hostNames.toReversed() }))
            .toReversed(),
          hostGroups: given.hostGroups
            .map((each) => ({ ...each, memberNames: each.memberNames.toReversed() }))
            .toReversed(),
        };
        expect(patchBuild(hosts, reversed)).toEqual(patchBuild(hosts, given));
      }),
    );
  });

  it('takes the same hosts together in whatever order instances are listed', () => {
    fc.assert(
      fc.property(anyPlatform, (drawn) => {
        const { hosts, given } = platform(drawn);
        const reversed = { ...given, instances: given.instances.toReversed() };
        expect(taken(patchBuild(hosts, reversed), hosts)).toEqual(taken(patchBuild(hosts, given), hosts));
      }),
    );
  });
});

describe('any sw-upgrade plan', () => {
  it('takes every storage host and worker once, workers as few at a time as allowed', () => {
    fc.assert(
      fc.property(anyPlatform, (drawn) => {
        const { hosts, given } = platform({ ...drawn, profile: 'vim-2020' });
        const { 'default-instance-action': _, ...params } = given.params;
        const inService = hosts.map((each) => ({
          ...each,
          adminState: 'unlocked',
          operState: 'enabled',
          availStatus: 'available',
          softwareLoad: isController(each) ? '20.06' : '20.01',
        }));
        const { stages } = upgradeBuild(inService, { ...given, params });
        const upgraded = inService
          .filter(({ personality }) => ['storage', 'worker'].includes(personality.join()))
          .map(({ name }) => name);
        expect(stages.flatMap(hostsOf).toSorted()).toEqual(upgraded.toSorted());
        for (const stage of stages.filter(({ name }) => name === 'sw-upgrade-worker-hosts'))
          expect(hostsOf(stage).length).toBeLessThanOrEqual(drawn.parallel ? drawn.most : 1);
      }),
    );
  });
});
