/** Requests of people in annotations: each is carried out once, and answered in any case. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StrategyStatus } from '../../src/crds/observed/strategy-status.ts';
import { apply, mergePatch } from '../support/controlplane/apply.ts';
import { eventually } from '../support/eventually.ts';
import { createNodes } from '../support/hosts/simulated-nodes.ts';
import { BEHAVIOUR_ANNOTATION } from '../support/hosts/host-standin.ts';
import { kubeletPatch } from '../support/operator/strategies.ts';
import { abort, request, wipeStatus } from './by-hand.ts';
import { Cluster, closed, type Fleet } from './cluster.ts';
import { expectGivenBack } from './given-back.ts';
import { stubbornPod } from './stubborn-pod.ts';
import { isStuck, stuckInDrain } from './stuck-in-drain.ts';

const QUICK_VERIFY = { timing: { verifyTimeoutSeconds: 3, settleSeconds: 0, stabilizeSeconds: 0 } };

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(async () => cluster.stop());

async function ask(fleet: Fleet, wish: Parameters<typeof request>[2] & object): Promise<string> {
  await request(cluster.admin, fleet.strategy, wish);
  return fleet.answer(wish.id);
}

function drift({ conditions = [] }: StrategyStatus) {
  return conditions.find(({ type }) => type === 'Drifted');
}

/** A strategy with a plan, in Hold: nothing begins by itself. */
async function planned(pool: string, workers: number, spec: Record<string, unknown> = {}): Promise<Fleet> {
  const fleet = await cluster.fleet(pool, workers, 1);
  await fleet.apply(spec);
  await fleet.untilState('ready-to-apply');
  return fleet;
}

