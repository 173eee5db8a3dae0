import { lapsed, validUntil, type LeaseTimes } from './lease-verdict.ts';

/** The right to write, for as long as the Lease is ours. */
export type Leadership = {
  /**
   * Whether this process may still write. False from the moment that the renew
   * deadline has passed since the start of the last successful renewal, by the
   * monotonic clock, and for ever after; also when the process was stopped
   * meanwhile and no timer has run yet. False once the Lease was lost or released.
   */
  isValid(): boolean;
  /** Throws NotLeadingError when it is not valid. */
  assertValid(): void;
  /** Aborted, with a NotLeadingError as its reason, when leadership is lost; not when it is released. The process must end at once. */
  readonly lost: AbortSignal;
  /**
   * Gives the Lease up, so that a standby takes over at once; not valid from the
   * call on. Resolves when the Lease was given up, or when that has failed and
   * the others wait until it lapses. Does nothing once leadership is lost. Safe to call twice.
   */
  release(): Promise<void>;
};

/** This process leads no more, so what was to be written is not: the one that leads now will do it. */
export class NotLeadingError extends Error {
  override readonly name = 'NotLeadingError';
}

export type TermOptions = {
  /** The Lease, namespace/name. */
  readonly lease: string;
  readonly identity: string;
  readonly times: LeaseTimes;
  readonly monotonic: () => number;
  /** Gives the Lease up on the API server. */
  readonly giveUp: () => Promise<void>;
};

/** One time of leadership, as its election sees it. */
export class Term implements Leadership {
  readonly #options: TermOptions;
  readonly #lost = new AbortController();
  #renewedAt: number;
  #timer: NodeJS.Timeout | undefined;
  #released: Promise<void> | undefined;

  /** `renewedAt` is the start of the request that made us the holder. */
  constructor(options: TermOptions, renewedAt: number) {
    this.#options = options;
    this.#renewedAt = renewedAt;
    this.#watchDeadline();
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Whether it was lost or released. */
  get isOver(): boolean {
    return this.lost.aborted || this.#released !== undefined;
  }

  /** The start of the last renewal that counted. */
  get renewedAt(): number {
    return this.#renewedAt;
  }

  isValid(): boolean {
    return !this.isOver && this.#timeLeft > 0;
  }

  assertValid(): void {
    if (this.isValid()) return;
    this.lost.throwIfAborted();
    throw this.#error(this.#released ? 'it was given up' : lapsed(this.#options.times));
  }

  /** Counts a renewal by a request begun at `startedAt`, unless its answer came after the deadline. */
  renewed(startedAt: number): void {
    if (!this.isValid()) return;
    this.#renewedAt = startedAt;
    this.#watchDeadline();
  }

  /** Ends it, for this reason. */
  lose(why: string): void {
    if (this.isOver) return;
    clearTimeout(this.#timer);
    this.#lost.abort(this.#error(why));
  }

  async release(): Promise<void> {
    if (this.lost.aborted) return;
    clearTimeout(this.#timer);
    this.#released ??= this.#options.giveUp();
    return this.#released;
  }

  get #timeLeft(): number {
    return validUntil(this.#renewedAt, this.#options.times) - this.#options.monotonic();
  }

  #watchDeadline(): void {
    clearTimeout(this.#timer);
    if (this.#timeLeft > 0) this.#timer = setTimeout(() => this.#watchDeadline(), this.#timeLeft);
    else this.lose(lapsed(this.#options.times));
  }

  #error(why: string): NotLeadingError {
    const { identity, lease } = this.#options;
    return new NotLeadingError(
      `${identity} does not lead any more and writes nothing: of Lease ${lease}, ${why}`,
    );
  }
}
