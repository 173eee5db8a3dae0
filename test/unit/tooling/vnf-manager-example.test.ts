/** examples/sessions/vnf-manager as a process, told by event alarms over real HTTP; it answers the server of answers. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ExampleProcess } from '../../support/example-process.ts';
import { freePorts } from '../../support/network/loopback.ts';
import { session, SECRET } from '../tenants/told-events.ts';
import { ToldSession, webhookAt } from './told-session.ts';

const PROJECT = '3f2504e04f8911d39a0c0305e82c3301';

let folder: string;
let told: ToldSession;
let manager: ExampleProcess;
let port: number;

function startManager(env: Readonly<Record<string, string>> = {}): void {
  manager = new ExampleProcess('vnf-manager/manager.mjs', [], {
    ...{ PORT: String(port), PROJECT, SCALE_COMMAND: join(folder, 'scale'), GIVES_UP: '2', KEEPS: '2' },
    ...{ SECRET_FILE: join(folder, 'secret'), RETRY_MS: '50' },
    ...env,
  });
}

/** The calls of the command that scales. */
async function scaled(): Promise<string[]> {
  const text = await readFile(join(folder, 'calls'), 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '');
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'careen-vnf-manager-'));
  await writeFile(join(folder, 'secret'), SECRET);
  await writeFile(join(folder, 'scale'), `#!/bin/sh\necho "$@" >> "${join(folder, 'calls')}"\n`);
  await chmod(join(folder, 'scale'), 0o755);
  told = new ToldSession();
  await told.start();
  [port = 0] = await freePorts(1);
  told.targets.set(PROJECT, [webhookAt(port, { format: 'EventAlarm' })]);
});
afterEach(async () => {
  await manager.stop();
  await told.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('the manager', { timeout: 60_000 }, () => {
  it('answers through a whole session, scales in when asked and out at the end', async () => {
    startManager();
    await manager.port();
    const agreed = { kind: 'ACK', actions: {} };
    told.ask(PROJECT, 'MAINTENANCE', ['i1', 'i2', 'i3', 'i4', 'i5']);
    expect(await told.answerOf(PROJECT)).toEqual(agreed);
    told.ask(PROJECT, 'SCALE_IN', ['i1', 'i2', 'i3', 'i4', 'i5']);
    expect(await told.answerOf(PROJECT)).toEqual(agreed);
    told.ask(PROJECT, 'SCALE_IN', ['i1', 'i2', 'i3']);
    expect(await told.answerOf(PROJECT)).toEqual(agreed);
    told.ask(PROJECT, 'SCALE_IN', ['i1', 'i2']);
    expect(await told.answerOf(PROJECT)).toEqual(agreed);
    expect(await scaled()).toEqual(['in i4 i5', 'in i3']);
    told.ask(PROJECT, 'PLANNED_MAINTENANCE', ['i1', 'i2']);
    expect(await told.answerOf(PROJECT)).toEqual({ kind: 'ACK', actions: { i1: 'MIGRATE', i2: 'MIGRATE' } });
    told.report(PROJECT, 'i1');
    told.ask(PROJECT, 'MAINTENANCE_COMPLETE', ['i1', 'i2']);
    expect(await told.answerOf(PROJECT)).toEqual(agreed);
    expect(await scaled()).toEqual(['in i4 i5', 'in i3', 'out 3']);
    expect(told.refusals).toEqual([]);
  });

  it('scales in once when it is told twice', async () => {
    startManager();
    await manager.port();
    const event = told.ask(PROJECT, 'SCALE_IN', ['i1', 'i2', 'i3', 'i4']);
    await told.answerOf(PROJECT);
    await told.delivered();
    told.tellAgain(event);
    await told.until('it answers again', () => told.refusals.length > 0);
    expect(told.refusals).toEqual([`project ${PROJECT} has answered SCALE_IN already, with ACK`]);
    expect(await scaled()).toEqual(['in i3 i4']);
  });

  it('is told what was wrong when its answer comes too late', async () => {
    startManager();
    await manager.port();
    const { replyBy = '' } = told.ask(PROJECT, 'SCALE_IN', ['i1', 'i2', 'i3'], 3600);
    await writeFile(
      join(folder, 'scale'),
      `#!/bin/sh\nwhile [ ! -e "${join(folder, 'go')}" ]; do sleep 0.02; done\n`,
    );
    await told.delivered();
    told.ahead = 3_601_000;
    await writeFile(join(folder, 'go'), '');
    expect(await manager.prints(/ACK_SCALE_IN: (409 .*)/)).toBe(
      `409 {"message":"the answer to SCALE_IN was due at ${replyBy}"}`,
    );
    expect(told.projects.get(PROJECT)?.answer).toBeUndefined();
  });

  it('cannot answer for an instance of another project', async () => {
    startManager();
    await manager.port();
    told.ask('another', 'PLANNED_MAINTENANCE', ['b1']);
    told.ask(PROJECT, 'PLANNED_MAINTENANCE', ['i1']);
    await told.answerOf(PROJECT);
    told.ask(PROJECT, 'PLANNED_MAINTENANCE', ['i2']);
    const body = JSON.stringify({
      state: 'ACK_PLANNED_MAINTENANCE',
      instance_actions: { i2: 'MIGRATE', b1: 'MIGRATE' },
    });
    const put = { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body };
    const answer = await fetch(told.linkOf(PROJECT), put);
    expect([answer.status, await answer.json()]).toEqual([
      409,
      { message: 'instance_actions names b1, which PLANNED_MAINTENANCE does not ask about' },
    ]);
    const foreign = await fetch(told.linkOf(PROJECT).replace(PROJECT, 'another'), put);
    expect(foreign.status).toBe(404);
    expect(told.projects.get('another')?.answer).toBeUndefined();
  });

  it('is told again when it was down', async () => {
    told.ask(PROJECT, 'MAINTENANCE', ['i1']);
    told.step();
    await told.until('nobody answers', () => told.reasons.has('no connection: ECONNREFUSED'));
    startManager();
    await manager.port();
    told.ahead = 2_000;
    expect(await told.answerOf(PROJECT)).toEqual({ kind: 'ACK', actions: {} });
  });

  it('believes no wrong signature, and answers for no other project', async () => {
    startManager();
    await manager.port();
    told.targets.set(PROJECT, [
      webhookAt(port, { format: 'EventAlarm', secret: () => Buffer.from('wrong') }),
    ]);
    told.ask(PROJECT, 'SCALE_IN', ['i1', 'i2', 'i3']);
    await told.until('it is refused', () => told.reasons.has('the receiver answered 401'));
    told.targets.set('another', [webhookAt(port, { key: 'of another', format: 'EventAlarm' })]);
    told.ask('another', 'SCALE_IN', ['b1', 'b2', 'b3']);
    await told.until('it is refused', () => told.reasons.has('the receiver answered 422'));
    expect(await scaled()).toEqual([]);
  });

  it('answers for the one instance that is meant', async () => {
    startManager({ ACTION: 'OWN_ACTION' });
    await manager.port();
    const event = told.ask(PROJECT, 'PLANNED_MAINTENANCE', ['i1']);
    told.events = [{ ...event, instance: 'i1' }];
    expect(await told.answerOf(PROJECT)).toEqual({ kind: 'ACK', actions: { i1: 'OWN_ACTION' } });
    expect(await manager.prints(/: 200 (.*)/)).toBe(
      `{"session_id":"${session.uid}","state":"ACK_PLANNED_MAINTENANCE","instance_action":"OWN_ACTION"}`,
    );
  });
});