describe('a request', () => {
  it('apply-all applies the plan in Hold, once: another plan waits although the annotation remains', async () => {
    const fleet = await planned('all', 1);
    expect(await ask(fleet, { id: 'a-1', verb: 'apply-all' })).toBe('accepted: the plan is carried out');
    await fleet.untilState('applied');
    await fleet.apply({ patches: [kubeletPatch] });
    const again = await fleet.untilState('ready-to-apply');
    await fleet.until('a plan that waits', ({ message }) => message?.includes('set execution.mode') ?? false);
    expect(again.requests?.map(({ id }) => id)).toEqual(['a-1']);

    await cluster.crashOperator();
    expect(await ask(fleet, { id: 'a-2', verb: 'release-host', host: 'all-0' })).toBe(
      'refused: this run holds no host all-0',
    );
    expect(await ask(fleet, { id: 'a-1', verb: 'apply-all' })).toBe('accepted: the plan is carried out');
    expect(await fleet.status()).toMatchObject({ state: 'ready-to-apply' });
    expect((await fleet.status()).requests).toHaveLength(2);
  });

  it('placed before the operator knows the strategy is carried out, once; one that came with it is refused', async () => {
    const fleet = await cluster.fleet('early', 1, 1);
    const copy = fleet.also('early-copy');
    await cluster.operator.kill();
    const wish = { id: 'e-1', verb: 'apply-all' };
    await fleet.apply();
    await request(cluster.admin, fleet.strategy, wish);
    const annotations = { 'careen.dev/request': JSON.stringify(wish) };
    const { metadata } = copy.strategy;
    const spec = { poolRef: 'early', patches: [kubeletPatch] };
    await apply(cluster.admin, { ...copy.strategy, metadata: { ...metadata, annotations }, spec });
    await cluster.startOperator();

    expect(await fleet.answer('e-1')).toBe('accepted: the plan is carried out');
    expect(await copy.answer('e-1')).toMatch(/^refused: this came with the object, .*: place it again/);
    await fleet.untilState('applied');
    await wipeStatus(cluster.admin, fleet.strategy);
    expect(await fleet.answer('e-1')).toMatch(/^refused: the status was lost, .*: place it again/);
  });

  it('apply-all on an applied strategy patches the hosts that joined since, which Drifted names', async () => {
    const fleet = await planned('late', 1, { patches: [kubeletPatch] });
    await ask(fleet, { id: 'l-1', verb: 'apply-all' });
    await fleet.until('no drift', (status) => drift(status)?.status === 'False');
    expect(await ask(fleet, { id: 'l-2', verb: 'apply-all' })).toMatch(
      /^refused: the run has ended, and no host lacks a patch/,
    );
    const labels = { pool: 'late' };
    await createNodes(cluster.admin, [{ name: 'late-9', labels, kubeletVersion: 'v1.36.3' }]);
    const drifted = await fleet.until('drift', (status) => drift(status)?.status === 'True');
    expect(drifted.state).toBe('applied');
    expect(drift(drifted)?.message).toContain('1 host lacks a patch since (late-9)');
    expect(drifted.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');

    expect(await ask(fleet, { id: 'l-3', verb: 'apply-all' })).toBe('accepted: the plan is carried out');
    const ended = await fleet.until(
      'the end of the drift',
      (status) => status.state === 'applied' && drift(status)?.status === 'False',
    );
    expect(ended.applyPhase?.stages.map(({ hosts }) => hosts)).toEqual([['late-9']]);
    await expectGivenBack(fleet);
  });

  it('apply-stage applies the next stage and no other, then waits', async () => {
    const fleet = await planned('stage', 2);
    expect(await ask(fleet, { id: 's-1', verb: 'apply-stage', stage: 1 })).toBe(
      'refused: stage 1 is not the next one; the next one is 0',
    );
    expect(await ask(fleet, { id: 's-2', verb: 'apply-stage', stage: 0 })).toMatch(/^accepted/);
    await fleet.until('a wait before stage 1', ({ stages, conditions }) =>
      Boolean(stages === '1/2' && conditions?.some(({ reason }) => reason === 'PausedAtStage')),
    );
    await expectGivenBack(fleet);
    expect(await ask(fleet, { id: 's-3', verb: 'apply-stage', stage: 0 })).toBe(
      'refused: stage 0 was applied already; the next one is 1',
    );
    expect(await ask(fleet, { id: 's-4', verb: 'apply-stage', stage: 1 })).toMatch(/^accepted/);
    await fleet.untilState('applied');
  });

  it('approve applies to the reviewed plan: with another digest nothing begins', async () => {
    const fleet = await planned('approved', 1);
    const digest = (await fleet.status()).run?.planDigest ?? '';
    expect(await ask(fleet, { id: 'p-1', verb: 'approve', plan: 'sha256:0' })).toBe(
      `refused: the plan is now ${digest}, not sha256:0: review it, then place the request again with its digest`,
    );
    expect(await fleet.status()).toMatchObject({ state: 'ready-to-apply' });
    expect(await ask(fleet, { id: 'p-2', verb: 'approve', plan: digest })).toMatch(/^accepted/);
    await fleet.untilState('applied');
  });

  it('that is unreadable is answered with the allowed values', async () => {
    const fleet = await planned('unreadable', 1);
    expect(await ask(fleet, { id: 'u-1', verb: 'reboot-all' })).toBe(
      'refused: annotation careen.dev/request: verb is "reboot-all", must be one of ' +
        'apply-all, apply-stage, retry, resume, approve, release-host, skip-host, done',
    );
    await request(cluster.admin, fleet.strategy, 'apply-all, please');
    const { requests } = await fleet.until('a second answer', (status) => status.requests?.length === 2);
    expect(requests?.[1]).toMatchObject({
      answer: 'refused',
      id: expect.stringMatching(/^unreadable-/) as string,
    });
    expect(requests?.[1]?.message).toBe(
      'annotation careen.dev/request is "apply-all, please", must be a JSON object such as ' +
        '{"id":"q-7","verb":"apply-stage","stage":2}',
    );
    await abort(cluster.admin, fleet.strategy, 'now!');
    const answered = await fleet.until('a third answer', (status) => status.requests?.length === 3);
    expect(answered.requests?.[2]?.message).toMatch(/^annotation careen.dev\/abort is "now!", must be an id/);
    expect(answered).toMatchObject({ state: 'ready-to-apply' });
  });

  it('that was answered is not repeated, after any number of further requests', async () => {
    const fleet = await planned('many', 1);
    const pod = await stubbornPod(cluster.admin, 'many-0');
    await abort(cluster.admin, fleet.strategy, 'first');
    expect(await fleet.answer('first')).toMatch(/^refused: nothing is under way/);
    expect(await ask(fleet, { id: 'go', verb: 'apply-all' })).toMatch(/^accepted/);
    await fleet.until('a drain that is blocked', isStuck);
    for (let i = 1; i <= 10; i++)
      expect(await ask(fleet, { id: `m-${String(i)}`, verb: 'retry' })).toMatch(/^refused/);
    expect((await fleet.status()).requests?.map(({ id }) => id)).toContain('first');
    await pod.release();
    await fleet.untilState('applied');
  });
});

describe('a run that has failed', () => {
  it('repeats its failed host at the request retry', async () => {
    const fleet = await cluster.fleet('retried', 2, 1);
    await fleet.annotate('retried-0', { [BEHAVIOUR_ANNOTATION]: 'exit-7' });
    await fleet.apply();
    await fleet.untilState('ready-to-apply');
    expect(await ask(fleet, { id: 't-1', verb: 'apply-all' })).toMatch(/^accepted/);
    await fleet.untilState('apply-failed');
    expect(closed(await fleet.nodes())).toEqual(['retried-0']);
    expect(await ask(fleet, { id: 't-2', verb: 'apply-all' })).toBe(
      'refused: the run has failed: place the request retry or resume, release-host for retried-0, or abort it',
    );

    await fleet.annotate('retried-0', { [BEHAVIOUR_ANNOTATION]: 'honest' });
    expect(await ask(fleet, { id: 't-3', verb: 'retry' })).toBe('accepted: the failed stage restarts');
    await fleet.untilState('applied');
    await expectGivenBack(fleet);
    await eventually('only the failed Job stays', async () => {
      const jobs = await fleet.jobs();
      return jobs.length === 1 && jobs.every(({ status }) => status?.failed === 1);
    });
  });

  it('continues at the request resume with a host that somebody has repaired, and repeats nothing there', async () => {
    const fleet = await cluster.fleet('resumed', 1, 1);
    await fleet.annotate('resumed-0', { [BEHAVIOUR_ANNOTATION]: 'lie' });
    await fleet.apply(QUICK_VERIFY);
    await fleet.untilState('ready-to-apply');
    expect(await ask(fleet, { id: 'r-1', verb: 'apply-all' })).toMatch(/^accepted/);
    await fleet.untilState('apply-timeout');
    const jobs = await fleet.jobs();

    await fleet.annotate('resumed-0', {
      'testbed.local/kernel-version': '6.12.48',
      'testbed.local/boot-id': 'mended-by-hand',
    });
    await fleet.untilKernel('6.12.48');
    expect(await ask(fleet, { id: 'r-2', verb: 'resume' })).toMatch(/^accepted/);
    await fleet.untilState('applied');
    await expectGivenBack(fleet);
    const before = jobs.map(({ metadata }) => metadata?.uid);
    expect((await fleet.jobs()).filter(({ metadata }) => !before.includes(metadata?.uid))).toEqual([]);
  });

  it('releases a failed host as it is at the request release-host', async () => {
    const fleet = await cluster.fleet('released', 1, 1);
    await fleet.annotate('released-0', { [BEHAVIOUR_ANNOTATION]: 'exit-7' });
    await fleet.apply({ execution: { mode: 'Run' } });
    await fleet.untilState('apply-failed');
    expect(await ask(fleet, { id: 'h-1', verb: 'release-host', host: 'released-9' })).toBe(
      'refused: this run holds no host released-9',
    );
    expect(await ask(fleet, { id: 'h-2', verb: 'release-host', host: 'released-0' })).toBe(
      'accepted: released-0 is released as it is',
    );
    await fleet.until('no host is held', ({ progress }) => (progress?.hosts ?? []).length === 0);
    await expectGivenBack(fleet);
    expect(await fleet.status()).toMatchObject({ state: 'apply-failed' });
  });
});

describe('a person', () => {
  it('ends the manual work on a host by the command of the status, whatever process reads it', async () => {
    const patch = {
      id: 'fan',
      rebootRequired: true,
      action: { manual: { timeoutSeconds: 3600, message: 'fan 2' } },
    };
    const fleet = await planned('by-hand', 1, { patches: [patch] });
    await fleet.order({ mode: 'Run' });
    const asked = await fleet.until('a person', ({ progress }) =>
      Boolean(progress?.hosts[0]?.manual?.length),
    );
    const { reason = '' } = asked.progress?.hosts[0] ?? {};
    expect(reason).toContain('for a person to do fan (fan 2)');
    expect(asked.conditions?.find(({ type }) => type === 'Reconciling')?.reason).toBe('WaitingForPerson');
    await cluster.crashOperator();
    const wish = /careen.dev\/request='(\{.*\})'/.exec(reason)?.[1] ?? '';
    await request(cluster.admin, fleet.strategy, wish);
    const ended = await fleet.untilState('applied');
    expect(ended.requests?.map(({ verb, answer }) => `${verb} ${answer}`)).toEqual(['done accepted']);
    await expectGivenBack(fleet);
  });
});

describe('a host that is dead', () => {
  it('is left out at the request skip-host: the run that it held up goes on with the others, and says so', async () => {
    const fleet = await planned('skipped', 3);
    await fleet.pool(2);
    await fleet.annotate('skipped-1', { 'testbed.local/ready': 'false' });
    await eventually('NotReady', async () =>
      (await fleet.nodes()).some(({ status }) =>
        status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'False'),
      ),
    );
    await fleet.order({ mode: 'Run' });
    const dead = 'active alarms present (skipped-1: is not Ready';
    await fleet.until('a run that stands still', ({ message = '' }) => message.includes(dead));

    expect(await ask(fleet, { id: 'd-1', verb: 'skip-host', host: 'skipped-9' })).toBe(
      'refused: HostPool skipped has no host skipped-9: correct its name',
    );
    expect(await ask(fleet, { id: 'd-2', verb: 'skip-host', host: 'skipped-1' })).toMatch(
      /^accepted: skipped-1 is left out of /,
    );
    const ended = await fleet.untilState('applied');
    expect(ended.skipped).toEqual([{ name: 'skipped-1', request: 'd-2' }]);
    expect(ended.message).toMatch(
      /^all hosts of the plan that are left are patched: skipped-1 was skipped at the request d-2/,
    );
    const kernels = (await fleet.nodes()).map(({ status }) => status?.nodeInfo?.kernelVersion);
    expect(kernels).toEqual(['6.12.48', '6.12.41', '6.12.48']);
    await expectGivenBack(fleet);
  });
});

