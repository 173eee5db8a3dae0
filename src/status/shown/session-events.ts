/** The Kubernetes events of what a session tells about itself and its hosts (fenix.md §4.2, §4.3). */
import type { SessionEvent } from '../../engine/session/session-state.ts';
import type { EventDraft } from './event-drafts.ts';

/** Projects are told by their notices. */
export function sessionEventDrafts(event: SessionEvent): EventDraft[] {
  switch (event.type) {
    case 'project':
      return [];
    case 'host': {
      const { host, state, id } = event;
      const begins = state === 'IN_MAINTENANCE';
      const note = begins ? `${host} is worked on` : `the work on ${host} has ended, and it is given back`;
      return [{ reason: begins ? 'HostInMaintenance' : 'HostMaintained', subject: id, host, note }];
    }
    case 'session': {
      const { state, percentDone, id } = event;
      const note = `the session is in ${state}; ${String(percentDone)} % of its hosts are maintained`;
      return [{ reason: 'SessionState', subject: id, note }];
    }
  }
}
