import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StrategyStatus } from '../../src/crds/observed/strategy-status.ts';
import { apply } from '../support/controlplane/apply.ts';
import { eventually } from '../support/eventually.ts';
import { kernelPatch, kubeletPatch, poolManifest } from '../support/operator/strategies.ts';
import { BEHAVIOUR_ANNOTATION, BOOT_DELAY_ANNOTATION } from '../support/hosts/host-standin.ts';
import { changeTaints, reportProblem } from './by-hand.ts';
import { Cluster, closed, marked, type Fleet } from './cluster.ts';
import { expectGivenBack } from './given-back.ts';
import { mostClosed } from './watch-closed.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(async () => cluster.stop());

const parallel = { workerApplyType: 'parallel', maxParallelWorkerHosts: 10 };

describe('a patch strategy', () => {
  it('shows its plan, waits in Hold, and in Run patches every host within the limit', async () => {
    const fleet = await cluster.fleet('main', 5, 2);
    await apply(cluster.admin, ...workload('main', 10));
    await fleet.apply({ ...parallel, patches: [kernelPatch, kubeletPatch] });
    const planned = await fleet.untilState('ready-to-apply');
    expect(planned.applyPhase?.stages.map(({ hosts }) => hosts)).toEqual([
      ['main-0', 'main-1'],
      ['main-2', 'main-3'],
      ['main-4'],
    ]);
    expect(marked(await fleet.nodes())).toEqual([]);

    const most = await mostClosed(fleet, async () => {
      await fleet.order({ mode: 'Run' });
      await fleet.untilState('applied');
    });
    expect(most).toBe(2);
    const ended = await fleet.status();
    expect(ended).toMatchObject({ completionPercentage: 100, stages: '3/3' });
    expect(ended.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'True',
      reason: 'Applied',
    });
    const nodes = await fleet.nodes();
    expect(nodes.map(({ status }) => status?.nodeInfo?.kernelVersion)).toEqual(Array(5).fill('6.12.48'));
    expect(nodes.map(({ status }) => status?.nodeInfo?.kubeletVersion)).toEqual(Array(5).fill('v1.36.4'));
    await expectGivenBack(fleet);
    const evictions = cluster.operator.lines.filter((line) =>
      /"effect":"evict".*"outcome":"accepted"/.test(line),
    );
    const keys = evictions.map((line) => /"key":"([^"]+)"/.exec(line)?.[1]);
    expect(keys.length).toBeGreaterThan(0);
    expect(new Set(keys).size, 'no pod is evicted twice').toBe(keys.length);
  });

  it('patches in place without a reboot: no host is cordoned', async () => {
    const fleet = await cluster.fleet('inplace', 3, 1);
    const most = await mostClosed(fleet, async () => {
      await fleet.apply({ ...parallel, patches: [kubeletPatch], execution: { mode: 'Run' } });
      await fleet.untilState('applied');
    });
    expect(most).toBe(0);
    expect((await fleet.nodes()).map(({ status }) => status?.nodeInfo?.kubeletVersion)).toEqual(
      Array(3).fill('v1.36.4'),
    );
  });

  it('runs up to throughStage, and continues when it is raised', async () => {
    const fleet = await cluster.fleet('through', 3, 1);
    await fleet.apply({ execution: { mode: 'Run', throughStage: 0 } });
    await fleet.until(
      'a pause after stage 0',
      ({ stages, conditions }) =>
        stages === '1/3' && conditions?.some(({ reason }) => reason === 'ThroughStageReached') === true,
    );
    expect(marked(await fleet.nodes())).toEqual([]);
    await fleet.order({ throughStage: null });
    await fleet.untilState('applied');
  });

  it('finishes the open stage as planned when the spec is edited, and replans the rest', async () => {
    const fleet = await cluster.fleet('edited', 2, 1);
    await fleet.apply({ execution: { mode: 'Run' } });
    const before = await fleet.until(
      'a Job',
      ({ progress }) => progress?.hosts.some(({ jobs }) => jobs) ?? false,
    );
    await fleet.apply({ patches: [kubeletPatch], execution: { mode: 'Run' } });
    const ended = await fleet.until(
      'a new run that ended',
      ({ state, run }) => state === 'applied' && run?.id !== before.run?.id,
    );
    expect(ended.applyPhase?.stages.flatMap(({ patches }) => patches)).toEqual([
      'kubelet-1.36.4',
      'kubelet-1.36.4',
    ]);
    const nodes = await fleet.nodes();
    expect(nodes.map(({ status }) => status?.nodeInfo?.kernelVersion)).toEqual(['6.12.48', '6.12.41']);
    await expectGivenBack(fleet);
  });

  it('replans when the limit of the pool falls below a future stage', async () => {
    const fleet = await cluster.fleet('lowered', 4, 2);
    await fleet.apply({ ...parallel, execution: { mode: 'Run' } });
    await fleet.until('an open outage', ({ progress }) => (progress?.hosts.length ?? 0) > 0);
    await apply(cluster.admin, poolManifest('lowered', 1));
    const ended = await fleet.untilState('applied');
    expect(ended.applyPhase?.stages.map(({ hosts }) => hosts)).toEqual([['lowered-2'], ['lowered-3']]);
    await expectGivenBack(fleet);
  });

  it('releases every host on Abort, and replans on Hold', async () => {
    const fleet = await cluster.fleet('abort', 2, 2);
    await fleet.annotate('abort-0', { [BEHAVIOUR_ANNOTATION]: 'silent' });
    await fleet.apply({
      ...parallel,
      timing: { patchTimeoutSeconds: 6, settleSeconds: 0, stabilizeSeconds: 0 },
      execution: { mode: 'Run' },
    });
    await fleet.until(
      'a Job that runs',
      ({ progress }) => progress?.hosts.some(({ jobs }) => jobs !== undefined) ?? false,
    );
    await fleet.order({ mode: 'Abort' });
    const ended = await fleet.untilState('aborted');
    expect(ended.applyPhase).toMatchObject({ result: 'aborted', inProgress: false });
    expect(ended.abortPhase).toMatchObject({ result: 'success' });
    await expectGivenBack(fleet);
    await fleet.order({ mode: 'Hold' });
    await fleet.untilState('ready-to-apply');
  });
});

