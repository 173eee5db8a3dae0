import type { KubeConfig } from '@kubernetes/client-node';
import { StatefulPod } from './workload.ts';

/**
 * Starts a pod on a host that no eviction can move until `release` is called: a
 * strategy that drains the host waits there, for as long as a test needs.
 */
export async function stubbornPod(
  admin: KubeConfig,
  host: string,
): Promise<{ readonly release: () => Promise<void> }> {
  const pod = await StatefulPod.start(admin, `stubborn-${host}`, host);
  await pod.allow(0);
  return { release: () => pod.allow(1) };
}
