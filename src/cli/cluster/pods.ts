/** Reads the pods of hosts, as far as they may stop or delay a drain. Never writes. */
import type { V1Pod, V1PodDisruptionBudget } from '@kubernetes/client-node';
import type { LabelSelector } from '../../crds/spec/label-selector.ts';
import { rawList, rawPages, type PooledKubeConfig } from '../../kube/client.ts';
import { explain } from '../../kube/errors.ts';
import { instanceOf } from '../../hostops/kubernetes/pod-facts.ts';
import { meetsAll } from '../../planner/hosts/labels.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import type { FleetPod } from '../files/fleet-file.ts';

type Budget = { readonly namespace: string; readonly name: string; readonly selector: LabelSelector };

/**
 * By host, the pods that need consent to be evicted, or that a budget holds now. Needs the rights to list pods and
 * budgets of all namespaces; without them `note` gets the reason, and nothing is known.
 */
export async function podsOf(
  config: PooledKubeConfig,
  hosts: ReadonlySet<HostName>,
  note: (text: string) => void,
): Promise<ReadonlyMap<HostName, FleetPod[]>> {
  const found: { host: HostName; pod: FleetPod }[] = [];
  try {
    const budgets = await exhaustedBudgets(config);
    for (const selection of selectionsFor(hosts))
      for await (const { items } of rawPages<V1Pod>(config, '/api/v1/pods', selection))
        for (const each of items) {
          const host = each.spec?.nodeName ?? '';
          const pod = hosts.has(host) ? hardToMove(each, budgets) : undefined;
          if (pod) found.push({ host, pod });
        }
  } catch (error) {
    note(
      `the pods on the hosts cannot be read: ${explain(error)}, so it is not known which of them a drain may not evict`,
    );
    return new Map();
  }
  const sorted = found.toSorted((a, b) => (keyOf(a.pod) < keyOf(b.pod) ? -1 : 1));
  const byHost = Map.groupBy(sorted, ({ host }) => host);
  return new Map([...byHost].map(([host, pods]) => [host, pods.map(({ pod }) => pod)]));
}

/** A small pool in a large cluster does not list the pods of all other nodes. */
function selectionsFor(hosts: ReadonlySet<HostName>): readonly { readonly fieldSelector?: string }[] {
  if (hosts.size > LISTED_SINGLY) return [{}];
  return [...hosts].map((host) => ({ fieldSelector: `spec.nodeName=${host}` }));
}

const LISTED_SINGLY = 50;

function hardToMove(pod: V1Pod, budgets: readonly Budget[]): FleetPod | undefined {
  const instance = instanceOf(pod);
  if (!instance || instance.leaving) return undefined;
  const { namespace, name, controller, localData } = instance;
  const labels = pod.metadata?.labels ?? {};
  const heldBy = budgets.find(
    (each) => each.namespace === namespace && meetsAll(each.selector, labels),
  )?.name;
  if (controller !== undefined && !localData && heldBy === undefined) return undefined;
  return {
    ...{ namespace, name, localData },
    ...(controller === undefined ? {} : { controller }),
    ...(heldBy === undefined ? {} : { heldBy }),
  };
}

/** The budgets that let none of their pods leave now. */
async function exhaustedBudgets(config: PooledKubeConfig): Promise<Budget[]> {
  const path = '/apis/policy/v1/poddisruptionbudgets';
  const all = await rawList<V1PodDisruptionBudget & { spec?: { selector?: LabelSelector } }>(
    config,
    path,
    {},
  );
  return all.flatMap(({ metadata, spec, status }) => {
    const { expectedPods = 0, disruptionsAllowed } = status ?? {};
    const isExhausted = expectedPods > 0 && disruptionsAllowed === 0;
    const { namespace = '', name = '' } = metadata ?? {};
    return isExhausted && spec?.selector ? [{ namespace, name, selector: spec.selector }] : [];
  });
}

function keyOf({ namespace, name }: FleetPod): string {
  return `${namespace}/${name}`;
}
