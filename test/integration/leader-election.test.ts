import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { LeaderElection } from '../../src/leadership/leader-election.ts';
import { NotLeadingError, type Leadership } from '../../src/leadership/leadership.ts';
import { apply, mergePatch, read, remove, type Manifest } from '../support/controlplane/apply.ts';
import { connect, startControlPlane } from '../support/controlplane/controlplane.ts';
import { EventProcess } from '../support/event-process.ts';
import { eventually } from '../support/eventually.ts';
import { writeServiceAccountKubeconfig } from '../support/controlplane/service-account.ts';
import { TcpLink } from '../support/network/tcp-link.ts';

const ELECTOR = join(import.meta.dirname, '..', 'support', 'operator', 'elector.ts');
const NAME = 'careen';
/** Long enough for a busy machine, short enough to wait for. */
const SHORT_SECONDS = 3;
/** So long that a test ends by the watch, not by a timer. */
const LONG_SECONDS = 300;
/** Times in a Lease come from the wall clock, and waits use another clock. */
const CLOCK_TOLERANCE_MS = 20;

const leaseSchema = z.object({
  metadata: z.object({ uid: z.string() }),
  spec: z.object({
    holderIdentity: z.string(),
    leaseDurationSeconds: z.number(),
    acquireTime: z.string(),
    renewTime: z.string(),
    leaseTransitions: z.number(),
  }),
});
type Lease = z.infer<typeof leaseSchema>;

let admin: KubeConfig;
let folder: string;
let places = 0;
const started: { stop(): Promise<unknown> }[] = [];

beforeAll(async () => {
  const plane = await startControlPlane();
  started.push(plane);
  admin = connect(plane.kubeconfig);
  folder = await mkdtemp(join(tmpdir(), 'careen-election-'));
  started.push({ stop: () => rm(folder, { recursive: true, force: true }) });
}, 600_000); // the first start on a machine builds the binaries

afterAll(async () => {
  for (const each of started.reverse()) await each.stop();
});

/** A namespace with a service account that has exactly the rights of an elector. */
class Place {
  readonly namespace: string;
  readonly kubeconfig: string;
  /** The log of its electors. */
  readonly log: string[] = [];
  readonly #lease: Manifest;

