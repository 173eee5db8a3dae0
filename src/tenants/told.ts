/** What is told to the projects of a session, by whatever way: the event, the session that it is of, and the links. */
import type { SessionEvent } from '../engine/session/session-state.ts';
import type { ReplyLinks } from './reply-links.ts';

/** The parts of a session that those who are told of it see. */
export type ToldSession = {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** Of the spec of the session, unchanged. */
  readonly metadata: Readonly<Record<string, string>>;
};

export type ProjectEvent = Extract<SessionEvent, { type: 'project' }>;

/** By it a receiver knows an event that comes again. */
export function eventId({ id }: Pick<SessionEvent, 'id'>, { uid }: Pick<ToldSession, 'uid'>): string {
  return `${uid}-${id}`;
}

/** Where the answer to an event goes. */
export function replyUrl(
  { project, instance }: ProjectEvent,
  { uid }: Pick<ToldSession, 'uid'>,
  links: ReplyLinks,
): string {
  return instance === undefined ? links.ofProject(uid, project) : links.ofInstance(uid, project, instance);
}

/** What the administrator tells is part of each question, and of no report (fenix.md §4.1). */
export function metadataIn({ state }: ProjectEvent, { metadata }: ToldSession): ToldSession['metadata'] {
  return state === 'INSTANCE_ACTION_DONE' ? {} : metadata;
}
