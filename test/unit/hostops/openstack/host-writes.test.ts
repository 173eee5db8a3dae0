/** Locks and unlocks of a compute host that are cut in two, come late, or meet the locks of others. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Outcome } from '../../../../src/engine/effect.ts';
import {
  adoptHost,
  claimHost,
  leaveHostLocked,
  lockAgain,
  releaseHost,
} from '../../../../src/hostops/openstack/host-writes.ts';
import { HOST, NOW } from './cloud-objects.ts';
import { claimOf, FENCE, KEY, OneHost, OWNER, RUN, signal } from './one-host.ts';

const MARK = `careen:${RUN}`;
const FOREIGN = 'a fan is broken';

let host: OneHost;
beforeEach(() => {
  host = new OneHost();
});

const foreign = (): unknown => Object.assign(host.service, { status: 'disabled', disabled_reason: FOREIGN });

async function claim(fields = {}, effect = {}): Promise<Outcome> {
  return claimHost(host.writer, await host.effect('claim', { claim: claimOf(fields), ...effect }), signal);
}

async function release(fields = {}): Promise<Outcome> {
  return releaseHost(host.writer, await host.effect('release', fields), signal);
}

describe('a claim', () => {
  it('disables the service for the run, and is accepted once', async () => {
    expect(await claim()).toEqual({ kind: 'accepted' });
    expect(await host.state()).toEqual(['disabled', MARK, RUN]);
    expect(await claim()).toEqual({ kind: 'already' });
    expect(host.novaWrites).toBe(1);
  });

  it('of a host that is only touched leaves the service enabled', async () => {
    expect(await claim({ level: 'touched' })).toEqual({ kind: 'accepted' });
    expect(await host.state()).toEqual(['enabled', null, RUN]);
  });

  it('of a host that others have disabled leaves their reason', async () => {
    foreign();
    expect(await claim({ closedToNewWorkBefore: true })).toEqual({ kind: 'accepted' });
    expect(await host.state()).toEqual(['disabled', FOREIGN, RUN]);
    expect(host.novaWrites).toBe(0);
  });

  it('waits while another run holds the host, and names its owner', async () => {
    await claim({ run: 'run-2' });
    expect(await claim()).toEqual({
      ...{ kind: 'blocked', reason: `${HOST} is held by PatchStrategy a/s`, retryAt: NOW + 10_000 },
    });
    expect(await host.state()).toEqual(['disabled', 'careen:run-2', 'run-2']);
  });

  it('that was decided on another state of the host writes nothing', async () => {
    const effect = await host.effect('claim');
    foreign();
    expect(await claimHost(host.writer, effect, signal)).toEqual({ kind: 'stale' });
    expect(await host.state()).toEqual(['disabled', FOREIGN, undefined]);
  });

  it('of a host that Nova does not know writes nothing', async () => {
    const writer = { ...host.writer, read: async () => undefined };
    expect(await claimHost(writer, await host.effect('claim'), signal)).toEqual({ kind: 'stale' });
    expect(host.novaWrites).toBe(0);
  });

  it('is stale when another was made since the host was read', async () => {
    const { writer } = host;
    const of = { cloud: KEY, host: HOST, uid: 'service-1' };
    const read: typeof writer.read = async (name, stopping) => {
      const found = await writer.read(name, stopping);
      await host.leases.create(of, claimOf({ run: 'run-2' }), undefined, signal);
      return found;
    };
    expect(await claimHost({ ...writer, read }, await host.effect('claim'), signal)).toEqual({
      kind: 'stale',
    });
    expect((await host.seen()).claim?.run).toBe('run-2');
  });

  it('that is cut in two between the lock and the Lease is made whole, without a second lock', async () => {
    host.diesAt('POST');
    await expect(claim()).rejects.toThrow('died');
    host.lives();
    expect(await host.state()).toEqual(['disabled', MARK, undefined]);
    expect((await host.seen()).hasMaintenanceMark).toBe(true);
    expect(await claim()).toEqual({ kind: 'accepted' });
    expect(await host.state()).toEqual(['disabled', MARK, RUN]);
    expect(host.novaWrites).toBe(1);
    expect(await release()).toEqual({ kind: 'accepted' });
    expect(await host.state()).toEqual(['enabled', null, undefined]);
  });

  it('that is cut in two and not wanted any more can be undone by the record of its run', async () => {
    host.diesAt('POST');
    await expect(claim()).rejects.toThrow('died');
    host.lives();
    expect(await release(), 'without a record nobody knows whose lock it is').toEqual({ kind: 'already' });
    expect(await release({ closedToNewWorkBefore: false })).toEqual({ kind: 'accepted' });
    expect(await host.state()).toEqual(['enabled', null, undefined]);
  });

  it('by a process that may not write any more does nothing', async () => {
    host.beforeWrite = () => {
      throw new Error('the lease of the leader is lost');
    };
    await expect(claim()).rejects.toThrow('lost');
    expect(await host.state()).toEqual(['enabled', null, undefined]);
  });
});

describe('a release', () => {
  beforeEach(async () => {
    await claim();
  });

  it('that is cut in two between the Lease and the service is made whole', async () => {
    host.beforeWrite = () => {
      throw new Error('died');
    };
    await expect(release()).rejects.toThrow('died');
    host.lives();
    expect(await host.state()).toEqual(['disabled', MARK, undefined]);
    expect(await release({ closedToNewWorkBefore: false })).toEqual({ kind: 'accepted' });
    expect(await host.state()).toEqual(['enabled', null, undefined]);
    expect(await release({ closedToNewWorkBefore: false })).toEqual({ kind: 'already' });
  });

  it('cancels the migrations before the claim is removed', async () => {
    host.diesAt('PATCH');
    await expect(release()).rejects.toThrow('died');
    host.lives();
    expect([host.cancelled, (await host.seen()).claim?.run]).toEqual([[HOST], RUN]);
  });

  it('keeps the claim while a migration cannot be cancelled yet', async () => {
    host.uncancelled = 'server s1 was just asked to leave';
    const why = { reason: host.uncancelled, retryAt: NOW + 2_000 };
    expect(await release()).toEqual({ kind: 'blocked', ...why });
    expect(await host.state()).toEqual(['disabled', MARK, RUN]);
  });

  it.each([
    ['down', { state: 'down' }, 'has not reported'],
    ['forced down', { forced_down: true }, 'was forced down'],
  ])('waits while the service is %s, and keeps the claim', async (_, fields, why) => {
    Object.assign(host.service, fields);
    const outcome = await release();
    expect(outcome).toMatchObject({ kind: 'blocked', retryAt: NOW + 5_000 });
    expect('reason' in outcome && outcome.reason).toMatch(
      new RegExp(`${HOST} is not enabled: it is not up .*${why}`),
    );
    expect(await host.state()).toEqual(['disabled', MARK, RUN]);
    expect(host.cancelled).toEqual([]);
  });

  it('of a claim of another run writes nothing', async () => {
    expect(await release({ run: 'run-2', closedToNewWorkBefore: false })).toEqual({ kind: 'already' });
    expect(await host.state()).toEqual(['disabled', MARK, RUN]);
  });

  it('that was decided on another state of the host writes nothing', async () => {
    const effect = await host.effect('release');
    host.service.state = 'down';
    expect(await releaseHost(host.writer, effect, signal)).toEqual({ kind: 'stale' });
    expect((await host.seen()).claim?.run).toBe(RUN);
  });

  it('of a claim that changed just before it is removed leaves the service disabled', async () => {
    const effect = await host.effect('release');
    const cancelMigrations = async (): Promise<undefined> => {
      await adoptHost(
        host.writer,
        HOST,
        { claim: claimOf({ epoch: 2 }), uid: undefined, makeIfMissing: false },
        signal,
      );
    };
    expect(await releaseHost({ ...host.writer, cancelMigrations }, effect, signal)).toEqual({
      kind: 'stale',
    });
    expect(await host.state()).toEqual(['disabled', MARK, RUN]);
  });

  it('leaves a service that somebody disabled meanwhile for another reason', async () => {
    foreign();
    expect(await release({ closedToNewWorkBefore: false })).toEqual({ kind: 'accepted' });
    expect(await host.state()).toEqual(['disabled', FOREIGN, undefined]);
  });

  it('leaves a service that was disabled before by its record, and takes the mark of a late lock away', async () => {
    expect(await release({ closedToNewWorkBefore: true })).toEqual({ kind: 'accepted' });
    const reason = `disabled by others before the run ${RUN} of Careen, whose lock came late and replaced their reason`;
    expect(await host.state()).toEqual(['disabled', reason, undefined]);
    expect((await host.seen()).hasMaintenanceMark).toBe(false);
    expect(await release({ closedToNewWorkBefore: true })).toEqual({ kind: 'already' });
  });
});

it('the release of a host that others had disabled leaves it so, also while its service is down', async () => {
  foreign();
  await claim({ closedToNewWorkBefore: true });
  host.service.state = 'down';
  expect(await release()).toEqual({ kind: 'accepted' });
  expect(await host.state()).toEqual(['disabled', FOREIGN, undefined]);
  expect(host.novaWrites).toBe(0);
});

describe('a host that somebody enables during the work', () => {
  const open = (): unknown => Object.assign(host.service, { status: 'enabled', disabled_reason: null });

  it('is locked again, and the lock is ours', async () => {
    foreign();
    await claim({ closedToNewWorkBefore: true });
    open();
    expect(await lockAgain(host.writer, await host.effect('recordon'), signal)).toEqual({ kind: 'accepted' });
    expect(await host.state()).toEqual(['disabled', MARK, RUN]);
    expect((await host.seen()).claim?.closedToNewWorkBefore).toBe(false);
    expect(await lockAgain(host.writer, await host.effect('recordon'), signal)).toEqual({ kind: 'already' });
    await release();
    expect(await host.state()).toEqual(['enabled', null, undefined]);
  });

  it('is not left disabled for ever when the lock is cut in two', async () => {
    foreign();
    await claim({ closedToNewWorkBefore: true });
    open();
    host.diesAt('PATCH');
    await expect(lockAgain(host.writer, await host.effect('recordon'), signal)).rejects.toThrow('died');
    host.lives();
    host.beforeWrite = () => {
      throw new Error('died later');
    };
    await expect(lockAgain(host.writer, await host.effect('recordon'), signal)).rejects.toThrow('died later');
    host.lives();
    expect(await lockAgain(host.writer, await host.effect('recordon'), signal)).toEqual({ kind: 'accepted' });
    await release();
    expect(await host.state()).toEqual(['enabled', null, undefined]);
  });

  it('is left open when its claim has changed since it was read', async () => {
    await claim();
    open();
    const { writer } = host;
    const read: typeof writer.read = async (name, stopping) => {
      const found = await writer.read(name, stopping);
      const adoption = { claim: claimOf({ epoch: 2 }), uid: undefined, makeIfMissing: false };
      await adoptHost(writer, name, adoption, signal);
      return found;
    };
    const effect = await host.effect('recordon');
    expect(await lockAgain({ ...writer, read }, effect, signal)).toEqual({ kind: 'stale' });
    expect(await host.state()).toEqual(['enabled', null, RUN]);
  });

  it('is left alone when the claim is that of another run, or was decided on an older state', async () => {
    await claim({ run: 'run-2' });
    open();
    expect(await lockAgain(host.writer, await host.effect('recordon'), signal)).toEqual({ kind: 'stale' });
    const effect = await host.effect('recordon', { run: 'run-2' });
    host.service.state = 'down';
    expect(await lockAgain(host.writer, effect, signal)).toEqual({ kind: 'stale' });
    expect(host.service.status).toBe('enabled');
  });
});

describe('a host that is left locked', () => {
  const leave = async (fields = {}): Promise<Outcome> =>
    leaveHostLocked(host.writer, await host.effect('leave-locked', fields), FENCE, signal);

  it('has a note with the owner and the reason instead of the claim', async () => {
    await claim();
    expect(await leave()).toEqual({ kind: 'accepted' });
    expect(await host.state()).toEqual(['disabled', `careen-left-locked:${OWNER.uid} Job failed`, undefined]);
    expect(await host.seen()).toMatchObject({
      leftLocked: true,
      leftLockedBy: OWNER.uid,
      hasMaintenanceMark: false,
    });
    expect(await leave()).toEqual({ kind: 'already' });
  });

  it('keeps the reason of somebody else, who has disabled it before or meanwhile', async () => {
    await claim();
    foreign();
    expect(await leave()).toEqual({ kind: 'accepted' });
    expect(await host.state()).toEqual(['disabled', FOREIGN, undefined]);
  });

  it('keeps its claim when that is cut in two, and the next try removes it', async () => {
    await claim();
    host.diesAt('PATCH');
    await expect(leave()).rejects.toThrow('died');
    host.lives();
    expect((await host.seen()).claim?.run).toBe(RUN);
    expect(await leave()).toEqual({ kind: 'accepted' });
    expect((await host.seen()).claim).toBeUndefined();
  });

  it('is not written over the claim of another run', async () => {
    await claim({ run: 'run-2' });
    expect(await leave()).toEqual({ kind: 'already' });
    expect(await host.state()).toEqual(['disabled', 'careen:run-2', 'run-2']);
  });
});

describe('a new leader', () => {
  const adopt = async (fields: object = {}): Promise<void> =>
    adoptHost(
      host.writer,
      HOST,
      { claim: claimOf({ epoch: 7 }), uid: undefined, makeIfMissing: true, ...fields },
      signal,
    );

  it('writes the claim again under its epoch, so that a late release of the former one is stale', async () => {
    await claim();
    const late = await host.effect('release');
    await adopt();
    expect((await host.seen()).claim?.epoch).toBe(7);
    expect(await releaseHost(host.writer, late, signal)).toEqual({ kind: 'stale' });
  });

  it('makes a claim that may be in flight, and no other', async () => {
    await adopt({ makeIfMissing: false });
    expect(await host.state()).toEqual(['enabled', null, undefined]);
    await adopt({ uid: 'another service' });
    expect(await host.state()).toEqual(['enabled', null, undefined]);
    await adopt();
    expect(await host.state()).toEqual(['disabled', MARK, RUN]);
  });

  it('makes no claim that says that an open host was found closed', async () => {
    await adopt({ claim: claimOf({ closedToNewWorkBefore: true }) });
    expect(await host.state()).toEqual(['enabled', null, undefined]);
  });

  it('leaves the claim of another run', async () => {
    await claim({ run: 'run-2' });
    await adopt();
    expect((await host.seen()).claim).toMatchObject({ run: 'run-2', epoch: 1 });
  });
});
