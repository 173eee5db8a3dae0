/** examples/sessions/database: the keeper and its replicas as processes, told by the sender over real HTTP. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { eventually } from '../../support/eventually.ts';
import { ExampleProcess } from '../../support/example-process.ts';
import { listening } from '../../support/network/loopback.ts';
import { SECRET } from '../tenants/told-events.ts';
import { ToldSession, webhookAt } from './told-session.ts';

const REPORT_MS = '20';
const members = z.array(z.object({ name: z.string(), id: z.string(), role: z.string(), here: z.boolean() }));

let folder: string;
let told: ToldSession;
let keeper: ExampleProcess;
let api: Server;
let apiPort: number;
let port: number;
const removed: string[] = [];
const replicas = new Map<string, ExampleProcess>();

async function startKeeper(at = '0'): Promise<void> {
  keeper = new ExampleProcess('database/keeper.mjs', [], {
    ...{ PORT: at, SECRET_FILE: join(folder, 'secret'), SILENT_MS: '500' },
    ...{ KUBERNETES_API: `http://127.0.0.1:${String(apiPort)}`, NAMESPACE: 'team-a' },
  });
  port = await keeper.port();
  told.targets.set('team-a', [webhookAt(port)]);
}

function startReplica(name: string, uid = `${name}-uid`): void {
  const env = { KEEPER_URL: `http://127.0.0.1:${String(port)}`, POD_NAME: name, POD_UID: uid, REPORT_MS };
  replicas.set(name, new ExampleProcess('database/keeper.mjs', ['replica'], env));
}

async function replace(name: string, uid: string): Promise<void> {
  await replicas.get(name)?.stop();
  startReplica(name, uid);
}

async function shown() {
  const response = await fetch(`http://127.0.0.1:${String(port)}/replicas`);
  return members.parse(await response.json());
}

/** Resolves with the name of the one primary, when all replicas are here. */
async function primary(): Promise<string> {
  return eventually(
    'a primary and two standbys',
    async () => {
      const all = await shown();
      const primaries = all.filter(({ role }) => role === 'primary');
      return (
        all.length === 3 && all.every(({ here }) => here) && primaries.length === 1 && primaries[0]?.name
      );
    },
    { pauseMilliseconds: 10, describe: () => keeper.output },
  );
}

async function standbys(): Promise<[string, string]> {
  const first = await primary();
  const [a = '', b = ''] = ['db-0', 'db-1', 'db-2'].filter((name) => name !== first);
  return [a, b];
}

const idOf = (name: string): string => `${name}-uid`;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'careen-database-'));
  await writeFile(join(folder, 'secret'), SECRET);
  removed.length = 0;
  api = createServer(({ method, url }, response) => {
    removed.push(`${method ?? ''} ${url ?? ''}`);
    response.end('{}');
  });
  apiPort = await listening(api);
  told = new ToldSession();
  await told.start();
  await startKeeper();
  for (const name of ['db-0', 'db-1', 'db-2']) startReplica(name);
});
afterEach(async () => {
  await Promise.all([keeper, ...replicas.values()].map((each) => each.stop()));
  await told.stop();
  api.close();
  await rm(folder, { recursive: true, force: true });
});

