/**
 * The demands of the owners of instances on moves (fenix.md §2.3, §10). Plain data, an input of the turn: read from objects
 * that exist independently of sessions, so they may change at any time.
 */
import type { MoveAction } from '../../../crds/vocabulary.ts';

/** How one instance is to be moved. */
export type InstanceConstraint = {
  /** Whether its owner has made it: then it is the consent to lose what a move loses. */
  readonly isStated: boolean;
  /** The keys of its groups. */
  readonly groups: readonly string[];
  /** How it is moved, unless its owner answers otherwise. */
  readonly migrationType: MoveAction;
  /** How long a live migration of it may take; absent: without a bound. */
  readonly maxInterruptionSeconds?: number | undefined;
  /** How long its owner has to get ready for a move. 0: its owner is not asked, the constraint is its consent. */
  readonly leadTimeSeconds: number;
  /** Whether its owner needs its resources made up for while it is away. */
  readonly resourceMitigation: boolean;
};

/** How many members of a group may be affected by moves, and how they are spread. */
export type GroupConstraint = {
  /** How messages name it. */
  readonly name: string;
  /** How many members may share a host; absent: without a bound. 1 is anti-affinity. */
  readonly maxInstancesPerHost?: number | undefined;
  readonly maxImpactedMembers: number;
  /** A member counts as affected for so long after its move. */
  readonly recoverySeconds: number;
};

export type Constraints = {
  /** By the uid of the instance. */
  readonly instances: ReadonlyMap<string, InstanceConstraint>;
  readonly groups: ReadonlyMap<string, GroupConstraint>;
  /** Why the constraint of an instance does not hold, by its uid: such an instance is not moved. */
  readonly faults: ReadonlyMap<string, string>;
  /** Holds for every instance that has none of its own. Absent: an instance without a constraint is not moved. */
  readonly fallback?: InstanceConstraint | undefined;
  /** The ways of moving that the hosts have. */
  readonly actions: readonly MoveAction[];
};

/** The constraint of an instance, or why it has none that holds; comes after the name of the instance. */
export function constraintOf(
  { instances, faults, fallback }: Constraints,
  uid: string,
): InstanceConstraint | string {
  const fault = faults.get(uid);
  if (fault !== undefined) return fault;
  return (
    instances.get(uid) ?? fallback ?? 'has no constraint: its project makes an InstanceConstraint for it'
  );
}

/** The groups of an instance, by their keys. */
export function groupsOf(
  constraints: Constraints,
  uid: string,
): readonly (readonly [key: string, group: GroupConstraint])[] {
  const own = constraintOf(constraints, uid);
  if (typeof own === 'string') return [];
  return own.groups.flatMap((key) => {
    const group = constraints.groups.get(key);
    return group ? [[key, group] as const] : [];
  });
}

/** Whether an instance is a member of a group, also where its constraint does not hold. */
export function isMember({ instances }: Constraints, uid: string, group: string): boolean {
  return instances.get(uid)?.groups.includes(group) === true;
}
