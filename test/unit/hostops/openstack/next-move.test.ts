/** How a server leaves its host, for each of the states that Nova may show. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  hasFailed,
  isHalted,
  isOpen,
  liveObstacle,
  MOST_FAILURES,
  nextMove,
  type Situation,
} from '../../../../src/hostops/openstack/leaving/next-move.ts';
import type { Migration } from '../../../../src/openstack/compute-answers.ts';
import { ago, flavored, HOST, migration, NOW, server } from './cloud-objects.ts';
import { ALL_ALLOWED, move, NOTHING_ALLOWED } from './one-move.ts';

describe('a server without a task', () => {
  it.each([
    ['ACTIVE', 'live-migrate'],
    ['PAUSED', 'live-migrate'],
    ['SHUTOFF', 'cold-migrate'],
    ['BUILD', 'wait'],
    ['RESIZE', 'wait'],
    ['MIGRATING', 'wait'],
    ['REBUILD', 'wait'],
    ['SUSPENDED', 'stuck'],
    ['RESCUE', 'stuck'],
    ['ERROR', 'stuck'],
    ['UNKNOWN', 'stuck'],
    ['VERIFY_RESIZE', 'stuck'],
  ])('in status %s: %s', (status, kind) => {
    expect(move({ status }).kind).toBe(kind);
  });

  it('in status ERROR is named with its fault and what mends it', () => {
    const fault = { code: 500, message: 'no space left' };
    expect(move({ status: 'ERROR', fault })).toEqual({
      kind: 'stuck',
      reason:
        'is in status ERROR, in which Nova moves no server: no space left; ' +
        'openstack server set --state active s1 when it is well, or delete it',
    });
  });
});

describe('a server with a task', () => {
  it.each(['migrating', 'powering-off', 'image_snapshot'])(
    '%s is not asked before that has ended',
    (taskState) => {
      expect(move({ taskState })).toMatchObject({ kind: 'wait' });
      expect(move({ taskState, status: 'SHUTOFF' })).toMatchObject({ kind: 'wait' });
      expect(move({ taskState, status: 'VERIFY_RESIZE' }), 'one that is being confirmed').toMatchObject({
        kind: 'wait',
      });
    },
  );
});

describe('an open migration', () => {
  it.each(['accepted', 'queued', 'preparing'])(
    'that is %s has not begun: its time does not count',
    (status) => {
      expect(move({}, { migrations: [migration(status)] })).toEqual({
        ...{ kind: 'moving', since: undefined, isLive: true },
      });
    },
  );

  it.each(['running', 'pre-migrating', 'migrating', 'post-migrating'])('that is %s has begun', (status) => {
    const createdAt = ago(77);
    expect(move({}, { migrations: [migration(status, { createdAt })] })).toEqual({
      ...{ kind: 'moving', since: createdAt, isLive: true },
    });
  });

  it('that has left its queue has begun then', () => {
    const migrations = [migration('running', { id: 7, createdAt: ago(900) })];
    expect(move({}, { migrations, queuedAt: new Map([[7, NOW - 5_000]]) })).toMatchObject({ since: ago(5) });
  });

  it('that is no live one cannot be aborted', () => {
    expect(move({}, { migrations: [migration('migrating', { type: 'migration' })] })).toMatchObject({
      ...{ kind: 'moving', isLive: false },
    });
  });

  it('counts also where earlier ones have failed', () => {
    const failed = Array.from({ length: MOST_FAILURES }, () => migration('error'));
    expect(move({}, { migrations: [...failed, migration('running')] }).kind).toBe('moving');
  });
});

describe('a server in VERIFY_RESIZE', () => {
  const resized = (fields: Partial<Migration>, at = 'compute-2') =>
    move({ status: 'VERIFY_RESIZE', host: at }, { migrations: [migration('finished', fields)] });

  it('is confirmed when a cold migration moved it', () => {
    expect(resized({ type: 'migration' })).toEqual({ kind: 'confirm' });
  });

  it('is for its owner to confirm when it was resized', () => {
    expect(resized({ type: 'resize' })).toMatchObject({
      kind: 'stuck',
      reason:
        'was resized, and its owner has neither confirmed nor reverted that: openstack server resize confirm s1, or revert',
    });
  });

  it('is not called resized when it was there before the outage: a cold migration may have brought it', () => {
    expect(move({ status: 'VERIFY_RESIZE' }, { migrations: [] })).toMatchObject({
      kind: 'stuck',
      reason:
        'was resized, or came by a cold migration, and nobody has confirmed or reverted that: ' +
        'openstack server resize confirm s1, or revert',
    });
  });

  it('is awaited while it is being confirmed', () => {
    const migrations = [migration('confirming', { type: 'migration' })];
    expect(move({ status: 'VERIFY_RESIZE', host: 'compute-2' }, { migrations }).kind).toBe('wait');
  });
});

it('a server that has left meanwhile is not asked on its new host', () => {
  const migrations = [migration('finished', { type: 'migration' })];
  expect(move({ host: 'compute-2' }, { migrations }).kind).toBe('wait');
});

describe('a running server that does not move live', () => {
  const vTpm = flavored({ 'hw:tpm_version': '2.0' });

  it.each([
    [{ 'pci_passthrough:alias': 'gpu:1' }, {}, 'its flavor asks for a PCI device'],
    [{ 'accel:device_profile': 'fpga' }, {}, 'its flavor asks for an accelerator'],
    [{ 'hw:mem_encryption': 'True' }, {}, 'its flavor asks for encrypted memory'],
    [{ 'hw:mem_encryption': 'false' }, {}, undefined],
    [{}, { hw_mem_encryption: true }, 'its image asks for encrypted memory'],
    [{}, { hw_mem_encryption: 'False' }, undefined],
    [{ 'hw:tpm_version': '2.0' }, {}, 'its flavor asks for a vTPM without hw:tpm_secret_security=host'],
    [{ 'hw:tpm_version': '2.0', 'hw:tpm_secret_security': 'user' }, {}, 'its flavor asks for a vTPM'],
    [{ 'hw:tpm_version': '2.0', 'hw:tpm_secret_security': 'host' }, {}, undefined],
    [{}, { hw_tpm_version: '2.0' }, 'its image asks for a vTPM without hw:tpm_secret_security=host'],
    [{ 'hw:tpm_secret_security': 'host' }, { hw_tpm_version: '1.2' }, undefined],
    [{}, {}, undefined],
  ])('because of %j and %j', (extraSpecs, imageProperties, obstacle) => {
    const found = liveObstacle(server({ flavor: flavored(extraSpecs), imageProperties }));
    if (obstacle === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(obstacle);
  });

  it('because it has shares of Manila, and is not evacuated either', () => {
    const sharing = { hasShares: true };
    expect(move({}, { ...sharing, policy: ALL_ALLOWED })).toEqual({ kind: 'cold-migrate' });
    expect(move({}, sharing)).toMatchObject({
      kind: 'stuck',
      reason: expect.stringContaining('cannot move live (it has shares of Manila)') as unknown,
    });
    expect(move({}, { ...sharing, policy: ALL_ALLOWED, hostIsUp: false })).toMatchObject({
      kind: 'stuck',
      reason: expect.stringContaining('does not evacuate it') as unknown,
    });
  });

  it('moves cold where the pool allows that, and is named with the field otherwise', () => {
    expect(move({ flavor: vTpm }, { policy: ALL_ALLOWED })).toEqual({ kind: 'cold-migrate' });
    expect(move({ flavor: vTpm })).toMatchObject({
      kind: 'stuck',
      reason: expect.stringMatching(
        /a vTPM.*spec\.provider\.openstack\.coldMigration.*migrate s1/,
      ) as unknown,
    });
  });

  it('moves cold after a live migration that failed, and one that is paused tries again', () => {
    const more = { migrations: [migration('error')], policy: ALL_ALLOWED };
    expect(move({}, more).kind).toBe('cold-migrate');
    expect(move({ status: 'PAUSED' }, more).kind).toBe('live-migrate');
    expect(move({}, { ...more, policy: NOTHING_ALLOWED }).kind).toBe('live-migrate');
    const cold = [migration('error', { type: 'migration' })];
    expect(move({}, { ...more, migrations: cold }).kind, 'after a cold one').toBe('live-migrate');
  });
});

it('a server whose migrations failed often is named with its fault and how often', () => {
  const migrations = Array.from({ length: MOST_FAILURES }, (_, id) => migration('failed', { id, dest: 'b' }));
  const fault = 'No valid host was found';
  const { reason } = move({}, { migrations, fault }) as { reason?: string };
  expect(reason).toMatch(
    /^did not leave in 3 attempts: No valid host was found: see openstack server show s1/,
  );
  expect(move({}, { migrations: migrations.slice(1) }).kind).toBe('live-migrate');
});

describe('a server for which Nova finds no host', () => {
  const failed = (...seconds: number[]): Migration[] =>
    seconds.map((each, id) => migration('error', { id, createdAt: ago(each), updatedAt: ago(each) }));

  it.each([
    ['half a minute', [29], 'stuck'],
    ['half a minute', [30], 'live-migrate'],
    ['two minutes, the second time', [200, 119], 'stuck'],
    ['two minutes, the second time', [200, 120], 'live-migrate'],
  ])('is asked again after %s: %j: %s', (_, seconds, kind) => {
    expect(move({}, { migrations: failed(...seconds) }).kind).toBe(kind);
  });

  it('is named meanwhile, with why that may be and when the next attempt follows', () => {
    expect(move({}, { migrations: failed(10) })).toMatchObject({
      reason: expect.stringMatching(
        /^found no host in attempt 1 of 3: .*openstack server show s1.* at 2026-11-27T12:00:20/,
      ) as unknown,
    });
  });
});

const STATUSES = [
  ...[
    'ACTIVE',
    'PAUSED',
    'SHUTOFF',
    'BUILD',
    'RESIZE',
    'MIGRATING',
    'REBUILD',
    'SUSPENDED',
    'RESCUE',
    'ERROR',
  ],
  ...['VERIFY_RESIZE', 'UNKNOWN', 'PASSWORD', 'REVERT_RESIZE', 'SHELVED'],
];
const MIGRATION_STATUSES = [
  ...[
    'accepted',
    'queued',
    'preparing',
    'running',
    'pre-migrating',
    'migrating',
    'post-migrating',
    'finished',
  ],
  ...[
    'confirming',
    'confirmed',
    'reverting',
    'reverted',
    'completed',
    'cancelled',
    'error',
    'failed',
    'done',
  ],
];
const anySituation: fc.Arbitrary<Situation> = fc
  .record({
    status: fc.constantFrom(...STATUSES),
    taskState: fc.option(fc.constantFrom('migrating', 'resize_prep', 'powering-off', 'deleting'), {
      nil: undefined,
    }),
    at: fc.constantFrom(HOST, HOST, 'compute-2'),
    pci: fc.boolean(),
    migrations: fc.array(
      fc.record({
        status: fc.constantFrom(...MIGRATION_STATUSES),
        type: fc.constantFrom('live-migration', 'migration', 'resize', 'evacuation'),
        dest: fc.constantFrom('compute-2', undefined),
        updatedAt: fc.constantFrom(ago(30), ago(90)),
      }),
      { maxLength: 5 },
    ),
    hostIsUp: fc.boolean(),
    hasShares: fc.boolean(),
    policy: fc.record({ coldMigration: fc.boolean(), evacuation: fc.boolean() }),
  })
  .map(({ status, taskState, at, pci, migrations, hostIsUp, hasShares, policy }) => ({
    ...{ host: HOST, hostIsUp, hasShares, policy, now: NOW, queuedAt: new Map(), fault: undefined },
    server: server({
      status,
      taskState,
      host: at,
      ...(pci ? { flavor: flavored({ 'pci_passthrough:alias': 'a' }) } : {}),
    }),
    migrations: migrations.map((each, id) => migration(each.status, { ...each, id })),
  }));

describe('whatever Nova shows', () => {
  it('nothing is asked of a server with a task, or with a migration under way', () => {
    fc.assert(
      fc.property(anySituation, (situation) => {
        const { kind } = nextMove(situation);
        const isAsked = !['moving', 'wait', 'stuck'].includes(kind);
        const open = situation.migrations.filter((each) => isOpen(each) && each.status !== 'finished');
        const isLost = kind === 'evacuate' && open.length > 0;
        if (isLost) expect(open.every((each) => isHalted(each, situation))).toBe(true);
        const { taskState } = situation.server;
        const isBusy = taskState !== undefined || (kind !== 'confirm' && open.length > 0);
        if (isLost) expect(taskState).toBeOneOf([undefined, 'migrating', 'resize_prep']);
        expect(isAsked && isBusy && !isLost).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  it('a move begins only on the host that the server shall leave, and only as the pool allows', () => {
    fc.assert(
      fc.property(anySituation, (situation) => {
        const { kind } = nextMove(situation);
        const { server: of, policy, hostIsUp, migrations } = situation;
        if (kind === 'live-migrate' || kind === 'cold-migrate' || kind === 'evacuate') {
          expect(of.host).toBe(HOST);
          expect(migrations.filter(hasFailed).length).toBeLessThan(MOST_FAILURES);
        }
        if (kind === 'evacuate') expect([hostIsUp, policy.evacuation]).toEqual([false, true]);
        if (kind === 'live-migrate') expect(hostIsUp).toBe(true);
        if (kind === 'cold-migrate') expect(of.status === 'SHUTOFF' || policy.coldMigration).toBe(true);
        if (kind === 'confirm') expect(of.status).toBe('VERIFY_RESIZE');
      }),
      { numRuns: 2_000 },
    );
  });

  it('a server that stays has a command or a field in its text that mends it', () => {
    fc.assert(
      fc.property(anySituation, (situation) => {
        const next = nextMove(situation);
        if (next.kind === 'stuck') expect(next.reason).toMatch(/openstack server [a-z -]+s1/);
        if (next.kind === 'wait') expect(next.reason).toMatch(/^(is|has) /);
      }),
      { numRuns: 2_000 },
    );
  });
});
