/** The API server and the way to it fail in the middle of a run, which then ends as if nothing had been. */
import { setTimeout as delay } from 'node:timers/promises';
import type { V1Job } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { WORK_SECONDS_ANNOTATION } from '../support/hosts/host-standin.ts';
import type { Match } from '../support/network/holding-proxy.ts';
import { QUICK } from '../support/operator/strategies.ts';
import { writeClass } from '../support/audit/write-class.ts';
import type { Ending } from './disturbed-run.ts';
import { FaultScene } from './fault-scene.ts';

vi.setConfig({ testTimeout: 150_000 });

/** A leader gives up after 6 s without a renewal: it survives a restart of the API server, but not a pause of etcd. */
const LEASE_SECONDS = 9;
const PAUSE_MS = 10_000;
/** For the two Jobs of a host, one after the other, of 2 s each and what Kubernetes takes to run them. */
const PATCH_SECONDS = 20;
/** Two hosts are patched together, and then rebooted. */
const JOBS_OF_STAGE = 4;

let scene: FaultScene;
let undisturbed: Ending;
beforeAll(async () => {
  scene = await FaultScene.start(LEASE_SECONDS);
  undisturbed = await scene.run();
});
afterAll(async () => scene.stop());

const isWrite: Match = (request) => writeClass(request) !== undefined;
describe('a run ends as if undisturbed', () => {
  it('when the API server is killed after a Job was made, before the operator knows it, and started again', async () => {
    const ending = await scene.run(async (run) => {
      await scene.carriedOut('Job: make', 2);
      // What the audit log does not have when the API server is killed, it never will.
      await eventually('both Jobs are in the audit log', async () => (await run.account()).jobs === 2);
      await scene.restartApiServer();
    });
    expect(ending).toEqual(undisturbed);
  });

  it.each(['pod: evict', 'Job: start', 'host: release'] as const)(
    'when etcd is paused for 10 s, and what waits for it happens after its sender has ended: %s',
    async (write) => {
      const { plane } = scene.cluster;
      const { starts } = scene.operator;
      const ending = await scene.run(async () => {
        const held = await scene.proxy.hold((request) => writeClass(request) === write);
        await plane.command('pause etcd');
        const late = held.release();
        await delay(PAUSE_MS);
        await plane.command('resume etcd');
        expect((await late).status).toBeLessThan(300);
      });
      expect(ending).toEqual(undisturbed);
      expect(scene.operator.starts).toBeGreaterThan(starts);
    },
  );

  it('when all watches are cut after each write', async () => {
    let cut = 0;
    const ending = await scene.run(async () => {
      scene.proxy.after(isWrite, () => (cut += scene.proxy.cutWatches()), Infinity);
      return Promise.resolve();
    });
    expect(ending).toEqual(undisturbed);
    expect(cut).toBeGreaterThan(40);
  });
});

describe('a step whose hosts are done shortly before its deadline', () => {
  it('has not timed out for a leader that comes after the deadline: it looks first', async () => {
    const spec = { timing: { ...QUICK, patchTimeoutSeconds: PATCH_SECONDS } };
    const ending = await scene.run(async ({ fleet }) => {
      for (const host of fleet.hosts) await fleet.annotate(host, { [WORK_SECONDS_ANNOTATION]: '2' });
      const { deliver } = await scene.carriedOut('Job: start', JOBS_OF_STAGE);
      deliver();
      scene.operator.signal('SIGSTOP');
      const { progress } = await fleet.status();
      expect(progress?.step).toBe('sw-patch-hosts');
      const deadline = Date.parse(progress?.deadline ?? '');
      await eventually('the Jobs have ended', async () => (await fleet.jobs()).every(isOver), {
        seconds: PATCH_SECONDS,
      });
      expect(Date.now(), 'when the last Job has ended').toBeLessThan(deadline);
      await eventually('the deadline has passed', () => Date.now() > deadline, { seconds: PATCH_SECONDS });
      scene.operator.signal('SIGCONT');
    }, spec);
    const { hosts, jobs } = undisturbed.state;
    expect(ending).toMatchObject({
      wasDisturbed: true,
      account: undisturbed.account,
      state: { hosts, jobs },
    });
  });
});

function isOver({ status }: V1Job): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === 'Complete' && is === 'True') === true;
}
