/** The pods that a disruption budget keeps on a host that is drained, and what to do about each budget. Pure. */
import { z } from 'zod';
import type { LabelSelector } from '../../crds/spec/label-selector.ts';
import { meetsAll } from '../../planner/hosts/labels.ts';
import type { Advice } from './advice.ts';
import type { Commands } from './commands.ts';

const labels = z.record(z.string(), z.string()).default({});

export const podSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    labels,
    deletionTimestamp: z.string().optional(),
  }),
  status: z.object({ phase: z.string().optional() }).default({}),
});
export type Pod = z.infer<typeof podSchema>;

const selector: z.ZodType<LabelSelector> = z.object({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z
    .array(
      z.object({
        key: z.string(),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: z.array(z.string()).optional(),
      }),
    )
    .optional(),
});

const count = z.int().default(0);

export const budgetSchema = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string() }),
  spec: z.object({ selector: selector.optional() }),
  status: z
    .object({
      disruptionsAllowed: count,
      currentHealthy: count,
      desiredHealthy: count,
      expectedPods: count,
    })
    .prefault({}),
});
export type Budget = z.infer<typeof budgetSchema>;

/** A budget, and the pods on hosts that it forbids to evict. */
export type Forbidding = {
  readonly budget: Budget;
  readonly pods: readonly string[];
  readonly hosts: readonly string[];
};

/** The budgets that allow no eviction now, each with the pods under it, of all hosts. */
export function forbidding(
  podsOf: ReadonlyMap<string, readonly Pod[]>,
  budgets: readonly Budget[],
): Forbidding[] {
  return budgets
    .filter(({ status }) => status.disruptionsAllowed <= 0)
    .map((budget) => {
      const kept = [...podsOf]
        .map(([host, pods]) => ({ host, pods: pods.filter((pod) => stays(pod) && protects(budget, pod)) }))
        .filter(({ pods }) => pods.length > 0);
      return {
        budget,
        pods: kept.flatMap(({ pods }) => pods.map(({ metadata }) => nameOf(metadata))),
        hosts: kept.map(({ host }) => host),
      };
    })
    .filter(({ pods }) => pods.length > 0);
}

function stays({ metadata, status }: Pod): boolean {
  const hasEnded = status.phase === 'Succeeded' || status.phase === 'Failed';
  return metadata.deletionTimestamp === undefined && !hasEnded;
}

function protects({ metadata, spec }: Budget, pod: Pod): boolean {
  const isSameNamespace = metadata.namespace === pod.metadata.namespace;
  return isSameNamespace && spec.selector !== undefined && meetsAll(spec.selector, pod.metadata.labels);
}

function nameOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

/** Says which budget keeps which pods, and how it would allow an eviction. */
export function budgetAdvice({ budget, pods, hosts }: Forbidding, commands: Commands): Advice {
  const { metadata, status } = budget;
  const { currentHealthy: has, desiredHealthy: needs, expectedPods: all } = status;
  const problem =
    `PodDisruptionBudget ${nameOf(metadata)} forbids to evict ${listed(pods)} from ${listed(hosts)}: ` +
    `it needs ${String(needs)} healthy pods and has ${String(has)}`;
  const never = all <= needs;
  const remedy = never
    ? `it never allows an eviction while it needs all of its ${String(all)} pods: scale the workload up, or lower the budget`
    : `the eviction goes ahead by itself once ${String(needs + 1)} pods are healthy: mend those that are not`;
  const command = never ? `describe pdb ${metadata.name}` : `get pods${selectorOption(budget)} -o wide`;
  return {
    does: `${problem}; ${remedy}`,
    command: commands.kubectlCluster(`-n ${metadata.namespace} ${command}`),
  };
}

const NAMED = 3;

function listed(names: readonly string[]): string {
  const more = names.length - NAMED;
  return names.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${String(more)} more` : '');
}

function selectorOption({
  spec: { selector: { matchLabels = {}, matchExpressions = [] } = {} },
}: Budget): string {
  const pairs = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  return pairs.length > 0 && matchExpressions.length === 0 ? ` -l ${pairs.join(',')}` : '';
}
