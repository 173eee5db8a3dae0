/** The claims of compute hosts as Leases, over an API server in memory. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimIn, ClaimLeases } from '../../../../src/hostops/openstack/claim-leases.ts';
import { httpStatus } from '../../../../src/kube/errors.ts';
import type { ApiObject } from '../../../simulation/world/objects.ts';
import { eventually } from '../../../support/eventually.ts';
import { HOST } from './cloud-objects.ts';
import { claimOf, KEY, OneHost, signal } from './one-host.ts';

const OF = { cloud: KEY, host: HOST, uid: 'service-1' };

let host: OneHost;
let leases: ClaimLeases;
beforeEach(async () => {
  host = new OneHost();
  leases = host.leases;
  await leases.start();
});
afterEach(() => leases.stop());

function stored(): ApiObject[] {
  return host.cluster.server.list('leases');
}

async function claimed() {
  await leases.create(OF, claimOf(), leases.of(KEY, HOST), signal);
  return leases.of(KEY, HOST) ?? expect.fail('there is no claim');
}

/** The HTTP status of a request that fails. */
async function statusOf(request: Promise<unknown>): Promise<number | undefined> {
  return request.then(
    () => 200,
    (error: unknown) => httpStatus(error),
  );
}

describe('the claim of a host', () => {
  it('is a Lease in the namespace of the operator that says who holds which host of which cloud', async () => {
    await claimed();
    expect(stored()).toMatchObject([
      {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: {
          ...{ namespace: 'careen-system', labels: { 'careen.dev/host-claim': '' } },
          annotations: { 'careen.dev/host': HOST, 'careen.dev/cloud': KEY },
        },
        spec: { holderIdentity: 'run-1', acquireTime: '2026-11-27T12:00:00.000000Z' },
      },
    ]);
    expect(claimIn(leases.of(KEY, HOST), 'service-1')).toEqual({ claim: claimOf(), spoilt: undefined });
  });

  it('is known at once, and everybody is told', async () => {
    await claimed();
    expect(leases.of(KEY, HOST)).toBeDefined();
    expect(host.changed).toEqual([HOST]);
  });

  it('can be made for a host of any name, and for hosts of the same name in two clouds', async () => {
    const odd = { ...OF, host: 'Compute_1/é' };
    await leases.create(odd, claimOf(), undefined, signal);
    await claimed();
    await leases.create({ ...OF, cloud: 'secret/other/' }, claimOf(), undefined, signal);
    expect(new Set(stored().map(({ metadata }) => metadata.name)).size).toBe(3);
    for (const { metadata } of stored()) expect(metadata.name).toMatch(/^careen-host-[0-9a-f]{16}$/);
    expect(leases.of(KEY, odd.host)?.host).toBe(odd.host);
  });

  it('cannot be made twice', async () => {
    await claimed();
    expect(await statusOf(leases.create(OF, claimOf({ run: 'run-2' }), undefined, signal))).toBe(409);
    expect(claimIn(leases.of(KEY, HOST), 'service-1').claim?.run).toBe('run-1');
  });

  it('is written again and removed only as it was read', async () => {
    const before = await claimed();
    await leases.replace(before, 'service-1', claimOf({ epoch: 2 }), signal);
    const now = leases.of(KEY, HOST) ?? expect.fail('there is no claim');
    expect(claimIn(now, 'service-1').claim?.epoch).toBe(2);
    expect(await statusOf(leases.replace(before, 'service-1', claimOf({ epoch: 3 }), signal))).toBe(409);
    expect(await statusOf(leases.remove(before, signal))).toBe(409);
    await leases.remove(now, signal);
    const released = leases.of(KEY, HOST) ?? expect.fail('the Lease is gone');
    expect(claimIn(released, 'service-1')).toEqual({ claim: undefined, spoilt: undefined });
    expect(stored()).toMatchObject([{ metadata: { name: now.name } }]);
    expect(stored()[0]?.spec?.['holderIdentity']).toBeUndefined();
    expect(await statusOf(leases.remove(now, signal))).toBe(409);
    host.cluster.server.remove('leases', `careen-system/${now.name}`, 'person');
    expect(await statusOf(leases.remove(released, signal))).toBe(404);
    expect(await statusOf(leases.replace(released, 'service-1', claimOf(), signal))).toBe(404);
  });

  it('that was released cannot be made by a late request of an earlier leader', async () => {
    const claim = await claimed();
    await leases.remove(claim, signal);
    expect(await statusOf(leases.create(OF, claimOf(), undefined, signal)), 'the first one').toBe(409);
    const released = leases.of(KEY, HOST);
    await leases.create(OF, claimOf({ run: 'run-2' }), released, signal);
    expect(await statusOf(leases.create(OF, claimOf(), released, signal)), 'a later one').toBe(409);
    expect(claimIn(leases.of(KEY, HOST), 'service-1').claim?.run).toBe('run-2');
    expect(stored()).toMatchObject([{ spec: { holderIdentity: 'run-2' } }]);
  });

  it('that was removed is gone at once', async () => {
    const claim = await claimed();
    await leases.remove(claim, signal);
    expect(claimIn(leases.of(KEY, HOST), 'service-1').claim).toBeUndefined();
  });

  it('can be read without its host: the Lease knows the uid that the host had', async () => {
    await claimed();
    await leases.create({ ...OF, cloud: 'secret/other/', uid: 'service-9' }, claimOf(), undefined, signal);
    const all = leases.inCloud('secret/other/');
    expect(all.map(({ host: name, hostUid }) => [name, hostUid])).toEqual([[HOST, 'service-9']]);
    expect(all.map((each) => claimIn(each, each.hostUid).claim)).toEqual([claimOf()]);
  });

  it('that was removed and made again is another one', async () => {
    const first = await claimed();
    host.cluster.server.remove('leases', `careen-system/${first.name}`, 'person');
    await eventually('the removal', () => leases.of(KEY, HOST) === undefined);
    const second = await claimed();
    expect(await statusOf(leases.remove({ ...second, uid: first.uid }, signal))).toBe(409);
  });

  it('that others remove or edit is noticed', async () => {
    const { name } = await claimed();
    const key = `careen-system/${name}`;
    host.cluster.server.update(
      'leases',
      key,
      ({ metadata, ...rest }) => ({
        ...rest,
        metadata: { ...metadata, annotations: { 'careen.dev/claim': '{}' } },
      }),
      'person',
    );
    await eventually('the edit', () => claimIn(leases.of(KEY, HOST), 'service-1').spoilt !== undefined);
    host.cluster.server.update(
      'leases',
      key,
      ({ metadata, ...rest }) => ({ ...rest, metadata: { ...metadata, annotations: {} } }),
      'person',
    );
    await eventually('the loss', () => leases.of(KEY, HOST)?.annotation === undefined);
    expect(claimIn(leases.of(KEY, HOST), 'service-1').spoilt, 'its holder is still there').toBeDefined();
    host.cluster.server.remove('leases', key, 'person');
    await eventually('the removal', () => leases.of(KEY, HOST) === undefined);
  });

  it('is read past what is known of it', async () => {
    const other = new ClaimLeases({
      ...{ config: host.cluster.connection.config, namespace: 'careen-system', now: () => 0 },
      ...{ changed: () => undefined, log: { info: () => undefined, warn: () => undefined } },
    });
    await claimed();
    expect(other.of(KEY, HOST)).toBeUndefined();
    expect((await other.read(KEY, HOST, signal))?.host).toBe(HOST);
    expect(await other.read(KEY, 'compute-2', signal)).toBeUndefined();
  });
});

it('a Lease of others in the same namespace is no claim', async () => {
  const metadata = { name: 'careen', namespace: 'careen-system' };
  host.cluster.server.create(
    'leases',
    { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata },
    'operator',
  );
  await claimed();
  expect(host.changed).toEqual([HOST]);
});
