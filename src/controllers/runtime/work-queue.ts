/**
 * Runs one worker function over keys. A key never runs twice at once: repeats of
 * a waiting key collapse, and a repeat of a running key runs it once more. The runs
 * of a key may have a spacing, so that changes which come together share a run. A key
 * whose worker throws is retried with exponential back-off. Groups of keys take
 * turns, so that no group makes the others wait, however many keys it has.
 */
export type WorkQueueOptions = {
  /** Resolves with the milliseconds until the key runs again; undefined: not before it is added. */
  readonly work: (key: string, signal: AbortSignal) => Promise<number | undefined>;
  /** Called with the error of a worker; the queue retries the key by itself. */
  readonly failed: (key: string, error: unknown, retryInMilliseconds: number) => void;
  readonly atOnce: number;
  /** The shortest time between the beginnings of two runs of a key; none by default. */
  readonly spacingMilliseconds?: number;
  /** The group of a key, such as its namespace; by default all are in one. */
  readonly groupOf?: (key: string) => string;
};

const FIRST_RETRY_MILLISECONDS = 20;
const LAST_RETRY_MILLISECONDS = 60_000;
/** A longer timer of Node fires at once. The key then runs too early, which does no harm. */
const LONGEST_TIMER_MILLISECONDS = 2 ** 31 - 1;

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  /** The waiting keys by group; the group whose turn is next comes first. */
  readonly #waiting = new Map<string, Set<string>>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #repeats = new Set<string>();
  readonly #begunAt = new Map<string, number>();
  readonly #timers = new Map<string, { at: number; timer: NodeJS.Timeout }>();
  readonly #failures = new Map<string, number>();
  readonly #stopping = new AbortController();

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** How many keys wait for a worker. */
  get depth(): number {
    return [...this.#waiting.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Runs the key as soon as its spacing is over and a worker is free. */
  add(key: string): void {
    if (this.#stopping.signal.aborted) return;
    const isRunning = this.#running.has(key);
    const rest = this.#restOfSpacing(key);
    if (!isRunning && rest > 0) return this.addAfter(key, rest);
    this.#cancelTimer(key);
    if (isRunning) this.#repeats.add(key);
    else this.#wait(key);
    this.#dispatch();
  }

  /** Runs the key after a delay, unless it runs earlier. Of several delays the one that ends first counts. */
  addAfter(key: string, milliseconds: number): void {
    if (this.#stopping.signal.aborted) return;
    const delay = Math.min(Math.max(0, milliseconds), LONGEST_TIMER_MILLISECONDS);
    const at = performance.now() + delay;
    const planned = this.#timers.get(key);
    if (planned && planned.at <= at) return;
    this.#cancelTimer(key);
    const fire = (): void => {
      // A timer may fire a little early: the rest of the spacing then needs one of its own.
      this.#timers.delete(key);
      this.add(key);
    };
    this.#timers.set(key, { at, timer: setTimeout(fire, delay) });
  }

  /** Takes no more keys and waits for the workers that run. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const key of this.#timers.keys()) this.#cancelTimer(key);
    this.#waiting.clear();
    await Promise.all(this.#running.values());
  }

  #wait(key: string): void {
    const group = this.#options.groupOf?.(key) ?? '';
    const waiting = this.#waiting.get(group);
    if (waiting) waiting.add(key);
    else this.#waiting.set(group, new Set([key]));
  }

  #dispatch(): void {
    for (const [group, waiting] of this.#waiting) {
      if (this.#running.size >= this.#options.atOnce) return;
      const [key = ''] = waiting;
      waiting.delete(key);
      this.#waiting.delete(group);
      // A group that still waits is now the last; the loop comes to it again.
      if (waiting.size > 0) this.#waiting.set(group, waiting);
      this.#running.set(key, this.#run(key));
    }
  }

  #restOfSpacing(key: string): number {
    const { spacingMilliseconds = 0 } = this.#options;
    return (this.#begunAt.get(key) ?? -Infinity) + spacingMilliseconds - performance.now();
  }

  async #run(key: string): Promise<void> {
    const { signal } = this.#stopping;
    this.#begunAt.set(key, performance.now());
    let againAfter: number | undefined;
    try {
      againAfter = await this.#options.work(key, signal);
      this.#failures.delete(key);
    } catch (error) {
      if (!signal.aborted) this.#retry(key, error);
    }
    this.#running.delete(key);
    if (this.#restOfSpacing(key) <= 0) this.#begunAt.delete(key);
    // A repeat decides itself when the key runs again.
    if (this.#repeats.delete(key) || (againAfter !== undefined && againAfter <= 0)) this.add(key);
    else if (againAfter !== undefined) this.addAfter(key, againAfter);
    this.#dispatch();
  }

  #retry(key: string, error: unknown): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const backOff = Math.min(FIRST_RETRY_MILLISECONDS * 2 ** failures, LAST_RETRY_MILLISECONDS);
    const delay = Math.round(backOff * (0.5 + Math.random() / 2));
    this.#options.failed(key, error, delay);
    this.addAfter(key, delay);
  }

  #cancelTimer(key: string): void {
    clearTimeout(this.#timers.get(key)?.timer);
    this.#timers.delete(key);
  }
}
