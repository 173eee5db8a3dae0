/** The part of the contract about the Jobs that work on hosts. */
import { expect, it } from 'vitest';
import type { Effect } from '../../src/engine/effect.ts';
import { EXIT_CODE, JOB, keyOf, PATCH, type ContractCase } from './contract-case.ts';

/** Adds its cases to the contract; `opened` gives the running case. */
export function jobsContract(opened: () => ContractCase): void {
  it('hands a Job over: an earlier decision cannot start it, and it can be removed', async () => {
    const c = opened();
    const { name: busy } = await c.watched('busy');
    const key = keyOf(busy, 'sw-patch-hosts', PATCH);
    await c.perform({ kind: 'create-job', key, host: busy, action: PATCH, job: JOB });
    const made = await c.job(key, 'suspended');
    await c.handedOver();
    const stamped = await c.observe('another revision', () =>
      c.fixture.ops.idleJobs(c.fixture.owner).find(({ revision }) => revision !== made.revision),
    );
    const common = { host: busy, name: made.name, uid: made.uid };
    const start: Effect = {
      kind: 'start-job',
      key: `${key}/start`,
      ...common,
      revision: made.startRevision ?? made.revision,
      timeoutSeconds: 9,
    };
    expect(await c.perform(start)).toEqual({ kind: 'stale' });
    const remove: Effect = { kind: 'delete-job', key: `${key}/sweep`, ...common, revision: made.revision };
    expect(await c.perform(remove)).toEqual({ kind: 'stale' });
    expect(await c.perform({ ...remove, revision: stamped.revision })).toEqual({ kind: 'accepted' });
    await c.fixture.eventually('the Job to be gone', () => c.effect(key) === undefined);
  });

  it('creates a Job once, suspended, and runs it when it is started', async () => {
    const c = opened();
    const { name: patched } = await c.watched('patched');
    const key = await c.startedJob(patched);
    const { name: jobName, uid, revision, containerStarted } = await c.job(key, 'succeeded');
    expect(containerStarted).toBe(true);
    const again: Effect = {
      kind: 'start-job',
      key: `${key}/start`,
      host: patched,
      name: jobName,
      uid,
      revision,
      timeoutSeconds: 60,
    };
    expect(await c.perform(again)).toEqual({ kind: 'already' });
  });

  it('reports what somebody changed in a Job, and makes it again what it was', async () => {
    const c = opened();
    const { name: altered } = await c.watched('altered');
    const key = keyOf(altered, 'sw-patch-hosts', PATCH);
    await c.perform({ kind: 'create-job', key, host: altered, action: PATCH, job: JOB });
    const { name: jobName, uid } = await c.job(key, 'suspended');
    await c.fixture.alterJob(jobName);
    await c.observe('the change', () => c.effect(key)?.altered);
    const mend: Effect = {
      ...{ kind: 'mend-job', key: `${key}/mend`, host: altered, name: jobName, uid },
      ...{ effect: key, action: PATCH, timeoutSeconds: 60 },
    };
    expect(await c.perform(mend)).toEqual({ kind: 'accepted' });
    const mended = await c.job(key, 'suspended');
    expect([mended.uid, mended.altered]).toEqual([uid, undefined]);
    expect(await c.perform({ ...mend, uid: '00000000-0000-4000-8000-000000000000' })).toEqual({
      kind: 'already',
    });
  });

  it('reports the exit code of a failed Job', async () => {
    const c = opened();
    const { name: failing } = await c.watched('failing', { failing: true });
    const key = await c.startedJob(failing);
    const { failure } = await c.job(key, 'failed');
    expect(failure).toContain(String(EXIT_CODE));
  });

  it('says what a Job waits for of which no container starts, and withdraws it', async () => {
    const c = opened();
    const { name: stuck } = await c.watched('stuck', { stuck: true });
    const key = await c.startedJob(stuck);
    const found = () => c.effect(key);
    const waiting = await c.observe('the reason', () => (found()?.waitsFor ? found() : undefined));
    expect(waiting).toMatchObject({ state: 'running', containerStarted: false });
    expect(waiting.waitsFor).toMatch(/^no pod of it was made/);
    expect(c.jobsOn(stuck)).toEqual([waiting.name]);

    await c.accepted(
      () => c.effect(key),
      ({ name: jobName, uid, revision }): Effect => {
        const common = { key: `${key}/withdraw`, host: stuck, name: jobName, uid, revision };
        return { kind: 'withdraw-job', ...common };
      },
    );
    await c.fixture.eventually('the Job to leave', () => c.jobsOn(stuck).length === 0);
    expect(c.effect(key)).toMatchObject({ state: 'suspended' });
    expect(c.effect(key)?.containerStarted).not.toBe(true);
  });
}
