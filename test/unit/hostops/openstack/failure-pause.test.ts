/** How long a cloud is left alone after a failure, and what is read anew then. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mayPass, pauseAfter, wasClosed } from '../../../../src/hostops/openstack/observed/failure-pause.ts';
import { ObservedCloud } from '../../../../src/hostops/openstack/observed/observed-cloud.ts';
import { Compute } from '../../../../src/openstack/compute.ts';
import { OpenStackError } from '../../../../src/openstack/errors.ts';
import { Placement } from '../../../../src/openstack/placement.ts';
import { eventually } from '../../../support/eventually.ts';
import { answer, networkError, NOVA, ScriptedCloud, settled } from '../../openstack/scripted-cloud.ts';

describe('the pause after a failure', () => {
  const failed = (...[kind, retryAfterSeconds]: [OpenStackError['kind'], number?]) =>
    new OpenStackError(kind, kind, { retryAfterSeconds });

  it.each([
    ['Nova is away', failed('unavailable'), 5_000],
    ['Nova is slow', failed('timeout'), 5_000],
    ['Nova wishes for little', failed('too-many-requests', 2), 5_000],
    ['Nova wishes for more', failed('too-many-requests', 90), 90_000],
    ['Nova wishes for very much', failed('unavailable', 86_400), 300_000],
    ['another read has failed', failed('closed'), 5_000],
    ['the credentials are wrong', failed('auth'), 30_000],
    ['the certificate has expired', failed('certificate'), 30_000],
    ['a role lacks rights', failed('forbidden'), 30_000],
    ['the region has no compute', failed('no-endpoint'), 30_000],
    ['the Secret cannot be used', new Error('clouds.yaml has no cloud "prod"'), 30_000],
  ])('when %s', (_, error, milliseconds) => {
    expect(pauseAfter(error)).toBe(milliseconds);
    const isPassing = milliseconds !== 30_000 && !wasClosed(error);
    expect(mayPass(error)).toBe(isPassing);
  });
});

describe('a cloud that cannot be reached', () => {
  const SERVICES = `GET ${NOVA}/os-services?binary=nova-compute`;
  let cloud: ScriptedCloud;
  let observed: ObservedCloud;
  let connections: number;
  let isCurrent: boolean;
  let failures: number;

  beforeEach(() => {
    cloud = new ScriptedCloud();
    [connections, isCurrent, failures] = [0, true, 0];
    cloud.on(`GET ${NOVA}/os-aggregates`, answer(200, { aggregates: [] }));
    cloud.on(`GET ${NOVA}/os-hypervisors/detail?limit=500`, answer(200, { hypervisors: [] }));
    cloud.on(SERVICES, answer(429, {}, { 'retry-after': '60' }));
    observed = new ObservedCloud({
      key: 'lab',
      connect: async () => {
        connections += 1;
        const session = cloud.session();
        return {
          ...{ compute: new Compute(session), placement: new Placement(session) },
          ...{ isCurrent: async () => isCurrent, close: () => undefined },
        };
      },
      leases: { of: () => undefined, read: async () => undefined },
      ...{ hostChanged: () => undefined, serversRead: () => undefined, observed: () => (failures += 1) },
      now: cloud.clock.now,
      log: { info: () => undefined, warn: () => undefined },
    });
  });
  afterEach(() => observed.stop());

  it('is asked with the same login, until its Secret has changed', async () => {
    const read = async (): Promise<void> => observed.readHosts().catch(() => undefined);
    await read();
    await read();
    expect(connections).toBe(1);
    isCurrent = false;
    await read();
    await settled();
    await read();
    expect(connections).toBe(2);
  });

  it('tells of a failure once, by whichever request it shows', async () => {
    const refused = (id: string) =>
      answer(403, { forbidden: { code: 403, message: 'no' } }, { 'x-openstack-request-id': `req-${id}` });
    cloud.on(SERVICES, refused('1a-2b'), refused('3c-4d'), answer(404, {}));
    for (const expected of [1, 1, 2]) {
      await observed.readHosts().catch(() => undefined);
      expect(failures).toBe(expected);
    }
    expect(observed.failure).toContain('404');
  });

  it('says why, not that other reads have lost their connection by that', async () => {
    const refusal = answer(403, { forbidden: { code: 403, message: 'no' } });
    cloud.on(SERVICES, refusal, networkError('UND_ERR_DESTROYED'));
    for (const _ of [1, 2]) await observed.readHosts().catch(() => undefined);
    expect(observed.failure).toContain('403');
    expect(connections, 'the next one is not closed, too').toBe(2);
    await observed.readHosts().catch(() => undefined);
    expect(connections).toBe(2);
  });

  it('is not asked before its pause is over, whoever waits for its hosts', async () => {
    observed.start();
    await eventually('the failure', () => failures > 0);
    const before = cloud.asked(SERVICES).length;
    observed.awaitObservation();
    observed.acquire('compute-0', false);
    await settled();
    await settled();
    expect(cloud.asked(SERVICES)).toHaveLength(before);
  });
});
