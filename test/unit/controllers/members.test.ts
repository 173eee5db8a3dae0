/** Passes that ask the members of the control plane before a controller is taken. */
import { beforeEach, expect, it, vi } from 'vitest';
import type { MemberHealth } from '../../../src/engine/view.ts';
import { SmallCluster } from '../support/small-cluster.ts';

const HEALTHY: MemberHealth = { down: new Map() };

const controller = (name: string) => ({
  name,
  labels: { 'node-role.kubernetes.io/control-plane': '' },
  nodeInfo: { 'nodeInfo.kernelVersion': '6.12.40' },
});

let cluster: SmallCluster;
let answers: () => MemberHealth;
let asked: number[];
beforeEach(() => {
  cluster = new SmallCluster([]);
  for (const name of ['c-1', 'c-2', 'c-3']) cluster.world.addHost(controller(name));
  cluster.placeStrategy({ mode: 'Run' });
  asked = [];
  vi.spyOn(cluster.hosts, 'memberHealth').mockImplementation(async () => {
    asked.push(cluster.world.now);
    return answers();
  });
});

const isTaken = (): boolean => cluster.world.hosts.get('c-1')?.claim !== undefined;

it('a refusal stands for five seconds, so that words that change cause no pass after pass', async () => {
  answers = () => ({ down: new Map([['c-3', `trouble ${String(asked.length)}`]]) });
  await cluster.until('a refusal', () => cluster.status.message?.includes('c-3: trouble 1') ?? false);
  for (const seconds of [1, 3.999]) {
    cluster.world.advanceTo((asked[0] ?? 0) + seconds * 1000);
    await cluster.pass();
  }
  expect(cluster.status.message).toContain('c-3: trouble 1');
  cluster.world.advanceTo((asked[0] ?? 0) + 5_000);
  await cluster.pass();
  expect(cluster.status.message).toContain('c-3: trouble 2');
  expect(asked).toHaveLength(2);

  answers = () => HEALTHY;
  await cluster.until('an outage', isTaken);
  expect((asked[2] ?? 0) - (asked[1] ?? 0)).toBe(5_000);
});

it('a grant rests only on what the members say in the same pass', async () => {
  answers = () => {
    // Somebody edits the pool meanwhile, so the grant is not carried out.
    cluster.editPool({ maxUnavailable: asked.length + 1 });
    return HEALTHY;
  };
  while (asked.length === 0) await cluster.pass().catch(() => undefined);
  expect(isTaken()).toBe(false);
  answers = () => ({ down: new Map([['c-3', 'dead']]) });
  // The clock stands still, so that what they said is as young as can be.
  for (let passes = 0; passes < 5; passes++) await cluster.pass();
  expect(cluster.status.message).toContain('c-3: dead');
  expect([isTaken(), asked.length]).toEqual([false, 2]);
});

it('what the members say still counts when the pool is written, with the permits of others by then', async () => {
  for (const name of ['c-4', 'c-5']) cluster.world.addHost(controller(name));
  answers = () => {
    // One of five is down: c-1 may go, unless another run takes a second one at the same time.
    const permits = [{ host: 'c-4', run: 'other', level: 'touched', since: '2026-11-26T09:00:00Z' }];
    cluster.server.update(
      'hostpools',
      'default',
      (pool) => ({ ...pool, status: { ...pool.status, permits } }),
      'other',
    );
    return { down: new Map([['c-3', 'dead']]) };
  };
  while (asked.length === 0) await cluster.pass();
  expect(isTaken()).toBe(false);
  expect(cluster.status.message).toContain('(out of service: c-3: dead, c-4)');
});

it('a controller that leaves counts in the rest of the run, also when that is planned again', async () => {
  answers = () => HEALTHY;
  for (const name of ['w-1', 'w-2']) cluster.world.addHost({ ...controller(name), labels: {} });
  cluster.editPool({ maxUnavailable: 2 });
  cluster.editSpec({ workerApplyType: 'parallel', maxParallelWorkerHosts: 2 });
  await cluster.until('an outage', isTaken);
  const { planDigest } = cluster.status.run ?? {};
  cluster.world.removeHost('c-3');
  cluster.editPool({ maxUnavailable: 1 });
  await cluster.until('another plan', () => {
    cluster.restartOperator();
    return ![planDigest, undefined].includes(cluster.status.run?.planDigest);
  });
  await cluster.until('a refusal', () => cluster.status.message?.includes('waiting for permits') ?? false);
  expect(cluster.status.message).toContain('(out of service: c-3: has left the pool');
  expect(cluster.world.hosts.get('c-2')?.claim).toBeUndefined();
});

it('a plan that has not begun follows the fleet, also when a controller leaves', async () => {
  answers = () => HEALTHY;
  cluster.editSpec({ execution: { mode: 'Hold' } });
  await cluster.until('a plan', () => cluster.status.state === 'ready-to-apply');
  expect(cluster.status.controllers).toEqual(['c-1', 'c-2', 'c-3']);
  cluster.world.removeHost('c-3');
  cluster.editSpec({ execution: { mode: 'Run' } });
  await cluster.until('the end', () => cluster.status.state === 'applied');
  expect(cluster.status.controllers).toBeUndefined();
});