describe('a profile of the VIM', () => {
  it('takes a whole stage by the steps of the VIM, within the limit, and gives every host back', async () => {
    const fleet = await cluster.fleet('vim', 3, 1);
    await apply(cluster.admin, ...workload('vim', 4));
    const vim = { profile: 'vim-2024', workerApplyType: 'parallel', maxParallelWorkerHosts: 2 };
    await fleet.apply({ ...vim, execution: { mode: 'Run', throughStage: 0 } });
    const held = await fleet.until(
      'the limit',
      ({ conditions }) => conditions?.some(({ reason }) => reason === 'LimitBelowStage') === true,
    );
    expect(held).toMatchObject({ state: 'ready-to-apply', run: { actions: { profile: 'vim-2024' } } });
    expect(held.message).toContain('stage 0 takes 2 hosts out of service together, HostPool vim allows 1');
    expect(marked(await fleet.nodes())).toEqual([]);

    await apply(cluster.admin, poolManifest('vim', 2));
    const isOver = ({ stages }: StrategyStatus): boolean => stages === '1/2';
    const most = await mostClosed(fleet, () => fleet.until('the end of stage 0', isOver, 180));
    expect(most).toBe(2);
    const { applyPhase } = await fleet.status();
    const planned = applyPhase?.stages.map(({ hosts, steps }) => [hosts, steps.map(({ name }) => name)]);
    expect(planned?.slice(0, 1)).toEqual([
      [
        ['vim-0', 'vim-1'],
        [
          ...['query-alarms', 'disable-host-services', 'migrate-instances-from-host', 'lock-hosts'],
          ...['sw-patch-hosts', 'system-stabilize', 'unlock-hosts', 'wait-alarms-clear'],
        ],
      ],
    ]);
    const kernels = (await fleet.nodes()).map(({ status }) => status?.nodeInfo?.kernelVersion);
    expect(kernels).toEqual(['6.12.48', '6.12.48', '6.12.41']);
    await expectGivenBack(fleet);
  }, 240_000);
});