describe('an edit of the spec', () => {
  it('ends the effect of a request: the open host is finished, the rest is replanned and waits', async () => {
    const fleet = await planned('edited', 2);
    const pod = await stubbornPod(cluster.admin, 'edited-0');
    await ask(fleet, { id: 'e-1', verb: 'apply-all' });
    const before = await fleet.until('a drain that is blocked', isStuck);
    await mergePatch(cluster.admin, fleet.strategy, { spec: { patches: [kubeletPatch] } });
    await pod.release();
    const after = await fleet.until(
      'another plan that waits',
      ({ state, run }) => state === 'ready-to-apply' && run?.id !== before.run?.id,
    );
    expect(after.run).not.toHaveProperty('authority');
    expect(after.run?.change).toBe(
      'added: edited-0; with other patches: edited-1; 2 stages instead of 1; edited: spec.patches',
    );
    expect(after.message).toContain('differs from the last plan: added: edited-0');
    const nodes = await fleet.nodes();
    expect(nodes.map(({ status }) => status?.nodeInfo?.kernelVersion)).toEqual(['6.12.48', '6.12.41']);
    await expectGivenBack(fleet);
  });
});

describe('a requested abort', () => {
  it('releases the hosts; of a stage, only while that stage runs', async () => {
    const fleet = await planned('stopped', 2);
    const pod = await stubbornPod(cluster.admin, 'stopped-0');
    await ask(fleet, { id: 'b-1', verb: 'apply-all' });
    await fleet.until('a drain that is blocked', isStuck);
    await abort(cluster.admin, fleet.strategy, 'b-2/1');
    expect(await fleet.answer('b-2')).toBe('refused: stage 1 is not under way, stage 0 is');
    await abort(cluster.admin, fleet.strategy, 'b-3/0');
    expect(await fleet.answer('b-3')).toBe(
      'accepted: the running step is awaited, then every host is released',
    );
    const ended = await fleet.untilState('aborted');
    expect(ended.message).toContain(
      'place the request apply-all or approve, or edit the spec, for a new plan',
    );
    await expectGivenBack(fleet);

    await pod.release();
    expect(await ask(fleet, { id: 'b-4', verb: 'apply-all' })).toMatch(/^accepted/);
    await fleet.untilState('applied');
  });

  it('takes precedence over Suspend, which takes precedence over every other request', async () => {
    const fleet = await cluster.fleet('suspended', 2, 1);
    const pod = await stuckInDrain(cluster, fleet);
    await fleet.order({ mode: 'Suspend' });
    await fleet.until('a pause', isSuspended);
    await request(cluster.admin, fleet.strategy, { id: 'c-1', verb: 'apply-all' });
    await abort(cluster.admin, fleet.strategy, 'c-2');
    expect(await fleet.answer('c-2')).toMatch(/^accepted/);
    await fleet.untilState('aborted');
    await expectGivenBack(fleet);
    expect(await fleet.answer('c-1')).toBe('refused: an abort is under way: wait for its end');
    await pod.release();
  });
});

