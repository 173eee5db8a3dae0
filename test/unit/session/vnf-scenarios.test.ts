import { describe, expect, it } from 'vitest';
import { SimulatedOperator, type Assignment } from '../../../src/cli/simulate/simulated-operator.ts';
import { playSession, type PlayedSession } from '../../../src/cli/vectors/sessions/play-session.ts';
import { recordedSession, type RecordedSession } from '../../../src/cli/vectors/sessions/recorded-session.ts';
import type { TraceEvent } from '../../../src/cli/vectors/sessions/trace.ts';
import type { SessionEvent } from '../../../src/engine/session/session-state.ts';

const ONE_BY_ONE = { maxImpactedMembers: 1 };
const OF_G = { groupRef: 'g', migrationType: 'MIGRATE', leadTimeSeconds: 20 };

type Scenario = {
  readonly workflow?: string;
  readonly hosts?: readonly string[];
  readonly capacity?: number;
  readonly instances: readonly object[];
  readonly groups?: Readonly<Record<string, object>>;
  readonly tenant?: object;
  readonly moveSeconds?: number;
  readonly listeners?: readonly string[];
};

/** compute-0 is empty and maintained first, unless others are named. */
function session(scenario: Scenario): RecordedSession {
  const {
    workflow = 'vnf',
    hosts = ['compute-0', 'compute-1'],
    capacity = 4,
    tenant = {},
    ...world
  } = scenario;
  return recordedSession.parse({
    id: 'scenario',
    world: { groups: { g: ONE_BY_ONE }, ...world, capacityPerHost: capacity, computeHosts: hosts },
    create: { maintenance_at: '{now+2}', hosts, workflow },
    tenants: { A: tenant, B: {} },
    trace: [],
    endState: '',
  });
}

function instance(id: string, host: string, constraint: object = OF_G, more: object = {}): object {
  return { id, host, project: 'A', size: 1, constraint, ...more };
}

type Played = PlayedSession & {
  readonly events: readonly SessionEvent[];
  readonly reasons: readonly string[];
  /** The instances of which the run keeps that their resources are to be made up for. */
  readonly mitigated: ReadonlySet<string>;
};

async function play(scenario: Scenario): Promise<Played> {
  const events: SessionEvent[] = [];
  const reasons = new Set<string>();
  const mitigated = new Set<string>();
  class Noting extends SimulatedOperator {
    constructor(assignment: Assignment) {
      super({
        ...assignment,
        stored: () => {
          events.push(...(this.run.session?.events ?? []));
          for (const { instance: uid, resourceMitigation } of this.run.session?.questions ?? [])
            if (resourceMitigation) mitigated.add(uid);
          assignment.stored?.();
        },
      });
    }
    override async pass(): Promise<boolean> {
      const more = await super.pass();
      for (const each of [
        this.run.apply.reason ?? '',
        ...this.reasons,
        ...this.run.apply.stages.flatMap(({ reason }) => reason ?? []),
      ])
        reasons.add(each);
      return more;
    }
  }
  const played = await playSession(session(scenario), {
    makeOperator: (assignment) => new Noting(assignment),
  });
  return { ...played, events, reasons: [...reasons], mitigated };
}

function moves({ trace }: PlayedSession): Extract<TraceEvent, { kind: 'moving' }>[] {
  return trace.flatMap((event) => (event.kind === 'moving' ? [event] : []));
}

function states({ trace }: PlayedSession): string[] {
  return trace.flatMap((event) => (event.kind === 'state' ? [event.state] : []));
}

