/** The members of groups that other sessions affect, as their statuses show (docs/decisions/0037-groups-over-sessions.md). Pure. */
import type { StrategyStatus } from '../../../crds/observed/strategy-status.ts';
import type { HostName } from '../../../planner/hosts/facts.ts';
import { runningStage } from '../../run/run-state.ts';
import type { Instant, View } from '../../view.ts';
import { isAskedIn, type Affected, type InstanceQuestion, type SessionProgress } from '../session-state.ts';

/** A member of a group that another session affects. */
export type AffectedMember = {
  /** The words for the session. */
  readonly session: string;
  readonly instance: string;
  /** The key of the group. */
  readonly group: string;
  /** When it has recovered; absent while it is asked about, or on its way. */
  readonly until?: Instant;
  /** When it was first seen to be gone, where no session has recorded that: it recovers from then. */
  readonly leftAt?: Instant;
};

/** What is known of the other sessions. */
export type Elsewhere = {
  readonly affected: readonly AffectedMember[];
  /** The words for the sessions of which it is not certain yet what they affect. */
  readonly uncertain: readonly string[];
  /** The hosts on which instances of theirs may still be on their way: only an observation shows when they are not. */
  readonly hosts: readonly HostName[];
};

/** The parts of a status that show what a session affects. */
export type SessionTraces = Pick<StrategyStatus, 'state' | 'applyPhase'> & {
  readonly session?: (Affected & Pick<SessionProgress, 'asking'>) | undefined;
  /** Of the runs before, while there is no session. */
  readonly affected?: Affected | undefined;
};

/** Whether a session affects nothing, whoever observes its hosts. */
export function affectsNothing({ session, affected }: SessionTraces): boolean {
  const { questions = [], recovering = [] } = session ?? affected ?? {};
  return questions.length + recovering.length === 0;
}

/**
 * What a session affects. While the stage runs that has asked, all its questions count. After that, as when the session has
 * failed, nobody gets ready any more; an instance whose owner had agreed may still be on its way, or recover from it.
 * @param leftAt when an instance was first seen to be gone
 */
export function affectedIn(
  name: string,
  traces: SessionTraces,
  view: Pick<View, 'host'>,
  leftAt: (instance: string) => Instant,
): Pick<Elsewhere, 'affected' | 'hosts'> {
  const { questions = [], recovering = [] } = traces.session ?? traces.affected ?? {};
  const agreed = questions.filter(({ answer }) => answer?.kind === 'ACK');
  const counted = isAsking(traces) ? questions : agreed.filter((each) => mayBeOnItsWay(each, view));
  const gone = isAsking(traces) ? [] : agreed.filter((each) => isGone(each, view));
  const affected = [
    ...counted.flatMap(({ instance, groups }) => groups.map((group) => ({ session: name, instance, group }))),
    ...gone.flatMap(({ instance, groups }) =>
      groups.map((group) => ({ session: name, instance, group, leftAt: leftAt(instance) })),
    ),
    ...recovering.map(({ instance, group, until }) => ({
      ...{ session: name, instance, group },
      until: Date.parse(until),
    })),
  ];
  return { affected, hosts: isAsking(traces) ? [] : [...new Set(agreed.map(({ host }) => host))] };
}

function isAsking({ state, applyPhase, session }: SessionTraces): boolean {
  const stage = state === 'applying' && applyPhase && runningStage(applyPhase);
  return session !== undefined && typeof stage === 'object' && isAskedIn(session, stage);
}

function isGone({ instance, host }: InstanceQuestion, view: Pick<View, 'host'>): boolean {
  const facts = view.host(host);
  return !facts || facts.instances?.every(({ uid }) => uid !== instance) === true;
}

/** Also while nobody has observed the host yet. */
function mayBeOnItsWay({ instance, host }: InstanceQuestion, view: Pick<View, 'host'>): boolean {
  const facts = view.host(host);
  if (!facts) return false;
  const found = facts.instances?.find(({ uid }) => uid === instance);
  return facts.instances === undefined || found?.leaving !== undefined;
}
