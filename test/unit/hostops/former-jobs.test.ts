/** The pod of a Job may outlast it, or a watch of pods may lag: it is no instance of anybody. */
import { expect, it, onTestFinished } from 'vitest';
import { effectKey } from '../../../src/engine/effect.ts';
import { HostJobs } from '../../../src/hostops/jobs/host-jobs.ts';
import { jobName } from '../../../src/hostops/jobs/job.ts';
import { JobServer } from '../support/job-server.ts';
import { ownerNamed } from '../support/owners.ts';

const OWNER = ownerNamed('s');

it('a Job that is removed was ours, and another one never is', async () => {
  const server = new JobServer();
  const quiet = { info: () => undefined, warn: () => undefined };
  const jobs = new HostJobs({ config: server.config, now: () => 0, log: quiet });
  onTestFinished(() => jobs.stop());
  await jobs.prepare(OWNER.namespace);
  const { signal } = new AbortController();
  const fence = { owner: OWNER, run: 'r1', epoch: 1 };
  const key = effectKey('r1', 0, 'run-actions', 'w-1', 'kernel', 1);
  const job = { template: { spec: { containers: [{ name: 'apply', image: 'patch:1' }] } } };
  const creation = { kind: 'create-job', key, host: 'w-1', action: 'kernel', job } as const;
  await jobs.perform(creation, fence, signal);
  const { name, uid, revision } = jobs.effect(key, OWNER) ?? { name: '', uid: '', revision: '' };
  expect(name).toBe(jobName(creation));

  await jobs.perform({ kind: 'delete-job', key, host: 'w-1', name, uid, revision }, fence, signal);
  await expect.poll(() => jobs.effect(key, OWNER)).toBeUndefined();

  expect(jobs.isOurs(uid)).toBe(true);
  expect(jobs.isOurs('another')).toBe(false);
});
