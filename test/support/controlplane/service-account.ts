/** Identities for the processes under test: they get the rights of their service account, never the admin's. */
import { writeFile } from 'node:fs/promises';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';

const TOKEN_SECONDS = 24 * 3600;

/**
 * Writes a kubeconfig file with a token of an existing service account, created
 * by the TokenRequest API and valid for a day. Its context has the account's
 * namespace.
 */
export async function writeServiceAccountKubeconfig(
  adminKubeconfig: KubeConfig,
  namespace: string,
  name: string,
  targetFile: string,
): Promise<void> {
  const cluster = adminKubeconfig.getCurrentCluster();
  if (!cluster)
    throw new Error(`no cluster in the kubeconfig that should give ${namespace}/${name} its token`);
  const { status } = await adminKubeconfig.makeApiClient(CoreV1Api).createNamespacedServiceAccountToken({
    namespace,
    name,
    // No audience means the API server itself.
    body: { spec: { audiences: [], expirationSeconds: TOKEN_SECONDS } },
  });
  if (!status) throw new Error(`the API server returned no token for ${namespace}/${name}`);

  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [cluster],
    users: [{ name, token: status.token }],
    contexts: [{ name, cluster: cluster.name, user: name, namespace }],
    currentContext: name,
  });
  await writeFile(targetFile, config.exportConfig(), { mode: 0o600 });
}
