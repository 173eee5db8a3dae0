/** The credentials of a cloud in a Secret, and what is said when they are not there. */
import { KubeConfig } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { cloudFrom, readSecret } from '../../../../src/hostops/openstack/identity.ts';
import type { Answer, Call } from '../../../../src/kube/client.ts';

const { signal } = new AbortController();
const CLOUDS_YAML = `
clouds:
  lab:
    auth:
      auth_url: https://keystone.test/v3
      username: careen
      password: pa55-of-careen
      project_name: admin
      user_domain_name: Default
      project_domain_name: Default
    region_name: RegionOne
`;
const WHERE = 'Secret careen-system/creds (spec.provider.openstack.identityRef)';

type Asked = { readonly cloudName?: string; readonly region?: string };

function read(status: number, body: unknown, { cloudName = 'lab', region }: Asked = {}) {
  const asked: string[] = [];
  const transport = async (request: Call): Promise<Answer> => {
    asked.push(`${request.method} ${request.path}`);
    return {
      ...{ ok: status < 400, status, headers: [], body: null },
      json: async () => body,
      text: async () => JSON.stringify(body),
    };
  };
  const config = Object.assign(new KubeConfig(), { transport });
  const provider = {
    ...{ identityRef: { name: 'creds', cloudName }, maxMigrations: 5, maxMigrationsPerHost: 1 },
    ...{ coldMigration: false, evacuation: false, ...(region === undefined ? {} : { region }) },
  };
  const read = provider as Parameters<typeof readSecret>[2]; // the rest is not read
  const cloud = readSecret(config, 'careen-system', read, signal).then((secret) =>
    cloudFrom(secret, 'careen-system', read),
  );
  return { cloud, asked };
}

const secret = (data: Readonly<Record<string, string>>) => ({
  data: Object.fromEntries(
    Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  ),
});
const WHOLE = secret({ 'clouds.yaml': CLOUDS_YAML });

describe('the credentials of a cloud', () => {
  it('are read from the named Secret only', async () => {
    const { cloud, asked } = read(200, WHOLE);
    expect(await cloud).toMatchObject({
      name: 'lab',
      authUrl: 'https://keystone.test/v3',
      region: 'RegionOne',
    });
    expect(asked).toEqual(['GET /api/v1/namespaces/careen-system/secrets/creds']);
  });

  it('are those for the region of the pool, where it names one', async () => {
    expect(await read(200, WHOLE, { region: 'RegionTwo' }).cloud).toMatchObject({ region: 'RegionTwo' });
  });

  it.each<[string, number, unknown, Asked, string]>([
    ['no Secret', 404, {}, {}, `${WHERE} does not exist: make it, with a clouds.yaml`],
    [
      ...(['no right', 403, {}, {}] as const),
      `${WHERE} may not be read by Careen: name it in the value openstack.secretNames of the chart`,
    ],
    ['a Secret without data', 200, {}, {}, `${WHERE} has no key clouds.yaml: put a clouds.yaml into it`],
    [
      ...(['another key', 200, secret({ 'cloud.yaml': CLOUDS_YAML }), {}] as const),
      `${WHERE} has no key clouds.yaml: put a clouds.yaml into it`,
    ],
    [
      ...(['another cloud', 200, WHOLE, { cloudName: 'prod' }] as const),
      `${WHERE}: clouds.yaml has no cloud "prod": it has lab`,
    ],
    [
      ...(['a damaged CA', 200, secret({ 'clouds.yaml': CLOUDS_YAML, cacert: 'x' }), {}] as const),
      `${WHERE}: cacert of the Secret has no certificates as PEM, or a damaged one`,
    ],
  ])('with %s are named with the remedy', async (_, status, body, asked, message) => {
    await expect(read(status, body, asked).cloud).rejects.toThrow(new Error(message));
  });

  it('are not read from a server that fails, whose words are given', async () => {
    const { cloud } = read(500, { message: 'etcd is gone' });
    await expect(cloud).rejects.toThrow(/identityRef\) cannot be read: .*etcd is gone/);
  });

  it('are in no message', async () => {
    const bad = secret({ 'clouds.yaml': CLOUDS_YAML.replace('https://keystone.test/v3', '[pa55-of-careen') });
    const message = await read(200, bad).cloud.then(
      () => '',
      (error: unknown) => String(error),
    );
    expect(message).toContain(WHERE);
    expect(message).not.toContain('pa55-of-careen');
  });
});
