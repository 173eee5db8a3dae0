import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PooledKubeConfig } from '../../src/kube/client.ts';
import { Notices } from '../../src/resources/notices.ts';
import { apply, mergePatch, readManifests, remove } from '../support/controlplane/apply.ts';
import { eventually } from '../support/eventually.ts';
import { closed, Cluster, type Fleet } from './cluster.ts';
import { expectGivenBack } from './given-back.ts';
import { Project } from './project.ts';
import { untilGone } from './until-gone.ts';
import { mostAway } from './watch-closed.ts';

const ONE_NODE = join(import.meta.dirname, '..', '..', 'examples', 'sessions', 'one-node.yaml');

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(async () => cluster.stop());

/** Workers of a pool of their own, and a session on them with the same name. */
async function sessionOn(pool: string, workers: number): Promise<Fleet> {
  const fleet = await cluster.fleet(pool, workers, 1);
  return fleet.session();
}

/** A project with pods that run on the hosts of a pool. */
async function projectOn(pool: string, namespace: string, pods: number, cpu?: string): Promise<Project> {
  const project = new Project(cluster.admin, namespace);
  await project.start(pool, pods, cpu);
  return project;
}

/** The states in which the session was seen, until its end. */
async function statesUntilEnd(fleet: Fleet): Promise<string[]> {
  const states: string[] = [];
  await fleet.until('the end of the session', ({ session }) => {
    const { state } = session ?? {};
    if (state !== undefined && state !== states.at(-1)) states.push(state);
    return state === 'MAINTENANCE_DONE' || state === 'MAINTENANCE_FAILED';
  });
  return states;
}

