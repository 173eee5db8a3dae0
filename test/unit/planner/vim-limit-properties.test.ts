import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  anyPlatform,
  isController,
  isWorkerStage,
  platform,
  taken,
  type Drawn,
  type Taken,
} from './vim-any-platform.ts';
import { patchBuild, type TestHost } from './vim-platform.ts';

const RUNS = { numRuns: 300 };
/** A busy machine needs this much time for so many cases. */
const PATIENT = { timeout: 60_000 };

function planned(drawn: Drawn) {
  const { hosts, given } = platform(drawn);
  const occupied = new Set(given.instances.map((each) => each.host));
  const stages = taken(patchBuild(hosts, given), hosts);
  return { hosts, given, stages, isOccupied: ({ name }: TestHost) => occupied.has(name) };
}

const named = (stages: readonly Taken[], what: string): Taken[] =>
  stages.filter(({ name }) => name === `sw-patch-${what}`);

describe('any sw-patch plan', PATIENT, () => {
  it('takes no more hosts of an aggregate out of service together than its share of the limit', () => {
    fc.assert(
      fc.property(anyPlatform, (drawn) => {
        const { hosts, given, stages, isOccupied } = planned(drawn);
        const workers = hosts.filter(({ personality }) => personality.includes('worker')).length;
        const share = Math.min(drawn.most / workers, 0.5);
        const together = stages.filter(
          (stage) => isWorkerStage(stage) && stage.locks && stage.hosts.every(isOccupied),
        );
        for (const stage of together)
          for (const { hostNames } of given.hostAggregates) {
            const members = stage.hosts.filter(({ name }) => hostNames.includes(name)).length;
            expect(members).toBeLessThanOrEqual(Math.max(1, Math.floor(hostNames.length * share)));
          }
      }),
      RUNS,
    );
  });

  it('takes swift hosts one at a time, and storage hosts when they are serial', () => {
    fc.assert(
      fc.property(anyPlatform, (drawn) => {
        const { stages } = planned(drawn);
        const single = [
          ...named(stages, 'swift-hosts'),
          ...(drawn.parallel ? [] : named(stages, 'storage-hosts')),
        ];
        for (const { hosts } of single) expect(hosts).toHaveLength(1);
      }),
      RUNS,
    );
  });

  it('takes the active controller last of the controllers', () => {
    fc.assert(
      fc.property(anyPlatform, fc.nat(1000), (drawn, active) => {
        const { hosts, given } = platform(drawn);
        const alone = hosts.filter(({ personality }) => personality.join() === 'controller');
        const activeController = alone[active % alone.length]?.name ?? '';
        const stages = taken(patchBuild(hosts, { ...given, activeController }), hosts);
        for (const locks of [false, true]) {
          const order = named(stages, 'controllers')
            .filter((stage) => stage.locks === locks)
            .flatMap((stage) => stage.hosts.map(({ name }) => name));
          if (order.includes(activeController)) expect(order.at(-1)).toBe(activeController);
        }
      }),
      RUNS,
    );
  });

  it('takes controllers, then workers without instances, then the others, and mixes none when they reboot', () => {
    fc.assert(
      fc.property(anyPlatform, (drawn) => {
        const { stages, isOccupied } = planned(drawn);
        const rank = (each: TestHost): number => (isController(each) ? 0 : isOccupied(each) ? 2 : 1);
        const workers = named(stages, 'worker-hosts').filter(({ locks }) => locks);
        const ranks = workers.map((stage) => new Set(stage.hosts.map(rank)));
        expect(ranks.map(({ size }) => size)).toEqual(ranks.map(() => 1));
        const order = ranks.flatMap((each) => [...each]);
        expect(order).toEqual(order.toSorted((a, b) => a - b));
      }),
      RUNS,
    );
  });

  it('keeps the order of the table among hosts without another order', () => {
    fc.assert(
      fc.property(anyPlatform, (drawn) => {
        const { hosts, stages, isOccupied } = planned(drawn);
        const place = new Map(hosts.map(({ name }, at) => [name, at]));
        const places = (list: readonly TestHost[]) => list.map(({ name }) => place.get(name) ?? -1);
        const inOrder = (found: readonly number[]) => expect(found).toEqual(found.toSorted((a, b) => a - b));
        for (const { hosts: list } of stages.filter(({ locks }) => locks)) inOrder(places(list));
        const empty = stages
          .filter((stage) => isWorkerStage(stage) && stage.locks)
          .flatMap((stage) => stage.hosts.filter((each) => !isOccupied(each) && !isController(each)));
        inOrder(places(empty));
      }),
      RUNS,
    );
  });
});

