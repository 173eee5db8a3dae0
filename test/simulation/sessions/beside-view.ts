/**
 * What the sessions besides one affect, as a person reads it from their objects alone: the questions of a stage that runs,
 * who recovers, and who leaves although the session has failed.
 */
import { at, type Objects } from '../world/api-server.ts';
import type { ApiObject } from '../world/objects.ts';
import { stagesOf, stateOf } from '../seen.ts';
import { sessionOf, type InstanceQuestion } from './session-view.ts';

/** `recovers`: of which group, and until when; undefined while it is asked about, or on its way. */
export type AffectedBeside = {
  readonly session: ApiObject;
  readonly uid: string;
  readonly recovers?: { readonly group: string; readonly until: number };
};

/** @param isLeaving whether an instance is on its way, as the operator must have seen */
export function affectedBeside(
  server: Pick<Objects, 'list'>,
  own: ApiObject,
  isLeaving: (uid: string) => boolean,
): readonly AffectedBeside[] {
  const others = server
    .list('maintenancesessions')
    .filter(({ metadata: { uid } }) => uid !== own.metadata.uid);
  return others.flatMap((session) => {
    const asked = sessionOf(session)?.singles ?? [];
    const counts = ({ instance, answer }: InstanceQuestion): boolean =>
      isAsking(session) || (answer?.kind === 'ACK' && isLeaving(instance));
    const underWay = asked.filter(counts).map(({ instance: uid }) => ({ session, uid }));
    return [...underWay, ...recoveringIn(session)];
  });
}

/** Whether the stage runs that has asked the questions. */
function isAsking(session: ApiObject): boolean {
  const asking = at(session.status, 'session', 'asking');
  return (
    stateOf(session) === 'applying' &&
    stagesOf(session).some(
      ({ id, attempt, inProgress }) =>
        inProgress && id === at(asking, 'stage') && attempt === at(asking, 'attempt'),
    )
  );
}

function recoveringIn(session: ApiObject): readonly AffectedBeside[] {
  const { status } = session;
  const recovering = at(status, 'session', 'recovering') ?? at(status, 'affected', 'recovering');
  if (!Array.isArray(recovering)) return [];
  return recovering.map((each: unknown) => ({
    ...{ session, uid: String(at(each, 'instance')) },
    recovers: { group: String(at(each, 'group')), until: Date.parse(String(at(each, 'until'))) },
  }));
}
