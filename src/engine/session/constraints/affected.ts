/**
 * Which members of a group are affected by moves (fenix.md §10): their owner was asked to get ready and they have not left,
 * they are on their way for whatever reason, or they recover from a move. Pure.
 */
import type { InstanceFacts, Instant, View } from '../../view.ts';
import { instancesOn } from '../occupancy.ts';
import { computeHosts, type SessionProgress } from '../session-state.ts';
import { groupsOf, isMember, type Constraints, type GroupConstraint } from './constraints.ts';

/** All that the state of groups follows from. */
export type Groups = {
  readonly session: Pick<SessionProgress, 'hosts' | 'questions' | 'recovering'>;
  readonly view: Pick<View, 'host'>;
  readonly constraints: Constraints;
  readonly now: Instant;
};

/** Why an instance waits for others of its groups; comes after its name. */
export type HeldUp = { readonly reason: string; readonly until?: Instant };

/** Why an instance may not be affected now, although its host is to be emptied; undefined when it may. */
export function heldUp(groups: Groups, uid: string): HeldUp | undefined {
  for (const [key, group] of groupsOf(groups.constraints, uid)) {
    const found = heldUpIn(groups, uid, key, group);
    if (found) return found;
  }
  return undefined;
}

function heldUpIn(groups: Groups, uid: string, key: string, group: GroupConstraint): HeldUp | undefined {
  const { session, now } = groups;
  const underWay = membersUnderWay(groups, key).filter((each) => each !== uid);
  // Where members are kept apart, a second one could arrive where the first one is about to.
  if (group.maxInstancesPerHost !== undefined && underWay.length > 0)
    return { reason: `waits for another member of group ${group.name}, which is kept apart, to arrive` };
  const recovering = session.recovering.filter(
    ({ instance, group: of, until }) => of === key && instance !== uid && Date.parse(until) > now,
  );
  const affected = new Set([...underWay, ...recovering.map(({ instance }) => instance)]);
  const { maxImpactedMembers: most } = group;
  if (affected.size < most) return undefined;
  const [next] = recovering.map(({ until }) => Date.parse(until)).toSorted((a, b) => a - b);
  return {
    reason: `waits for group ${group.name}: ${String(affected.size)} of its members are affected, and at most ${String(most)} may be at once`,
    ...(next === undefined ? {} : { until: next }),
  };
}

/** The members of a group that are asked about, or on their way. */
function membersUnderWay({ session, view, constraints }: Groups, key: string): readonly string[] {
  const asked = session.questions
    .filter(({ groups }) => groups.includes(key))
    .map(({ instance }) => instance);
  const leaving = allInstances(session, view)
    .filter((each) => each.leaving && isMember(constraints, each.uid, key))
    .map(({ uid }) => uid);
  return [...new Set([...asked, ...leaving])];
}

/** The observed instances on the compute hosts of a session. */
export function allInstances(
  session: Pick<SessionProgress, 'hosts'>,
  view: Pick<View, 'host'>,
): readonly InstanceFacts[] {
  return computeHosts(session).flatMap(({ name }) => instancesOn(view, name) ?? []);
}
