/** Nodes that kwok simulates: real objects in the API, kept Ready by it, with no host behind them. */
import { setTimeout as delay } from 'node:timers/promises';
import { ApiException, CoreV1Api } from '@kubernetes/client-node';
import type { KubeConfig, V1Node, V1Taint } from '@kubernetes/client-node';

const FIELD_MANAGER = 'careen-test';
const REQUESTS_AT_ONCE = 16;
const NAMES_SHOWN = 5;
const NODES_IN_A_PAGE = 500;

export type SimulatedNode = {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly taints?: readonly V1Taint[];
  /** The facts of the node when it joins; kwok's stage `node-join` sets missing ones. */
  readonly kernelVersion?: string;
  readonly kubeletVersion?: string;
  readonly osImage?: string;
  /** The room for pods; by default that of kwok. */
  readonly cpus?: number;
  /** By default the address of kwok. */
  readonly internalIp?: string;
};

/**
 * Creates nodes and waits until all of them are Ready.
 *
 * Ready is the node's condition; the taint `not-ready` of a new node is removed
 * a moment later, and only where the controller manager runs.
 */
export async function createNodes(
  config: KubeConfig,
  nodes: readonly SimulatedNode[],
  deadlineSeconds = 60,
): Promise<void> {
  const core = config.makeApiClient(CoreV1Api);
  await eachOf(nodes, (node) => core.createNode({ body: manifest(node), fieldManager: FIELD_MANAGER }));
  await waitUntilReady(
    core,
    nodes.map(({ name }) => name),
    deadlineSeconds,
  );
}

/** Deletes nodes; a missing one is no error. Their pods are removed when the controller manager notices. */
export async function deleteNodes(config: KubeConfig, names: readonly string[]): Promise<void> {
  const core = config.makeApiClient(CoreV1Api);
  await eachOf(names, async (name) => {
    try {
      await core.deleteNode({ name });
    } catch (error) {
      if (!(error instanceof ApiException && error.code === 404)) throw error;
    }
  });
}

function manifest(node: SimulatedNode): V1Node {
  return {
    metadata: {
      name: node.name,
      labels: { 'kubernetes.io/hostname': node.name, 'kubernetes.io/os': 'linux', ...node.labels },
      annotations: { 'kwok.x-k8s.io/node': 'fake', ...node.annotations },
    },
    spec: node.taints ? { taints: [...node.taints] } : {},
    // The API accepts a status at creation, and node-join sets only empty fields.
    status: {
      ...(node.internalIp ? { addresses: [{ type: 'InternalIP', address: node.internalIp }] } : {}),
      ...(node.cpus === undefined ? {} : { capacity: room(node.cpus), allocatable: room(node.cpus) }),
      nodeInfo: {
        kernelVersion: node.kernelVersion ?? '',
        kubeletVersion: node.kubeletVersion ?? '',
        osImage: node.osImage ?? '',
        architecture: '',
        bootID: '',
        containerRuntimeVersion: '',
        kubeProxyVersion: '',
        machineID: '',
        operatingSystem: '',
        systemUUID: '',
      },
    },
  };
}

function room(cpus: number): Record<string, string> {
  return { cpu: String(cpus), memory: '64Gi', pods: '110' };
}

async function waitUntilReady(
  core: CoreV1Api,
  names: readonly string[],
  deadlineSeconds: number,
): Promise<void> {
  const deadline = Date.now() + deadlineSeconds * 1000;
  const pauseMs = names.length > 200 ? 1000 : 100;
  for (;;) {
    const seen = await readinessByName(core);
    const readiness = (name: string): string => seen.get(name) ?? 'no such node';
    const waiting = names.filter((name) => readiness(name) !== 'True');
    if (waiting.length === 0) return;
    if (Date.now() >= deadline) {
      const shown = waiting.slice(0, NAMES_SHOWN).map((name) => `${name} (Ready=${readiness(name)})`);
      throw new Error(
        `${String(waiting.length)} of ${String(names.length)} nodes not Ready after ${String(deadlineSeconds)} s: ${shown.join(', ')}`,
      );
    }
    await delay(pauseMs);
  }
}

/** In pages: the API server ends an answer with thousands of nodes after a minute, which a busy machine needs for it. */
async function readinessByName(core: CoreV1Api): Promise<ReadonlyMap<string, string>> {
  const seen = new Map<string, string>();
  let next = '';
  do {
    const page = await core.listNode({ limit: NODES_IN_A_PAGE, ...(next && { _continue: next }) });
    for (const { metadata, status } of page.items)
      seen.set(
        metadata?.name ?? '',
        status?.conditions?.find(({ type }) => type === 'Ready')?.status ?? 'not reported',
      );
    next = page.metadata?._continue ?? '';
  } while (next !== '');
  return seen;
}

async function eachOf<T>(items: readonly T[], act: (item: T) => Promise<unknown>): Promise<void> {
  // The workers share one iterator: each takes the next item when it has finished one.
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await act(item);
  };
  await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, worker));
}
