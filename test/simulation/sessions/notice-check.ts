/** Judges what a session says to its projects, and keeps what they have answered (invariants 2 and 5). */
import { at, type Change, type Objects } from '../world/api-server.ts';
import { keyOf, type ApiObject } from '../world/objects.ts';
import { askedIn, replyIn, shownIn, type Question, type Reply } from './session-view.ts';

const SESSION_UID = 'careen.dev/session-uid';

/** An answer of a project, when it was written, and when the project replaced it by another one. */
export type Given = Reply & { readonly at: number; until: number };

export type NoticeCheckOptions = {
  readonly server: Objects;
  readonly now: () => number;
  readonly isOperator: (by: string) => boolean;
  readonly failed: (complaint: string) => void;
};

/** The notice of a project: the one that the operator made in its namespace. One that others made is none. */
type Notice = {
  readonly session: string;
  readonly project: string;
  readonly given: Given[];
  /** By number of a question: when the notice showed it first. */
  readonly shown: Map<number, number>;
};

export class NoticeCheck {
  readonly #options: NoticeCheckOptions;
  readonly #notices = new Map<string, Notice>();
  /** By the uid of a pod: its namespace. */
  readonly #owners = new Map<string, string>();
  /** By session, project and number. */
  readonly #questions = new Map<string, Question>();

  constructor(options: NoticeCheckOptions) {
    this.#options = options;
  }

  pod({ metadata: { uid, namespace = '' } }: ApiObject): void {
    this.#owners.set(uid, namespace);
  }

  /** The status of a session has recorded a question. */
  asked(session: string, question: Question): void {
    this.#questions.set(questionKey(session, question.project, question.number), question);
  }

  /** What a project has answered to a question of a session, in the order of time. */
  given(session: string, project: string, number: number): readonly Given[] {
    return this.#of(session, project).flatMap(({ given }) =>
      given.filter(({ question }) => question === number),
    );
  }

  /** Since when the project could read the question; Infinity while it cannot. */
  shownAt(session: string, project: string, number: number): number {
    return Math.min(...this.#of(session, project).map(({ shown }) => shown.get(number) ?? Infinity));
  }

  /** No notice stays behind its session. */
  atEnd(): void {
    const { server, failed } = this.#options;
    const sessions = new Set(server.list('maintenancesessions').map(({ metadata: { uid } }) => uid));
    for (const { metadata } of server.list('maintenancenotices')) {
      const notice = this.#notices.get(metadata.uid);
      if (notice && !sessions.has(notice.session))
        failed(`(5) the notice ${keyOf(metadata)} was left by a session that is gone`);
    }
  }

  judge({ object, before, type, by }: Change): void {
    const { uid, namespace = '', labels = {} } = object.metadata;
    const isOurs = this.#options.isOperator(by);
    // Nobody can refuse a request that arrives after its session is gone.
    const session = labels[SESSION_UID] ?? '';
    const isWanted = this.#options.server
      .list('maintenancesessions')
      .some((each) => each.metadata.uid === session);
    if (type === 'ADDED' && isOurs && isWanted)
      this.#notices.set(uid, {
        ...{ session, project: namespace, given: [], shown: new Map() },
      });
    const notice = this.#notices.get(uid);
    const name = keyOf(object.metadata);
    if (type === 'DELETED') return;
    if (!notice) {
      if (isOurs && isWanted)
        this.#options.failed(`(5) ${by} wrote to ${name}, which is no notice of a session`);
      return;
    }
    if (isOurs) this.#told(notice, object, name);
    else if (object.metadata.generation !== before?.metadata.generation) this.#answered(notice, object);
  }

  #answered({ given }: Notice, object: ApiObject): void {
    const reply = replyIn(object);
    const last = given.at(-1);
    if (last) last.until = Math.min(last.until, this.#options.now());
    if (reply) given.push({ ...reply, at: this.#options.now(), until: Infinity });
  }

  #told(notice: Notice, object: ApiObject, name: string): void {
    const { failed, now } = this.#options;
    const { project, session, shown } = notice;
    const asked = askedIn(object);
    const foreign = [...shownIn(object), ...(asked?.instances ?? [])].find(
      (uid) => this.#owners.get(uid) !== project,
    );
    if (foreign !== undefined) failed(`(2) ${name} shows ${foreign}, which is none of ${project}`);
    if (asked) {
      if (!shown.has(asked.number)) shown.set(asked.number, now());
      const recorded = this.#questions.get(questionKey(session, project, asked.number));
      if (!recorded)
        failed(`(5) ${name} asks question ${String(asked.number)}, which the session has not recorded`);
      if (Number.isNaN(asked.replyBy))
        failed(`(4) ${name} asks question ${String(asked.number)} without a deadline`);
    }
    const last = at(object.status, 'lastReply');
    if (at(last, 'accepted') !== true) return;
    const number = Number(at(last, 'question'));
    if (!notice.given.some(({ question }) => question === number))
      failed(`(5) ${name} says that an answer to question ${String(number)} counts, and nobody gave one`);
  }

  #of(session: string, project: string): Notice[] {
    return [...this.#notices.values()].filter((each) => each.session === session && each.project === project);
  }
}

function questionKey(session: string, project: string, number: number): string {
  return `${session}/${project}/${String(number)}`;
}
