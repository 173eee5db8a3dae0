/** Whether a connection is still the one that the Secret describes. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connectCloud, type CloudConnection } from '../../../../src/hostops/openstack/connection.ts';
import { scriptedServer, type ScriptedServer } from '../../support/scripted-server.ts';

const { signal } = new AbortController();
const CLOUDS_YAML = JSON.stringify({
  clouds: {
    lab: {
      auth: {
        ...{ auth_url: 'https://keystone.test/v3', username: 'careen', password: 'p' },
        ...{ user_domain_name: 'Default', project_name: 'admin', project_domain_name: 'Default' },
      },
      region_name: 'RegionOne',
    },
  },
});

let server: ScriptedServer;
let status: number;
let resourceVersion: string;
let connection: CloudConnection;

beforeEach(async () => {
  [status, resourceVersion] = [200, '7'];
  const data = { 'clouds.yaml': Buffer.from(CLOUDS_YAML).toString('base64') };
  server = await scriptedServer((_, response) =>
    response.writeHead(status).end(JSON.stringify({ metadata: { resourceVersion }, data })),
  );
  const provider = { identityRef: { name: 'creds', cloudName: 'lab' } };
  // The limits of the provider are not read.
  const read = provider as Parameters<typeof connectCloud>[2];
  connection = await connectCloud(server.client, 'careen-system', read, signal);
});
afterEach(() => {
  connection.close();
  server.close();
});

it('is current until the Secret changes', async () => {
  expect(await connection.isCurrent(signal)).toBe(true);
  resourceVersion = '8';
  expect(await connection.isCurrent(signal)).toBe(false);
});

it('counts as current while the Secret cannot be read: nothing better is known', async () => {
  [status, resourceVersion] = [403, '8'];
  expect(await connection.isCurrent(signal)).toBe(true);
});
