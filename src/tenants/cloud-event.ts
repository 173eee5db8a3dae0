/** The events of a session as CloudEvents 1.0, in the structured form. The fields of `data` are those of Fenix (fenix.md §4). */
import { API_VERSION, GROUP } from '../crds/names.ts';
import type { SessionEvent } from '../engine/session/session-state.ts';
import type { ReplyLinks } from './reply-links.ts';
import { eventId, metadataIn, replyUrl, type ProjectEvent, type ToldSession } from './told.ts';

export const CLOUD_EVENT_TYPE = 'application/cloudevents+json';

export type CloudEvent = {
  readonly specversion: '1.0';
  /** The same whenever the event is sent again. */
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: Readonly<Record<string, unknown>>;
};

const TYPES = { project: 'scheduled', host: 'host', session: 'session' } as const;

/**
 * @param at when the event is sent first, Unix time in milliseconds
 * @param links undefined where no answers are taken by HTTP: the receiver then answers with its response, or in its
 *   MaintenanceNotice
 */
export function cloudEvent(
  event: SessionEvent,
  session: ToldSession,
  { at, links }: { readonly at: number; readonly links?: ReplyLinks | undefined },
): CloudEvent {
  const { namespace, name } = session;
  const subject = event.type === 'project' ? event.project : event.type === 'host' ? event.host : undefined;
  return {
    specversion: '1.0',
    id: eventId(event, session),
    source: `/apis/${API_VERSION}/namespaces/${namespace}/maintenancesessions/${name}`,
    type: `${GROUP.split('.').toReversed().join('.')}.maintenance.${TYPES[event.type]}`,
    ...(subject === undefined ? {} : { subject }),
    time: new Date(at).toISOString(),
    datacontenttype: 'application/json',
    data: { session_id: session.uid, ...dataOf(event, session, links) },
  };
}

function dataOf(
  event: SessionEvent,
  session: ToldSession,
  links: ReplyLinks | undefined,
): Readonly<Record<string, unknown>> {
  switch (event.type) {
    case 'project':
      return projectData(event, session, links);
    case 'host':
      return { state: event.state, host: event.host };
    case 'session':
      return { state: event.state, percent_done: event.percentDone };
  }
}

function projectData(
  event: ProjectEvent,
  session: ToldSession,
  links: ReplyLinks | undefined,
): Readonly<Record<string, unknown>> {
  const { state, project, instances, allowedActions, replyBy, actionsAt, give } = event;
  const { migrationType, resourceMitigation } = event;
  return {
    ...{ state, project_id: project, instance_ids: instances, allowed_actions: allowedActions },
    reply_at: replyBy ?? null,
    actions_at: actionsAt ?? null,
    reply_url: links ? replyUrl(event, session, links) : null,
    metadata: metadataIn(event, session),
    ...(migrationType ? { migration_type: migrationType } : {}),
    ...(resourceMitigation ? { resource_mitigation: true } : {}),
    ...(give ? { scale_in: { vcpus: give.vcpus, instance_ids: give.instances } } : {}),
  };
}
