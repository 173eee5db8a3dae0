/** Pools whose hosts are no nodes: the commands that know only nodes say so. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCluster } from '../../../src/cli/cluster/read-fleet.ts';
import { cloudChecks } from '../../../src/cli/doctor/fleet-checks.ts';
import { hostReport, unknownHosts } from '../../../src/cli/explain/host-report.ts';
import { readInputs } from '../../../src/cli/plan/inputs.ts';
import { commandsFor } from '../../../src/cli/status/commands.ts';
import { hostPool, type HostPool } from '../../../src/resources/stored-pool.ts';
import type { NewObject } from '../../simulation/world/objects.ts';
import { poolManifest, strategyManifest } from '../../support/operator/strategies.ts';
import { ClusterInMemory } from '../support/cluster-in-memory.ts';

const IN_CLOUD = { openstack: { identityRef: { name: 'login', cloudName: 'prod' } } };
const REFUSAL =
  'the hosts of HostPool cloud are compute hosts of OpenStack (spec.provider.openstack), and this command knows only ' +
  'nodes; careen plan without --fleet plans them';
const LEASES = '-n careen-system get leases -l careen.dev/host-claim';

function pool(name: string, provider: object): HostPool {
  const metadata = { name, uid: name, resourceVersion: '1', generation: 1 };
  return hostPool.parse({
    metadata: { ...metadata, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { provider, maxUnavailable: 1 },
  });
}
const POOLS = [pool('cloud', IN_CLOUD), pool('default', { kubernetes: {} })];

describe('a plan of such a pool', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'careen-cloud-'));
  });
  afterAll(async () => rm(folder, { recursive: true }));

  it('is not made from a cluster, and no node is listed', async () => {
    const cluster = new ClusterInMemory();
    // A cast: a manifest has a kind and a name.
    const manifest = poolManifest('cloud', 1, { provider: IN_CLOUD }) as unknown as NewObject;
    cluster.server.create('hostpools', manifest, 'person');
    const reading = readCluster(cluster.connection, 'cloud', () => undefined, false);
    await expect(reading).rejects.toThrow(REFUSAL);
    expect(cluster.requests.filter((request) => request.includes('nodes'))).toEqual([]);
  });

  it('is not made from a fleet file', async () => {
    const [filename, fleet] = [join(folder, 'strategy.yaml'), join(folder, 'fleet.yaml')];
    await writeFile(filename, JSON.stringify(strategyManifest('s', 'careen-hosts', { poolRef: 'cloud' })));
    const { apiVersion, spec } = poolManifest('cloud', 1, { provider: IN_CLOUD });
    const document = { apiVersion, kind: 'Fleet', pool: { name: 'cloud', spec }, hosts: [] };
    await writeFile(fleet, JSON.stringify(document));
    const io = { environment: {}, note: () => undefined };
    await expect(readInputs({ filename, fleet }, io)).rejects.toThrow(REFUSAL);
  });
});

describe('the report about a node', () => {
  const node = { metadata: { name: 'w-1', uid: 'u', labels: {} } };

  it('names no such pool', () => {
    const report = hostReport({ node, pools: POOLS, strategies: [] }, { program: 'careen' });
    expect(report).toMatchObject({ pool: 'default', alsoSelectedBy: [] });
  });

  it('says for an unknown host which pools have others', () => {
    expect(unknownHosts(POOLS)).toBe(
      '; this command does not know the compute hosts of OpenStack in HostPool cloud: ' +
        `kubectl ${LEASES} shows which of them are claimed`,
    );
    expect(unknownHosts([pool('default', { kubernetes: {} })])).toBe('');
  });
});

it('the examination names the pools whose hosts it does not read', () => {
  const commands = commandsFor({ name: '', namespace: '', singular: '' }, { program: 'careen' });
  expect(cloudChecks(POOLS, commands)).toEqual([
    {
      level: 'skipped',
      about: 'hosts of pool cloud',
      message: 'compute hosts of OpenStack, which this command does not read',
      todo: { does: 'see which of them are claimed', command: `kubectl ${LEASES}` },
    },
  ]);
});
