/** Forbidden actions do not happen, and the message names the remedy. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { V1Node } from '@kubernetes/client-node';
import { CLAIM_ANNOTATION } from '../../src/crds/names.ts';
import { apply, mergePatch, read, remove, type Manifest } from '../support/controlplane/apply.ts';
import { eventually } from '../support/eventually.ts';
import { AdmissionWebhook } from '../support/network/admission-webhook.ts';
import { readMetrics } from '../support/operator/metrics.ts';
import { allowJobs } from '../support/operator/operator.ts';
import { kernelPatch, strategyManifest } from '../support/operator/strategies.ts';
import { Cluster, closed, createWorkers, marked, strategyStatusOf, type Fleet } from './cluster.ts';
import { expectGivenBack } from './given-back.ts';
import { stuckInDrain } from './stuck-in-drain.ts';
import { StatefulPod } from './workload.ts';

const RUN = { execution: { mode: 'Run' } };

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(async () => cluster.stop());

/** Waits until the strategy is stalled for this reason, and checks that nothing was done; returns its message. */
async function stalled(fleet: Fleet, reason: string): Promise<string> {
  const { message = '' } = await fleet.until(`Stalled because ${reason}`, ({ conditions }) =>
    Boolean(
      conditions?.some((each) => each.type === 'Stalled' && each.status === 'True' && each.reason === reason),
    ),
  );
  const nodes = await fleet.nodes();
  expect([...closed(nodes), ...marked(nodes)]).toEqual([]);
  expect(await fleet.jobs()).toEqual([]);
  return message;
}

describe('strategies of a tenant', () => {
  const padded = (name: string, namespace: string, padding: unknown): Manifest => {
    const template = { spec: { containers: [{ name: 'apply', image: 'kernel-6.12.48', padding }] } };
    const patches = [{ ...kernelPatch, action: { job: { template } } }];
    return strategyManifest(name, namespace, { poolRef: 'beside-large', patches });
  };

  it('may be as large as the API server stores them: the operator stays small and serves the others', async () => {
    const fleet = await cluster.fleet('beside-large', 1, 1);
    await cluster.namespace('tenant');
    const foreign = Array.from({ length: 12 }, (_, i) =>
      padded(`large-${String(i)}`, 'tenant', 'x'.repeat(1_300_000)),
    );
    const zeros = { ['k'.repeat(1_500)]: Array.from({ length: 390_000 }, () => 0) };
    const own = padded('many-values', 'careen-hosts', 'none');
    for (const manifest of [...foreign, own]) await apply(cluster.admin, manifest);
    await mergePatch(cluster.admin, own, padded('many-values', 'careen-hosts', zeros));
    await fleet.apply(RUN);
    await fleet.untilState('applied');
    const message = async (object: Manifest): Promise<string> =>
      strategyStatusOf(await read(cluster.admin, object)).message ?? '';
    let seen: readonly string[] = [];
    const isAnswered = async (): Promise<boolean> => {
      seen = await Promise.all([own, ...foreign].map(message));
      return (
        /10000 values/.test(seen[0] ?? '') && seen.slice(1).every((each) => /no HostPool admits/.test(each))
      );
    };
    await eventually('an answer to each', isAnswered, { describe: () => seen });
    const metrics = await readMetrics(cluster.operator.address() ?? '');
    expect(metrics.value('process_resident_memory_bytes') / 2 ** 20).toBeLessThan(300);
    for (const manifest of [...foreign, own]) await remove(cluster.admin, manifest);
  });
});

