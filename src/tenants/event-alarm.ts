/**
 * The events for projects in the form in which managers of Fenix receive them: as an event alarm (fenix.md §4). A trait is
 * a text of at most 255 characters, lists and objects as JSON, so instances are a link and not a list.
 */
import type { ReplyLinks } from './reply-links.ts';
import { eventId, metadataIn, replyUrl, type ProjectEvent, type ToldSession } from './told.ts';

const LONGEST_TRAIT = 255;
/** The numbers of the types of traits. */
const TEXT = 1;
const TIME = 4;

type Trait = readonly [name: string, type: typeof TEXT | typeof TIME, value: string];

export type EventAlarm = {
  readonly reason_data: {
    readonly event: {
      /** The same whenever the event is sent again, as in the envelope of Fenix. */
      readonly message_id: string;
      readonly event_type: 'maintenance.scheduled';
      readonly traits: readonly Trait[];
    };
  };
};

/** The event alarm, or why there is none: a trait would be too long. */
export function eventAlarm(
  event: ProjectEvent,
  session: ToldSession,
  links: ReplyLinks,
): EventAlarm | string {
  const { state, project, instances, instance, allowedActions, replyBy, actionsAt } = event;
  const { migrationType, resourceMitigation } = event;
  const isList = state === 'INSTANCE_ACTION_DONE' || instance !== undefined;
  const times: readonly (readonly [string, string | undefined])[] = [
    ['reply_at', replyBy],
    ['actions_at', actionsAt],
  ];
  const traits: readonly Trait[] = [
    ['state', TEXT, state],
    ['session_id', TEXT, session.uid],
    ['project_id', TEXT, project],
    ['instance_ids', TEXT, isList ? JSON.stringify(instances) : links.ofProject(session.uid, project)],
    ['allowed_actions', TEXT, JSON.stringify(allowedActions)],
    ['reply_url', TEXT, replyUrl(event, session, links)],
    ...times.flatMap(([name, time]): Trait[] => (time === undefined ? [] : [[name, TIME, naive(time)]])),
    ['metadata', TEXT, shortJson(metadataIn(event, session))],
    // The constraint of the instance says these. Fenix has no such traits; managers look up by name the traits that they know.
    ...(migrationType ? [['migration_type', TEXT, migrationType] as const] : []),
    ...(resourceMitigation ? [['resource_mitigation', TEXT, 'true'] as const] : []),
  ];
  const long = traits.find(([, , value]) => value.length > LONGEST_TRAIT);
  if (long) return `${long[0]} is longer than the ${String(LONGEST_TRAIT)} characters of an event alarm`;
  const message_id = eventId(event, session);
  return { reason_data: { event: { message_id, event_type: 'maintenance.scheduled', traits } } };
}

/** As Python writes a time in UTC that has no zone. Fractions of a second are cut: an answer may be early. */
function naive(time: string): string {
  return new Date(time).toISOString().slice(0, 'YYYY-MM-DDTHH:MM:SS'.length);
}

/** As many entries, in order, as a trait has room for: a cut text would be no JSON. */
function shortJson(metadata: ToldSession['metadata']): string {
  let kept: Record<string, string> = {};
  for (const [key, value] of Object.entries(metadata)) {
    const more = { ...kept, [key]: value };
    if (JSON.stringify(more).length <= LONGEST_TRAIT) kept = more;
  }
  return JSON.stringify(kept);
}
