import { describe, expect, it } from 'vitest';
import { ApiServer } from '../../simulation/world/api-server.ts';
import { REPEATED } from '../../simulation/world/connection.ts';
import type { ApiObject, Json, Resource } from '../../simulation/world/objects.ts';
import { Checker } from '../../simulation/checker.ts';

const RUN = 'r1';
const POOL = 'default';
const HOSTS = ['w-1', 'w-2', 'w-3'];
const STRATEGY = 'n/kernel';
const JOB = 'n/job';
const apiVersion = 'careen.dev/v1alpha1';
const [FIRST, SECOND] = ['op-a1', 'op-b2'];

/** Objects as two leaders write them, one after the other, and the complaints of the checker. */
class World {
  readonly complaints: string[] = [];
  readonly #server = new ApiServer(() => 0);

  /** The first leader has recorded three hosts, claimed w-2, and created its Job; the claim on w-1 is in flight. */
  constructor() {
    new Checker({
      ...{ server: this.#server, now: () => 0, pool: POOL, wanted: {} },
      ...{
        isOperator: (by) => by.startsWith('op-'),
        wasAnswered: () => true,
        isViewFresh: () => true,
        ledForMs: () => Infinity,
        isReturning: () => false,
      },
      failed: (complaint) => this.complaints.push(complaint),
    });
    const spec = { maxUnavailable: 5, execution: { mode: 'Run' } };
    const made = { apiVersion, spec };
    const conditions = [{ type: 'Ready', status: 'True' }];
    this.#server.create('hostpools', { ...made, kind: 'HostPool', metadata: { name: POOL } }, 'admin');
    for (const name of HOSTS)
      this.#server.create(
        'nodes',
        { ...made, kind: 'Node', metadata: { name }, status: { conditions } },
        'cluster',
      );
    this.#server.create(
      'patchstrategies',
      { ...made, kind: 'PatchStrategy', metadata: { name: 'kernel', namespace: 'n' } },
      'admin',
    );
    const job = { apiVersion, kind: 'Job', spec: { suspend: true, backoffLimit: 0 } };
    const annotations = { 'careen.dev/host': 'w-2', 'careen.dev/effect': 'e', 'careen.dev/epoch': '1' };
    const labels = { 'careen.dev/run': RUN };
    this.pool(FIRST, 1, []);
    this.status(FIRST, 1, { state: 'ready-to-apply', hosts: [] });
    this.pool(FIRST, 1, HOSTS);
    const { metadata } = this.#server.create(
      'jobs',
      { ...job, metadata: { name: 'job', namespace: 'n', annotations, labels } },
      FIRST,
    );
    this.status(FIRST, 1, { hosts: HOSTS, job: metadata.uid });
    this.claim(FIRST, 1, 'w-2');
  }

  /** The second leader has raised the epochs and created a missing claim; the other hosts are not yet stamped. */
  takesOver(): this {
    this.pool(SECOND, 2, HOSTS);
    this.status(SECOND, 2, {});
    this.claim(SECOND, 2, 'w-3');
    return this;
  }

  /** The second leader has decided something before it stamped the other hosts. */
  acts(): this {
    this.status(SECOND, 2, { message: 'decided' });
    return this;
  }

  pool(by: string, epoch: number, permitted: readonly string[]): void {
    const permits = permitted.map((host) => ({ host, run: RUN, level: 'away' }));
    this.#status('hostpools', POOL, by, () => ({ epoch, permits }));
  }

  status(by: string, epoch: number, { hosts, job, ...rest }: Written): void {
    this.#status('patchstrategies', STRATEGY, by, (before) => ({
      ...before,
      state: 'applying',
      applyPhase: { currentStage: 0 },
      run: { id: RUN, epoch },
      ...(hosts ? { progress: { hosts: hosts.map((name) => outage(name, job)) } } : {}),
      ...rest,
    }));
  }

  claim(by: string, epoch: number, host: string): void {
    const claim = JSON.stringify({ run: RUN, level: 'away', epoch });
    this.#update('nodes', host, by, ({ metadata, spec, ...rest }) => ({
      ...{ ...rest, spec: { ...spec, unschedulable: true } },
      metadata: { ...metadata, annotations: { 'careen.dev/claim': claim } },
    }));
  }

  release(by: string, host: string): void {
    this.#update('nodes', host, by, ({ metadata, ...rest }) => ({
      ...{ ...rest, spec: {} },
      metadata: { ...metadata, annotations: {} },
    }));
  }

  start(by: string): void {
    this.#update('jobs', JOB, by, (job) => ({ ...job, spec: { suspend: false, backoffLimit: 0 } }));
  }

  #status(resource: Resource, key: string, by: string, change: (before: Json) => Json): void {
    this.#update(resource, key, by, ({ status = {}, ...rest }) => ({ ...rest, status: change(status) }));
  }

  #update(resource: Resource, key: string, by: string, change: (object: ApiObject) => ApiObject): void {
    this.#server.update(resource, key, change, by);
  }
}

