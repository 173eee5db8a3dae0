import { describe, expect, it } from 'vitest';
import { Checker } from '../../simulation/checker.ts';
import { ApiServer } from '../../simulation/world/api-server.ts';
import type { Json } from '../../simulation/world/objects.ts';

const OPERATOR = 'op-a1';
const CLAIM = { run: 'r1', level: 'away', epoch: 1 };

/** A checked world with one host, claimed by run r1. */
class World {
  readonly complaints: string[] = [];
  readonly server = new ApiServer(() => this.now);
  readonly checker: Checker;
  isReturning = false;
  ledForMs = Infinity;
  now = 0;

  constructor() {
    this.checker = new Checker({
      ...{ server: this.server, now: () => this.now, pool: 'default', wanted: {} },
      ...{ isOperator: (by) => by === OPERATOR, wasAnswered: () => true, isViewFresh: () => true },
      ledForMs: () => this.ledForMs,
      isReturning: () => this.isReturning,
      failed: (complaint) => this.complaints.push(complaint),
    });
    this.addNode();
    this.claim(CLAIM);
    this.complaints.length = 0;
  }

  /** The operator writes or removes the claim on the host, which is cordoned. */
  claim(claim: Json | undefined): void {
    const annotations: Record<string, string> = claim ? { 'careen.dev/claim': JSON.stringify(claim) } : {};
    this.changeNode((each) => ({
      ...each,
      metadata: { ...each.metadata, annotations },
      spec: { unschedulable: true },
    }));
  }

  addNode(name = 'w-1'): void {
    const node = { apiVersion: 'v1', kind: 'Node', spec: {}, status: { conditions: [READY] } };
    this.server.create('nodes', { ...node, metadata: { name } }, 'cluster');
  }

  changeNode(change: Parameters<ApiServer['update']>[2]): void {
    this.server.update('nodes', 'w-1', change, OPERATOR);
  }

  addPod(name: string, ownerKind: string): void {
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: ownerKind, uid: 'o', controller: true }];
    const metadata = {
      name,
      namespace: 'apps',
      labels: { app: 'a' },
      ownerReferences,
      finalizers: ['kubelet'],
    };
    this.server.create(
      'pods',
      { apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: 'w-1' } },
      'cluster',
    );
  }

  evict(name: string): void {
    this.server.remove('pods', `apps/${name}`, OPERATOR);
  }

  /** The operator makes a Job on the host, and starts it. */
  startJob(spec: Json): void {
    const annotations = { 'careen.dev/host': 'w-1', 'careen.dev/effect': 'e', 'careen.dev/epoch': '1' };
    const metadata = { name: 'job', namespace: 'n', annotations, labels: { 'careen.dev/run': 'r1' } };
    this.server.create(
      'jobs',
      { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { ...spec, suspend: true } },
      OPERATOR,
    );
    this.server.update('jobs', 'n/job', (job) => ({ ...job, spec: { ...spec, suspend: false } }), OPERATOR);
  }

  /** The operator, or somebody else, writes a status. */
  write(
    status: Json,
    { spec = {}, by = OPERATOR }: { readonly spec?: Json; readonly by?: string } = {},
  ): void {
    if (!this.server.get('patchstrategies', 'n/kernel'))
      this.server.create(
        'patchstrategies',
        {
          apiVersion: 'careen.dev/v1alpha1',
          kind: 'PatchStrategy',
          metadata: { name: 'kernel', namespace: 'n' },
          spec,
        },
        'admin',
      );
    this.server.update('patchstrategies', 'n/kernel', (each) => ({ ...each, status }), by);
  }

  of(part: string): readonly string[] {
    return this.complaints.filter((each) => each.includes(part));
  }
}

const READY = { type: 'Ready', status: 'True' };

