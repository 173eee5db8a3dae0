/** A claim of an earlier leader that is on its way to a host which has changed since. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Outcome } from '../../../../src/engine/effect.ts';
import {
  adoptHost,
  claimHost,
  releaseHost,
  type HostWriter,
} from '../../../../src/hostops/openstack/host-writes.ts';
import { HOST } from './cloud-objects.ts';
import { claimOf, OneHost, RUN, signal } from './one-host.ts';

const LATE = claimOf({ level: 'touched' });

let host: OneHost;
beforeEach(() => {
  host = new OneHost();
});

const disabledByOthers = (): unknown =>
  Object.assign(host.service, { status: 'disabled', disabled_reason: 'a fan is broken' });

async function adopt(writer: HostWriter = host.writer, fields: object = {}): Promise<void> {
  const claim = { ...LATE, epoch: 7 };
  await adoptHost(writer, HOST, { claim, uid: undefined, makeIfMissing: true, ...fields }, signal);
}

/** The earlier leader has read the host, and stands still before it writes, while something else happens. */
async function late(meanwhile: () => Promise<void>): Promise<Outcome> {
  const read: HostWriter['read'] = async (...asked) => {
    const found = await host.writer.read(...asked);
    await meanwhile();
    return found;
  };
  return claimHost({ ...host.writer, read }, await host.effect('claim', { claim: LATE }), signal);
}

describe('a late claim of a host that others have disabled since', () => {
  const takenOver = async (fields: object = {}): Promise<void> => {
    disabledByOthers();
    await adopt(host.writer, fields);
  };

  it('is refused once another leader has taken over, whether the host was ever claimed or not', async () => {
    expect(await late(takenOver), 'there was no Lease').toEqual({ kind: 'stale' });
    expect((await host.seen()).claim).toBeUndefined();
    Object.assign(host.service, { status: 'enabled', disabled_reason: null });
    host.now += 1_000;
    await adopt();
    await releaseHost(host.writer, await host.effect('release'), signal);
    expect(await late(takenOver), 'there was a released one').toEqual({ kind: 'stale' });
    expect((await host.seen()).claim).toBeUndefined();
  });

  it('is accepted where no claim can be on its way, as its run knows', async () => {
    expect(await late(async () => takenOver({ makeIfMissing: false }))).toEqual({ kind: 'accepted' });
  });

  it('is adopted where it arrives before it is refused', async () => {
    let reads = 0;
    const read: HostWriter['read'] = async (...asked) => {
      const found = await host.writer.read(...asked);
      reads += 1;
      if (reads === 1)
        await host.leases.create(
          { cloud: host.writer.cloud, host: HOST, uid: found?.host.uid ?? '' },
          LATE,
          found?.lease,
          signal,
        );
      return found;
    };
    disabledByOthers();
    await adopt({ ...host.writer, read });
    expect((await host.seen()).claim).toMatchObject({ run: RUN, epoch: 7 });
  });
});

it('a host whose claim was adopted or made is written once', async () => {
  await adopt();
  const { revision } = await host.seen();
  await adopt(host.writer, { claim: { ...LATE, run: 'run-2' } });
  expect((await host.seen()).revision, 'the claim of another run is left alone').toBe(revision);
});
