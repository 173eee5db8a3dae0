/** Which migrations an abort cancels, and when it has to try again. */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  cancelMigrations,
  type Cancelling,
} from '../../../../src/hostops/openstack/leaving/cancel-migrations.ts';
import { Compute } from '../../../../src/openstack/compute.ts';
import { answer, NOVA, ScriptedCloud } from '../../openstack/scripted-cloud.ts';
import { ago, HOST, NOW, server } from './cloud-objects.ts';

const { signal } = new AbortController();
const LIST = `GET ${NOVA}/os-migrations?changes-since=${encodeURIComponent(ago(660))}&limit=500`;
const ABORT = `DELETE ${NOVA}/servers/s1/migrations/1`;
const CONFLICT = { conflictingRequest: { code: 409, message: 'it is in no state for that' } };

let cloud: ScriptedCloud;
beforeEach(() => {
  cloud = new ScriptedCloud();
  migrations();
});

function migrations(...all: Readonly<Record<string, unknown>>[]): void {
  const usual = {
    id: 1,
    uuid: 'm',
    instance_uuid: 's1',
    migration_type: 'live-migration',
    status: 'running',
  };
  const times = { created_at: ago(5), updated_at: ago(5) };
  const shown = all.map((each) => ({ ...usual, source_compute: HOST, ...times, ...each }));
  cloud.on(LIST, answer(200, { migrations: shown }));
}

async function cancel(fields: Partial<Cancelling> = {}): Promise<string | undefined> {
  const known = {
    host: HOST,
    since: ago(600),
    servers: undefined,
    moves: { setOff: new Set<string>() },
  };
  const compute = new Compute(cloud.session());
  return cancelMigrations(
    { ...known, compute, beforeWrite: () => undefined, now: () => NOW, ...fields },
    signal,
  );
}

describe('a live migration away from the host', () => {
  it('is cancelled', async () => {
    migrations({});
    cloud.on(ABORT, answer(202));
    expect(await cancel()).toBeUndefined();
    expect(cloud.asked(ABORT)).toHaveLength(1);
  });

  it.each([
    ['another host', { source_compute: 'compute-9' }],
    ['another type', { migration_type: 'resize' }],
    ['another user', { user_id: 'somebody' }],
    ['the past', { status: 'completed' }],
  ])('is not one of %s', async (_, fields) => {
    migrations(fields);
    expect(await cancel()).toBeUndefined();
    expect(cloud.asked(ABORT)).toEqual([]);
  });

  it.each(['accepted', 'preparing', 'queued'])(
    'that is %s and cannot be cancelled yet is tried again',
    async (status) => {
      migrations({ status });
      cloud.on(ABORT, answer(409, CONFLICT));
      expect(await cancel()).toMatch(/server s1 was just asked to leave compute-1/);
    },
  );

  it.each([
    ['is past the point at which it can be stopped', { status: 'post-migrating' }],
    ['a restart of Nova has cut off', { status: 'accepted', created_at: ago(130), updated_at: ago(130) }],
  ])('is given up when it %s', async (_, fields) => {
    migrations(fields);
    cloud.on(ABORT, answer(409, CONFLICT));
    expect(await cancel()).toBeUndefined();
  });
});

describe('a cold migration away from the host', () => {
  it('is confirmed, also where the claim of the host was removed and nothing says since when that was', async () => {
    const CONFIRM = `POST ${NOVA}/servers/s1/action`;
    const finished = {
      ...{ id: 1, uuid: 'm', instance_uuid: 's1', migration_type: 'migration', status: 'finished' },
      ...{ source_compute: HOST, created_at: ago(7200), updated_at: ago(7000) },
    };
    const since = encodeURIComponent(ago(86_400));
    cloud.on(
      `GET ${NOVA}/os-migrations?changes-since=${since}&limit=500`,
      answer(200, { migrations: [finished] }),
    );
    cloud.on(CONFIRM, answer(204));
    expect(await cancel({ since: undefined })).toBeUndefined();
    expect(cloud.asked(CONFIRM)).toHaveLength(1);
  });
});

describe('a server that was just asked to leave', () => {
  const servers = { host: HOST, hostIsUp: true, readAt: NOW, servers: [server({ id: 's1' })] };

  it('is waited for until its migration is recorded', async () => {
    expect(await cancel({ servers, moves: { setOff: new Set(['s1']) } })).toMatch(/server s1/);
    expect(await cancel({ servers, moves: { setOff: new Set(['s9']) } })).toBeUndefined();
  });

  it('counts once its migration is recorded, which is cancelled', async () => {
    migrations({});
    cloud.on(ABORT, answer(202));
    expect(await cancel({ servers, moves: { setOff: new Set(['s1']) } })).toBeUndefined();
  });
});

describe('a cold migration away from the host', () => {
  const ACTION = `POST ${NOVA}/servers/s1/action`;
  const serverIs = (status: string, task: string | null): void => {
    const shown = { id: 's1', tenant_id: 'p', status, created: ago(900), 'OS-EXT-STS:task_state': task };
    cloud.on(`GET ${NOVA}/servers/s1`, answer(200, { server: shown }));
  };

  it('that has arrived is confirmed: nobody else would', async () => {
    migrations({ migration_type: 'migration', status: 'finished' });
    cloud.on(ACTION, answer(202));
    expect(await cancel()).toBeUndefined();
    expect(cloud.asked(ACTION).map(({ body }) => body)).toEqual(['{"confirmResize":null}']);
  });

  it('that is under way is waited for, unless it was cut off', async () => {
    migrations({ migration_type: 'migration', status: 'migrating' });
    serverIs('RESIZE', 'resize_migrating');
    expect(await cancel()).toBe('server s1 moves, and is confirmed when it has arrived');
    serverIs('VERIFY_RESIZE', null);
    expect(await cancel(), 'it has arrived meanwhile').toContain('server s1 moves');
    serverIs('ACTIVE', null);
    expect(await cancel()).toBeUndefined();
  });
});