describe('the checker complains of', () => {
  it('an eviction of a pod of a DaemonSet', () => {
    const world = new World();
    world.addPod('app', 'ReplicaSet');
    world.addPod('agent', 'DaemonSet');
    world.evict('app');
    expect(world.of('DaemonSet')).toEqual([]);
    world.evict('agent');
    expect(world.of('DaemonSet')).toEqual(['(2) pod agent of a DaemonSet was evicted']);
  });

  it('the third eviction of a pod that keeps coming back to its host', () => {
    const world = new World();
    for (const name of ['a-1', 'a-2', 'a-3']) {
      world.now += 1_000;
      world.addPod(name, 'ReplicaSet');
      world.evict(name);
    }
    expect(world.of('coming back')).toEqual([
      '(2) 3 pods of a were evicted from w-1, and they keep coming back',
    ]);
  });

  it('a Job that is started as somebody changed it', () => {
    const world = new World();
    world.startJob({ backoffLimit: 4 });
    expect(world.of('more than once')).toEqual(['(5) a Job was started on w-1 that may run more than once']);
  });

  it('a Job that is started under a pod, also while the pod is being replaced', () => {
    for (const isReturning of [false, true]) {
      const world = new World();
      world.addPod('a-1', 'ReplicaSet');
      world.isReturning = isReturning;
      if (isReturning) {
        world.server.update(
          'pods',
          'apps/a-1',
          (pod) => ({ ...pod, metadata: { ...pod.metadata, finalizers: [] } }),
          'cluster',
        );
        world.server.remove('pods', 'apps/a-1', 'cluster');
      }
      world.now += 60_000;
      world.startJob({ backoffLimit: 0 });
      expect(world.of('under a pod')).toEqual(['(2) a Job was started on w-1 under a pod']);
    }
  });

  it('a request that is accepted a second time, after the status was lost', () => {
    const world = new World();
    const requests = [{ id: 'a', verb: 'apply-all', answer: 'accepted' }];
    world.write({ requests });
    world.write({ requests, message: 'more' });
    expect(world.complaints).toEqual([]);
    world.write({});
    world.write({ requests });
    expect(world.complaints).toEqual(['(4) the request a (apply-all) of kernel was accepted a second time']);
  });

  it('a strategy that is applied without a host', () => {
    const world = new World();
    world.write({ state: 'applied' });
    expect(world.of('no host')).toEqual([]);
    world.server.remove('nodes', 'w-1', 'cluster');
    world.write({ conditions: [{ type: 'Ready', status: 'True' }] });
    expect(world.of('no host')).toEqual(['(6) kernel is finished, and there is no host']);
  });

  it('a host that is kept locked although nothing was started on it', () => {
    const kept = (ran: boolean): readonly string[] => {
      const world = new World();
      const progress = { hosts: [{ name: 'w-1', level: 'away', result: 'failed' }] };
      world.write({ state: 'apply-failed', run: { id: 'r1' }, progress });
      world.startJob({ backoffLimit: 0 });
      const job = world.server.get('jobs', 'n/job');
      if (ran && job) world.checker.containerStarts(job);
      world.checker.atEnd();
      return world.of('nothing was ever started');
    };
    expect(kept(true)).toEqual([]);
    expect(kept(false)).toEqual(['(4) w-1 is kept locked, and nothing was ever started on it']);
  });

  it('a host that stays cordoned after its cordon was withdrawn, unless others removed the record of that', () => {
    const complaint = '(4) w-1 was left cordoned, and nothing says why';
    const left = (closedToNewWorkBefore: boolean, isRecordLost: boolean): readonly string[] => {
      const world = new World();
      world.claim({ ...CLAIM, closedToNewWorkBefore });
      const progress = { hosts: [{ name: 'w-1', level: 'away', result: 'wait', uncordoned: true }] };
      world.write({ state: 'applying', run: { id: 'r1' }, progress });
      if (isRecordLost) world.write({}, { by: 'git' });
      else world.write({ state: 'applying', run: { id: 'r1' } });
      world.claim(undefined);
      world.checker.atEnd();
      return world.of('cordoned');
    };
    expect(left(true, true)).toEqual([]);
    expect(left(true, false)).toEqual([complaint]);
    expect(left(false, true)).toEqual([complaint]);
  });

  it('a container that starts on a host that its run does not hold any more', () => {
    const started = (heldForMs: number, spec: Json, ledForMs = Infinity): readonly string[] => {
      const world = new World();
      world.ledForMs = ledForMs;
      world.write({ run: { id: 'r1' }, observedGeneration: 1 }, { spec });
      world.startJob({ backoffLimit: 0 });
      world.server.remove('nodes', 'w-1', 'cluster');
      world.addNode();
      world.now += heldForMs;
      const job = world.server.get('jobs', 'n/job');
      if (job) world.checker.containerStarts(job);
      return world.of('a container');
    };
    const complaint = '(4) a container of r1 started on w-1, which it does not hold';
    expect(started(20_000, {})).toEqual([complaint]);
    expect(started(5_000, {})).toEqual([]);
    expect(started(20_000, { execution: { mode: 'Suspend' } })).toEqual([]);
    expect(started(20_000, {}, 0)).toEqual([]);
  });

  it('a verification of a host with a taint or a problem that it did not have when it was claimed', () => {
    const verified = (spec: Json, conditions: readonly object[]): readonly string[] => {
      const world = new World();
      world.now += 200_000;
      world.changeNode((each) => ({
        ...each,
        spec: { unschedulable: true, ...spec },
        status: { conditions },
      }));
      const stages = (result: string): object[] => [
        { id: 0, hosts: ['w-1'], level: 'away', steps: [{ name: 'verify', result }] },
      ];
      world.now += 200_000;
      world.write({ run: { id: 'r1' } });
      world.write({ run: { id: 'r1' }, applyPhase: { stages: stages('wait') } });
      world.write({ run: { id: 'r1' }, applyPhase: { stages: stages('success') } });
      return world.of('verify');
    };
    const complaint = '(6) verify of stage 0 succeeded, and w-1 never showed it';
    const taint = { key: 'example.com/agent-not-ready', effect: 'NoSchedule' };
    expect(verified({}, [READY])).toEqual([]);
    expect(verified({ taints: [{ key: 'node.kubernetes.io/unschedulable' }] }, [READY])).toEqual([]);
    expect(verified({ taints: [taint] }, [READY])).toEqual([complaint]);
    expect(verified({}, [READY, { type: 'KernelDeadlock', status: 'True' }])).toEqual([complaint]);
  });

  it('an applied strategy whose host lacks a patch, unless it joined after the plan and waits for a request', () => {
    const drifted = [{ type: 'Drifted', status: 'True' }];
    const applied = (
      joinedAfterMs: number,
      conditions = drifted,
      asked: string[] = [],
    ): readonly string[] => {
      const world = new World();
      world.now += 100_000 + Math.min(0, joinedAfterMs);
      if (joinedAfterMs < 0) world.addNode('w-2');
      world.now = 100_000;
      world.write({ state: 'applying', run: { id: 'r1' } }, { spec: { patches: [{ id: 'kernel' }] } });
      world.now += Math.max(0, joinedAfterMs);
      if (joinedAfterMs >= 0) world.addNode('w-2');
      world.write({ state: 'applied', run: { id: 'r1' }, conditions });
      world.checker.atCalmEnd(['w-2'], () => asked);
      return world.complaints;
    };
    const complaint = ['(6) kernel is applied, and w-2 lacks kernel'];
    expect(applied(1_000)).toEqual([]);
    expect(applied(1_000, [])).toEqual(complaint);
    expect(applied(1_000, drifted, ['w-2'])).toEqual(complaint);
    expect(applied(-10_000)).toEqual(complaint);
  });

  it('a stage that goes on without a host that is there', () => {
    const world = new World();
    world.now += 200_000;
    const left = [{ name: 'w-1', reason: 'w-1 no longer exists' }];
    world.write({ run: { id: 'r1' }, applyPhase: { stages: [{ id: 0, hosts: ['w-1'], steps: [] }] } });
    world.write({ run: { id: 'r1' }, applyPhase: { stages: [{ id: 0, hosts: ['w-1'], left, steps: [] }] } });
    expect(world.of('goes on')).toEqual(['(6) stage 0 goes on without w-1, which has not left']);
  });
});
