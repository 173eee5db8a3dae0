/** The constraints of a session: what tenants demand of moves, and on nodes also what follows from disruption budgets. */
import type { HostPoolSpec } from '../../crds/host-pool.ts';
import { MOVE_ACTIONS } from '../../crds/vocabulary.ts';
import type { Constraints } from '../../engine/session/constraints/constraints.ts';
import { constraintsOfPods } from '../../engine/session/constraints/node-constraints.ts';
import {
  constraintsFrom,
  TENANTS_OF_NODES,
  type Tenancy,
} from '../../engine/session/constraints/read-constraints.ts';
import type { SessionProgress } from '../../engine/session/session-state.ts';
import type { View } from '../../engine/view.ts';
import type { ConstraintWatch } from '../../resources/constraint-objects.ts';

/** The workflow that asks for no constraint. */
const WITHOUT = 'default';
/** The workflow in which every pod has constraints, stated or not. */
const OF_ALL_PODS = 'kubernetes';

/** @returns undefined for a workflow that looks at none. Throws when budgets cannot be listed. */
export async function constraintsOf(
  watch: Pick<ConstraintWatch, 'objects' | 'budgets'>,
  { hosts }: Pick<SessionProgress, 'hosts'>,
  {
    workflow,
    pool,
    view,
  }: { readonly workflow: string; readonly pool: HostPoolSpec; readonly view: Pick<View, 'host'> },
): Promise<Constraints | undefined> {
  if (workflow === WITHOUT) return undefined;
  const instances = hosts.flatMap(({ name }) => view.host(name)?.instances ?? []);
  const stated = constraintsFrom(await watch.objects(), instances, tenancyOf(pool));
  if (workflow !== OF_ALL_PODS) return stated;
  return constraintsOfPods(stated, instances, await watch.budgets());
}

/** The namespace of all other projects stands for none of them: whoever may write there would speak for all. */
function tenancyOf({ provider, tenants }: HostPoolSpec): Tenancy {
  if (provider.openstack === undefined) return TENANTS_OF_NODES;
  const { namespaces } = tenants;
  return {
    namespaceOf: (project) => (Object.hasOwn(namespaces, project) ? namespaces[project] : undefined),
    actions: MOVE_ACTIONS,
  };
}
