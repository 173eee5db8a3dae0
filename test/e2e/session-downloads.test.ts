/** The downloads of sessions: from a server with TLS to the ConfigMaps that Jobs mount. */
import { createHash } from 'node:crypto';
import { BatchV1Api, CoreV1Api } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { FileServer } from '../support/network/file-server.ts';
import { startOperator } from '../support/operator/operator.ts';
import { Cluster } from './cluster.ts';

let cluster: Cluster;
let files: FileServer;
beforeAll(async () => {
  files = await FileServer.start();
  const environment = { NODE_EXTRA_CA_CERTS: files.caFile };
  cluster = await Cluster.start(async (kubeconfig) => startOperator(kubeconfig, { environment }));
});
afterAll(async () => {
  await cluster.stop();
  await files.stop();
});

describe('a maintenance session', () => {
  it('gives its actions the files that it has fetched and checked, once, and owns them', async () => {
    const content = 'x'.repeat(1_200_000);
    const sha256 = createHash('sha256').update(content).digest('hex');
    files.content = content;
    const downloads = [{ name: 'firmware.bin', url: files.url, sha256 }];
    const fleet = (await cluster.fleet('files', 1, 1)).session();
    await fleet.apply({ execution: { mode: 'Run' }, downloads });
    const against = await fleet.until(
      'a refusal',
      ({ message }) => message?.includes('actionPolicy.downloads') ?? false,
    );
    expect(against.conditions?.find(({ type }) => type === 'Stalled')?.reason).toBe('NotPermitted');
    expect(files.asked).toBe(0);

    await fleet.pool(1, { actionPolicy: { downloads: { hosts: ['127.0.0.1'], maxBytes: 2_000_000 } } });
    const mounted = eventually('a Job with the files', async () => {
      const { items } = await cluster.admin
        .makeApiClient(BatchV1Api)
        .listNamespacedJob({ namespace: 'careen-hosts' });
      const volumes = items.flatMap(({ spec }) => spec?.template.spec?.volumes ?? []);
      const sources = volumes.flatMap(({ projected }) => projected?.sources ?? []);
      return sources.length > 0 && sources.map(({ configMap }) => configMap?.name);
    });
    const { session } = await fleet.untilState('applied');
    expect(files.asked).toBe(1);
    const [stored] = session?.downloads ?? [];
    expect(stored).toMatchObject({ name: 'firmware.bin', sizeBytes: content.length });
    const core = cluster.admin.makeApiClient(CoreV1Api);
    const mapOf = async (name: string) => core.readNamespacedConfigMap({ namespace: 'careen-hosts', name });
    const maps = await Promise.all((stored?.objects ?? []).map(mapOf));
    const parts = maps.map(({ binaryData }) =>
      Buffer.from(binaryData?.['content'] ?? '', 'base64').toString(),
    );
    expect(parts.join('')).toBe(content);
    expect(maps.map(({ immutable }) => immutable)).toEqual([true, true]);
    expect(await mounted).toEqual(stored?.objects);
    // The garbage collection of Kubernetes removes them with it, a minute later in the testbed.
    const owners = maps.map(({ metadata }) =>
      metadata?.ownerReferences?.map(({ kind, name }) => `${kind} ${name}`),
    );
    expect(owners).toEqual([['MaintenanceSession files'], ['MaintenanceSession files']]);
  });

  it('fails before it tells anybody when a file is not what it was to be', async () => {
    files.content = 'another';
    const downloads = [{ name: 'firmware.bin', url: files.url, sha256: 'a'.repeat(64) }];
    const fleet = (await cluster.fleet('wrong', 1, 1)).session();
    await fleet.pool(1, { actionPolicy: { downloads: { hosts: ['127.0.0.1'] } } });
    await fleet.apply({ execution: { mode: 'Run' }, downloads });
    const { message, session } = await fleet.untilState('apply-failed');
    expect(message).toContain(`download firmware.bin failed: its SHA-256 is `);
    expect(session).toMatchObject({ state: 'MAINTENANCE_FAILED', projects: [], closed: [] });
  });
});