describe('a maintenance session', () => {
  it('asks the projects, and maintains each host once it is empty, although the operator is killed', async () => {
    const fleet = await sessionOn('round', 3);
    const [a, b] = await Promise.all([projectOn('round', 'round-a', 2), projectOn('round', 'round-b', 1)]);
    await fleet.apply({ execution: { mode: 'Run' } });
    const crashAndFollow = async (): Promise<string[]> => {
      await fleet.until('a host at work', ({ progress }) => (progress?.hosts ?? []).length > 0);
      await cluster.crashOperator();
      return statesUntilEnd(fleet);
    };
    const states = await a.agreeWhile(async () => b.agreeWhile(crashAndFollow));
    expect(states.at(-1)).toBe('MAINTENANCE_DONE');
    expect(await fleet.untilState('applied')).toMatchObject({
      completionPercentage: 100,
      message: 'all hosts of the plan are maintained',
      session: { maintained: '3/3', closed: [] },
    });
    const { status } = await a.until('the end', ({ session }) => session?.state === 'MAINTENANCE_DONE');
    expect(status.message).toBe('the maintenance is over; nothing more is expected of you');
    expect(status.instances?.some(({ plan }) => plan === 'moved')).toBe(true);
    await expectGivenBack(fleet);
  });

  it('has projects give up pods where no host can be emptied', async () => {
    const fleet = await sessionOn('full', 2);
    // A node has 32 CPUs.
    const project = await projectOn('full', 'full-a', 4, '16');
    await fleet.apply({ workflow: 'kubernetes', execution: { mode: 'Run' } });
    const first = async (asks: string | undefined): Promise<void> => {
      if (asks === 'SCALE_IN') await project.scale(2);
      if (asks === 'MAINTENANCE_COMPLETE') await project.scale(4);
    };
    const states = await project.agreeWhile(async () => statesUntilEnd(fleet), { first });
    expect(states.slice(0, 2)).toEqual(['MAINTENANCE', 'SCALE_IN']);
    expect(states.at(-1)).toBe('MAINTENANCE_DONE');
    await expectGivenBack(fleet);
  });

  it('fails when a project refuses, opens its hosts, and goes on where it stopped', async () => {
    const fleet = await sessionOn('refused', 2);
    const project = await projectOn('refused', 'refused-a', 1);
    await fleet.apply({ execution: { mode: 'Run' } });
    await project.answer(await project.question('MAINTENANCE'));
    await project.answer(await project.question('PLANNED_MAINTENANCE'), {
      answer: 'NACK',
      instanceActions: null,
    });
    const failed = await fleet.untilState('apply-failed');
    expect(failed.session).toMatchObject({
      state: 'MAINTENANCE_FAILED',
      previousState: 'PLANNED_MAINTENANCE',
    });
    expect(failed.message).toContain('project refused-a refused PLANNED_MAINTENANCE');
    await eventually('all hosts open', async () => closed(await fleet.nodes()).length === 0);
    await mergePatch(cluster.admin, fleet.strategy, {
      metadata: { annotations: { 'careen.dev/request': '{"id":"again","verb":"retry"}' } },
    });
    await fleet.until('the session goes on', ({ session }) => session?.state === 'PLANNED_MAINTENANCE');
    const states = await project.agreeWhile(async () => statesUntilEnd(fleet));
    expect(states.at(-1)).toBe('MAINTENANCE_DONE');
    await expectGivenBack(fleet);
  });

  it('refuses an answer that is wrong, late in the row or of somebody else, and it changes nothing', async () => {
    const fleet = await sessionOn('wrong', 2);
    const project = await projectOn('wrong', 'wrong-a', 1);
    await fleet.apply({ execution: { mode: 'Run' } });
    const notice = await project.question('MAINTENANCE');
    const [labels] = [notice.object.metadata['labels']];
    // Somebody else makes a notice with the same labels in a namespace of their own.
    const stranger = {
      apiVersion: 'careen.dev/v1alpha1',
      kind: 'MaintenanceNotice',
      metadata: { name: notice.object.metadata.name, namespace: 'default', labels },
      spec: { reply: { question: notice.status.question?.number, answer: 'NACK' } },
    };
    await apply(cluster.admin, stranger);
    await project.answer(notice, { question: 900 });
    const { status } = await project.until('the verdict', ({ lastReply }) => lastReply !== undefined);
    expect(status.lastReply).toMatchObject({ accepted: false, question: 900 });
    expect(status.lastReply?.message).toMatch(/^the answer is to question 900; .* is asked question \d+$/);
    expect(status.answer).toBe('awaited');
    await project.answer(notice);
    const asked = await project.question('PLANNED_MAINTENANCE');
    await project.answer(asked, { instanceActions: { 'uid-of-another': 'MIGRATE' } });
    const refused = await project.until('the refusal', ({ lastReply }) => lastReply?.accepted === false);
    expect(refused.status.lastReply?.message).toBe(
      'instance_actions names uid-of-another, which PLANNED_MAINTENANCE does not ask about',
    );
    expect(await fleet.status()).toMatchObject({ state: 'applying' });
  });

  it('takes one node out until a person says so, by kubectl alone', async () => {
    const fleet = await sessionOn('alone', 2);
    const project = await projectOn('alone', 'alone-a', 2);
    const [host = ''] = await project.hosts();
    const { spec } = z.object({ spec: z.looseObject({}) }).parse((await readManifests(ONE_NODE))[0]);
    await fleet.apply({ ...spec, hosts: [host] });
    await project.answer(await project.question('MAINTENANCE'));
    const { message } = await fleet.until(
      'the work by hand',
      (found) => found.message?.includes('replace the power supply') === true,
    );
    expect(message).toContain('careen.dev/request');
    expect(await project.hosts()).not.toContain(host);
    expect(closed(await fleet.nodes())).toEqual([host]);
    await mergePatch(cluster.admin, fleet.strategy, {
      metadata: { annotations: { 'careen.dev/request': `{"id":"done-1","verb":"done","host":"${host}"}` } },
    });
    await project.answer(await project.question('MAINTENANCE_COMPLETE'));
    await fleet.untilState('applied');
    await expectGivenBack(fleet);
    // The session is at rest, and tells all the same what it makes of an answer.
    const over = await project.until('the end', (found) => found.session?.state === 'MAINTENANCE_DONE');
    await project.answer(over, { answer: 'NACK' });
    const late = await project.until('the refusal', ({ lastReply }) => lastReply?.accepted === false);
    expect(late.status.lastReply?.message).toBe(
      'the session has ended in MAINTENANCE_DONE: no answer is awaited',
    );
    await fleet.pool(1, { retention: { maxFinished: 0 } });
    await untilGone(cluster, fleet.strategy);
    await eventually('no notice', async () => (await project.notice()) === undefined);
  });

  it('goes on beside another session and a patch of the same pool, never above its limit', async () => {
    const fleet = await sessionOn('shared', 5);
    const project = await projectOn('shared', 'shared-a', 4);
    const halves = [fleet.hosts.slice(0, 2), fleet.hosts.slice(2, 4)].map((hosts, at) => ({
      ...{ hosts, session: fleet.session(`shared-${String(at)}`) },
    }));
    const patch = fleet.also('shared-patch');
    const runAll = async (): Promise<void> => {
      for (const { hosts, session } of halves) await session.apply({ hosts, execution: { mode: 'Run' } });
      await Promise.all(halves.map(async ({ session }) => session.untilState('applying')));
      await patch.apply({ execution: { mode: 'Run' } });
      await Promise.all(
        [...halves.map(({ session }) => session), patch].map((each) => each.untilState('applied', 100)),
      );
    };
    const most = await project.agreeWhile(async () => mostAway(fleet, runAll));
    expect(most).toBe(1);
    for (const { hosts, session } of halves)
      expect((await session.status()).session?.hosts.map(({ name }) => name)).toEqual(hosts);
    await fleet.untilKernel('6.12.48');
    await expectGivenBack(fleet);
  }, 120_000);

  it('gives its hosts back and takes its notices away when it is deleted among the hosts', async () => {
    const fleet = await sessionOn('deleted', 2);
    const project = await projectOn('deleted', 'deleted-a', 1);
    await fleet.apply({ execution: { mode: 'Run' } });
    await project.answer(await project.question('MAINTENANCE'));
    await project.question('PLANNED_MAINTENANCE');
    expect(closed(await fleet.nodes())).toHaveLength(1);
    await remove(cluster.admin, fleet.strategy);
    await untilGone(cluster, fleet.strategy);
    await eventually('no notice', async () => (await project.notice()) === undefined);
    await expectGivenBack(fleet);
  });
});

