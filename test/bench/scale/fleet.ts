/** The fleet and the strategy of the benchmark: hosts with pods and disruption budgets, all of one pool. */
import { CoreV1Api, type KubeConfig, type V1Pod } from '@kubernetes/client-node';
import { apply, type Manifest } from '../../support/controlplane/apply.ts';
import { createNodes, type SimulatedNode } from '../../support/hosts/simulated-nodes.ts';
import { eventually } from '../../support/eventually.ts';
import { kernelPatch, poolManifest, QUICK, strategyManifest } from '../../support/operator/strategies.ts';

export const POOL = 'scale';
export const NAMESPACE = 'careen-hosts';
export const AT_ONCE = 10;
const PODS_NAMESPACE = 'default';
const PODS_AT_ONCE = 16;
const APPS = 10;
const OLD_KERNEL = '6.12.41';
/** A kubelet sets this one; otherwise the node controller adds it to one node after the other. */
const KUBELET_LABELS = { 'beta.kubernetes.io/os': 'linux' };
/** No strategy has anything to patch on a host that has it. */
const CURRENT_KERNEL = '6.13.0';

/**
 * Strategies that patch and reboot every host of the pool, ten at a time. Each wants a kernel of its own, so that all of
 * them have every host to patch.
 */
export function strategies(count: number, mode: 'Hold' | 'Run'): Manifest[] {
  return Array.from({ length: count }, (_, i) => {
    const kernel = `6.12.${String(48 + i)}`;
    const current = [{ fact: 'nodeInfo.kernelVersion', operator: 'In', values: [kernel, CURRENT_KERNEL] }];
    const patches = [{ ...kernelPatch, id: `kernel-${kernel}`, current }];
    return strategyManifest(`scale-${String(i)}`, NAMESPACE, { ...spec, patches, execution: { mode } });
  });
}

const spec = {
  poolRef: POOL,
  workerApplyType: 'parallel',
  maxParallelWorkerHosts: AT_ONCE,
  drain: { evictUnmanagedPods: true },
  timing: QUICK,
};

/** Strategies of the same pool that had nothing to do, and are kept. */
export async function makeFinished(admin: KubeConfig, count: number): Promise<void> {
  const current = [{ fact: 'nodeInfo.kernelVersion', operator: 'AtLeast', values: ['6.12.0'] }];
  const patches = [{ ...kernelPatch, current }];
  for (let i = 0; i < count; i += 1)
    await apply(
      admin,
      strategyManifest(`finished-${String(i)}`, NAMESPACE, { ...spec, patches, execution: { mode: 'Run' } }),
    );
}

export function hostNames(hosts: number): string[] {
  return Array.from({ length: hosts }, (_, i) => `node-${String(i).padStart(4, '0')}`);
}

/** Makes the pool and its hosts; `current` lack no patch. */
export async function makeHosts(
  admin: KubeConfig,
  names: readonly string[],
  current: readonly string[],
): Promise<void> {
  await apply(admin, poolManifest(POOL, 50));
  const nodesWith = (kernelVersion: string, all: readonly string[]): SimulatedNode[] =>
    all.map((name) => ({ name, labels: { pool: POOL, ...KUBELET_LABELS }, kernelVersion }));
  const nodes = [...nodesWith(OLD_KERNEL, names), ...nodesWith(CURRENT_KERNEL, current)];
  await createNodes(admin, nodes, 1800);
}

/** Makes pods on each host, under budgets that allow every eviction, and waits until all run. */
export async function makePods(
  admin: KubeConfig,
  hosts: readonly string[],
  podsPerHost: number,
): Promise<void> {
  if (podsPerHost === 0) return;
  for (let app = 0; app < APPS; app += 1) await apply(admin, budget(`app-${String(app)}`));
  const pods = hosts.flatMap((node) => Array.from({ length: podsPerHost }, (_, i) => podOn(node, i)));
  const core = admin.makeApiClient(CoreV1Api);
  const queue = pods.values();
  const worker = async (): Promise<void> => {
    for (const body of queue) await core.createNamespacedPod({ namespace: PODS_NAMESPACE, body });
  };
  await Promise.all(Array.from({ length: PODS_AT_ONCE }, worker));
  await eventually('the pods run', async () => (await waiting(core)) === 0, { seconds: 1800 });
}

/** The host of one of these pods. */
export function hostOfPod(pod: string): string {
  return pod.slice(0, pod.lastIndexOf('-'));
}

export function podNames(hosts: readonly string[], podsPerHost: number): string[] {
  return hosts.flatMap((node) => Array.from({ length: podsPerHost }, (_, i) => podName(node, i)));
}

async function waiting(core: CoreV1Api): Promise<number> {
  const fieldSelector = 'status.phase!=Running';
  const { items } = await core.listNamespacedPod({ namespace: PODS_NAMESPACE, fieldSelector, limit: 1 });
  return items.length;
}

function podOn(nodeName: string, index: number): V1Pod {
  return {
    metadata: { name: podName(nodeName, index), labels: { app: `app-${String(index % APPS)}` } },
    spec: { nodeName, containers: [{ name: 'app', image: 'registry.example.com/app:1' }] },
  };
}

function podName(host: string, index: number): string {
  return `${host}-${String(index)}`;
}

function budget(app: string): Manifest {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: app, namespace: PODS_NAMESPACE },
    spec: { minAvailable: 0, selector: { matchLabels: { app } } },
  };
}
