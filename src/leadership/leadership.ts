import { lapsed, validUntil, type LeaseTimes } from './lease-verdict.ts';

/** The right to write, for as long as the Lease is ours. */
export type Leadership = {
  /**
   * Whether this process may still write. False for ever once the Lease was lost
   * or released, or the renew deadline has passed since the start of the last
   * successful renewal, by the monotonic clock. The deadline counts even when the
   * process was stopped and no timer has run yet.
   */
  isValid(): boolean;
  /** Throws NotLeadingError unless `isValid`. */
  assertValid(): void;
  /**
   * Aborted when leadership is lost, with a NotLeadingError as its reason; not
   * when it is released. The process must then end at once.
   */
  readonly lost: AbortSignal;
  /**
   * Releases the Lease, so that a standby takes over at once. `isValid` is false
   * from the call on. Resolves when the Lease was released, or when that failed
   * and the others wait until it lapses. Does nothing once leadership is lost.
   * Safe to call twice.
   */
  release(): Promise<void>;
};

/** This process no longer leads, so the write was not sent. The current leader does the work. */
export class NotLeadingError extends Error {
  override readonly name = 'NotLeadingError';
}

export type TermOptions = {
  /** The Lease, namespace/name. */
  readonly lease: string;
  readonly identity: string;
  readonly times: LeaseTimes;
  readonly monotonic: () => number;
  /** Releases the Lease on the API server. */
  readonly giveUp: () => Promise<void>;
};

/** One term of leadership, with the methods that the election calls. */
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

  /** Whether the Lease was lost or released. */
  get isOver(): boolean {
    return this.lost.aborted || this.#released !== undefined;
  }

  /** The start of the last successful renewal. */
  get renewedAt(): number {
    return this.#renewedAt;
  }

  isValid(): boolean {
    return !this.isOver && this.#timeLeft > 0;
  }

  assertValid(): void {
    if (this.isValid()) return;
    this.lost.throwIfAborted();
    throw this.#error(this.#released ? 'it was released' : lapsed(this.#options.times));
  }

  /** Counts a renewal by a request begun at `startedAt`, unless its answer came after the deadline. */
  renewed(startedAt: number): void {
    if (!this.isValid()) return;
    this.#renewedAt = startedAt;
    this.#watchDeadline();
  }

  /** Ends the term, for this reason. */
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
    return new NotLeadingError(`${identity} no longer leads by Lease ${lease} and writes nothing: ${why}`);
  }
}