describe('the notice of a project', () => {
  it('is found when a request without an answer has made it, and no watch shows it yet', async () => {
    await cluster.namespace('told-twice');
    const config = new PooledKubeConfig();
    config.loadFromFile(cluster.operatorKubeconfig);
    const withoutWatch = new Notices({ config, log: pino({ level: 'silent' }), clock: Date.now });
    const session = { uid: 'b7f9-uid', name: 'told-twice' };
    const made = await withoutWatch.create('told-twice', session, 'project');
    expect(await withoutWatch.create('told-twice', session, 'project')).toEqual(made);
  });
});

describe('a session that cannot be planned', () => {
  let bad: Fleet;
  beforeAll(async () => {
    bad = await sessionOn('bad', 2);
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'bad-1' } };
    await mergePatch(cluster.admin, node, { spec: { unschedulable: true } });
  });

  it.each([
    [
      'an unknown host',
      { hosts: ['bad-0', 'bad-9'] },
      'spec.hosts names bad-9: HostPool bad has no such host',
    ],
    [
      'an unknown workflow',
      { workflow: 'vip' },
      'spec.workflow is "vip", which rule actionPolicy.workflows of HostPool',
    ],
    [
      'a time in the past',
      { maintenanceAt: '2026-01-01T00:00:00Z' },
      'spec.maintenanceAt is 2026-01-01T00:00:00Z, which is past: give a later time, or leave it out',
    ],
    [
      'a host that is out',
      { hosts: ['bad-1'] },
      'host bad-1 is out of service: give it back, or leave it out',
    ],
  ])('says what is wrong with %s, and touches nothing', async (_what, spec, message) => {
    await bad.apply({ ...spec, execution: { mode: 'Run' } });
    const status = await bad.until('the refusal', (found) => found.message?.includes(message) === true);
    expect(status.state).toBe('build-failed');
    expect(closed(await bad.nodes())).toEqual(['bad-1']);
    await remove(cluster.admin, bad.strategy);
    await untilGone(cluster, bad.strategy);
  });
});
