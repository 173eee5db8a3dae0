/**
 * Which members of a group are affected by moves (fenix.md §10): their owner was asked to get ready and they have not left,
 * they are on their way for whatever reason, or they recover from a move; also because of another session. Pure.
 */
import type { InstanceFacts, Instant, View } from '../../view.ts';
import { instancesOn } from '../occupancy.ts';
import { computeHosts, type SessionProgress } from '../session-state.ts';
import { groupsOf, isMember, type Constraints, type GroupConstraint } from './constraints.ts';
import type { AffectedMember, Elsewhere } from './elsewhere.ts';

/** All that the state of groups follows from. */
export type Groups = {
  readonly session: Pick<SessionProgress, 'hosts' | 'questions' | 'recovering'>;
  readonly view: Pick<View, 'host'>;
  readonly constraints: Constraints;
  /** What other sessions affect; absent: nothing. */
  readonly elsewhere?: Elsewhere | undefined;
  readonly now: Instant;
};

/** Why an instance waits for others of its groups; comes after its name. */
export type HeldUp = { readonly reason: string; readonly until?: Instant };

/** It takes about so long until all sessions are known. */
const KNOWN_SOON_MS = 5_000;

/** Why an instance may not be affected now, although its host is to be emptied; undefined when it may. */
export function heldUp(groups: Groups, uid: string): HeldUp | undefined {
  const own = groupsOf(groups.constraints, uid);
  for (const [key, group] of own) {
    const found = heldUpIn(groups, uid, key, group);
    if (found) return found;
  }
  const [uncertain] = groups.elsewhere?.uncertain ?? [];
  if (uncertain === undefined || own.length === 0 || isAsked(groups, uid)) return undefined;
  return {
    reason: `waits until it is known which instances ${uncertain} affects`,
    until: groups.now + KNOWN_SOON_MS,
  };
}

/** Whether an instance waits for nothing but members of its groups in other sessions. */
export function waitsForOtherSessions(groups: Groups, uid: string): boolean {
  const { elsewhere: _elsewhere, ...here } = groups;
  return heldUp(here, uid) === undefined && heldUp(groups, uid) !== undefined;
}

/** An affected member: of another session where one is named. */
type Member = Pick<AffectedMember, 'instance' | 'until'> & { readonly session?: string };

function heldUpIn(groups: Groups, uid: string, key: string, group: GroupConstraint): HeldUp | undefined {
  const { session, now, elsewhere } = groups;
  const underWay = membersUnderWay(groups, key).map((instance): Member => ({ instance }));
  const recovering = session.recovering
    .filter(({ group: of }) => of === key)
    .map(({ instance, until }): Member => ({ instance, until: Date.parse(until) }));
  const countsBeside = ({ instance, until = Infinity }: Member): boolean => instance !== uid && until > now;
  const here = [...underWay, ...recovering].filter(countsBeside);
  const held = waitsFor(here, group);
  // Whose owner is asked holds its place already: two sessions never wait for each other.
  if (held || isAsked(groups, uid)) return held;
  const others = elsewhere?.affected.filter(({ group: of }) => of === key) ?? [];
  const recoveringThere = others.map((each): Member => {
    const { leftAt } = each;
    return leftAt === undefined ? each : { ...each, until: leftAt + group.recoverySeconds * 1000 };
  });
  return waitsFor([...here, ...recoveringThere.filter(countsBeside)], group);
}

function waitsFor(members: readonly Member[], group: GroupConstraint): HeldUp | undefined {
  const underWay = members.filter(({ until }) => until === undefined);
  // Where members are kept apart, a second one could arrive where the first one is about to.
  if (group.maxInstancesPerHost !== undefined && underWay.length > 0)
    return {
      reason: `waits for another member of group ${group.name}, which is kept apart, to arrive${placeOf(underWay)}`,
    };
  const affected = new Set(members.map(({ instance }) => instance));
  const { maxImpactedMembers: most } = group;
  if (affected.size < most) return undefined;
  const [next] = members.flatMap(({ until }) => until ?? []).toSorted((a, b) => a - b);
  return {
    reason: `waits for group ${group.name}: ${String(affected.size)} of its members are affected${placeOf(members)}, and at most ${String(most)} may be at once`,
    ...(next === undefined ? {} : { until: next }),
  };
}

/** Names the other sessions that affect these members. */
function placeOf(members: readonly Member[]): string {
  const sessions = [...new Set(members.flatMap(({ session }) => session ?? []))];
  return sessions.length === 0 ? '' : ` (some by ${sessions.join(' and ')})`;
}

function isAsked({ session }: Groups, uid: string): boolean {
  return session.questions.some(({ instance }) => instance === uid);
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
