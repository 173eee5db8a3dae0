/** Sessions that share groups decide one after another, each on what the others have stored. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { StageStatus } from '../../../src/crds/observed/strategy-status.ts';
import type { RunState } from '../../../src/engine/run/run-state.ts';
import { newSession, type InstanceQuestion } from '../../../src/engine/session/session-state.ts';
import { ConflictError } from '../../../src/kube/errors.ts';
import { OtherSessions } from '../../../src/controllers/session/other-sessions.ts';
import type { Strategy } from '../../../src/resources/stored-strategy.ts';

const [ONE, TWO] = ['one', 'two'].map((name) => `MaintenanceSession/ops/${name}`) as [string, string];

type Pass = Parameters<OtherSessions['store']>[0];

let now = 0;
let requests: string[] = [];
let version = 1;
let stored = new Map<string, Strategy>();
let adopted = new Map<string, { readonly run: string }>();
let sessions: OtherSessions;

function question(instance: string): InstanceQuestion {
  return {
    ...{ instance, host: 'h1', project: 'web', asked: 'PLANNED_MAINTENANCE', askedAt: '', replyBy: '' },
    ...{ migrationType: 'MIGRATE', groups: ['g'] },
  };
}

/** A run that has asked about these instances. */
function runThatAsks(...instances: readonly string[]): RunState {
  const stage = { id: 0, inProgress: true } as unknown as StageStatus;
  const session = { ...newSession([]), asking: { stage: 0, attempt: 1 }, questions: instances.map(question) };
  // Only these parts are looked at.
  return { state: 'applying', apply: { currentStage: 0, stages: [stage] }, session } as unknown as RunState;
}

function put(key: string, run: RunState, of = 'r-1'): void {
  const [, namespace, name] = key.split('/');
  version += 1;
  const metadata = { namespace, name, uid: key, resourceVersion: String(version) };
  const { state, apply: applyPhase, session } = run;
  stored.set(key, {
    metadata,
    status: { run: { id: of }, state, applyPhase, session },
  } as unknown as Strategy);
}

/** A pass of a session, as it has read it. */
function pass(key: string): Pass {
  const strategy = stored.get(key);
  const { applyPhase: apply, session } = strategy?.status ?? {};
  const attachment = { view: () => ({ host: () => undefined }) };
  return { key, strategy, attachment, stored: { run: { apply, session } } } as unknown as Pass;
}

/** Makes a pass of a session that asks about an instance. */
async function asks(key: string, instance: string, save?: () => Promise<void>): Promise<void> {
  const own = pass(key);
  const rests = await sessions.besides(own);
  const next = runThatAsks(instance);
  await sessions.store(own, { rests, next }, save ?? (async () => put(key, next)));
}

beforeEach(() => {
  now = 0;
  requests = [];
  stored = new Map();
  adopted = new Map([ONE, TWO].map((key) => [key, { run: 'r-1' }]));
  const strategy = async ({ namespace, name }: { namespace: string; name: string }) => {
    requests.push(name);
    return Promise.resolve(stored.get(`MaintenanceSession/${namespace}/${name}`));
  };
  sessions = new OtherSessions({ api: { strategy }, adopted, clock: () => now });
  for (const key of [ONE, TWO]) {
    put(key, runThatAsks());
    sessions.shows(key, true);
  }
  sessions.areAllShown();
});

const affectedBeside = async (key: string) =>
  (await sessions.besides(pass(key))).affected.map(({ session, instance }) => `${instance} by ${session}`);

describe('sessions that share groups', () => {
  it('see what the others have stored', async () => {
    await asks(ONE, 'a');
    expect(await affectedBeside(TWO)).toEqual(['a by MaintenanceSession ops/one']);
    expect(await affectedBeside(ONE)).toEqual([]);
  });

  it('store no decision that did not know what another one has just stored', async () => {
    const both = await Promise.allSettled([asks(ONE, 'a'), asks(TWO, 'b')]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    await expect(asks(TWO, 'b')).resolves.toBeUndefined();
  });

  it('store a decision that asks nobody at any time', async () => {
    const [one, two] = [pass(ONE), pass(TWO)];
    const rests = await sessions.besides(two);
    await sessions.store(one, { rests: await sessions.besides(one), next: runThatAsks('a') }, async () =>
      put(ONE, runThatAsks('a')),
    );
    await expect(sessions.store(two, { rests, next: runThatAsks() }, async () => 'saved')).resolves.toBe(
      'saved',
    );
  });

  it('go on when one of them could not store its decision', async () => {
    await expect(asks(ONE, 'a', () => Promise.reject(new ConflictError('changed')))).rejects.toThrow(
      'changed',
    );
    await expect(asks(TWO, 'b')).resolves.toBeUndefined();
  });

  it('count a decision whose write may still arrive, until the session has another version', async () => {
    await expect(asks(ONE, 'a', () => Promise.reject(new Error('timed out')))).rejects.toThrow('timed out');
    expect(await affectedBeside(TWO)).toEqual(['a by MaintenanceSession ops/one']);
    put(ONE, runThatAsks());
    expect(await affectedBeside(TWO)).toEqual([]);
  });

  it('do not read one again that affects nothing, until it does', async () => {
    await affectedBeside(TWO);
    requests = [];
    expect(await affectedBeside(TWO)).toEqual([]);
    expect(requests).toEqual([]);
    await asks(ONE, 'a');
    expect(await affectedBeside(TWO)).toEqual(['a by MaintenanceSession ops/one']);
  });

  it('do not take one for idle that asks while it is read', async () => {
    const reading = sessions.besides(pass(TWO));
    const asking = asks(ONE, 'a');
    await Promise.allSettled([reading, asking]);
    expect(await affectedBeside(TWO)).toEqual(['a by MaintenanceSession ops/one']);
  });

  it('read one anew that this process takes over anew', async () => {
    await affectedBeside(TWO);
    put(ONE, runThatAsks('a'));
    adopted.set(ONE, { run: 'r-1' });
    expect(await affectedBeside(TWO)).toEqual(['a by MaintenanceSession ops/one']);
  });

  it('read nobody when there is no other', async () => {
    sessions.shows(TWO, false);
    requests = [];
    await asks(ONE, 'a');
    expect(requests).toEqual([]);
  });
});

describe('a session is uncertain', () => {
  it('until this process has taken over its run, and no longer than five minutes', async () => {
    adopted.delete(ONE);
    expect((await sessions.besides(pass(TWO))).uncertain).toEqual(['MaintenanceSession ops/one']);
    adopted.set(ONE, { run: 'an earlier one' });
    expect((await sessions.besides(pass(TWO))).uncertain).toEqual(['MaintenanceSession ops/one']);
    now = 300_001;
    expect((await sessions.besides(pass(TWO))).uncertain).toEqual([]);
  });

  it('not at all without a run', async () => {
    adopted.delete(ONE);
    stored.set(ONE, { ...stored.get(ONE), status: {} } as unknown as Strategy);
    expect((await sessions.besides(pass(TWO))).uncertain).toEqual([]);
  });

  it('like any other, while the watch has not shown all of them', async () => {
    const fresh = new OtherSessions({
      ...{ api: { strategy: () => Promise.resolve(undefined) }, adopted, clock: () => now },
    });
    expect((await fresh.besides(pass(TWO))).uncertain).toEqual(['each MaintenanceSession']);
  });
});