describe('the keeper of a database', { timeout: 60_000 }, () => {
  it('agrees at once to what takes no replica away, and to the move of a standby', async () => {
    const [standby] = await standbys();
    for (const state of ['MAINTENANCE', 'SCALE_IN', 'MAINTENANCE_COMPLETE'] as const) {
      told.ask('team-a', state, [idOf(standby)]);
      expect(await told.answerOf('team-a')).toEqual({ kind: 'ACK', actions: {} });
    }
    told.ask('team-a', 'PLANNED_MAINTENANCE', [idOf(standby), 'of something else']);
    const actions = { [idOf(standby)]: 'MIGRATE', 'of something else': 'MIGRATE' };
    expect(await told.answerOf('team-a')).toEqual({ kind: 'ACK', actions });
    expect(keeper.output).not.toContain('switch-over');
  });

  it('gives the primary up only after another replica has taken over', async () => {
    const before = await primary();
    told.ask('team-a', 'PREPARE_MAINTENANCE', [idOf(before)]);
    expect(await told.answerOf('team-a')).toMatchObject({ kind: 'ACK' });
    const roles = await shown();
    expect(roles.find(({ name }) => name === before)?.role).toBe('standby');
    expect(roles.filter(({ role }) => role === 'primary')).toHaveLength(1);
  });

  it('lets no second replica go before the first is back', async () => {
    const [first, second] = await standbys();
    told.ask('team-a', 'PLANNED_MAINTENANCE', [idOf(first)]);
    await told.answerOf('team-a');
    told.ask('team-a', 'PLANNED_MAINTENANCE', [idOf(second)]);
    await told.delivered();
    await replicas.get(first)?.stop();
    told.report('team-a', idOf(first));
    await told.delivered();
    expect(told.projects.get('team-a')?.answer).toBeUndefined();
    startReplica(first, 'another pod');
    expect(await told.answerOf('team-a')).toMatchObject({ kind: 'ACK' });
    expect(told.refusals).toEqual([]);
  });

  it('moves one of two replicas on a host, and removes the other itself when the first is back', async () => {
    const [first, second] = await standbys();
    told.ask('team-a', 'PLANNED_MAINTENANCE', [idOf(first), idOf(second)]);
    const { actions } = await told.answerOf('team-a');
    expect(Object.values(actions).toSorted()).toEqual(['MIGRATE', 'OWN_ACTION']);
    const [moved = '', kept = ''] = [first, second].toSorted((a) =>
      actions[idOf(a)] === 'MIGRATE' ? -1 : 1,
    );
    expect(removed).toEqual([]);
    await replace(moved, 'another pod');
    await eventually('the other is removed', () => removed.length > 0);
    expect(removed).toEqual([`DELETE /api/v1/namespaces/team-a/pods/${kept}`]);
  });

  it('refuses what it could not answer in time', async () => {
    const [first, second] = await standbys();
    await replicas.get(first)?.stop();
    await eventually('it is away', async () => (await shown()).some(({ here }) => !here));
    told.ask('team-a', 'PLANNED_MAINTENANCE', [idOf(second)], 6);
    expect(await told.answerOf('team-a')).toEqual({ kind: 'NACK', actions: {} });
  });

  it('believes no wrong and no old signature', async () => {
    await primary();
    told.targets.set('team-a', [webhookAt(port, { secret: () => Buffer.from('of somebody else') })]);
    told.ask('team-a', 'MAINTENANCE', []);
    await told.until('it is refused', () => told.reasons.has('the receiver answered 401'));
    expect(told.projects.get('team-a')?.answer).toBeUndefined();
    told.targets.set('team-a', [webhookAt(port, { key: 'with the right key' })]);
    told.reasons.clear();
    told.ahead = -301_000;
    told.restart();
    await told.until('it is refused', () => told.reasons.has('the receiver answered 401'));
    told.ahead = 0;
    told.restart();
    expect(await told.answerOf('team-a')).toEqual({ kind: 'ACK', actions: {} });
  });

  it('answers a repeated notification as before, and switches over once', async () => {
    const before = await primary();
    const event = told.ask('team-a', 'PLANNED_MAINTENANCE', [idOf(before)]);
    const { actions } = await told.answerOf('team-a');
    await told.delivered();
    told.tellAgain(event);
    await told.delivered();
    expect(told.refusals).toEqual(['project team-a has answered PLANNED_MAINTENANCE already, with ACK']);
    expect(actions).toEqual({ [idOf(before)]: 'MIGRATE' });
    expect(keeper.output.match(/switch-over/g)).toHaveLength(1);
  });

  it('is asked again when it was down, and hears who is the primary', async () => {
    const before = await primary();
    await keeper.stop();
    told.ask('team-a', 'MAINTENANCE', []);
    await told.until('nobody answers', () => told.reasons.has('no connection: ECONNREFUSED'));
    await startKeeper(String(port));
    told.ahead = 2_000;
    expect(await told.answerOf('team-a')).toEqual({ kind: 'ACK', actions: {} });
    expect(await primary()).toBe(before);
  });

  it('has itself asked again where answers are taken only with the response', async () => {
    const before = await primary();
    const without = new ToldSession();
    await without.start(false);
    without.targets.set('team-a', [webhookAt(port)]);
    without.ask('team-a', 'PLANNED_MAINTENANCE', [idOf(before)]);
    await without.until('it is not ready', () => without.reasons.has('the receiver answered 503'));
    await eventually('another one is', async () => (await primary()) !== before);
    without.ahead = 5_000;
    expect(await without.answerOf('team-a')).toMatchObject({ kind: 'ACK' });
    await without.stop();
  });
});