describe('Suspend', () => {
  it('starts nothing and stops the deadlines, and Run continues from there', async () => {
    const fleet = await cluster.fleet('frozen', 1, 1);
    const pod = await stuckInDrain(cluster, fleet, {
      timing: { drainTimeoutSeconds: 5, settleSeconds: 0, stabilizeSeconds: 0 },
    });
    await fleet.order({ mode: 'Suspend' });
    const { run } = await fleet.until('a pause', isSuspended);
    await pod.release();
    const effects = (): number => cluster.operator.lines.filter((line) => line.includes('"effect"')).length;
    const before = effects();
    const longAgo = Date.parse(run?.suspendedSince ?? '') + 6_000;
    await eventually('more time than the drain may take', () => Date.now() > longAgo);
    expect(effects()).toBe(before);
    expect(closed(await fleet.nodes())).toEqual(['frozen-0']);

    await fleet.order({ mode: 'Run' });
    const ended = await fleet.untilState('applied');
    const drain = ended.applyPhase?.stages[0]?.steps.find(
      ({ name }) => name === 'migrate-instances-from-host',
    );
    expect(drain?.extendedSeconds).toBeGreaterThanOrEqual(6);
    await expectGivenBack(fleet);
  });
});

function isSuspended({ conditions = [] }: StrategyStatus): boolean {
  return conditions.some(({ reason }) => reason === 'Suspended');
}
