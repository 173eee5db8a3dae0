/** The fleet and the strategy of the benchmark: hosts with pods and disruption budgets, all of one pool. */
import { CoreV1Api, type KubeConfig, type V1Pod } from '@kubernetes/client-node';
import { apply, type Manifest } from '../../support/controlplane/apply.ts';
import { createNodes } from '../../support/hosts/simulated-nodes.ts';
import { eventually } from '../../support/eventually.ts';
import { kernelPatch, poolManifest, QUICK, strategyManifest } from '../../support/operator/strategies.ts';

export const POOL = 'scale';
const NAMESPACE = 'careen-hosts';
const PODS_NAMESPACE = 'default';
const PODS_AT_ONCE = 16;
const APPS = 10;

/** The strategy that patches and reboots every host, ten at a time. */
export const strategy: Manifest = strategyManifest('scale', NAMESPACE, {
  poolRef: POOL,
  patches: [kernelPatch],
  workerApplyType: 'parallel',
  maxParallelWorkerHosts: 10,
  drain: { evictUnmanagedPods: true },
  timing: QUICK,
  execution: { mode: 'Hold' },
});

/** Makes the pool, its hosts, and pods under budgets that allow every eviction. */
export async function makeFleet(admin: KubeConfig, hosts: number, podsPerHost: number): Promise<void> {
  const names = Array.from({ length: hosts }, (_, i) => `node-${String(i).padStart(4, '0')}`);
  await apply(admin, poolManifest(POOL, 50));
  const nodes = names.map((name) => ({ name, labels: { pool: POOL }, kernelVersion: '6.12.41' }));
  await createNodes(admin, nodes, 600);
  if (podsPerHost === 0) return;
  for (let app = 0; app < APPS; app += 1) await apply(admin, budget(`app-${String(app)}`));
  const pods = names.flatMap((node) => Array.from({ length: podsPerHost }, (_, i) => podOn(node, i)));
  const core = admin.makeApiClient(CoreV1Api);
  const queue = pods.values();
  const worker = async (): Promise<void> => {
    for (const body of queue) await core.createNamespacedPod({ namespace: PODS_NAMESPACE, body });
  };
  await Promise.all(Array.from({ length: PODS_AT_ONCE }, worker));
  await eventually('the pods run', async () => (await running(core)) === pods.length, { seconds: 600 });
}

async function running(core: CoreV1Api): Promise<number> {
  const { items } = await core.listNamespacedPod({ namespace: PODS_NAMESPACE, resourceVersion: '0' });
  return items.filter(({ status }) => status?.phase === 'Running').length;
}

function podOn(nodeName: string, index: number): V1Pod {
  return {
    metadata: { name: `${nodeName}-${String(index)}`, labels: { app: `app-${String(index % APPS)}` } },
    spec: { nodeName, containers: [{ name: 'app', image: 'registry.example.com/app:1' }] },
  };
}

function budget(app: string): Manifest {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: app, namespace: PODS_NAMESPACE },
    spec: { minAvailable: 0, selector: { matchLabels: { app } } },
  };
}
