/** Encodes what a run keeps of its session into the status, and decodes it. */
import { sessionProgress, type SessionStatus } from '../../crds/observed/session-progress.ts';
import { ASKED_STATES, SESSION_STATES } from '../../crds/vocabulary.ts';
import {
  computeHosts,
  hasEnded,
  type SessionEvent,
  type SessionProgress,
} from '../../engine/session/session-state.ts';

/** The part of the status that shows a session. */
export function sessionStatusOf(session: SessionProgress): SessionStatus {
  const hosts = computeHosts(session);
  const maintained = hosts.filter((host) => host.maintained).length;
  const asked = hasEnded(session) ? [] : [...session.projects, ...session.questions];
  const awaited = asked.filter(({ answer }) => !answer).map(({ replyBy }) => replyBy);
  const [nextDeadline] = awaited.toSorted();
  // It copies what is read-only here, and proves that the API server stores all of it.
  return sessionProgress.parse({
    ...session,
    maintained: `${String(maintained)}/${String(hosts.length)}`,
    ...(nextDeadline === undefined ? {} : { nextDeadline }),
  });
}

/** The session that a status shows. An event that no version of Careen has written is left out. */
export function sessionIn(status: SessionStatus): SessionProgress {
  const { maintained: _shown, nextDeadline: _too, ...session } = status;
  return { ...session, events: session.events.flatMap(eventIn) };
}

function eventIn(event: SessionStatus['events'][number]): SessionEvent[] {
  const { id, type, state, project, host, instances = [], allowedActions = [] } = event;
  const { replyBy, actionsAt, percentDone = 0 } = event;
  switch (type) {
    case 'project': {
      const asked = [...ASKED_STATES, 'INSTANCE_ACTION_DONE' as const].find((each) => each === state);
      if (!asked || project === undefined) return [];
      const { instance, migrationType, resourceMitigation, give } = event;
      const ofInstance = { instance, migrationType, resourceMitigation, give };
      return [
        { id, type, project, state: asked, instances, allowedActions, replyBy, actionsAt, ...ofInstance },
      ];
    }
    case 'host':
      return host !== undefined && (state === 'IN_MAINTENANCE' || state === 'MAINTENANCE_COMPLETE')
        ? [{ id, type, host, state }]
        : [];
    case 'session': {
      const known = SESSION_STATES.find((each) => each === state);
      return known ? [{ id, type, state: known, percentDone }] : [];
    }
  }
}
