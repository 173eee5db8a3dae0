import { counted } from '../crds/text/counted.ts';
import { CLAIM_ANNOTATION } from '../crds/names.ts';
import type { HostWords, SlowEnd } from '../planner/hosts/host-words.ts';

/** How hosts that are nodes of a Kubernetes cluster are worded: with the commands of kubectl. */
export const NODE_WORDS: HostWords = {
  says: (situation, host) => {
    switch (situation) {
      case 'opened-by-others':
        return `${host} was uncordoned by somebody while we work on it`;
      case 'closed-by-others':
        return `somebody has cordoned ${host}`;
      case 'closing-again':
        return `cordoning ${host} again`;
      case 'claimed':
        return `${host} was cordoned and claimed`;
      case 'claim-lost':
        return `${host} lost the claim of this run: somebody removed or replaced its annotation ${CLAIM_ANNOTATION}`;
      case 'claim-spoilt':
        return `${host} cannot be claimed`;
      case 'kept-locked':
        return `${host} stays cordoned`;
      case 'consent-missing':
        return `${host} runs pods that need consent to be evicted`;
    }
  },
  remedy: (situation, host) => {
    const node = host === undefined ? '' : ` ${host}`;
    switch (situation) {
      case 'opened-by-others':
      case 'closing-again':
        return `kubectl cordon${node}`;
      case 'closed-by-others':
      case 'claimed':
      case 'kept-locked':
        return `kubectl uncordon${node}`;
      case 'claim-lost':
      case 'claim-spoilt':
        return `kubectl annotate node${node} ${CLAIM_ANNOTATION}-`;
      case 'consent-missing':
        return `kubectl get pods -A --field-selector spec.nodeName=${host ?? ''}`;
    }
  },
  instance: ({ namespace, name }) => `pod ${namespace}/${name}`,
  instances: (count) => counted(count, 'pod'),
  consent: (why) => {
    switch (why) {
      case 'protected':
        return 'without a controller in a namespace that the pool protects, so no strategy may evict them (delete them, or change spec.drainPolicy.protectedNamespaces of the HostPool)';
      case 'unmanaged':
        return 'without a controller (delete them, or set spec.drain.evictUnmanagedPods)';
      case 'local-data':
        return 'with emptyDir data (move them, or set spec.drain.evictPodsWithLocalData)';
    }
  },
  budget: ({ namespace, name }) => ({
    says: `PodDisruptionBudget ${namespace}/${name}`,
    inspect: `kubectl -n ${namespace} describe pdb ${name}`,
  }),
  leaving: (end) => [`has been leaving since ${end.since}`, ...delaysOf(end)].join(', '),
  ignoresClosing: (controller) =>
    `of ${controller} came after the cordon, which does not keep it away, so it is not evicted: remove its toleration ` +
    'of node.kubernetes.io/unschedulable, or scale its workload down',
};

function delaysOf({ isOverdue, heldBy, hostIsReady }: SlowEnd): string[] {
  const finalizers = `${heldBy.length === 1 ? 'finalizer' : 'finalizers'} ${heldBy.join(', ')}`;
  const delays = [
    ...(heldBy.length > 0 ? [`held by its ${finalizers}: whoever set them must remove them`] : []),
    ...(hostIsReady ? [] : ['and its node is not Ready, so no kubelet reports its end']),
  ];
  return delays.length === 0 && isOverdue ? ['and the kubelet has not ended it in time'] : delays;
}
