import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyPlatform, isController, isWorkerStage, platform, taken, type Drawn } from './vim-any-platform.ts';
import { hostsOf, patchBuild, upgradeBuild } from './vim-platform.ts';

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

  it('never takes more workers at once than allowed, and takes each controller alone', () => {
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

  it('never takes two hosts with members of one anti-affinity group out of service together', () => {
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

  it('never takes two storage hosts of one replication group together', () => {
    fc.assert(
      fc.property(anyPlatform, (drawn) => {
        const { stages, given } = plan(drawn);
        for (const { hosts } of stages.filter(({ name }) => name === 'sw-patch-storage-hosts'))
          for (const { memberNames } of given.hostGroups)
            expect(hosts.filter(({ name }) => memberNames.includes(name)).length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('patches controllers, storage, swift, then workers, in each role first the hosts without a reboot', () => {
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

  it('does not depend on the order of groups, aggregates, their members and alarms', () => {
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

  it('takes the same hosts together for any order of instances', () => {
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
  it('takes every storage host and worker once, and no more workers at a time than allowed', () => {
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
