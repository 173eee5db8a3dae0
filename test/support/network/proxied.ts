/** Clients that reach the API server through one of the proxies. */
import { writeFile } from 'node:fs/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { PooledKubeConfig } from '../../../src/kube/client.ts';

/** The same users and contexts, with the API server of the current context at another address. */
export function proxied(config: KubeConfig, server: string): PooledKubeConfig {
  const current = config.getCurrentCluster();
  if (!current) throw new Error(`no current cluster in the kubeconfig that should lead to ${server}`);
  // The client speaks plain HTTP only to a server whose certificate it need not verify.
  const cluster = { ...current, server, skipTLSVerify: server.startsWith('http:') };
  const result = new PooledKubeConfig();
  result.loadFromOptions({
    clusters: config.clusters.map((each) => (each.name === current.name ? cluster : each)),
    users: config.users,
    contexts: config.contexts,
    currentContext: config.currentContext,
  });
  return result;
}

/** Writes a kubeconfig file like `config` for `server`. */
export async function writeProxiedKubeconfig(
  config: KubeConfig,
  server: string,
  targetFile: string,
): Promise<void> {
  await writeFile(targetFile, proxied(config, server).exportConfig(), { mode: 0o600 });
}

/**
 * The same users and contexts, with the API server of the current context behind a forward proxy: under a name that
 * only the proxy can look up, and that is in its certificate.
 */
export function behindProxy(config: KubeConfig, proxyUrl: string): PooledKubeConfig {
  const current = config.getCurrentCluster();
  if (!current) throw new Error(`no current cluster in the kubeconfig that should go through ${proxyUrl}`);
  const server = current.server.replace('127.0.0.1', 'kubernetes.default.svc');
  const written = proxied(config, server);
  written.clusters = written.clusters.map((each) =>
    each.name === current.name ? { ...each, proxyUrl } : each,
  );
  const result = new PooledKubeConfig();
  result.loadFromString(written.exportConfig());
  return result;
}
