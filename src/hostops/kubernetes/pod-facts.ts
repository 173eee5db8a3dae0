/** Selects the pods that must leave a host, and reads their facts. Pure. */
import type { V1OwnerReference, V1Pod } from '@kubernetes/client-node';
import { RUN_LABEL } from '../../crds/names.ts';
import type { InstanceFacts } from '../../engine/view.ts';

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

/** The pod as an instance; undefined when it does not have to leave. */
export function instanceOf(pod: V1Pod): InstanceFacts | undefined {
  const { metadata, spec, status } = pod;
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  if (metadata?.annotations?.[MIRROR_ANNOTATION] !== undefined) return undefined; // a static pod of the kubelet
  if (owner && isDaemonSet(owner)) return undefined; // its controller would replace it at once
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return undefined;
  if (owner?.kind === 'Job' && metadata?.labels?.[RUN_LABEL] !== undefined) return undefined; // ours: it works on the host
  return {
    uid: metadata?.uid ?? '',
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    leaving: metadata?.deletionTimestamp !== undefined,
    unmanaged: owner === undefined,
    localData: spec?.volumes?.some(({ emptyDir }) => emptyDir !== undefined) === true,
  };
}

function isDaemonSet({ kind, apiVersion }: V1OwnerReference): boolean {
  return kind === 'DaemonSet' && apiVersion.startsWith('apps/');
}
