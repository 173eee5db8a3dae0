/** The pods of a simulated cluster: what they are, and what they need where they start. */
import { at } from './api-server.ts';
import type { ApiObject, Json, NewObject } from './objects.ts';

export const APP_LABEL = 'app';
export const DAEMON_SET = 'DaemonSet';
const KUBELET_FINALIZER = 'simulated/kubelet';

/** What a pod is besides a part of its app. */
export type PodTraits = {
  readonly unmanaged?: boolean;
  readonly localData?: boolean;
  /** It tolerates every taint: a cordon does not keep it away. */
  readonly tolerant?: boolean;
  /** The API version of its DaemonSet: it stays on its host. */
  readonly daemonOf?: string;
  /** Its namespace; absent: that of all apps. */
  readonly namespace?: string;
  /** How many CPUs it requests. It starts only where so many are free. */
  readonly cpu?: number;
  /** It starts on no host of another pod of its app: a required anti-affinity. */
  readonly apart?: boolean;
};

/** A pod of an app on a host. */
export function podOf(app: string, name: string, nodeName: string, more: PodTraits): NewObject {
  const kind =
    more.daemonOf === undefined
      ? { apiVersion: 'apps/v1', kind: 'ReplicaSet' }
      : { apiVersion: more.daemonOf, kind: DAEMON_SET };
  const owner = { ...kind, name: app, uid: app, controller: true };
  const metadata = {
    ...{ name, labels: { [APP_LABEL]: app }, finalizers: [KUBELET_FINALIZER] },
    namespace: more.namespace ?? 'apps',
    ...(more.unmanaged ? {} : { ownerReferences: [owner] }),
  };
  const spec = {
    nodeName,
    ...(more.localData ? { volumes: [{ name: 'scratch', emptyDir: {} }] } : {}),
    ...(more.tolerant ? { tolerations: [{ operator: 'Exists' }] } : {}),
    ...(more.cpu === undefined
      ? {}
      : { containers: [{ name: app, resources: { requests: { cpu: String(more.cpu) } } }] }),
    ...(more.apart ? { affinity: { podAntiAffinity: apartFrom(app) } } : {}),
  };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec, status: { phase: 'Running' } };
}

/** What a pod needs where it starts. */
export type PodSize = Pick<PodTraits, 'namespace' | 'cpu' | 'apart'>;

/** Nothing for a pod in the namespace of all apps. */
export function sizeOf({ metadata: { namespace = '' }, spec }: ApiObject): PodSize {
  const containers = spec?.['containers'];
  if (!Array.isArray(containers)) return {};
  const cpu = Number(at(containers[0], 'resources', 'requests', 'cpu') ?? 0);
  return { namespace, cpu, ...(isApart(spec) ? { apart: true } : {}) };
}

/** Whether a pod starts on no host of another pod of its app. */
export function isApart(spec: Json | undefined): boolean {
  return at(spec, 'affinity', 'podAntiAffinity') !== undefined;
}

function apartFrom(app: string): Json {
  const term = {
    topologyKey: 'kubernetes.io/hostname',
    labelSelector: { matchLabels: { [APP_LABEL]: app } },
  };
  return { requiredDuringSchedulingIgnoredDuringExecution: [term] };
}
