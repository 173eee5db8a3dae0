/** How servers leave a host that is down. */
import { describe, expect, it } from 'vitest';
import type { Migration } from '../../../../src/openstack/compute-answers.ts';
import { ago, migration } from './cloud-objects.ts';
import { ALL_ALLOWED, move, NOTHING_ALLOWED } from './one-move.ts';

describe('a server on a host that is down', () => {
  it('is evacuated where the pool allows that', () => {
    const policy = { coldMigration: false, evacuation: true };
    for (const status of ['ACTIVE', 'SHUTOFF', 'ERROR'])
      expect(move({ status }, { hostIsUp: false, policy })).toEqual({ kind: 'evacuate' });
  });

  it('is named with the field that would allow it otherwise', () => {
    expect(move({}, { hostIsUp: false })).toMatchObject({
      kind: 'stuck',
      reason: expect.stringMatching(
        /spec\.provider\.openstack\.evacuation.*openstack server evacuate s1/,
      ) as unknown,
    });
  });

  it.each(['PAUSED', 'SUSPENDED', 'RESCUE'])(
    'is not evacuated in status %s, which Nova refuses',
    (status) => {
      expect(move({ status }, { hostIsUp: false, policy: ALL_ALLOWED })).toMatchObject({
        kind: 'stuck',
        reason: expect.stringMatching(/in which Nova evacuates no server.*set --state active s1/) as unknown,
      });
    },
  );
});

describe('a server whose migration has gone down with its host', () => {
  const more = { hostIsUp: false, policy: ALL_ALLOWED };
  const halted = (status: string, fields: Partial<Migration> = {}): Migration =>
    migration(status, { createdAt: ago(90), updatedAt: ago(61), ...fields });

  it.each([
    ['migrating', 'MIGRATING', 'live-migration'],
    ['resize_prep', 'RESIZE', 'migration'],
  ])('is evacuated where that had not begun: %s', (taskState, status, type) => {
    for (const each of ['accepted', 'queued', 'preparing']) {
      const migrations = [halted(each, { type })];
      const busy = { taskState, status };
      expect(move(busy, { ...more, migrations })).toEqual({ kind: 'evacuate' });
      expect(move(busy, { ...more, migrations, policy: NOTHING_ALLOWED })).toMatchObject({ kind: 'stuck' });
      expect(move(busy, { ...more, migrations, hostIsUp: true }).kind).toBe('moving');
    }
  });

  it('is for a person to judge where that had begun: it may run on the other host', () => {
    const migrations = [halted('running', { dest: 'compute-7' })];
    expect(move({ taskState: 'migrating', status: 'MIGRATING' }, { ...more, migrations })).toEqual({
      kind: 'stuck',
      reason:
        'was moving to compute-7 when its host went down, and may run there: bring the host up, or ' +
        'openstack server evacuate s1 once it surely runs nowhere',
    });
  });

  it('is awaited for a minute: Nova may take a host for down that still works', () => {
    const migrations = [halted('running', { updatedAt: ago(60) })];
    expect(move({ taskState: 'migrating' }, { ...more, migrations }).kind).toBe('moving');
  });

  it('is awaited while it is evacuated, with a record of that or before there is one', () => {
    const migrations = [halted('queued'), halted('pre-migrating', { id: 2, type: 'evacuation' })];
    expect(move({ taskState: 'rebuilding' }, { ...more, migrations })).toMatchObject({ isLive: false });
    expect(move({ taskState: 'rebuilding' }, { ...more, migrations: [halted('queued')] }).kind).toBe('wait');
    expect(move({ host: 'compute-2' }, { ...more, migrations: [halted('queued')] }).kind).toBe('wait');
  });
});
