/**
 * Takes the answers of projects that come by HTTP (src/gateway/replies.ts) to the next pass of their session, and keeps the
 * client waiting until the decision about them is stored.
 */
import type { ProjectReply, ReplyVerdict, SessionProgress } from '../../engine/session/session-state.ts';
import type { GivenReply, ReplyPort, Taken } from '../../tenants/reply-port.ts';
import { questionTo } from '../../status/notice-questions.ts';

/** A pass that takes longer has another problem; the client asks again. */
const LONGEST_MS = 10_000;

/** A new leader makes a pass of each session within this time. */
const SEEN_AFTER_MS = 60_000;

type Waiting = { readonly reply: ProjectReply; readonly answer: (taken: Taken) => void };

export class ReplyDesk implements ReplyPort {
  readonly #clock: () => number;
  readonly #wake: (session: string) => void;
  readonly #sessionOf: (session: string) => SessionProgress | undefined;
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #startedAt: number;
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
    this.#startedAt = clock();
    this.#wake = wake;
    this.#sessionOf = sessionOf;
  }

  questionOf(
    session: string,
    project: string,
  ): Promise<{ readonly instances: readonly string[] } | undefined> {
    const known = this.#sessionOf(session);
    const question = known && questionTo(known, project);
    return Promise.resolve(question && { instances: question.instances });
  }

  /** After its start a process has not seen every session yet. */
  get #isNew(): boolean {
    return this.#clock() - this.#startedAt < SEEN_AFTER_MS;
  }

  take({ session, project, instance, state, instanceActions }: GivenReply): Promise<Taken> {
    const known = this.#sessionOf(session);
    if (!known) return Promise.resolve({ kind: this.#isNew ? 'unavailable' : 'unknown' });
    if (!questionTo(known, project)) return Promise.resolve({ kind: 'unknown' });
    if (isRecorded(known, { project, state }, instance)) return Promise.resolve({ kind: 'accepted' });
    const { promise, resolve } = Promise.withResolvers<Taken>();
    const reply: ProjectReply = {
      id: `http/${String((this.#count += 1))}`,
      ...{ project, at: this.#clock(), state },
      ...(instance === undefined ? {} : { instance }),
      ...(instanceActions ? { instanceActions } : {}),
    };
    this.#waiting.set(session, [...(this.#waiting.get(session) ?? []), { reply, answer: resolve }]);
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

/** A client repeats an answer when the response to it was lost. */
function isRecorded(
  { projects, questions }: SessionProgress,
  { project, state }: Pick<GivenReply, 'project' | 'state'>,
  instance: string | undefined,
): boolean {
  const asked =
    instance === undefined
      ? projects.find(({ id }) => id === project)
      : questions.find((each) => each.project === project && each.instance === instance);
  const { answer } = asked ?? {};
  return answer !== undefined && !answer.assumed && `${answer.kind}_${asked?.asked ?? ''}` === state;
}
