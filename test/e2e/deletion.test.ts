/** Deletions while a strategy runs: nothing hangs, and no host is forgotten. */
import type { V1Node } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LEFT_LOCKED_ANNOTATION } from '../../src/crds/names.ts';
import { mergePatch, remove } from '../support/controlplane/apply.ts';
import { BEHAVIOUR_ANNOTATION } from '../support/hosts/host-standin.ts';
import { deleteNode, uncordon } from './by-hand.ts';
import { Cluster, closed, marked } from './cluster.ts';
import { eventAbout } from './events.ts';
import { expectGivenBack } from './given-back.ts';
import { stuckInDrain } from './stuck-in-drain.ts';
import { untilGone } from './until-gone.ts';

const RUN = { execution: { mode: 'Run' } };

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(async () => cluster.stop());

function noteOn(nodes: readonly V1Node[], host: string): string | undefined {
  return nodes.find(({ metadata }) => metadata?.name === host)?.metadata?.annotations?.[
    LEFT_LOCKED_ANNOTATION
  ];
}

describe('a strategy that is deleted', () => {
  it('while it runs releases its hosts before it is removed', async () => {
    const fleet = await cluster.fleet('deleted', 2, 2);
    await fleet.apply({ ...RUN, workerApplyType: 'parallel' });
    await fleet.until('a Job', ({ progress }) => progress?.hosts.some(({ jobs }) => jobs) ?? false);
    await remove(cluster.admin, fleet.strategy);
    await untilGone(cluster, fleet.strategy);
    await expectGivenBack(fleet);
  });

  it('leaves a failed host locked with the reason, until somebody uncordons it', async () => {
    const fleet = await cluster.fleet('left', 2, 1);
    await fleet.annotate('left-0', { [BEHAVIOUR_ANNOTATION]: 'exit-7' });
    await fleet.apply(RUN);
    await fleet.untilState('apply-failed');
    await remove(cluster.admin, fleet.strategy);
    await untilGone(cluster, fleet.strategy);
    const nodes = await fleet.nodes();
    expect(closed(nodes)).toEqual(['left-0']);
    expect(marked(nodes)).toEqual([]);
    expect(JSON.parse(noteOn(nodes, 'left-0') ?? '')).toMatchObject({
      owner: { kind: 'PatchStrategy', namespace: 'careen-hosts', name: 'left' },
      reason: expect.stringContaining('container apply exited with code 7') as string,
    });
    const event = await eventAbout(cluster.admin, fleet.strategy, 'HostLeftLocked');
    expect(event.related).toMatchObject({ kind: 'Node', name: 'left-0' });
    expect(event.note).toMatch(/left-0 stays cordoned: .* code 7; kubectl uncordon left-0 when it is fit/);
    await fleet.untilPool(
      'a host out of service by others, and no permit',
      ({ outOfService, permits }) => outOfService?.hosts[0] === 'left-0' && permits?.length === 0,
    );

    const next = fleet.also('after-left');
    await fleet.annotate('left-0', { [BEHAVIOUR_ANNOTATION]: 'honest' });
    await next.apply(RUN);
    await next.until('the end of its own host', ({ stages }) => stages === '1/2');
    // It was patched in place, and stays cordoned for the same reason as before.
    expect(noteOn(await fleet.nodes(), 'left-0')).toBe(noteOn(nodes, 'left-0'));
    await uncordon(cluster.admin, 'left-0');
    await next.untilState('applied');
    await expectGivenBack(fleet);
  });

  it('is removed although its host is gone', async () => {
    const fleet = await cluster.fleet('gone', 2, 1);
    await stuckInDrain(cluster, fleet);
    await Promise.all([deleteNode(cluster.admin, 'gone-0'), remove(cluster.admin, fleet.strategy)]);
    await untilGone(cluster, fleet.strategy);
    await expectGivenBack(fleet);
  });
});

