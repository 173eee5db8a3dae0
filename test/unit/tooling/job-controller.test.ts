import { describe, expect, it } from 'vitest';
import { ApiServer } from '../../simulation/world/api-server.ts';
import { JobController } from '../../simulation/world/job-controller.ts';
import { Scheduler } from '../../simulation/world/scheduler.ts';

const JOB = 'n/job';

/** A cluster with one host, where each Job succeeds after five seconds. */
class World {
  readonly scheduler = new Scheduler(0);
  readonly server = new ApiServer(() => this.scheduler.now);
  readonly ran: string[] = [];

  constructor() {
    new JobController(this.server, this.scheduler, {
      fateOf: () => ({ end: 'success', milliseconds: 5_000 }),
      startOf: () => ({ afterMs: 0, shows: 'no pod', reason: '' }),
      ran: ({ metadata }) => this.ran.push(metadata.name),
      patched: () => undefined,
      rebooted: () => undefined,
    });
    this.addNode();
  }

  addNode(): void {
    this.server.create('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'w-1' } }, 'cluster');
  }

  startJob(finalizers: readonly string[] = []): void {
    const annotations = { 'careen.dev/host': 'w-1' };
    const metadata = { name: 'job', namespace: 'n', annotations, finalizers };
    const spec = { suspend: false, backoffLimit: 0 };
    this.server.create('jobs', { apiVersion: 'batch/v1', kind: 'Job', metadata, spec }, 'operator');
  }

  get status(): unknown {
    return this.server.get('jobs', JOB)?.status;
  }
}

describe('a simulated Job', () => {
  it('that is deleted while it runs, and that a finalizer keeps, runs to its end', async () => {
    const world = new World();
    world.startJob(['policy/kept']);
    await world.scheduler.runUntil(1_000);
    world.server.remove('jobs', JOB, 'cluster');
    await world.scheduler.runUntil(4_000);
    expect(world.status).toMatchObject({ active: 1 });
    await world.scheduler.runUntil(10_000);
    expect(world.status).toMatchObject({ active: 0, conditions: [{ type: 'Complete' }] });
  });

  it('that is deleted before its pod is made makes none', async () => {
    const world = new World();
    world.startJob(['policy/kept']);
    world.server.remove('jobs', JOB, 'cluster');
    await world.scheduler.runUntil(10_000);
    expect([world.ran, world.server.list('pods')]).toEqual([[], []]);
  });

  it('on a host that is gone starts on the next one of its name', async () => {
    const world = new World();
    world.server.remove('nodes', 'w-1', 'cluster');
    world.startJob();
    await world.scheduler.runUntil(10_000);
    expect([world.ran, world.status]).toMatchObject([[], { active: 1 }]);
    world.addNode();
    await world.scheduler.runUntil(11_000);
    expect(world.ran).toEqual(['job']);
  });

  it('on a host that is gone fails when no other one comes', async () => {
    const world = new World();
    world.server.remove('nodes', 'w-1', 'cluster');
    world.startJob();
    await world.scheduler.runUntil(30_000);
    world.addNode();
    await world.scheduler.runUntil(60_000);
    expect([world.ran, world.status]).toMatchObject([[], { conditions: [{ type: 'Failed' }] }]);
  });
});
