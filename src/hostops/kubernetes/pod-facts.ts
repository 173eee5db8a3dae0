/** Selects the pods that must leave a host, and reads their facts. Pure. */
import type { V1OwnerReference, V1Pod, V1Toleration } from '@kubernetes/client-node';
import { labelSelector } from '../../crds/spec/label-selector.ts';
import type { InstanceFacts } from '../../engine/view.ts';
import { meetsAll } from '../../planner/hosts/labels.ts';
import { cpus } from './quantities.ts';

const HOSTNAME_LABEL = 'kubernetes.io/hostname';
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
/** The taint of a cordoned node. */
const CORDON_TAINT = 'node.kubernetes.io/unschedulable';
/** The API groups whose controllers leave the choice of the node to the scheduler. Others may choose it themselves. */
const PLACED_BY_SCHEDULER: readonly string[] = ['', 'apps', 'batch'];
/** Creation times are whole seconds. The pod may have been created at the end of its second. */
const LAST_OF_SECOND_MS = 999;

/** The pod as an instance; undefined when it does not have to leave. */
export function instanceOf(pod: V1Pod): InstanceFacts | undefined {
  const { metadata, spec, status } = pod;
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  if (metadata?.annotations?.[MIRROR_ANNOTATION] !== undefined) return undefined; // a static pod of the kubelet
  // Of any API group: its controller would replace it at once.
  if (owner?.kind === 'DaemonSet') return undefined;
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return undefined;
  return {
    uid: metadata?.uid ?? '',
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    createdAt: (instantOf(metadata?.creationTimestamp) ?? 0) + LAST_OF_SECOND_MS,
    leaving: leavingOf(pod),
    controller: owner && `${owner.kind} ${owner.name}`,
    ignoresClosing:
      spec?.tolerations?.some(toleratesCordon) === true || (owner && !leavesPlacing(owner)) === true,
    localData: spec?.volumes?.some(({ emptyDir }) => emptyDir !== undefined) === true,
    size: (spec?.containers ?? []).reduce(
      (sum, { resources }) => sum + cpus(resources?.requests?.['cpu']),
      0,
    ),
    ...(metadata?.labels ? { labels: metadata.labels } : {}),
    ...(isKeptApart(pod) ? { keptApart: true } : {}),
  };
}

/** Whether the scheduler puts it on no node of another pod with its labels. */
function isKeptApart({ metadata, spec }: V1Pod): boolean {
  const terms = spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  return terms.some(({ topologyKey, labelSelector: others }) => {
    const selector = labelSelector.safeParse(others).data;
    return topologyKey === HOSTNAME_LABEL && selector && meetsAll(selector, metadata?.labels ?? {});
  });
}

/** The deletion timestamp is the time of the deletion plus the grace period. */
function leavingOf({ metadata }: V1Pod): InstanceFacts['leaving'] {
  const due = instantOf(metadata?.deletionTimestamp);
  if (due === undefined) return undefined;
  const graceSeconds = metadata?.deletionGracePeriodSeconds ?? 0;
  return { since: due - graceSeconds * 1000, due, heldBy: metadata?.finalizers ?? [] };
}

function toleratesCordon({ key, operator, value, effect }: V1Toleration): boolean {
  if (effect && effect !== 'NoSchedule') return false;
  return operator === 'Exists' ? !key || key === CORDON_TAINT : key === CORDON_TAINT && !value;
}

function leavesPlacing({ apiVersion }: V1OwnerReference): boolean {
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
  return PLACED_BY_SCHEDULER.includes(group ?? '');
}

/** A watch delivers times as texts. */
function instantOf(time: Date | undefined): number | undefined {
  return time && new Date(time).getTime();
}
