/** The constraints of pods that follow from what they have anyway: disruption budgets, and replicas that keep apart. Pure. */
import type { LabelSelector } from '../../../crds/spec/label-selector.ts';
import { meetsAll } from '../../../planner/hosts/labels.ts';
import type { InstanceFacts } from '../../view.ts';
import type { Constraints, GroupConstraint, InstanceConstraint } from './constraints.ts';

/** A PodDisruptionBudget. */
export type BudgetFacts = {
  readonly namespace: string;
  readonly name: string;
  /** Undefined: it protects no pod. */
  readonly selector?: LabelSelector | undefined;
  /** How many of its pods may be unavailable at once. */
  readonly maxUnavailable: number;
};

/** A pod without a constraint: it is evicted, and nobody is asked before. */
const OF_ANY_POD: InstanceConstraint = {
  ...{ isStated: false, groups: [], migrationType: 'MIGRATE', leadTimeSeconds: 0, resourceMitigation: false },
};

/**
 * The constraints of pods, with defaults for those without. The pods of a budget are a group, and so are replicas that are
 * kept apart. The Eviction API judges budgets in any case: a group only saves the asking for what it would refuse.
 */
export function constraintsOfPods(
  stated: Constraints,
  pods: readonly InstanceFacts[],
  budgets: readonly BudgetFacts[],
): Constraints {
  const groups = new Map(stated.groups);
  const instances = new Map(stated.instances);
  for (const pod of pods) {
    const derived = [...budgetsOver(pod, budgets), ...replicasOf(pod)];
    if (derived.length === 0) continue;
    for (const group of derived) groups.set(group.name, group);
    const own = instances.get(pod.uid) ?? OF_ANY_POD;
    instances.set(pod.uid, { ...own, groups: [...own.groups, ...derived.map(({ name }) => name)] });
  }
  return { ...stated, groups, instances, fallback: OF_ANY_POD };
}

/** The constraints of instances whose owners have stated none, and that no budget protects. */
export const WITHOUT_DEMANDS: Constraints = {
  ...{ instances: new Map(), groups: new Map(), faults: new Map() },
  ...{ fallback: OF_ANY_POD, actions: ['MIGRATE'] },
};

function budgetsOver(
  { namespace, labels = {} }: InstanceFacts,
  budgets: readonly BudgetFacts[],
): readonly GroupConstraint[] {
  return budgets
    .filter(
      (budget) => budget.namespace === namespace && budget.selector && meetsAll(budget.selector, labels),
    )
    .map(({ name, maxUnavailable }) => ({
      name: `PodDisruptionBudget ${namespace}/${name}`,
      // A budget of none is for the Eviction API to tell of: its owner may answer by handing the work over.
      ...{ maxImpactedMembers: Math.max(1, maxUnavailable), recoverySeconds: 0 },
    }));
}

/** The scheduler keeps them apart: here they only leave one after another. */
function replicasOf({ namespace, controller, keptApart }: InstanceFacts): readonly GroupConstraint[] {
  if (controller === undefined || keptApart !== true) return [];
  return [{ name: `${controller} in ${namespace}`, maxImpactedMembers: 1, recoverySeconds: 0 }];
}
