import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Role } from '../../../src/crds/vocabulary.ts';
import { build } from '../../../src/planner/build.ts';
import { compareHostNames, type Facts, type HostSeed } from '../../../src/planner/hosts/facts.ts';
import type { Stage } from '../../../src/planner/plan.ts';
import { strategySpec } from '../support/simulated-run.ts';

const RUNS = { numRuns: 300 };
/** A busy machine needs this much time for so many cases. */
const PATIENT = { timeout: 60_000 };
const KERNEL_OLD = { 'nodeInfo.kernelVersion': '6.12.40' };
const KERNEL_NEW = { 'nodeInfo.kernelVersion': '6.12.48' };
const KUBELET_OLD = { 'nodeInfo.kubeletVersion': 'v1.36.3' };
const KUBELET_NEW = { 'nodeInfo.kubeletVersion': 'v1.36.4' };
const CURRENT: Facts = { ...KERNEL_NEW, ...KUBELET_NEW };
/** A host that lacks a patch without a reboot, and no other. */
const IN_PLACE: Facts = { ...KERNEL_NEW, ...KUBELET_OLD };

const anyRoles = fc.constantFrom<readonly Role[]>(
  ['controller'],
  ['controller', 'worker'],
  ['controller', 'storage', 'worker'],
  ['controller', 'storage'],
  ['storage'],
  ['storage', 'worker'],
  ...Array<readonly Role[]>(5).fill(['worker']),
  [],
);
const anyFacts = fc.constantFrom<Facts>(
  { ...KERNEL_OLD, ...KUBELET_OLD },
  { ...KERNEL_OLD, ...KUBELET_NEW },
  IN_PLACE,
  IN_PLACE,
  CURRENT,
  {},
);
const anyHost: fc.Arbitrary<HostSeed> = fc.record({
  name: fc.tuple(fc.constantFrom('a-', 'b-', 'b'), fc.nat(99)).map((parts) => parts.map(String).join('')),
  roles: anyRoles,
  facts: anyFacts,
});
const anyType = fc.constantFrom('serial', 'parallel', 'parallel', 'ignore');

/** A fleet in any order, the wanted patches, and its limits. */
const anyCase = fc
  .record({
    seeds: fc.uniqueArray(anyHost, { maxLength: 60, size: 'max', selector: ({ name }) => name }),
    controllers: fc.constantFrom('serial', 'serial', 'ignore'),
    storage: anyType,
    workers: anyType,
    parallel: fc.integer({ min: 1, max: 8 }),
    maxUnavailable: fc.integer({ min: 1, max: 8 }),
    active: fc.nat(60),
  })
  .map(({ active, ...drawn }) => ({ ...drawn, activeHost: drawn.seeds[active]?.name }));
type Case = typeof anyCase extends fc.Arbitrary<infer T> ? T : never;

function planOf({ seeds, controllers, storage, workers, parallel, maxUnavailable, activeHost }: Case) {
  const spec = strategySpec({
    controllerApplyType: controllers,
    storageApplyType: storage,
    workerApplyType: workers,
    maxParallelWorkerHosts: parallel,
  });
  return build(spec, seeds, { maxUnavailable, activeHost });
}

/** The group of a host in the plan: controllers that are workers are workers, other workers that store are storage. */
function groupOf({ roles }: HostSeed): Role | undefined {
  const has = (role: Role) => roles.includes(role);
  if (has('controller')) return has('worker') ? 'worker' : 'controller';
  return has('storage') ? 'storage' : roles[0];
}

const STAGES: Readonly<Record<Role, Stage['name']>> = {
  controller: 'sw-patch-controllers',
  storage: 'sw-patch-storage-hosts',
  worker: 'sw-patch-worker-hosts',
};
const ORDER = Object.values(STAGES);

const typeOf = ({ controllers, storage, workers }: Case, role: Role): string =>
  ({ controller: controllers, storage, worker: workers })[role];
const lacks = ({ facts }: HostSeed): boolean => facts !== CURRENT;
const reboots = (seed: HostSeed): boolean => lacks(seed) && seed.facts !== IN_PLACE;

/** The stages, with the facts of their hosts. */
function stagesOf(drawn: Case) {
  const seeds = new Map(drawn.seeds.map((seed) => [seed.name, seed]));
  return planOf(drawn).plan.stages.map((stage) => ({
    ...stage,
    seeds: stage.hosts.flatMap((name) => seeds.get(name) ?? []),
  }));
}
const controls = ({ roles }: HostSeed): boolean => roles.includes('controller');

