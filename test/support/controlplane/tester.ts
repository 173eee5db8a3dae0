/** Service accounts for tests of the client: with tokens, so that an HTTP proxy can forward them. */
import { CoreV1Api, KubeConfig, RbacAuthorizationV1Api } from '@kubernetes/client-node';
import type { User } from '@kubernetes/client-node';

const namespace = 'default';
const TOKEN_SECONDS = 3600;

export async function createServiceAccount(admin: KubeConfig, name: string): Promise<void> {
  await admin
    .makeApiClient(CoreV1Api)
    .createNamespacedServiceAccount({ namespace, body: { metadata: { name } } });
}

export async function grant(admin: KubeConfig, name: string, clusterRole: string): Promise<void> {
  await admin.makeApiClient(RbacAuthorizationV1Api).createClusterRoleBinding({
    body: {
      metadata: { name: `${name}-${clusterRole}` },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: clusterRole },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
  });
}

/** A new token; a token bound to a Secret is refused as soon as the Secret is deleted. */
export async function requestToken(admin: KubeConfig, name: string, secret?: string): Promise<string> {
  const core = admin.makeApiClient(CoreV1Api);
  const boundObjectRef = { apiVersion: 'v1', kind: 'Secret', name: secret ?? '' };
  const { status } = await core.createNamespacedServiceAccountToken({
    namespace,
    name,
    // No audience means the API server itself.
    body: {
      spec: { audiences: [], expirationSeconds: TOKEN_SECONDS, ...(secret ? { boundObjectRef } : {}) },
    },
  });
  if (!status?.token) throw new Error(`the API server returned no token for ${namespace}/${name}`);
  return status.token;
}

/** A configuration for the cluster of `admin`, with this token or this token file. */
export function actAs(admin: KubeConfig, by: { token: string } | { tokenFile: string }): KubeConfig {
  const cluster = admin.getCurrentCluster();
  if (!cluster) throw new Error('the kubeconfig that should give the cluster names none');
  const user: User =
    'token' in by
      ? { name: 'tester', token: by.token }
      : { name: 'tester', authProvider: { name: 'tokenFile', config: by } };
  const config = new KubeConfig();
  config.loadFromClusterAndUser(cluster, user);
  return config;
}
