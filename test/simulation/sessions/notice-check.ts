/** Judges what a session says to its projects, and keeps what they have answered (invariants 2 and 5). */
import { isDeepStrictEqual } from 'node:util';
import { at, type Change, type Objects } from '../world/api-server.ts';
import { keyOf, type ApiObject } from '../world/objects.ts';
import { askedIn, replyIn, shownIn, wishIn, type Question, type Reply, type Wish } from './session-view.ts';

const SESSION_UID = 'careen.dev/session-uid';

/** An answer of a project, when it was written, and when the project replaced it by another one. */
export type Given = Reply & { readonly at: number; until: number };

/** More time that a project has asked for. */
export type Wished = Wish & { readonly at: number; until: number };

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
  readonly wished: Wished[];
  /** By number of a question: when the notice showed it first, and about which instances. */
  readonly shown: Map<number, { readonly at: number; readonly instances: Set<string> }>;
};

export class NoticeCheck {
  readonly #options: NoticeCheckOptions;
  readonly #notices = new Map<string, Notice>();
  /** By the uid of a pod: its namespace. */
  readonly #owners = new Map<string, string>();
  /** By session, project and number. */
  readonly #questions = new Set<string>();

  constructor(options: NoticeCheckOptions) {
    this.#options = options;
  }

  pod({ metadata: { uid, namespace = '' } }: ApiObject): void {
    this.#owners.set(uid, namespace);
  }

  /** The status of a session has recorded a question. */
  asked(session: string, { project, number }: Pick<Question, 'project' | 'number'>): void {
    this.#questions.add(questionKey(session, project, number));
  }

  /** What a project has answered to a question of a session, in the order of time. */
  given(session: string, project: string, number: number): readonly Given[] {
    return this.#of(session, project).flatMap(({ given }) =>
      given.filter(({ question }) => question === number),
    );
  }

  /** Since when the project could read the question; Infinity while it cannot. */
  shownAt(session: string, project: string, number: number): number {
    return Math.min(...this.#of(session, project).map(({ shown }) => shown.get(number)?.at ?? Infinity));
  }

  /** The same where the question is about one instance: a later question about others, too, takes its place. */
  aboutInstance(session: string, project: string, about: About): readonly Given[] {
    return this.#of(session, project).flatMap((notice) =>
      notice.given.filter(({ question }) => isShownAbout(notice, about, question)),
    );
  }

  /** Whether the project could read the question about an instance. */
  isShownAbout(session: string, project: string, about: About): boolean {
    return this.#of(session, project).some((notice) =>
      [...notice.shown.keys()].some((number) => isShownAbout(notice, about, number)),
    );
  }

  /** Whether a question that was shown under this number was about an instance. */
  isAbout(session: string, project: string, about: About, number: number): boolean {
    return this.#of(session, project).some((notice) => isShownAbout(notice, about, number));
  }

  /** The time that a project has asked for in a session. */
  wishes(session: string, project: string): readonly Wished[] {
    return this.#of(session, project).flatMap(({ wished }) => wished);
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
        ...{ session, project: namespace, given: [], wished: [], shown: new Map() },
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
    else if (object.metadata.generation !== before?.metadata.generation) this.#said(notice, object);
  }

  /** An edit says all that it contains once more. */
  #said({ given, wished }: Notice, object: ApiObject): void {
    const now = this.#options.now();
    const [reply, wish] = [replyIn(object), wishIn(object)];
    const [last, wishedLast] = [given.at(-1), wished.at(-1)];
    if (last) last.until = Math.min(last.until, now);
    if (wishedLast && !isDeepStrictEqual({ ...wishedLast, ...wish }, wishedLast))
      wishedLast.until = Math.min(wishedLast.until, now);
    if (reply) given.push({ ...reply, at: now, until: Infinity });
    if (wish) wished.push({ ...wish, at: now, until: Infinity });
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
      const seen = shown.get(asked.number) ?? { at: now(), instances: new Set() };
      shown.set(asked.number, seen);
      for (const uid of asked.instances) seen.instances.add(uid);
      if (!this.#questions.has(questionKey(session, project, asked.number)))
        failed(`(5) ${name} asks question ${String(asked.number)}, which the session has not recorded`);
      if (Number.isNaN(asked.replyBy))
        failed(`(4) ${name} asks question ${String(asked.number)} without a deadline`);
    }
    const last = at(object.status, 'lastReply');
    const number = Number(at(last, 'question'));
    if (at(last, 'accepted') !== true) return this.#refused(notice, object, number, name);
    // It may be another notice than the one in which the project has said it.
    const said = this.#of(session, project).flatMap(({ given, wished }) => [...given, ...wished]);
    if (!said.some(({ question }) => question === number))
      failed(`(5) ${name} says that an answer to question ${String(number)} counts, and nobody gave one`);
  }

  /** A notice does not say of the one answer that counts that it does not. */
  #refused({ given }: Notice, object: ApiObject, number: number, name: string): void {
    if (at(object.status, 'question', 'number') !== number || replyIn(object)?.question !== number) return;
    const [first, ...others] = given.filter(({ question }) => question === number);
    const isOne = others.every(({ actions }) => isDeepStrictEqual(actions, first?.actions));
    const isCounted = [first, ...others].every((each) => each?.answer === at(object.status, 'answer'));
    if (!first || !isOne || !isCounted) return;
    this.#options.failed(
      `(6) ${name} says that the answer to question ${String(number)} does not count, and it counts`,
    );
  }

  #of(session: string, project: string): Notice[] {
    return [...this.#notices.values()].filter((each) => each.session === session && each.project === project);
  }
}

/** A question about one instance, as the session has recorded it. */
type About = { readonly number: number; readonly instance: string };

function isShownAbout({ shown }: Notice, { number, instance }: About, as: number): boolean {
  return as >= number && shown.get(as)?.instances.has(instance) === true;
}

function questionKey(session: string, project: string, number: number): string {
  return `${session}/${project}/${String(number)}`;
}
