import type { KubeConfig, KubernetesObject } from '@kubernetes/client-node';
import { MAINTENANCE_SESSION } from '../crds/names.ts';
import { rawPages } from '../kube/client.ts';
import { strategiesPath } from './paths.ts';

/** The uids of all sessions, as the API server has them now. */
export async function sessionUids(config: KubeConfig): Promise<ReadonlySet<string>> {
  const uids = new Set<string>();
  const pages = rawPages<KubernetesObject>(
    config,
    strategiesPath(MAINTENANCE_SESSION),
    {},
    undefined,
    'metadata',
  );
  for await (const { items } of pages) for (const { metadata } of items) uids.add(metadata?.uid ?? '');
  return uids;
}