type Written = Json & { readonly hosts?: readonly string[]; readonly job?: string };

function outage(name: string, job: string | undefined): Json {
  const jobs = name === 'w-2' && job !== undefined ? [{ uid: job }] : [];
  return { name, level: 'away', step: 'lock-hosts', result: 'wait', jobs };
}

type Late = { readonly what: string; readonly write: (world: World) => void; readonly complaint: string };
const ACTED = `by ${FIRST} in epoch 1, when ${SECOND} acted in 2`;

/** A take-over fences these off object by object: each host and each Job. */
const OBJECT_BY_OBJECT: readonly Late[] = [
  { what: 'a claim', write: (world) => world.claim(FIRST, 1, 'w-1'), complaint: `w-1 was claimed ${ACTED}` },
  {
    what: 'a release',
    write: (world) => world.release(FIRST, 'w-2'),
    complaint: `w-2 was released ${ACTED}`,
  },
  {
    what: 'the start of a Job',
    write: (world) => world.start(FIRST),
    complaint: `a Job was started on w-2 ${ACTED}`,
  },
];
/** A take-over refuses these from its beginning. */
const AT_ONCE: readonly Late[] = [
  {
    what: 'a status',
    write: (world) => world.status(FIRST, 2, { message: 'late' }),
    complaint: `PatchStrategy kernel was written by ${FIRST} in epoch 1, when it was in 2`,
  },
  {
    what: 'a permit',
    write: (world) => world.pool(FIRST, 2, ['w-1']),
    complaint: `HostPool default was written by ${FIRST} in epoch 1, when it was in 2`,
  },
];

describe('a late write of an earlier leader, in the checker of the simulation', () => {
  it.each(OBJECT_BY_OBJECT)('$what may arrive during the take-over of the run', ({ write }) => {
    const world = new World().takesOver();
    write(world);
    expect(world.complaints).toEqual([]);
  });

  it.each(OBJECT_BY_OBJECT)('$what is a fault once the next leader has acted', ({ write, complaint }) => {
    const world = new World().takesOver().acts();
    expect(world.complaints).toEqual([]);
    write(world);
    expect(world.complaints).toContain(`(5) ${complaint}`);
  });

  it.each(AT_ONCE)('$what is a fault as soon as the take-over has begun', ({ write, complaint }) => {
    const world = new World().takesOver();
    write(world);
    expect(world.complaints).toContain(`(5) ${complaint}`);
  });

  it.each([
    { what: 'starts a Job', act: (world: World) => world.start(SECOND) },
    { what: 'releases a host', act: (world: World) => world.release(SECOND, 'w-3') },
  ])('is a fault also when the next leader $what before it writes a status', ({ act }) => {
    const world = new World().takesOver();
    act(world);
    expect(world.complaints).toEqual([]);
    world.claim(FIRST, 1, 'w-1');
    expect(world.complaints).toContain(`(5) w-1 was claimed ${ACTED}`);
  });

  it('is distinguished from a request of the next leader that was carried out twice', () => {
    const world = new World().takesOver().acts();
    world.claim(`${SECOND}${REPEATED}`, 2, 'w-1');
    expect(world.complaints).toEqual([]);
  });
});

describe('a claim whose permit was freed', () => {
  const gone = '(5) w-2 is claimed by r1, and its permit is gone';

  it('is no fault of the take-over, which only raises the epoch, and is one of the next write of the pool', () => {
    const world = new World();
    world.pool(SECOND, 2, []);
    expect(world.complaints).not.toContain(gone);
    world.pool(SECOND, 2, ['w-3']);
    expect(world.complaints).toContain(gone);
  });
});
