/** Jobs of a cluster that was restored from a backup: what came after the backup never was. */
import { expect, it, onTestFinished } from 'vitest';
import { effectKey } from '../../../src/engine/effect.ts';
import { HostJobs } from '../../../src/hostops/jobs/host-jobs.ts';
import { jobName } from '../../../src/hostops/jobs/job.ts';
import { eventually } from '../../support/eventually.ts';
import { JobServer } from '../support/job-server.ts';
import { ownerNamed } from '../support/owners.ts';

const OWNER = ownerNamed('s');
const FENCE = { owner: OWNER, run: 'r1', epoch: 1 };
const job = { template: { spec: { containers: [{ name: 'apply', image: 'patch:1' }] } } };
const { signal } = new AbortController();

function creationOf(host: string) {
  const key = effectKey('r1', 0, 'sw-patch-hosts', host, 'kernel', 1);
  return { kind: 'create-job', key, host, action: 'kernel', job } as const;
}

/** The Jobs of two hosts, which have succeeded. */
async function scene() {
  const server = new JobServer();
  const quiet = { info: () => undefined, warn: () => undefined };
  const jobs = new HostJobs({ config: server.config, now: () => 0, log: quiet });
  onTestFinished(() => jobs.stop());
  await jobs.prepare(OWNER.namespace);
  const status = { succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] };
  for (const creation of [creationOf('w-1'), creationOf('w-2')]) {
    await jobs.perform(creation, FENCE, signal);
    server.change(OWNER.namespace, jobName(creation), {
      ...{ spec: { suspend: false }, metadata: { annotations: { 'careen.dev/started': '300' } } },
      status,
    });
  }
  await eventually('the watch', () => server.isQuiet);
  const stateOf = (host: string): string | undefined => jobs.effect(creationOf(host).key, OWNER)?.state;
  expect([stateOf('w-1'), stateOf('w-2')]).toEqual(['succeeded', 'succeeded']);
  return { server, jobs, stateOf };
}

it('counts a Job that ended before it, and none that the cluster no longer has', async () => {
  const { server, jobs, stateOf } = await scene();
  server.remove(OWNER.namespace, jobName(creationOf('w-1')));
  await eventually('the watch', () => server.isQuiet);
  // A Job may be deleted after its end: until the restoration shows, this is one.
  expect(stateOf('w-1')).toBe('succeeded');
  await jobs.listAgain();
  expect([stateOf('w-1'), stateOf('w-2')]).toEqual([undefined, 'succeeded']);
});

it('makes the Job of the same effect once more, and follows it', async () => {
  const { server, jobs, stateOf } = await scene();
  server.remove(OWNER.namespace, jobName(creationOf('w-1')));
  await eventually('the watch', () => server.isQuiet);
  await jobs.listAgain();
  await jobs.perform(creationOf('w-1'), FENCE, signal);
  expect(stateOf('w-1')).toBe('suspended');
});