describe('any native plan', PATIENT, () => {
  it('has every host that lacks a patch in exactly one stage of its role, unless the role is ignored', () => {
    fc.assert(
      fc.property(anyCase, (drawn) => {
        const wanted = drawn.seeds.flatMap((seed) => {
          const role = groupOf(seed);
          if (!lacks(seed) || !role || typeOf(drawn, role) === 'ignore') return [];
          return `${seed.name} ${STAGES[role]} ${reboots(seed) ? 'away' : 'touched'}`;
        });
        const planned = planOf(drawn).plan.stages.flatMap(({ name, level, hosts }) =>
          hosts.map((host) => `${host} ${name} ${level}`),
        );
        expect(planned.toSorted()).toEqual(wanted.toSorted());
      }),
      RUNS,
    );
  });

  it('has no stage above the limit of the pool or the strategy, and one controller a stage', () => {
    fc.assert(
      fc.property(anyCase, (drawn) => {
        for (const { name, level, seeds } of stagesOf(drawn)) {
          expect(seeds.length).toBeGreaterThan(0);
          if (level === 'away') expect(seeds.length).toBeLessThanOrEqual(drawn.maxUnavailable);
          if (name === STAGES.storage) expect(seeds.length).toBeLessThanOrEqual(drawn.maxUnavailable);
          if (name === STAGES.worker) expect(seeds.length).toBeLessThanOrEqual(drawn.parallel);
          const serial =
            (name === STAGES.worker && drawn.workers === 'serial') ||
            (name === STAGES.storage && drawn.storage === 'serial');
          if (serial || seeds.some(controls)) expect(seeds).toHaveLength(1);
        }
      }),
      RUNS,
    );
  });

  it('fills its stages: two neighbouring stages of one kind do not fit into one', () => {
    fc.assert(
      fc.property(anyCase, (drawn) => {
        const stages = stagesOf(drawn).filter(({ seeds }) => !seeds.some(controls));
        for (const [at, next] of stages.slice(1).entries()) {
          const stage = stages[at];
          if (stage?.name !== next.name || stage.level !== next.level) continue;
          const workers = next.name === STAGES.worker;
          const wished = workers ? drawn.parallel : drawn.maxUnavailable;
          const most = next.level === 'away' ? Math.min(wished, drawn.maxUnavailable) : wished;
          const serial = (workers ? drawn.workers : drawn.storage) === 'serial';
          expect(stage.seeds.length).toBe(serial ? 1 : most);
        }
      }),
      RUNS,
    );
  });

  it('patches controllers, then storage hosts, then workers, in each group first the hosts without a reboot', () => {
    fc.assert(
      fc.property(anyCase, (drawn) => {
        const ranks = stagesOf(drawn).map(
          ({ name, level }) => ORDER.indexOf(name) * 2 + Number(level === 'away'),
        );
        expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
      }),
      RUNS,
    );
  });

  it('patches controllers first in each group, the active one last of them, and all hosts by name', () => {
    fc.assert(
      fc.property(anyCase, (drawn) => {
        const groups = Map.groupBy(stagesOf(drawn), ({ name, level }) => `${name} ${level}`);
        for (const stages of groups.values()) {
          const found = stages.flatMap(({ seeds }) => seeds);
          const byName = found.toSorted((a, b) => compareHostNames(a.name, b.name));
          const isActive = ({ name }: HostSeed): boolean => name === drawn.activeHost;
          const controllers = byName.filter(controls);
          expect(found).toEqual([
            ...controllers.filter((each) => !isActive(each)),
            ...controllers.filter(isActive),
            ...byName.filter((each) => !controls(each)),
          ]);
        }
      }),
      RUNS,
    );
  });

  it('does not depend on the order in which hosts are listed, digest included', () => {
    const shuffled = anyCase.chain((drawn) =>
      fc
        .shuffledSubarray([...drawn.seeds], { minLength: drawn.seeds.length })
        .map((seeds) => ({ drawn, other: { ...drawn, seeds } })),
    );
    fc.assert(
      fc.property(shuffled, ({ drawn, other }) => {
        expect(planOf(other)).toEqual(planOf(drawn));
      }),
      RUNS,
    );
  });
});

it('the drawn cases include the hard ones', PATIENT, () => {
  const reached = (holds: (drawn: Case) => boolean): number =>
    fc.sample(anyCase, { seed: 5, numRuns: 300 }).filter(holds).length;
  const stage = (holds: (stage: ReturnType<typeof stagesOf>[number], drawn: Case) => boolean) =>
    reached((drawn) => stagesOf(drawn).some((each) => holds(each, drawn)));
  const counts = {
    cutByThePool: stage(
      ({ name, level, hosts }, { parallel, maxUnavailable }) =>
        name === STAGES.worker &&
        level === 'away' &&
        hosts.length === maxUnavailable &&
        parallel > maxUnavailable,
    ),
    cutByTheStrategy: stage(
      ({ name, hosts }, { parallel, maxUnavailable }) =>
        name === STAGES.worker && hosts.length === parallel && parallel < maxUnavailable && parallel > 1,
    ),
    moreInPlaceThanMayBeAway: stage(
      ({ level, hosts }, { maxUnavailable }) => level === 'touched' && hosts.length > maxUnavailable,
    ),
    activeBeforeOthersByName: reached((drawn) => {
      const singles = stagesOf(drawn).filter(({ seeds }) => seeds.some(controls));
      const at = singles.findIndex(({ hosts }) => hosts[0] === drawn.activeHost);
      const [before, active] = [singles[at - 1], singles[at]];
      if (!before || !active || before.name !== active.name || before.level !== active.level) return false;
      return compareHostNames(active.hosts[0] ?? '', before.hosts[0] ?? '') < 0;
    }),
    someIgnored: reached(({ controllers, storage, workers }) =>
      [controllers, storage, workers].includes('ignore'),
    ),
  };
  for (const [name, count] of Object.entries(counts)) expect([name, count > 10]).toEqual([name, true]);
});