  private constructor(namespace: string) {
    this.namespace = namespace;
    this.kubeconfig = join(folder, namespace);
    this.#lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: NAME, namespace },
    };
  }

  static async make(): Promise<Place> {
    places += 1;
    const place = new Place(`election-${String(places)}`);
    const { namespace } = place;
    const metadata = { name: NAME, namespace };
    const group = 'rbac.authorization.k8s.io';
    const leases = { apiGroups: ['coordination.k8s.io'], resources: ['leases'] };
    await apply(
      admin,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
      {
        apiVersion: `${group}/v1`,
        kind: 'Role',
        metadata,
        rules: [
          { ...leases, verbs: ['create'] }, // cannot be limited to a name
          { ...leases, resourceNames: [NAME], verbs: ['get', 'list', 'watch', 'patch'] },
        ],
      },
      {
        apiVersion: `${group}/v1`,
        kind: 'RoleBinding',
        metadata,
        roleRef: { apiGroup: group, kind: 'Role', name: NAME },
        subjects: [{ kind: 'ServiceAccount', ...metadata }],
      },
    );
    await writeServiceAccountKubeconfig(admin, namespace, NAME, place.kubeconfig);
    return place;
  }

  elector(identity: string, leaseSeconds: number, config = connect(this.kubeconfig)): LeaderElection {
    const note = (_: unknown, message: string): void => void this.log.push(message);
    const election = new LeaderElection({
      config,
      namespace: this.namespace,
      name: NAME,
      identity,
      leaseSeconds,
      monotonic: () => performance.now(),
      log: { info: note, warn: note },
    });
    started.push(election);
    return election;
  }

  async link(): Promise<TcpLink> {
    const link = await TcpLink.open(this.kubeconfig);
    started.push(link);
    return link;
  }

  /** Starts an elector in a process of its own and waits until it leads. */
  async process(identity: string, leaseSeconds: number): Promise<{ child: EventProcess; pid: number }> {
    const child = new EventProcess(process.execPath, [
      ...[ELECTOR, '--kubeconfig', this.kubeconfig, '--namespace', this.namespace, '--name', NAME],
      ...['--identity', identity, '--lease-seconds', String(leaseSeconds)],
    ]);
    started.push(child);
    const [{ pid }] = await Promise.all([
      child.event(({ event }) => event === 'started'),
      child.event(({ event }) => event === 'leading'),
    ]);
    return { child, pid: z.number().parse(pid) };
  }

  /** The Lease, as soon as it exists. */
  async lease(fits: (lease: Lease) => boolean = () => true): Promise<Lease> {
    return eventually('the Lease', async () => {
      const { data } = leaseSchema.safeParse(await read(admin, this.#lease));
      return data && fits(data) ? data : undefined;
    });
  }

  async force(holderIdentity: string): Promise<void> {
    await mergePatch(admin, this.#lease, { spec: { holderIdentity } });
  }

  async annotate(): Promise<void> {
    await mergePatch(admin, this.#lease, { metadata: { annotations: { looked: 'at' } } });
  }

  async deleteLease(): Promise<void> {
    await remove(admin, this.#lease);
  }
}

const lead = (election: LeaderElection): Promise<Leadership> => election.lead(new AbortController().signal);

/** Waits until leadership is lost; returns why. */
async function lossOf({ lost }: Leadership): Promise<NotLeadingError> {
  await eventually('the loss', () => lost.aborted);
  expect(lost.reason).toBeInstanceOf(NotLeadingError);
  return lost.reason as NotLeadingError; // as was just expected
}

const millisecondsBetween = (earlier: string, later: string): number =>
  Date.parse(later) - Date.parse(earlier);

/** Expects that a Lease changed hands when it had lapsed, and no sooner. */
function expectLapse(before: Lease, after: Lease): void {
  const waited = millisecondsBetween(before.spec.renewTime, after.spec.acquireTime);
  expect(waited).toBeGreaterThanOrEqual(SHORT_SECONDS * 1000 - CLOCK_TOLERANCE_MS);
  expect(after.spec.leaseTransitions).toBe(before.spec.leaseTransitions + 1);
}

describe('among several processes with exactly the rights that they need', () => {
  it('one creates the missing Lease and leads; when it releases it, the next leads within a second', async () => {
    const place = await Place.make();
    const electors = ['a', 'b', 'c', 'd'].map((identity) => place.elector(identity, LONG_SECONDS));
    const leaders: Leadership[] = [];
    const all = electors.map((each) => lead(each).then((leadership) => leaders.push(leadership)));
    const [first] = await eventually('a leader', () => leaders.length > 0 && leaders);
    const before = await place.lease();
    expect(leaders).toHaveLength(1);
    expect(before.spec).toMatchObject({ leaseDurationSeconds: LONG_SECONDS, leaseTransitions: 0 });
    expect(before.spec.acquireTime).toMatch(/\.\d{6}Z$/);

    const releasedAt = performance.now();
    await first?.release();
    expect(first?.isValid()).toBe(false);
    await eventually('the next', () => leaders.length > 1);
    expect(performance.now() - releasedAt).toBeLessThan(1000);
    expect(leaders.map((each) => each.isValid())).toEqual([false, true]);
    const after = await place.lease();
    expect(after.spec).toMatchObject({ leaseTransitions: 1 });
    expect(after.spec.holderIdentity).not.toBe(before.spec.holderIdentity);
    expect(first?.lost.aborted).toBe(false);

    const ended = Promise.allSettled(all);
    await Promise.all(electors.map((each) => each.stop())); // one by one, the next would take over
    expect((await ended).map(({ status }) => status).sort()).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    await place.lease(({ spec }) => spec.holderIdentity === '');
  });

  it('one that is stopped while it waits says so, and does not touch the Lease', async () => {
    const place = await Place.make();
    const leadership = await lead(place.elector('a', LONG_SECONDS));
    const waiting = new AbortController();
    const second = place.elector('b', LONG_SECONDS).lead(waiting.signal);
    await eventually('the wait', () => place.log.includes('another process leads, standing by'));
    waiting.abort(new Error('no longer wanted'));
    await expect(second).rejects.toThrow('no longer wanted');
    expect((await place.lease()).spec.holderIdentity).toBe('a');
    expect(leadership.isValid()).toBe(true);
  });
});

describe.concurrent('a leader that', () => {
  it('is killed is replaced when its Lease has lapsed', async () => {
    const place = await Place.make();
    const { pid } = await place.process('a', SHORT_SECONDS);
    const next = lead(place.elector('b', SHORT_SECONDS));
    process.kill(pid, 'SIGKILL');
    const before = await place.lease();
    await next;
    expectLapse(before, await place.lease());
  });

  it('is stopped wakes without the right to write, before any of its other code runs', async () => {
    const place = await Place.make();
    const { child, pid } = await place.process('a', SHORT_SECONDS);
    const woken = child.event(({ event }) => event === 'woken');
    const lost = child.event(({ event }) => event === 'lost');
    child.send('stop');
    const next = await lead(place.elector('b', SHORT_SECONDS));
    process.kill(pid, 'SIGCONT');
    expect(await woken).toMatchObject({ before: true, after: false });
    await lost;
    expect((await place.lease()).spec.holderIdentity).toBe('b');
    expect(next.isValid()).toBe(true);
  });

  it('is cut off has lost the lead before another leads', async () => {
    const place = await Place.make();
    const link = await place.link();
    const first = await lead(place.elector('a', SHORT_SECONDS, link.config));
    const next = lead(place.elector('b', SHORT_SECONDS));
    link.cut();
    const before = await place.lease();
    await next;
    expect(first.isValid()).toBe(false);
    expect((await lossOf(first)).message).toMatch(/it was not renewed within 2 s/);
    expectLapse(before, await place.lease());
  });

  it('has a silent connection renews over another, in time', async () => {
    const place = await Place.make();
    const link = await place.link();
    const leadership = await lead(place.elector('a', 3 * SHORT_SECONDS, link.config));
    link.silence();
    const { spec } = await place.lease();
    await place.lease((lease) => lease.spec.renewTime !== spec.renewTime);
    expect(leadership.isValid()).toBe(true);
  });
});

describe('a Lease that somebody edits', () => {
  it('is lost when it names another holder', async () => {
    const place = await Place.make();
    const leadership = await lead(place.elector('a', LONG_SECONDS));
    await place.force('intruder');
    expect((await lossOf(leadership)).message).toMatch(/intruder has taken it/);
    expect(leadership.isValid()).toBe(false);
    expect(() => leadership.assertValid()).toThrow(NotLeadingError);
    await leadership.release();
    expect((await place.lease()).spec.holderIdentity).toBe('intruder');
  });

  it('is recreated at once when it was deleted', async () => {
    const place = await Place.make();
    const leadership = await lead(place.elector('a', LONG_SECONDS));
    const before = await place.lease();
    await place.deleteLease();
    const after = await place.lease(({ metadata }) => metadata.uid !== before.metadata.uid);
    expect(after.spec.holderIdentity).toBe('a');
    expect(leadership.isValid()).toBe(true);
    await leadership.release();
    await place.lease(({ spec }) => spec.holderIdentity === '');
  });

  it('is lost when it was deleted and another recreated it first', async () => {
    const place = await Place.make();
    const link = await place.link();
    const leadership = await lead(place.elector('a', LONG_SECONDS, link.config));
    link.cut();
    await place.deleteLease();
    const next = await lead(place.elector('b', LONG_SECONDS));
    link.mend();
    expect((await lossOf(leadership)).message).toMatch(/b has taken it/);
    expect(next.isValid()).toBe(true);
  });

  it('is renewed after an edit of other fields', async () => {
    const place = await Place.make();
    const leadership = await lead(place.elector('a', 3 * SHORT_SECONDS));
    await place.annotate();
    const { spec } = await place.lease();
    await place.lease((lease) => lease.spec.renewTime !== spec.renewTime);
    expect(leadership.isValid()).toBe(true);
  });
});
