/** Judges the time that projects get beyond the first (invariants 4 to 6): what they have asked for, in time and within the limit. */
import { at, type Objects } from '../world/api-server.ts';
import type { ApiObject } from '../world/objects.ts';
import type { NoticeCheck } from './notice-check.ts';

export type ExtensionCheckOptions = {
  readonly server: Pick<Objects, 'get'>;
  readonly pool: string;
  /** By how much the clocks of processes may be wrong. */
  readonly clockErrorMs: () => number;
  readonly failed: (complaint: string) => void;
};

/** A question to a project; `instance` where it is about that one alone. */
export type Extended = {
  readonly project: string;
  readonly number: number;
  readonly instance?: string;
  readonly askedAt: number;
  readonly replyBy: number;
  readonly extendedSeconds: number;
};

export class ExtensionCheck {
  readonly #options: ExtensionCheckOptions;
  readonly #notices: NoticeCheck;
  /** By question: what was recorded last. */
  readonly #known = new Map<string, Extended>();

  constructor(options: ExtensionCheckOptions, notices: NoticeCheck) {
    this.#options = options;
    this.#notices = notices;
  }

  /**
   * Judges a question as it was written.
   * @param seconds how long its answer may take without more time; undefined: others judge that
   * @param isPaused deadlines stand still
   */
  judge(object: ApiObject, question: Extended, seconds: number | undefined, isPaused: boolean): void {
    const { failed, clockErrorMs } = this.#options;
    const { project, number, instance = '', askedAt, replyBy, extendedSeconds } = question;
    const key = [object.metadata.uid, project, number, instance, askedAt].join('/');
    const before = this.#known.get(key);
    this.#known.set(key, question);
    const what = `question ${String(number)} to ${project}`;
    if (seconds !== undefined && replyBy - askedAt < (seconds + extendedSeconds) * 1_000)
      failed(`(4) the answer to ${what} is due before ${String(seconds + extendedSeconds)} s are over`);
    if (extendedSeconds <= (before?.extendedSeconds ?? 0)) return;
    const more = `${String(extendedSeconds)} s more for ${what}`;
    if (extendedSeconds > this.#mostSeconds) failed(`(4) there are ${more} than the pool allows`);
    const wishes = this.#wishesFor(object, question).filter((each) => each.seconds === extendedSeconds);
    if (wishes.length === 0) failed(`(5) there are ${more}, and it has not asked for them`);
    const due = (before?.replyBy ?? replyBy) + clockErrorMs();
    if (!isPaused && wishes.every((each) => each.at > due))
      failed(`(4) there are ${more}, asked for too late`);
  }

  /** Whether a project had asked for more time by then than it was given. `heardMs`: how long it has to be asked for. */
  isOwed(object: ApiObject, question: Extended, by: number, heardMs: number): boolean {
    return this.#wishesFor(object, question).some(
      ({ seconds, at: asked, until }) =>
        seconds > question.extendedSeconds &&
        seconds <= this.#mostSeconds &&
        asked < by - question.extendedSeconds * 1_000 &&
        until > asked + heardMs,
    );
  }

  get #mostSeconds(): number {
    const pool = this.#options.server.get('hostpools', this.#options.pool);
    return Number(at(pool?.spec, 'tenants', 'extendSeconds') ?? 0);
  }

  #wishesFor(
    { metadata: { uid } }: ApiObject,
    { project, number, instance }: Extended,
  ): ReturnType<NoticeCheck['wishes']> {
    return this.#notices
      .wishes(uid, project)
      .filter(({ question }) =>
        instance === undefined
          ? question === number
          : this.#notices.isAbout(uid, project, { number, instance }, question),
      );
  }
}
