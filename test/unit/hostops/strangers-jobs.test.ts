/** Jobs with all our labels and annotations that somebody else made. */
import type { V1Job } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { effectKey } from '../../../src/engine/effect.ts';
import type { Claim } from '../../../src/engine/view.ts';
import { HostJobs } from '../../../src/hostops/jobs/host-jobs.ts';
import { jobManifest, jobName } from '../../../src/hostops/jobs/job.ts';
import { JobServer } from '../support/job-server.ts';
import { ownerNamed } from '../support/owners.ts';

const OWNER = ownerNamed('s');
const FENCE = { owner: OWNER, run: 'r1', epoch: 1 };
const HOST = 'w-1';
const ACTION = 'kernel';
const KEY = effectKey('r1', 0, 'sw-patch-hosts', HOST, ACTION, 1);
const NAME = jobName({ key: KEY, action: ACTION });
const job = { template: { spec: { containers: [{ name: 'apply', image: 'patch:1' }] } } };
const CREATE = { kind: 'create-job', key: KEY, host: HOST, action: ACTION, job } as const;
const quiet = { info: () => undefined, warn: () => undefined };
const { signal } = new AbortController();
const claim: Claim = {
  ...{ run: 'r1', pool: 'p', epoch: 1, owner: OWNER, planDigest: 'd', stage: 0, level: 'away' },
  ...{ closedToNewWorkBefore: false, since: '2026-11-26T09:00:00Z' },
};

type Strange = { metadata?: object; owner?: typeof OWNER; namespace?: string };

/** A server with the running Job of a stranger, which differs from ours only in this. */
async function seenWith({ metadata = {}, owner = OWNER, namespace = OWNER.namespace }: Strange) {
  const server = new JobServer();
  const made: V1Job = jobManifest(CREATE, { ...FENCE, owner });
  Object.assign(made.metadata ?? {}, { namespace, ...metadata });
  Object.assign(made.spec ?? {}, { suspend: false });
  server.make(made);
  const jobs = new HostJobs({ config: server.config, now: () => 0, log: quiet });
  for (const each of new Set([OWNER.namespace, namespace])) expect(await jobs.prepare(each)).toBeUndefined();
  return { server, jobs };
}

const reference = { kind: OWNER.kind, name: OWNER.name, uid: OWNER.uid, controller: true };
const STRANGE: [string, Strange][] = [
  ['that has no owner', { metadata: { ownerReferences: [] } }],
  ['of another strategy', { owner: ownerNamed('t') }],
  ['of a strategy of the same name that was deleted', { owner: { ...OWNER, uid: 'earlier' } }],
  ['of an owner of another kind with this uid', { owner: { ...OWNER, kind: 'UpgradeStrategy' } }],
  ['of another API group', { metadata: { ownerReferences: [{ ...reference, apiVersion: 'x.dev/v1' }] } }],
  [
    'that this strategy owns and does not control',
    {
      metadata: { ownerReferences: [{ ...reference, apiVersion: 'careen.dev/v1alpha1', controller: false }] },
    },
  ],
  ['in another namespace', { namespace: 'b' }],
  ['with a name that is not that of its effect', { metadata: { name: `mine-${NAME.slice(-12)}` } }],
];

describe.each(STRANGE)('a Job %s', (_, strange) => {
  it('is no result, keeps no host, and is not deleted or stamped', async () => {
    const { server, jobs } = await seenWith(strange);
    const before = server.jobs();
    expect(jobs.effect(KEY, OWNER)).toBeUndefined();
    expect(jobs.jobsOn(HOST, OWNER)).toEqual([]);
    expect(jobs.hasBegun(HOST, claim)).toBe(false);
    expect(jobs.idle(OWNER)).toEqual([]);
    await jobs.adopt([], { ...FENCE, epoch: 2 }, signal);
    expect(server.jobs()).toEqual(before);
  });
});

describe('the same Job of this strategy', () => {
  it('is a result, keeps its host, and is stamped', async () => {
    const { server, jobs } = await seenWith({});
    expect(jobs.effect(KEY, OWNER)).toMatchObject({ name: NAME, state: 'running' });
    expect(jobs.jobsOn(HOST, OWNER)).toMatchObject([{ name: NAME }]);
    expect(jobs.hasBegun(HOST, claim)).toBe(true);
    await jobs.adopt([], { ...FENCE, epoch: 2 }, signal);
    expect(server.job(OWNER.namespace, NAME).metadata?.annotations).toMatchObject({
      'careen.dev/epoch': '2',
    });
  });
});

describe('a Job under the name that is needed', () => {
  it.each([
    ['controller PatchStrategy t', { owner: ownerNamed('t') }],
    ['no controller', { metadata: { ownerReferences: [] } }],
  ])('is named with its owner and the remedy: %s', async (whose, strange) => {
    const { server, jobs } = await seenWith(strange);
    const before = server.jobs();
    expect(await jobs.perform(CREATE, FENCE, signal)).toEqual({
      kind: 'refused',
      reason:
        `making Job a/${NAME} on w-1: a Job of that name with ${whose} exists, which this PatchStrategy did not make: ` +
        `kubectl --namespace a delete job ${NAME}, then retry`,
    });
    expect(server.jobs()).toEqual(before);
  });
});

describe('a recorded Job that lost its owner', () => {
  it('is found by its uid at a take-over, and is observed also while a policy removes the owner again', async () => {
    const { server, jobs } = await seenWith({ metadata: { ownerReferences: [] } });
    server.mutate = (object) => ({ ...object, metadata: { ...object.metadata, ownerReferences: [] } });
    const uid = server.job(OWNER.namespace, NAME).metadata?.uid ?? '';
    const recorded = { host: HOST, name: NAME, uid, effect: KEY, action: ACTION, timeoutSeconds: 300 };
    await jobs.adopt(
      [{ kind: 'mend-job', key: `${KEY}/adopt`, ...recorded }],
      { ...FENCE, epoch: 2 },
      signal,
    );
    expect(jobs.jobsOn(HOST, OWNER)).toEqual([{ name: NAME, uid }]);
    expect(jobs.effect(KEY, OWNER)?.altered).toContain(
      'the controller in metadata.ownerReferences is not set',
    );
    jobs.stop();
  });
});

describe('the pod of a stranger with the label of our Job', () => {
  it('does not keep the host after our Job was withdrawn', async () => {
    const { server, jobs } = await seenWith({});
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: 'a', name: 'p', labels: { 'batch.kubernetes.io/job-name': NAME } },
    };
    server.makePod(pod);
    server.change(OWNER.namespace, NAME, {
      spec: { suspend: true },
      metadata: { annotations: { 'careen.dev/started': '300' } },
      status: { conditions: [{ type: 'Suspended', status: 'True' }] },
    });
    await expect.poll(() => jobs.jobsOn(HOST, OWNER)).toEqual([]);
    jobs.stop();
  });
});