describe('trouble', () => {
  it('names host, Job and exit code when a Job fails, keeps that host locked and releases the others', async () => {
    const fleet = await cluster.fleet('failing', 2, 2);
    await fleet.annotate('failing-1', { [BEHAVIOUR_ANNOTATION]: 'exit-7' });
    await fleet.apply({ ...parallel, execution: { mode: 'Run' } });
    const ended = await fleet.untilState('apply-failed');
    const step = ended.applyPhase?.stages[0]?.steps.find(({ name }) => name === 'sw-patch-hosts');
    expect(step).toMatchObject({ result: 'failed' });
    expect(step?.reason).toMatch(
      /Job careen-\S+ for kernel-6\.12\.48 failed on failing-1: container apply exited with code 7/,
    );
    expect(closed(await fleet.nodes())).toEqual(['failing-1']);
    expect(ended.conditions?.find(({ type }) => type === 'Stalled')).toMatchObject({
      status: 'True',
      reason: 'ApplyFailed',
    });

    await fleet.order({ mode: 'Abort' });
    await fleet.untilState('aborted');
    const nodes = await fleet.nodes();
    expect([...closed(nodes), ...marked(nodes)]).toEqual([]);
  });

  it('fails the verification of a host whose Job succeeded and changed nothing', async () => {
    const fleet = await cluster.fleet('liar', 1, 1, { [BEHAVIOUR_ANNOTATION]: 'lie' });
    await fleet.apply({
      timing: { verifyTimeoutSeconds: 3, settleSeconds: 0, stabilizeSeconds: 0 },
      execution: { mode: 'Run' },
    });
    const ended = await fleet.untilState('apply-timeout');
    const step = ended.applyPhase?.stages[0]?.steps.find(({ name }) => name === 'verify');
    expect(step).toMatchObject({ result: 'timed-out' });
    expect(step?.reason).toMatch(
      /liar-0: has not rebooted \(boot id still .*lacks kernel-6\.12\.48.*6\.12\.41/,
    );
    expect(closed(await fleet.nodes())).toEqual(['liar-0']);
  });

  it('does not plan while another host of the pool is unwell, and names it', async () => {
    const fleet = await cluster.fleet('unwell', 2, 1);
    await fleet.annotate('unwell-1', { 'testbed.local/ready': 'false' });
    await eventually('NotReady', async () =>
      (await fleet.nodes()).some(({ status }) =>
        status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'False'),
      ),
    );
    await fleet.apply();
    const alarmed = /active alarms present \(unwell-1: is not Ready/;
    const status = await fleet.until('the alarm', ({ message = '' }) => alarmed.test(message));
    expect(status.state).toBe('building');
    await fleet.annotate('unwell-1', { 'testbed.local/ready': 'true' });
    await fleet.untilState('ready-to-apply');
  });
});

function workload(pool: string, replicas: number): Parameters<typeof apply>[1][] {
  const labels = { app: pool };
  const containers = [{ name: 'app', image: 'registry.example.com/app:1' }];
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: pool, namespace: 'default' },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { nodeSelector: { pool }, containers } },
      },
    },
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: pool, namespace: 'default' },
      spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
    },
  ];
}

describe('a host that is back and not well', () => {
  const AGENT = { key: 'node.cilium.io/agent-not-ready', effect: 'NoSchedule' };

  /** A run of two hosts, one after the other; the first is in its reboot. */
  async function rebooting(pool: string, timing: Record<string, unknown> = {}): Promise<Fleet> {
    const fleet = await cluster.fleet(pool, 2, 1, { [BOOT_DELAY_ANNOTATION]: '4s' });
    await fleet.apply({
      execution: { mode: 'Run' },
      timing: { settleSeconds: 0, stabilizeSeconds: 0, ...timing },
    });
    await eventually(`${pool}-0 boots`, async () =>
      (await fleet.nodes())[0]?.status?.conditions?.some(
        ({ type, status }) => type === 'Ready' && status !== 'True',
      ),
    );
    return fleet;
  }

  it('stays in verify with a taint that it did not have, and the next is not touched; without it the run goes on', async () => {
    const fleet = await rebooting('tainted');
    await changeTaints(cluster.admin, 'tainted-0', (taints) => [...taints, AGENT]);
    const message =
      /^stage 0, verify: tainted-0: has the taint node.cilium.io\/agent-not-ready:NoSchedule, new since its outage/;
    const most = await mostClosed(fleet, async () => {
      await fleet.until('the taint alone keeps it', (status) => message.test(status.message ?? ''));
      expect(marked(await fleet.nodes())).toEqual(['tainted-0']);
      expect(await fleet.poolStatus()).toMatchObject({ away: 1 });
      await changeTaints(cluster.admin, 'tainted-0', (taints) =>
        taints.filter(({ key }) => key !== AGENT.key),
      );
      await fleet.untilState('applied');
    });
    expect(most).toBe(1);
    await expectGivenBack(fleet);
  });

  it('ends the run with a problem that turned True since the outage began: it stays locked, the next is not touched', async () => {
    const fleet = await rebooting('deadlocked', { verifyTimeoutSeconds: 10 });
    await reportProblem(cluster.admin, 'deadlocked-0', 'KernelDeadlock');
    const { applyPhase, message } = await fleet.untilState('apply-timeout');
    expect(applyPhase?.stages[0]?.steps.find(({ result }) => result === 'timed-out')).toMatchObject({
      name: 'verify',
      reason: expect.stringMatching(
        /deadlocked-0: reports KernelDeadlock \(DockerHung: task docker:7 blocked, since /,
      ) as unknown,
    });
    expect(message).toContain('deadlocked-0 stays locked');
    const nodes = await fleet.nodes();
    expect([closed(nodes), marked(nodes)]).toEqual([['deadlocked-0'], ['deadlocked-0']]);
  });
});
