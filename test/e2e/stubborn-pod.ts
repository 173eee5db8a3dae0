import { CoreV1Api, type KubeConfig } from '@kubernetes/client-node';
import { apply, remove, type Manifest } from '../support/apply.ts';
import { eventually } from '../support/eventually.ts';

const namespace = 'default';

/**
 * Starts a pod on a host that no eviction can move until `release` is called: a
 * strategy that drains the host waits there, for as long as a test needs.
 */
export async function stubbornPod(
  admin: KubeConfig,
  host: string,
): Promise<{ readonly release: () => Promise<void> }> {
  const name = `stubborn-${host}`;
  const labels = { app: name };
  const selector = { matchLabels: labels };
  const containers = [{ name: 'app', image: 'registry.example.com/app:1' }];
  const nodeSelector = { 'kubernetes.io/hostname': host };
  const budget: Manifest = {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name, namespace },
    spec: { maxUnavailable: 0, selector },
  };
  await apply(admin, budget, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: { replicas: 1, selector, template: { metadata: { labels }, spec: { nodeSelector, containers } } },
  });
  const core = admin.makeApiClient(CoreV1Api);
  await eventually(`${name} runs`, async () => {
    const { items } = await core.listNamespacedPod({ namespace, labelSelector: `app=${name}` });
    return items.some(({ status }) => status?.phase === 'Running');
  });
  return { release: () => remove(admin, budget) };
}