describe('workflow vnf', () => {
  it('fails before anything is touched where an instance has no constraint, and names it', async () => {
    const played = await play({
      instances: [
        instance('i1', 'compute-1'),
        instance('i2', 'compute-1', undefined, { constraint: undefined }),
      ],
    });
    expect(states(played)).toEqual(['MAINTENANCE', 'MAINTENANCE_FAILED']);
    expect(moves(played)).toEqual([]);
    expect(played.trace.some(({ kind }) => kind === 'host')).toBe(false);
    const why = played.reasons.find((reason) => reason.includes('needs constraints of all instances'));
    expect(why).toMatch(/i2 \(pod-\d+\) has no constraint/);
    expect(why).not.toContain('i1');
  });

  it('asks about each instance by itself, with its lead time and how it is moved', async () => {
    const { events, mitigated } = await play({
      instances: [
        instance('i1', 'compute-1'),
        instance('i2', 'compute-1', { ...OF_G, groupRef: 'h', leadTimeSeconds: 50 }),
      ],
      groups: { g: { ...ONE_BY_ONE, resourceMitigation: true }, h: ONE_BY_ONE },
    });
    const asked = events.flatMap((event) =>
      event.type === 'project' && event.state === 'PLANNED_MAINTENANCE' ? [event] : [],
    );
    expect(asked).toHaveLength(2);
    expect(asked.map(({ instances, instance: of }) => instances.length === 1 && instances[0] === of)).toEqual(
      [true, true],
    );
    expect(asked.map(({ resourceMitigation }) => resourceMitigation)).toEqual([true, undefined]);
    expect([...mitigated]).toEqual([asked[0]?.instance]);
    expect(asked[0]).toMatchObject({
      migrationType: 'MIGRATE',
      allowedActions: ['MIGRATE', 'LIVE_MIGRATE', 'OWN_ACTION'],
    });
    const [first = 0, second = 0] = asked.map(({ replyBy = '' }) => Date.parse(replyBy));
    expect(second - first).toBe(30_000);
  });

  it('moves members one after another, and the next one after the recovery of the one before', async () => {
    const played = await play({
      instances: ['i1', 'i2', 'i3'].map((id) => instance(id, 'compute-1')),
      groups: { g: { maxImpactedMembers: 1, recoverySeconds: 60 } },
      moveSeconds: 10,
    });
    expect(played.endState).toBe('MAINTENANCE_DONE');
    const [first = 0, second = 0, third = 0] = moves(played).map(({ at = 0 }) => at);
    expect(second - first).toBeGreaterThanOrEqual(70_000);
    expect(third - second).toBeGreaterThanOrEqual(70_000);
  });

  it('moves as many at once as the group can spare', async () => {
    const played = await play({
      instances: ['i1', 'i2', 'i3', 'i4'].map((id) => instance(id, 'compute-1')),
      groups: { g: { maxImpactedMembers: 3 } },
      moveSeconds: 10,
    });
    const times = moves(played).map(({ at = 0 }) => at);
    expect(times.slice(0, 3).every((at) => at === times[0])).toBe(true);
    expect((times[3] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(10_000);
  });

  it('does not ask where there is no lead time: the constraint is the consent', async () => {
    const played = await play({ instances: [instance('i1', 'compute-1', { ...OF_G, leadTimeSeconds: 0 })] });
    expect(played.endState).toBe('MAINTENANCE_DONE');
    expect(moves(played)).toHaveLength(1);
    expect(played.trace.some((event) => event.kind === 'asked' && event.instance !== undefined)).toBe(false);
    expect(played.trace.some(({ kind }) => kind === 'instance-done')).toBe(true);
  });

  it('moves by the migration type where the answer does not say how', async () => {
    const played = await play({
      instances: [instance('i1', 'compute-1', { ...OF_G, migrationType: 'OWN_ACTION' })],
      tenant: { omitsInstanceActions: true },
    });
    expect(played.endState).toBe('MAINTENANCE_DONE');
    expect(moves(played)).toEqual([]);
    expect(played.trace.some(({ kind }) => kind === 'added')).toBe(true);
  });

  it('fails for an owner that does not answer in its lead time', async () => {
    const played = await play({
      instances: [instance('i1', 'compute-1')],
      tenant: { silentOn: 'PLANNED_MAINTENANCE' },
    });
    expect(played.endState).toBe('MAINTENANCE_FAILED');
    expect(played.reasons.join()).toMatch(
      /project A did not answer PLANNED_MAINTENANCE for pod \S+ in its lead time/,
    );
  });

  it('calls off a live migration that takes longer than its constraint allows, and fails', async () => {
    const live = { ...OF_G, migrationType: 'LIVE_MIGRATE', maxInterruptionSeconds: 5 };
    const played = await play({
      instances: [instance('i1', 'compute-1', live)],
      tenant: { omitsInstanceActions: true },
      moveSeconds: 100,
    });
    const [off] = played.trace.flatMap((event) => (event.kind === 'called-off' ? [event] : []));
    const [begun] = moves(played);
    expect((off?.at ?? 0) - (begun?.at ?? 0)).toBe(5001);
    expect(played.endState).toBe('MAINTENANCE_FAILED');
    expect(played.trace.some(({ kind }) => kind === 'move')).toBe(false);
  });

  it('does not bound other moves by the interruption', async () => {
    const played = await play({
      instances: [instance('i1', 'compute-1', { ...OF_G, maxInterruptionSeconds: 5 })],
      moveSeconds: 100,
    });
    expect(played.endState).toBe('MAINTENANCE_DONE');
  });

  it('does not ask about an instance that no open host may take: its projects scale in', async () => {
    const apart = { antiAffinity: true, maxImpactedMembers: 1 };
    const played = await play({
      instances: ['i1', 'i2'].map((id, index) => instance(id, `compute-${String(index)}`)),
      groups: { g: apart },
      tenant: { scaleInInstances: 1 },
    });
    expect(states(played).slice(0, 4)).toEqual([
      'MAINTENANCE',
      'PREPARE_MAINTENANCE',
      'SCALE_IN',
      'START_MAINTENANCE',
    ]);
    expect(played.reasons.join()).toContain('can be moved to no host');
    expect(played.endState).toBe('MAINTENANCE_DONE');
  });

  it.each(['refuses', 'silentOn'])('fails in PREPARE_MAINTENANCE, too, where an owner %s it', async (how) => {
    const played = await play({
      instances: [instance('i1', 'compute-0'), instance('i2', 'compute-1')],
      groups: { g: { maxImpactedMembers: 2 } },
      tenant: { [how]: 'PREPARE_MAINTENANCE' },
    });
    expect(states(played)).toEqual(['MAINTENANCE', 'PREPARE_MAINTENANCE', 'MAINTENANCE_FAILED']);
    expect(moves(played)).toEqual([]);
  });

  it('moves members that are kept apart one after another, lest both arrive on one host', async () => {
    const played = await play({
      ...{ hosts: ['compute-0', 'compute-1', 'compute-2'], capacity: 6 },
      instances: [
        ...['i1', 'i2'].map((id) => instance(id, 'compute-1')),
        // The host with the most room has a member already.
        instance('i3', 'compute-0'),
        instance('i4', 'compute-2', { ...OF_G, groupRef: 'h' }, { size: 3 }),
      ],
      groups: { g: { antiAffinity: true, maxInstancesPerHost: 2, maxImpactedMembers: 3 }, h: ONE_BY_ONE },
      moveSeconds: 10,
    });
    const away = moves(played).filter(({ source }) => source === 'compute-1');
    const [first, second] = away.map(({ at = 0 }) => at);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(10_000);
  });

  it('says in SCALE_IN what each project can spare, and instances that would do', async () => {
    const { events, ...played } = await play({
      instances: ['i1', 'i2', 'i3', 'i4'].flatMap((id) =>
        [0, 1].map((host) => instance(`${id}-${String(host)}`, `compute-${String(host)}`)),
      ),
      groups: { g: { maxImpactedMembers: 4 } },
      tenant: { givesShare: true },
    });
    const give = events.flatMap((event) => (event.type === 'project' && event.give ? [event.give] : []));
    expect(give.map(({ vcpus, instances }) => [vcpus, instances.length])).toEqual([[4, 4]]);
    expect(played.endState).toBe('MAINTENANCE_DONE');
    expect(moves(played)).toHaveLength(4);
  });
});

describe('workflow kubernetes', () => {
  const kubernetes = { workflow: 'kubernetes', groups: {} };

  it('moves what has no constraint, without a question', async () => {
    const played = await play({
      ...kubernetes,
      instances: [instance('i1', 'compute-1', undefined, { constraint: undefined })],
    });
    expect(played.endState).toBe('MAINTENANCE_DONE');
    expect(moves(played)).toHaveLength(1);
  });

  it('waits for nobody where nobody listens', async () => {
    const played = await play({
      ...{ ...kubernetes, listeners: [] },
      instances: [instance('i1', 'compute-1', undefined, { constraint: undefined })],
    });
    expect(played.endState).toBe('MAINTENANCE_DONE');
    expect(played.trace.some(({ kind }) => kind === 'asked')).toBe(false);
  });

  it('asks an owner that has stated a lead time', async () => {
    const played = await play({
      ...{ workflow: 'kubernetes', tenant: { refuses: 'PLANNED_MAINTENANCE' } },
      instances: [instance('i1', 'compute-1')],
    });
    expect(played.endState).toBe('MAINTENANCE_FAILED');
    expect(moves(played)).toEqual([]);
  });
});
