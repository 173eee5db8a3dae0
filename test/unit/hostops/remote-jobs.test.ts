/** Jobs for hosts that are no nodes: they run anywhere, and know their host by their environment. */
import type { V1Job } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { effectKey } from '../../../src/engine/effect.ts';
import { jobManifest, jobState, type CreateJob, type RemoteHost } from '../../../src/hostops/jobs/job.ts';
import { mergePatched } from '../../simulation/world/patches.ts';
import { ownerNamed } from '../support/owners.ts';

const FENCE = { owner: ownerNamed('s'), run: 'r1', epoch: 1 };
const HOST = 'compute-1';
const REMOTE: RemoteHost = { cloud: 'secret/lab/', address: '10.0.0.7', facts: { 'labels.zone': 'az1' } };
/** No remote host. */
const NODE = undefined;

type PodSpec = CreateJob['job']['template']['spec'];

function made(remote: RemoteHost | undefined, spec: Partial<PodSpec> = {}): V1Job {
  const containers = [{ name: 'apply', image: 'ansible:1' }];
  const key = effectKey('r1', 0, 'sw-patch-hosts', HOST, 'kernel', 1);
  const effect: CreateJob = {
    ...{ kind: 'create-job', key, host: HOST, action: 'kernel' },
    job: { template: { spec: { containers, ...spec } } },
  };
  // A cast: a manifest is a Job without what the server adds.
  return mergePatched(jobManifest(effect, FENCE, remote), { metadata: { uid: 'job-1' } }) as V1Job;
}

const podOf = (job: V1Job) => job.spec?.template.spec;
const envOf = (job: V1Job) =>
  podOf(job)?.containers.map(({ env = [] }) => env.map(({ name, value }) => [name, value]));

describe('the Job for a remote host', () => {
  it('may run on any node', () => {
    expect(podOf(made(REMOTE))).not.toHaveProperty('nodeName');
    expect(podOf(made(REMOTE))).not.toHaveProperty('tolerations');
  });

  it('tells each container of its host, beside what the strategy sets', () => {
    const own = [
      { name: 'apply', image: 'x', env: [{ name: 'MODE', value: 'full' }] },
      { name: 'log', image: 'y' },
    ];
    const told = [
      ['CAREEN_HOST', HOST],
      ['CAREEN_HOST_ADDRESS', '10.0.0.7'],
      ['CAREEN_HOST_FACTS', '{"labels.zone":"az1"}'],
    ];
    const job = made(REMOTE, { containers: own, initContainers: [{ name: 'key', image: 'z' }] });
    expect(envOf(job)).toEqual([[['MODE', 'full'], ...told], told]);
    expect(podOf(job)?.initContainers?.[0]?.env?.map(({ name, value }) => [name, value])).toEqual(told);
  });

  it('has no address where none is known', () => {
    const names = envOf(made({ ...REMOTE, address: undefined }))?.[0]?.map(([name]) => name);
    expect(names).toEqual(['CAREEN_HOST', 'CAREEN_HOST_FACTS']);
  });

  it('gives facts that look like a reference to another variable as they are', () => {
    const facts = { 'labels.metadata/x': '$(SSH_KEY) costs $$5' };
    const value = envOf(made({ ...REMOTE, facts }))?.[0]?.at(-1)?.[1];
    expect(value).toBe('{"labels.metadata/x":"$$(SSH_KEY) costs $$$$5"}');
  });

  it('names its cloud, on the Job and on its pod', () => {
    const job = made(REMOTE);
    expect(job.metadata?.annotations).toMatchObject({
      'careen.dev/cloud': 'secret/lab/',
      'careen.dev/host': HOST,
    });
    expect(job.spec?.template.metadata?.annotations).toMatchObject({ 'careen.dev/cloud': 'secret/lab/' });
  });
});

describe('the Job for a node', () => {
  it('is pinned to it, and is told nothing', () => {
    const job = made(NODE);
    expect(podOf(job)).toMatchObject({ nodeName: HOST, tolerations: [{ operator: 'Exists' }] });
    expect(envOf(job)).toEqual([[]]);
    expect(job.metadata?.annotations).not.toHaveProperty('careen.dev/cloud');
  });
});

describe('a Job that somebody changes', () => {
  const altered = (job: V1Job, patch: object = {}): string | undefined =>
    jobState(mergePatched(job, patch) as V1Job)?.altered; // a patched Job stays one
  const annotated = (cloud: string | null): object => ({
    spec: { template: { metadata: { annotations: { 'careen.dev/cloud': cloud } } } },
  });
  const pinned = (nodeName: string | null): object => ({ spec: { template: { spec: { nodeName } } } });

  it('is as it was made before that', () => {
    expect([altered(made(REMOTE)), altered(made(NODE))]).toEqual([undefined, undefined]);
  });

  it('and pins to a node, or releases from its node, is altered', () => {
    expect(altered(made(REMOTE), pinned('w-1'))).toBe('spec.template.spec.nodeName is w-1, must be not set');
    expect(altered(made(NODE), pinned(null))).toBe(
      'spec.template.spec.nodeName is not set, must be compute-1',
    );
  });

  it('and marks as of a cloud, or of none, is altered', () => {
    expect(altered(made(NODE), annotated('secret/lab/'))).toContain('nodeName is compute-1, must be not set');
    expect(altered(made(REMOTE), annotated(null))).toContain('nodeName is not set, must be compute-1');
  });
});
