/** The cases of pools whose cloud cannot be used: faults.test.ts runs them on its cloud. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { apply } from '../support/controlplane/apply.ts';
import { cloudSecret, SECRET } from '../support/openstack/cloud-secret.ts';
import type { OperatedCloud } from '../support/openstack/operated-cloud.ts';
import { CA, EXPIRED } from '../unit/openstack/certificates.ts';

/** Other cases crash the operator meanwhile, and each next one waits for the Lease of the one before. */
const SECONDS = 120;

type Conditions = readonly { readonly type: string; readonly status: string; readonly reason: string }[];

function isStalled({ conditions = [] }: { readonly conditions?: Conditions | undefined }): boolean {
  return conditions.some(({ type, status, reason }) => {
    return type === 'Stalled' && status === 'True' && reason === 'ProviderUnavailable';
  });
}

/**
 * @param cloudOf is called when the cloud runs
 * @param place is the number of a host that is in no pool
 */
export function unusableCases(cloudOf: () => OperatedCloud, place: number): void {
  let outdated: Server;
  const clouds: Record<string, Readonly<Record<string, string>>> = {
    wrong: { password: 'wrong-password' },
    member: { username: 'demo', project_name: 'demo' },
    // Nobody listens there.
    nowhere: { auth_url: 'http://127.0.0.1:9/v3' },
  };

  beforeAll(async () => {
    outdated = createServer(EXPIRED, (_, response) => response.writeHead(500).end());
    outdated.listen(0, '127.0.0.1');
    await once(outdated, 'listening');
    const address = outdated.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    clouds['expired'] = { auth_url: `https://127.0.0.1:${String(port)}/v3` };
    const { admin, openStack } = cloudOf();
    await apply(admin, cloudSecret(openStack, clouds, CA));
  });
  afterAll(() => outdated.close());

  it.each<[string, Provider, RegExp]>([
    [
      'no Secret of the name',
      { identityRef: { name: 'missing', cloudName: 'lab' } },
      /Secret careen-system\/missing .* (does not exist|may not be read)/,
    ],
    [
      'no cloud of the name',
      of('other'),
      /has no cloud "other": it has lab, wrong, member, nowhere, expired/,
    ],
    ['a wrong password', of('wrong'), /refuses the credentials of user "admin"/],
    ['a user without the role', of('member'), /was answered with 403.*give user "demo" a role/],
    ['an expired certificate', of('expired'), /the certificate of https:\/\/127.0.0.1:\d+ has expired/],
    [
      'a region without compute',
      { ...of('lab'), region: 'RegionNine' },
      /no public endpoint of compute in region "RegionNine": it has .*public in RegionOne/,
    ],
  ])('touches nothing with %s: pool and strategy are Stalled and say why', async (what, provider, why) => {
    const cloud = cloudOf();
    const host = cloud.openStack.hosts[place] ?? '';
    const fleet = await cloud.fleet(what.toLowerCase().replaceAll(' ', '-'), [host], { provider });
    await fleet.apply({ execution: { mode: 'Run' } });
    const pool = await fleet.untilPool('Stalled', isStalled, SECONDS);
    const strategy = await fleet.until('Stalled', isStalled, SECONDS);
    for (const { conditions = [] } of [pool, strategy])
      expect(conditions.find(({ type }) => type === 'Stalled')?.message).toMatch(why);
    expect(strategy.run?.planDigest).toBe('none');
    const service = await cloud.cloudAdmin.serviceOf(host);
    expect(service).toMatchObject({ status: 'enabled', disabledReason: undefined });
  });

  it('is used as soon as a wrong address in its Secret is corrected', async () => {
    const cloud = cloudOf();
    const fleet = await cloud.fleet('moved', [], { provider: of('nowhere') });
    const { conditions = [] } = await fleet.untilPool('Stalled', isStalled, SECONDS);
    expect(conditions.find(({ type }) => type === 'Stalled')?.message).toMatch(
      /no connection to http:\/\/127.0.0.1:9/,
    );
    await apply(cloud.admin, cloudSecret(cloud.openStack, { ...clouds, nowhere: {} }, CA));
    await fleet.untilPool('Ready', (status) => !isStalled(status), SECONDS);
  });
}

type Provider = Readonly<Record<string, unknown>>;

function of(cloudName: string): Provider {
  return { identityRef: { name: SECRET, cloudName } };
}
