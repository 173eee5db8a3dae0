/** A host as an adapter keeps it, for the adapters whose hosts have labels, conditions and taints. Pure. */
import type { HostFacts, InstanceFacts } from '../engine/view.ts';
import type { HostSeed } from '../planner/hosts/facts.ts';
import type { Labels } from '../planner/hosts/labels.ts';
import { memoizeByObject } from '../planner/memoize-by-object.ts';
import { alarmsOf, taintsOf, type HostConditions, type Taint } from './health.ts';
import { membershipOf } from './membership.ts';
import type { Scope } from './port.ts';

/** The facts of a host that no pool decides about. */
export type HostState = Omit<HostFacts, 'isMember' | 'instances' | 'alarms' | 'foreignTaints'> &
  HostConditions & {
    readonly labels: Labels;
    readonly taints: readonly Taint[];
    /** Whether it has ever been Ready. A host that joins the cluster is not, for a while. */
    readonly wasReady: boolean;
    /** Whether it carries the note that it was left locked. */
    readonly leftLocked: boolean;
  };

/** Whether a host serves, as the input of a plan: nothing where it does, and is open to new work. */
export function standingOf({
  closedToNewWork,
  hasMaintenanceMark,
  ready,
  claim,
}: Pick<HostState, 'closedToNewWork' | 'hasMaintenanceMark' | 'ready' | 'claim'>): Pick<
  HostSeed,
  'closedByOthers' | 'isDown'
> {
  const isClosed = claim ? claim.closedToNewWorkBefore : closedToNewWork && !hasMaintenanceMark;
  return { ...(isClosed ? { closedByOthers: true } : {}), ...(ready ? {} : { isDown: true }) };
}

/** The facts of a host for a pool. */
export function hostFactsOf(
  state: HostState,
  scope: Scope,
  instances: readonly InstanceFacts[] | undefined,
): HostFacts {
  const facts = factsFor(scope)(state);
  return instances === undefined ? facts : { ...facts, instances };
}

/** Memoized, because pass after pass looks at the same hosts. */
const factsFor = memoizeByObject((scope: Scope) =>
  memoizeByObject((state: HostState): HostFacts => {
    const { labels: _labels, leftLocked: _note, wasReady: _was, ...observed } = state;
    const { taints, notReady, conditions, ...facts } = observed;
    return {
      ...facts,
      isMember: membershipOf(state, scope) === 'member',
      alarms: alarmsOf({ notReady, conditions }, scope.health),
      foreignTaints: taintsOf(taints, scope.health),
      instances: undefined,
    };
  }),
);