describe('a strategy', () => {
  it('on a missing pool waits, and begins when the pool is created', async () => {
    const fleet = await cluster.fleet('unknown', 1, 1);
    await fleet.apply({ ...RUN, poolRef: 'not-yet' });
    expect(await stalled(fleet, 'PoolNotFound')).toBe(
      'HostPool not-yet does not exist: create it, or set spec.poolRef to one that does',
    );
    await fleet.apply({ ...RUN, poolRef: 'unknown' });
    await fleet.untilState('applied');
  });

  it('on a pool without hosts is not Ready, and begins when one joins', async () => {
    const fleet = await cluster.fleet('empty', 0, 1);
    await fleet.apply(RUN);
    const waits = await fleet.until('a wait for hosts', ({ conditions }) =>
      Boolean(conditions?.some(({ type, reason }) => type === 'Ready' && reason === 'NoHosts')),
    );
    expect(waits.message).toContain('no hosts: HostPool empty selects none');
    expect(waits.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('False');
    await createWorkers(cluster.admin, 'empty', 1);
    const ended = await fleet.untilState('applied');
    expect(ended.applyPhase?.stages.map(({ hosts }) => hosts)).toEqual([['empty-0']]);
  });

  it('in a namespace that the pool does not admit is refused until the pool admits it', async () => {
    const fleet = await cluster.fleet('forbidden', 1, 1);
    await cluster.namespace('team-a');
    const other = fleet.also('forbidden', 'team-a');
    await other.apply(RUN);
    expect(await stalled(other, 'NotPermitted')).toBe(
      'metadata.namespace is "team-a", which rule allowedNamespaces of no HostPool admits; make the strategy in ' +
        'careen-hosts, or ask the administrator to add team-a to a pool',
    );
    await fleet.pool(1, { allowedNamespaces: ['careen-hosts', 'team-a'] });
    await other.untilState('applied');
  });

  it('with an image or a privilege outside the policy is refused with the name of the rule', async () => {
    const fleet = await cluster.fleet('policed', 1, 1);
    await fleet.pool(1, { actionPolicy: { images: ['registry.example.com/allowed/*'], privileged: false } });
    const [container] = kernelPatch.action.job.template.spec.containers;
    const action = (securityContext: object): object => ({
      job: { template: { spec: { containers: [{ ...container, securityContext }] } } },
    });
    await fleet.apply({ ...RUN, patches: [{ ...kernelPatch, action: action({ privileged: true }) }] });
    const message = await stalled(fleet, 'NotPermitted');
    expect(message).toContain(
      'spec.patches[0].action.job.template.spec.containers[0].image is "registry.example.com/patch:1", which rule ' +
        'actionPolicy.images of HostPool policed does not admit; use an image of registry.example.com/allowed/*',
    );
    expect(message).toContain(
      'spec.patches[0].action.job.template.spec.containers[0].securityContext.privileged is true, which rule ' +
        'actionPolicy.privileged of HostPool policed does not admit; leave it out',
    );
    await fleet.pool(1);
    await fleet.untilState('applied');
  });

  it('stops before its next stage when the policy is tightened while it runs', async () => {
    const fleet = await cluster.fleet('tightened', 2, 1);
    const { release } = await stuckInDrain(cluster, fleet);
    await fleet.pool(1, { actionPolicy: { images: [] } });
    await release();
    const stopped = await fleet.until('a stop before stage 1', ({ message }) =>
      /waits before stage 1: .*actionPolicy.images of HostPool tightened/.test(message ?? ''),
    );
    expect(stopped).toMatchObject({ state: 'applying', stages: '1/2' });
    expect(closed(await fleet.nodes())).toEqual([]);
  });

  it('in an unprepared namespace names the remedy, and begins when the namespace is prepared', async () => {
    const fleet = await cluster.fleet('unprepared', 1, 1);
    const namespace = 'team-b';
    await apply(cluster.admin, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await fleet.pool(1, { allowedNamespaces: [namespace] });
    const other = fleet.also('unprepared', namespace);
    await other.apply(RUN);
    expect(await stalled(other, 'NamespaceNotPrepared')).toMatch(
      /^the operator cannot watch Jobs in namespace team-b: .*forbidden.*; bind the ClusterRole careen-jobs there/,
    );
    await allowJobs(cluster.admin, namespace);
    await other.untilState('applied');
  });
});

describe('a claim', () => {
  it('that somebody edits during the work stops the work: the host is restored', async () => {
    const fleet = await cluster.fleet('edited', 1, 1);
    await stuckInDrain(cluster, fleet);
    const claim = await claimOn(fleet, 'edited-0');
    await setClaim(
      'edited-0',
      claim.replace('"closedToNewWorkBefore":false', '"closedToNewWorkBefore":true '),
    );
    const failed = await fleet.untilState('apply-failed');
    expect(failed.message).toMatch(
      /edited-0 lost the claim of this run: its annotation careen.dev\/claim was edited, or copied from another host/,
    );
    await expectGivenBack(fleet);
  });

  it('that was copied to another node has no effect there, and is named when that node is planned', async () => {
    const fleet = await cluster.fleet('copied', 2, 1);
    const { release } = await stuckInDrain(cluster, fleet);
    await setClaim('copied-1', await claimOn(fleet, 'copied-0'));
    await release();
    const waits = await fleet.until('a wait for copied-1', ({ message }) =>
      Boolean(message?.includes('copied-1 cannot be claimed')),
    );
    expect(waits.message).toContain(
      'its annotation careen.dev/claim was edited, or copied from another host; when nobody works on it, ' +
        'kubectl annotate node copied-1 careen.dev/claim-',
    );
    expect(closed(await fleet.nodes())).toEqual([]);
    await setClaim('copied-1', null);
    await fleet.untilState('applied');
    await expectGivenBack(fleet);
  });
});

describe('a drain', () => {
  it('waits as long as a webhook denies an eviction, and shows its name and its words', async () => {
    const fleet = await cluster.fleet('denied', 1, 1);
    const pod = await StatefulPod.start(cluster.admin, 'denied', 'denied-0');
    const scope = { name: 'evictions.example.com', namespace: 'default', resource: 'pods/eviction' };
    const webhook = await AdmissionWebhook.start(cluster.admin, scope);
    try {
      webhook.answer = { code: 403, message: 'the primary still moves' };
      await eventually('the webhook is in force', () => pod.evictionDenied());
      await fleet.apply(RUN);
      const { message, state } = await fleet.until('a denial', ({ message = '' }) =>
        message.includes('denies it'),
      );
      expect(message).toBe(
        'stage 0, migrate-instances-from-host: 1 pod left on denied-0; pod default/denied-0 may not leave now: ' +
          'webhook "evictions.example.com" denies it: the primary still moves',
      );
      expect(state).toBe('applying');
      webhook.answer = 'allow';
      await fleet.untilState('applied');
    } finally {
      await webhook.stop();
    }
  });

  it('evicts a pod once that comes back to the closed host, and waits for the remedy', async () => {
    const fleet = await cluster.fleet('returning', 1, 1);
    const pod = await StatefulPod.start(cluster.admin, 'returning', 'returning-0', [{ operator: 'Exists' }]);
    await fleet.apply(RUN);
    const { message } = await fleet.until('a pod that came back', ({ message = '' }) =>
      message.includes('came after the cordon'),
    );
    expect(message).toContain(
      'pod default/returning-0 of StatefulSet returning came after the cordon, which does not keep it away',
    );
    expect(await fleet.jobs()).toEqual([]);
    await pod.remove();
    await fleet.untilState('applied');
    const evicted = /"host":"returning-0","effect":"evict".*"outcome":"accepted"/;
    expect(cluster.operator.lines.filter((line) => evicted.test(line))).toHaveLength(1);
  });

  it('waits for a pod that somebody starts on the closed host to look at it', async () => {
    const fleet = await cluster.fleet('debugged', 1, 1);
    const { release } = await stuckInDrain(cluster, fleet);
    const debug = {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'debugger', namespace: 'default' } },
      spec: {
        nodeName: 'debugged-0',
        containers: [{ name: 'debugger', image: 'registry.example.com/debug:1' }],
        tolerations: [{ operator: 'Exists' }],
      },
    };
    await apply(cluster.admin, debug);
    await release();
    const { state } = await fleet.until('a wait for it', ({ message = '' }) =>
      message.endsWith(
        '1 pod left on debugged-0; debugged-0 runs pods that need consent to be evicted: default/debugger without a ' +
          'controller (delete them, or set spec.drain.evictUnmanagedPods)',
      ),
    );
    expect([state, await fleet.jobs()]).toEqual(['applying', []]);
    await remove(cluster.admin, debug);
    await fleet.untilState('applied');
  });
});

async function claimOn(fleet: Fleet, host: string): Promise<string> {
  return (await nodeOf(fleet, host))?.metadata?.annotations?.[CLAIM_ANNOTATION] ?? '';
}

async function setClaim(host: string, claim: string | null): Promise<void> {
  await mergePatch(
    cluster.admin,
    { apiVersion: 'v1', kind: 'Node', metadata: { name: host } },
    { metadata: { annotations: { [CLAIM_ANNOTATION]: claim } } },
  );
}

async function nodeOf(fleet: Fleet, host: string): Promise<V1Node | undefined> {
  return (await fleet.nodes()).find(({ metadata }) => metadata?.name === host);
}