describe('a sw-patch plan and its digest', PATIENT, () => {
  const shuffledPlatform = anyPlatform.chain((drawn) => {
    const { hosts, given } = platform(drawn);
    const { instances, instanceGroups, hostAggregates, hostGroups } = given;
    const others = fc.record({
      instances: shuffled(instances),
      instanceGroups: shuffled(instanceGroups),
      hostAggregates: shuffled(hostAggregates),
      hostGroups: shuffled(hostGroups),
    });
    return others.map((tables) => ({ hosts, given, others: { ...given, ...tables } }));
  });

  it('do not depend on the order of tables whose order has no meaning', () => {
    fc.assert(
      fc.property(shuffledPlatform, ({ hosts, given, others: { instances: _, ...tables } }) => {
        expect(patchBuild(hosts, { ...given, ...tables })).toEqual(patchBuild(hosts, given));
      }),
      RUNS,
    );
  });

  it('change only the order of instances when instances are shuffled', () => {
    fc.assert(
      fc.property(shuffledPlatform, ({ hosts, given, others: { instances } }) => {
        const [before, after] = [given, { ...given, instances }].map((each) => patchBuild(hosts, each));
        expect(after?.digest).toBe(before?.digest);
        expect(after?.stages.map(sorted)).toEqual(before?.stages.map(sorted));
      }),
      RUNS,
    );
  });
});

it('the drawn platforms include the hard ones', PATIENT, () => {
  const drawn = fc.sample(anyPlatform, { seed: 5, numRuns: 200 });
  const reached = (holds: (stage: Taken, of: ReturnType<typeof planned>, most: number) => boolean): number =>
    drawn.filter((each) => {
      const of = planned(each);
      return of.stages.some((stage) => holds(stage, of, each.most));
    }).length;
  const together = ({ hosts, locks }: Taken): boolean => locks && hosts.length > 1;
  const counts = {
    fullOfWorkers: reached((stage, _, most) => isWorkerStage(stage) && stage.hosts.length === most),
    instancesOnSeveral: reached(
      (stage, { isOccupied }) => isWorkerStage(stage) && together(stage) && stage.hosts.every(isOccupied),
    ),
    aggregateOnSeveral: reached(
      (stage, { given, isOccupied }) =>
        isWorkerStage(stage) &&
        stage.hosts.every(isOccupied) &&
        given.hostAggregates.some(
          ({ hostNames }) => stage.hosts.filter(({ name }) => hostNames.includes(name)).length > 1,
        ),
    ),
    storageTogether: reached((stage) => stage.name === 'sw-patch-storage-hosts' && together(stage)),
    controllersThatWork: reached((stage) => isWorkerStage(stage) && stage.hosts.some(isController)),
  };
  for (const [name, count] of Object.entries(counts)) expect([name, count > 10]).toEqual([name, true]);
});

function shuffled<T>(items: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...items], { minLength: items.length });
}

type Stages = ReturnType<typeof patchBuild>['stages'];

/** A stage with the instances of each step sorted. */
function sorted({ name, steps }: Stages[number]) {
  return { name, steps: steps.map((step) => ({ ...step, entities: sortedEntities(step) })) };
}

function sortedEntities({ name, entities }: Stages[number]['steps'][number]) {
  const { type, names, uuids } = entities;
  if (type !== 'instances' && !name.startsWith('migrate-instances')) return entities;
  return { type, names: names.toSorted(), uuids: uuids.toSorted() };
}
