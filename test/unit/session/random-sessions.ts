/** Sessions that nobody recorded: random clouds, and projects that agree, refuse, stay silent or leave instances out. */
import fc from 'fast-check';
import { recordedSession, type RecordedSession } from '../../../src/cli/vectors/sessions/recorded-session.ts';

const CAPACITY = 4;
const ASKED = [
  'MAINTENANCE',
  'SCALE_IN',
  'PREPARE_MAINTENANCE',
  'PLANNED_MAINTENANCE',
  'MAINTENANCE_COMPLETE',
];

const PROJECTS = ['A', 'B', 'C'];

/** One time in so many. */
function rarely<T>(each: fc.Arbitrary<T>, times: number): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: times - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: each });
}

const tenant = fc.record({
  moveAction: fc.constantFrom('MIGRATE', 'LIVE_MIGRATE', 'OWN_ACTION'),
  scaleInInstances: fc.integer({ min: 0, max: 3 }),
  refuses: rarely(fc.constantFrom(...ASKED), 8),
  silentOn: rarely(fc.constantFrom(...ASKED), 8),
  omitsInstanceActions: rarely(fc.constant(true), 8),
});

/** How many instances of which project are on a host, each of a size. */
const load = fc.array(
  fc.record({
    project: fc.constantFrom(...PROJECTS),
    size: fc.integer({ min: 1, max: 2 }),
    floatingIp: fc.boolean(),
  }),
  { maxLength: 4 },
);

type Load = readonly { readonly project: string; readonly size: number; readonly floatingIp: boolean }[];

function fitting(host: string, wanted: Load): { id: string; host: string; size: number }[] {
  let free = CAPACITY;
  return wanted.flatMap((each, index) => {
    if (each.size > free) return [];
    free -= each.size;
    return [{ ...each, id: `${host}-i${String(index)}`, host }];
  });
}

/** A session without a trace: only what is given. */
export const randomSession: fc.Arbitrary<RecordedSession> = fc
  .record({
    loads: fc.array(load, { minLength: 2, maxLength: 5 }),
    tenants: fc.tuple(tenant, tenant, tenant),
    failing: rarely(fc.nat({ max: 4 }), 6),
    plugins: fc.array(fc.constantFrom('pre', 'host', 'compute', 'controller', 'post'), { maxLength: 4 }),
    discovers: fc.boolean(),
    deaf: rarely(fc.constantFrom(...PROJECTS), 10),
  })
  .map(({ loads, tenants, failing, plugins, discovers, deaf }) => {
    const computeHosts = loads.map((_, index) => `compute-${String(index)}`);
    const actions = plugins.map((type, index) => ({ plugin: `p${String(index)}`, type }));
    const broken = failing === undefined ? [] : computeHosts.slice(failing, failing + 1);
    return recordedSession.parse({
      id: 'random',
      world: {
        capacityPerHost: CAPACITY,
        computeHosts,
        controllerHosts: ['controller-0'],
        instances: loads.flatMap((each, index) => fitting(computeHosts[index] ?? '', each)),
        listeners: PROJECTS.filter((id) => id !== deaf),
      },
      replyTimesSeconds: { project_maintenance_reply: 6, project_scale_in_reply: 6 },
      create: { maintenance_at: '{now+30}', hosts: discovers ? [] : computeHosts, actions },
      tenants: Object.fromEntries(PROJECTS.map((id, index) => [id, tenants[index]])),
      // The first plug-in of this host fails.
      trace: broken.flatMap((host) =>
        actions.slice(0, 1).map(({ plugin }) => ({ actionPlugin: { plugin, host, state: 'FAILED' } })),
      ),
      endState: '',
    });
  });
