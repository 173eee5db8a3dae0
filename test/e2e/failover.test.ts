import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { read } from '../support/controlplane/apply.ts';
import { backUp, restore } from '../support/controlplane/backup.ts';
import { eventually } from '../support/eventually.ts';
import { startHostStandin } from '../support/hosts/start-host-standin.ts';
import { LEASE_SECONDS } from '../support/operator/operator.ts';
import { STANDIN, type Fleet } from './cluster.ts';
import type { Replica } from './replicas.ts';
import { Scene, untilSwept } from './scene.ts';
import { stuckInDrain } from './stuck-in-drain.ts';
import { mostClosed } from './watch-closed.ts';

/** Times in a Lease come from the wall clock, and waits use another clock. */
const CLOCK_TOLERANCE_MS = 20;
/** The time that a busy machine may need after a lapse. */
const MARGIN_MS = 5_000;
/** Writes in flight when their process was stopped: they have passed its check, and not the network. One a host. */
const ON_THEIR_WAY = 2;

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.start();
});
afterAll(async () => scene.stop());

const leaseSchema = z.object({ spec: z.object({ renewTime: z.string(), acquireTime: z.string() }) });
async function lease(): Promise<z.infer<typeof leaseSchema>['spec']> {
  const metadata = { name: 'careen', namespace: 'careen-system' };
  const target = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata };
  return leaseSchema.parse(await read(scene.cluster.admin, target)).spec;
}

async function ask(replica: Replica, path: string): Promise<{ status: number; text: string }> {
  const address = await eventually('the address of the probes', () => replica.operator.address());
  const response = await fetch(`${address}${path}`);
  return { status: response.status, text: await response.text() };
}

async function untilLeading(replica: Replica, value: 0 | 1): Promise<void> {
  const line = new RegExp(`^careen_leader ${String(value)}$`, 'm');
  await eventually(`careen_leader ${String(value)}`, async () =>
    line.test((await ask(replica, '/metrics')).text),
  );
}

/** When a replica logged that it leads and works; it must have done so. */
function runningSince({ operator }: Replica): number {
  const line = operator.lines.find((each) => each.includes('"careen is running"')) ?? '';
  return Date.parse(/"time":"([^"]+)"/.exec(line)?.[1] ?? '');
}

/** A run of two hosts, one after the other; the first is out of service. */
async function openRun(name: string): Promise<Fleet> {
  const fleet = await scene.cluster.fleet(name, 2, 1);
  await fleet.apply({ execution: { mode: 'Run' } });
  await fleet.until('an open outage', ({ progress }) => (progress?.hosts.length ?? 0) > 0);
  return fleet;
}

async function expectGoodEnd(fleet: Fleet): Promise<void> {
  await fleet.untilState('applied');
  await untilSwept(fleet);
  expect(await scene.witness.complaints(fleet.poolName)).toEqual([]);
  const kernels = (await fleet.nodes()).map(({ status }) => status?.nodeInfo?.kernelVersion);
  expect(kernels).toEqual(['6.12.48', '6.12.48']);
}

it('of two replicas one leads and both are ready; on SIGTERM the other continues within a second', async () => {
  const { first, second } = await scene.replicas.pair();
  await untilLeading(first, 1);
  await untilLeading(second, 0);
  for (const each of [first, second])
    await eventually('ready', async () => (await ask(each, '/readyz')).status === 200);

  const fleet = await openRun('terminated');
  const signalledAt = Date.now();
  first.operator.signal('SIGTERM');
  await second.operator.leads;
  expect(runningSince(second) - signalledAt).toBeLessThan(1000);
  expect(await first.operator.ended).toBe(0);
  await untilLeading(second, 1);
  await expectGoodEnd(fleet);
});

it('after SIGKILL the other leads when the Lease has lapsed, and not before', async () => {
  const { first, second } = await scene.replicas.pair();
  await untilLeading(second, 0);
  const fleet = await openRun('killed');
  await first.operator.kill();
  const { renewTime } = await lease();
  await second.operator.leads;
  const waited = Date.parse((await lease()).acquireTime) - Date.parse(renewTime);
  expect(waited).toBeGreaterThanOrEqual(LEASE_SECONDS * 1000 - CLOCK_TOLERANCE_MS);
  expect(waited).toBeLessThan(LEASE_SECONDS * 1000 + MARGIN_MS);
  await expectGoodEnd(fleet);
});

it('a leader that was stopped past its Lease ends when it continues, and begins nothing more', async () => {
  const { first, second } = await scene.replicas.pair();
  const fleet = await openRun('stopped');
  scene.replicas.freeze(first);
  await second.operator.leads;
  const before = writes(first);
  scene.replicas.thaw(first);
  expect(await first.operator.ended).toBe(1);
  expect(first.operator.lines.join('\n')).toContain('no longer leading: this process ends at once');
  expect(writes(first) - before).toBeLessThanOrEqual(ON_THEIR_WAY);
  await expectGoodEnd(fleet);
});

/** The replica that leads now, and the other one. */
async function inOrder(replicas: readonly Replica[]): Promise<readonly Replica[]> {
  const leads = async (replica: Replica): Promise<boolean> =>
    /^careen_leader 1$/m.test((await ask(replica, '/metrics')).text);
  return eventually('one leads', async () => {
    const leading = await Promise.all(replicas.map(leads));
    const leader = replicas[leading.indexOf(true)];
    return leader && [leader, ...replicas.filter((each) => each !== leader)];
  });
}

/** The whole control plane starts anew meanwhile. The test took 58 s on a busy machine. */
const RESTORE_MILLISECONDS = 120_000;

/** The witness cannot judge a history that goes back, so this test is the last. */
it(
  'after etcd was restored in mid-run the operator continues from there, and each of two replicas can lead',
  async () => {
    const { cluster, replicas } = scene;
    await replicas.pair();
    const fleet = await cluster.fleet('restored', 2, 1);
    const { release } = await stuckInDrain(cluster, fleet);
    const backup = await backUp(cluster.plane);
    await release();
    await fleet.until('the second host is out', ({ progress }) => progress?.hosts[0]?.name === 'restored-1');
    await restore(cluster.plane, cluster.admin, backup);
    // The watch of the first one is silent: it waits for revisions that the cluster does not have yet.
    const standin = await startHostStandin(cluster.admin, STANDIN);

    const most = await mostClosed(fleet, async () => {
      const { first, second } = await replicas.pair();
      expect(await fleet.status()).toMatchObject({
        stages: '0/2',
        progress: { hosts: [{ name: 'restored-0' }] },
      });
      await release();
      await fleet.until('the first stage has ended', ({ stages }) => stages !== '0/2');
      const [leader, other] = await inOrder([first, second]);
      await leader?.operator.kill();
      await other?.operator.leads;
      await fleet.untilState('applied');
      await untilSwept(fleet);
    });
    await standin.stop();
    expect(most).toBe(1);
    const kernels = (await fleet.nodes()).map(({ status }) => status?.nodeInfo?.kernelVersion);
    expect(kernels).toEqual(['6.12.48', '6.12.48']);
  },
  RESTORE_MILLISECONDS,
);

/**
 * The number of a replica's writes so far, except to the Lease, which names its holder itself, and except events, on
 * which nothing depends.
 */
function writes({ proxy }: Replica): number {
  return [...proxy.requests]
    .filter(([what]) => /^(POST|PATCH|DELETE) /.test(what) && !/\/leases|\/events/.test(what))
    .reduce((sum, [, count]) => sum + count, 0);
}