describe('a finished strategy that its pool does not keep', () => {
  it('is removed, and its event says why; one that Argo CD manages stays', async () => {
    const [own, managed] = [await cluster.fleet('own', 1, 1), await cluster.fleet('managed', 1, 1)];
    await Promise.all([own.apply(RUN), managed.apply(RUN)]);
    const tracking = {
      'argocd.argoproj.io/tracking-id': 'app:careen.dev/PatchStrategy:careen-hosts/managed',
    };
    await mergePatch(cluster.admin, managed.strategy, { metadata: { annotations: tracking } });
    await Promise.all([own.untilState('applied'), managed.untilState('applied')]);
    const retention = { maxFinished: 0 };
    await Promise.all([managed.pool(1, { retention }), own.pool(1, { retention })]);
    await untilGone(cluster, own.strategy);
    const { note } = await eventAbout(cluster.admin, own.strategy, 'StrategyRemoved');
    expect(note).toMatch(
      /^removed as HostPool own asks: it ended at .*, and spec.retention.maxFinished keeps 0 of namespace careen-hosts$/,
    );
    await expectGivenBack(own);
    expect((await managed.status()).state).toBe('applied');
  });
});

describe('a namespace that is deleted while its strategies run', () => {
  it('is removed; a host in its drain is released, a host under a Job is left locked', async () => {
    await cluster.namespace('doomed');
    const allowed = { allowedNamespaces: ['careen-hosts', 'doomed'] };
    const [emptied, worked] = [await cluster.fleet('emptied', 1, 1), await cluster.fleet('worked', 1, 1)];
    await emptied.pool(1, allowed);
    await worked.pool(1, allowed);
    await worked.annotate('worked-0', { [BEHAVIOUR_ANNOTATION]: 'silent' });
    await stuckInDrain(cluster, emptied.also('emptied', 'doomed'));
    const working = worked.also('worked', 'doomed');
    await working.apply(RUN);
    await working.until('a Job that runs', ({ message }) => / runs on worked-0/.test(message ?? ''));

    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'doomed' } };
    await remove(cluster.admin, namespace);
    await untilGone(cluster, namespace);
    await expectGivenBack(emptied);
    const nodes = await worked.nodes();
    expect(closed(nodes)).toEqual(['worked-0']);
    expect(marked(nodes)).toEqual([]);
    expect(JSON.parse(noteOn(nodes, 'worked-0') ?? '')).toMatchObject({
      owner: { kind: 'PatchStrategy', namespace: 'doomed', name: 'worked' },
    });
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'worked-0' } };
    const event = await eventAbout(cluster.admin, node, 'HostLeftLocked');
    expect(event.note).toMatch(/^PatchStrategy doomed\/worked: worked-0 stays cordoned/);
    await worked.untilPool('no permit is left', ({ permits }) => permits?.length === 0);
  });
});

describe('a pool that is deleted while a strategy runs', () => {
  it('lets the open host finish; nothing else begins until a pool of that name exists', async () => {
    const fleet = await cluster.fleet('poolless', 2, 1);
    const { run, release } = await stuckInDrain(cluster, fleet);
    await remove(cluster.admin, fleet.poolObject);
    await untilGone(cluster, fleet.poolObject);
    await release();
    const missing = 'HostPool poolless does not exist: create it, or set spec.poolRef to one that does';
    await fleet.until('the reason', ({ conditions }) =>
      Boolean(
        conditions?.some(
          ({ type, reason, message }) =>
            type === 'Stalled' && reason === 'PoolNotFound' && message.endsWith(missing),
        ),
      ),
    );
    const nodes = await fleet.nodes();
    expect([...closed(nodes), ...marked(nodes)]).toEqual([]);
    expect(nodes.map(({ status }) => status?.nodeInfo?.kernelVersion)).toEqual(['6.12.48', '6.12.41']);

    await fleet.pool(1);
    const ended = await fleet.untilState('applied');
    expect(ended.run?.id).toBe(run);
    await expectGivenBack(fleet);
  });

  it('does not prevent the removal of the strategy', async () => {
    const fleet = await cluster.fleet('both', 1, 1);
    await stuckInDrain(cluster, fleet);
    await remove(cluster.admin, fleet.poolObject);
    await remove(cluster.admin, fleet.strategy);
    await untilGone(cluster, fleet.strategy);
    const nodes = await fleet.nodes();
    expect([...closed(nodes), ...marked(nodes)]).toEqual([]);
  });
});
