/**
 * Takes the answers of projects that come by HTTP (src/gateway/replies.ts) to the next pass of their session, and keeps the
 * client waiting until the decision about them is stored.
 */
import { isDeepStrictEqual } from 'node:util';
import { isRepeated } from '../../engine/session/repeated-answers.ts';
import {
  endedReason,
  hasEnded,
  type ProjectReply,
  type ReplyVerdict,
  type SessionProgress,
} from '../../engine/session/session-state.ts';
import type { AskedQuestion, GivenReply, ReplyPort, Taken } from '../../tenants/reply-port.ts';
import { questionTo } from '../../status/notices/notice-questions.ts';

/** A pass that takes longer has another problem; the client asks again. */
const LONGEST_MS = 10_000;

/** A new leader makes a pass of each session within this time. */
const SEEN_AFTER_MS = 60_000;

type Waiting = {
  readonly given: GivenReply;
  readonly reply: ProjectReply;
  readonly taken: Promise<Taken>;
  readonly answer: (taken: Taken) => void;
};

export class ReplyDesk implements ReplyPort {
  readonly #clock: () => number;
  readonly #wake: (session: string) => void;
  readonly #sessionOf: (session: string) => SessionProgress | undefined;
  readonly #waiting = new Map<string, Waiting[]>();
  #startedAt = Infinity;
  #count = 0;

  /**
   * @param wake makes a pass of the session with this uid soon
   * @param sessionOf the session as it was stored last
   */
  constructor(
    clock: () => number,
    wake: (session: string) => void,
    sessionOf: (session: string) => SessionProgress | undefined,
  ) {
    this.#clock = clock;
    this.#wake = wake;
    this.#sessionOf = sessionOf;
  }

  /** This process leads: it sees the sessions from now on. */
  start(): void {
    this.#startedAt = this.#clock();
  }

  questionOf(session: string, project: string): Promise<AskedQuestion> {
    const known = this.#sessionOf(session);
    if (!known) return Promise.resolve(this.#notKnown());
    const question = questionTo(known, project);
    return Promise.resolve(question ? { kind: 'asked', instances: question.instances } : { kind: 'unknown' });
  }

  /** A process that began to lead a moment ago has not seen every session yet. */
  #notKnown(): { readonly kind: 'unavailable' | 'unknown' } {
    const isNew = this.#clock() - this.#startedAt < SEEN_AFTER_MS;
    return { kind: isNew ? 'unavailable' : 'unknown' };
  }

  take(given: GivenReply): Promise<Taken> {
    const { session, project, instance, state, instanceActions } = given;
    const known = this.#sessionOf(session);
    if (!known) return Promise.resolve(this.#notKnown());
    if (!questionTo(known, project)) return Promise.resolve({ kind: 'unknown' });
    if (isRepeated(known, given)) return Promise.resolve({ kind: 'accepted' });
    // A session at rest makes no pass.
    if (hasEnded(known)) return Promise.resolve({ kind: 'refused', message: endedReason(known) });
    const waiting = this.#waiting.get(session) ?? [];
    // A client that has lost its connection repeats what a pass is about to judge.
    const same = waiting.find((each) => isDeepStrictEqual(each.given, given));
    if (same) return same.taken;
    const { promise, resolve } = Promise.withResolvers<Taken>();
    const reply: ProjectReply = {
      id: `http/${String((this.#count += 1))}`,
      ...{ project, at: this.#clock(), state },
      ...(instance === undefined ? {} : { instance }),
      ...(instanceActions ? { instanceActions } : {}),
    };
    this.#waiting.set(session, [...waiting, { given, reply, taken: promise, answer: resolve }]);
    this.#wake(session);
    setTimeout(() => this.#giveUp(session, reply.id), LONGEST_MS).unref();
    return promise;
  }

  /** The answers that no pass has decided about. */
  repliesFor(session: string): readonly ProjectReply[] {
    return (this.#waiting.get(session) ?? []).map(({ reply }) => reply);
  }

  /** The verdicts of a pass are stored. */
  settle(session: string, verdicts: readonly ReplyVerdict[]): void {
    const byId = new Map(verdicts.map((verdict) => [verdict.id, verdict]));
    const left = (this.#waiting.get(session) ?? []).filter(({ reply, answer }) => {
      const verdict = byId.get(reply.id);
      if (!verdict) return true;
      answer(
        verdict.answer === 'accepted' ? { kind: 'accepted' } : { kind: 'refused', message: verdict.message },
      );
      return false;
    });
    if (left.length > 0) this.#waiting.set(session, left);
    else this.#waiting.delete(session);
  }

  #giveUp(session: string, id: string): void {
    const all = this.#waiting.get(session) ?? [];
    for (const { reply, answer } of all) if (reply.id === id) answer({ kind: 'unavailable' });
    const left = all.filter(({ reply }) => reply.id !== id);
    if (left.length > 0) this.#waiting.set(session, left);
    else this.#waiting.delete(session);
  }
}
