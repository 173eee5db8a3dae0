import type { KubeConfig, V1Pod } from '@kubernetes/client-node';
import type { LabelSelector } from '../../crds/spec/label-selector.ts';
import type { InstanceFacts } from '../../engine/view.ts';
import { rawList } from '../../kube/client.ts';
import { meetsAll } from '../../planner/hosts/labels.ts';

type Budget = {
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly selector?: LabelSelector };
};

/** The names of the disruption budgets that protect a pod. */
export async function budgetsOf(
  config: KubeConfig,
  { namespace, name }: Pick<InstanceFacts, 'namespace' | 'name'>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const fieldSelector = `metadata.name=${name}`;
  const [pods, budgets] = await Promise.all([
    rawList<V1Pod>(config, `/api/v1/namespaces/${namespace}/pods`, { fieldSelector }, signal),
    rawList<Budget>(config, `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`, {}, signal),
  ]);
  const labels = pods[0]?.metadata?.labels ?? {};
  return budgets
    .filter(({ spec }) => spec?.selector && meetsAll(spec.selector, labels))
    .map(({ metadata }) => metadata.name);
}
