/** Which migrations are called off, and what the answers of Nova mean. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Outcome } from '../../../../src/engine/effect.ts';
import { callOff } from '../../../../src/hostops/openstack/leaving/call-off.ts';
import { Compute } from '../../../../src/openstack/compute.ts';
import type { Migration } from '../../../../src/openstack/compute-answers.ts';
import { answer, NOVA, ScriptedCloud } from '../../openstack/scripted-cloud.ts';
import { HOST, migration, NOW } from './cloud-objects.ts';

const { signal } = new AbortController();
const ABORT = `DELETE ${NOVA}/servers/s1/migrations/1`;

let cloud: ScriptedCloud;
beforeEach(() => {
  cloud = new ScriptedCloud();
});

async function called(...migrations: Migration[]): Promise<Outcome> {
  const instance = { uid: 's1', namespace: 'p1', name: 'web' };
  const compute = new Compute(cloud.session());
  return callOff(
    { compute, moves: { migrations }, beforeWrite: () => undefined, now: () => NOW },
    { kind: 'call-off', key: 'k', host: HOST, instance },
    signal,
  );
}

const live = (status: string): Migration => migration(status, { id: 1, type: 'live-migration' });

describe('a migration', () => {
  it('that is live is aborted', async () => {
    cloud.on(ABORT, answer(202));
    expect(await called(live('running'))).toEqual({ kind: 'accepted' });
  });

  it('that has ended needs nothing, whether Careen knows it or Nova says so', async () => {
    expect(await called(live('completed'))).toEqual({ kind: 'already' });
    cloud.on(ABORT, answer(404, { itemNotFound: { code: 404, message: 'gone' } }));
    expect(await called(live('running'))).toEqual({ kind: 'already' });
  });

  it('that Nova cannot abort yet is tried again', async () => {
    cloud.on(ABORT, answer(409, { conflictingRequest: { code: 409, message: 'in no state for that' } }));
    expect(await called(live('preparing'))).toMatchObject({ kind: 'blocked', retryAt: NOW + 5000 });
  });

  it('that is cold cannot be called off', async () => {
    expect(await called(migration('migrating', { id: 1, type: 'migration' }))).toMatchObject({
      kind: 'refused',
    });
  });
});
