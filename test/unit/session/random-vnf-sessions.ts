/** Sessions under constraints that nobody recorded: random groups, lead times and ways of moving. */
import fc from 'fast-check';
import { recordedSession, type RecordedSession } from '../../../src/cli/vectors/sessions/recorded-session.ts';

const CAPACITY = 4;
const PROJECTS = ['A', 'B'];
const GROUPS = ['g', 'h'];

function rarely<T>(each: fc.Arbitrary<T>, times: number): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: times - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: each });
}

const ASKED = ['SCALE_IN', 'PREPARE_MAINTENANCE', 'PLANNED_MAINTENANCE'];

const tenant = fc.record({
  moveAction: fc.constantFrom('MIGRATE', 'LIVE_MIGRATE', 'OWN_ACTION'),
  scaleInInstances: fc.integer({ min: 0, max: 2 }),
  givesShare: fc.boolean(),
  refuses: rarely(fc.constantFrom(...ASKED), 10),
  silentOn: rarely(fc.constantFrom(...ASKED), 10),
  omitsInstanceActions: fc.boolean(),
});

const group = fc
  .record({
    antiAffinity: fc.boolean(),
    maxInstancesPerHost: fc.integer({ min: 1, max: 2 }),
    maxImpactedMembers: fc.integer({ min: 1, max: 3 }),
    recoverySeconds: fc.constantFrom(0, 5, 90),
  })
  .map(({ maxInstancesPerHost, ...rest }) => (rest.antiAffinity ? { ...rest, maxInstancesPerHost } : rest));
type Group = Parameters<Parameters<typeof group.map>[0]>[0] & { readonly maxInstancesPerHost?: number };

const instance = fc
  .record({
    project: fc.constantFrom(...PROJECTS),
    size: fc.integer({ min: 1, max: 2 }),
    groupRef: fc.constantFrom(...GROUPS),
    leadTimeSeconds: fc.constantFrom(0, 10, 60),
    migrationType: fc.constantFrom('MIGRATE', 'LIVE_MIGRATE', 'OWN_ACTION'),
    maxInterruptionSeconds: rarely(fc.constantFrom(2, 200), 3),
  })
  .map(({ leadTimeSeconds, ...rest }) => ({
    ...rest,
    // An owner that is to act itself must be asked.
    leadTimeSeconds: rest.migrationType === 'OWN_ACTION' ? 10 : leadTimeSeconds,
  }));
type Wanted = typeof instance extends fc.Arbitrary<infer T> ? T : never;

/** As many of these as the host has room for, and their groups admit on one host. */
function fitting(host: string, wanted: readonly Wanted[], groups: Readonly<Record<string, Group>>): object[] {
  let free = CAPACITY;
  const members = new Map<string, number>();
  return wanted.flatMap(({ project, size, ...constraint }, index) => {
    const key = `${project}/${constraint.groupRef}`;
    const { antiAffinity = false, maxInstancesPerHost = 1 } = groups[constraint.groupRef] ?? {};
    const most = antiAffinity ? maxInstancesPerHost : Infinity;
    if (size > free || (members.get(key) ?? 0) >= most) return [];
    free -= size;
    members.set(key, (members.get(key) ?? 0) + 1);
    return [{ id: `${host}-i${String(index)}`, host, project, size, constraint }];
  });
}

export function randomVnfSession(workflow: 'vnf' | 'kubernetes' = 'vnf'): fc.Arbitrary<RecordedSession> {
  return fc
    .record({
      loads: fc.array(fc.array(instance, { maxLength: 4 }), { minLength: 2, maxLength: 5 }),
      groups: fc.record({ g: group, h: group }),
      tenants: fc.tuple(tenant, tenant),
      moveSeconds: fc.constantFrom(1, 30, 100),
    })
    .map(({ loads, groups, tenants, moveSeconds }) => {
      const computeHosts = loads.map((_, index) => `compute-${String(index)}`);
      return recordedSession.parse({
        id: 'random',
        world: {
          ...{ capacityPerHost: CAPACITY, computeHosts, groups, moveSeconds },
          instances: loads.flatMap((each, index) => fitting(computeHosts[index] ?? '', each, groups)),
        },
        replyTimesSeconds: { project_maintenance_reply: 6, project_scale_in_reply: 6 },
        create: { maintenance_at: '{now+30}', hosts: computeHosts, workflow },
        tenants: Object.fromEntries(PROJECTS.map((id, index) => [id, tenants[index]])),
        trace: [],
        endState: '',
      });
    });
}
