/**
 * Reports changes to people as events. Nothing depends on events: an event that
 * cannot be sent is logged and dropped, nothing is read to send it, and no pass
 * waits for it.
 */
import { apiAnswer } from '../kube/api-answer.ts';
import {
  aboutClusterObject,
  eventBody,
  eventName,
  eventsPath,
  referenceKey,
  seriesKey,
  seriesPatch,
  type CareenEvent,
} from './event-object.ts';
import { TokenBuckets } from './token-buckets.ts';

/**
 * Makes one write to the API server; a PATCH is a JSON merge patch. It has a
 * timeout of its own, and throws the client's ApiException when it is refused.
 */
export type SendEvent = (method: 'POST' | 'PATCH', path: string, body: object) => Promise<void>;

export type EventRecorderOptions = {
  readonly send: SendEvent;
  readonly log: { warn(fields: object, message: string): void };
  /** The name of this replica's pod. */
  readonly instance: string;
  /** Unix time in milliseconds. */
  readonly clock: () => number;
};

/** A repeat within this time belongs to the series; a later one is a new event. */
const SERIES_MILLISECONDS = 5 * 60_000;
const QUEUE_LIMIT = 500;
/** A stage may take 100 hosts out of service at once, and each host is an event about the same strategy. */
const BURST = 120;
const PER_SECOND = 1;

const DROPS_LOGGED_EVERY_MILLISECONDS = 60_000;

/** The occurrences of one event, and the state of the object that reports them. */
type Series = {
  event: CareenEvent;
  first: number;
  last: number;
  count: number;
  /** Whether the object that reports them was created. */
  made: boolean;
  queued: boolean;
};

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #series = new Map<string, Series>();
  readonly #limits = new TokenBuckets(BURST, PER_SECOND);
  readonly #queue: Series[] = [];
  #sending: Promise<void> | undefined;
  #dropped = 0;
  #dropsLoggedAt = -Infinity;
  #tidiedAt = -Infinity;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** Queues an event. Never throws and never waits. */
  record(event: CareenEvent): void {
    const now = this.#options.clock();
    this.#tidy(now);
    const key = seriesKey(event);
    const known = this.#series.get(key);
    const repeated = known !== undefined && now - known.last <= SERIES_MILLISECONDS ? known : undefined;
    if (repeated) {
      repeated.count += 1;
      repeated.last = now;
    }
    if (repeated?.queued) return;
    const refusal = this.#refusal(event, now);
    if (!refusal) this.#enqueue(repeated ?? this.#begin(key, event, now));
    // A repeat is not lost: the next one reports its count.
    else if (!repeated) this.#drop(event, now, refusal);
  }

  /** Waits until every recorded event was sent, or the time is over. For the end of the process. */
  async flush(withinMilliseconds: number): Promise<void> {
    const { promise: over, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => resolve(undefined), withinMilliseconds);
    await Promise.race([this.#sending, over]);
    clearTimeout(timer);
    if (this.#sending)
      this.#options.log.warn({ left: this.#queue.length + 1 }, 'events were not sent in time');
  }

  /** The reason to refuse another event about the same object now; undefined when it may be sent. */
  #refusal({ regarding }: CareenEvent, now: number): string | undefined {
    if (this.#queue.length >= QUEUE_LIMIT) return 'too many wait to be sent';
    return this.#limits.take(referenceKey(regarding), now) ? undefined : 'too many regarding one object';
  }

  #begin(key: string, event: CareenEvent, now: number): Series {
    const series = { event, first: now, last: now, count: 1, made: false, queued: false };
    this.#series.set(key, series);
    return series;
  }

  #enqueue(series: Series): void {
    series.queued = true;
    this.#queue.push(series);
    this.#sending ??= this.#sendAll();
  }

  /** Sends one at a time, so that the object of a series is created before it is patched. */
  async #sendAll(): Promise<void> {
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      next.queued = false;
      await this.#send(next);
    }
    this.#sending = undefined;
  }

  async #send(series: Series): Promise<void> {
    try {
      if (series.made) await this.#grow(series);
      else await this.#make(series);
    } catch (error) {
      const { reason, regarding, note } = series.event;
      this.#options.log.warn({ err: error, event: reason, regarding, note }, 'event could not be sent');
    }
  }

  async #make(series: Series): Promise<void> {
    const { event } = series;
    try {
      const body = eventBody(event, this.#nameOf(series), this.#options.instance, series);
      await this.#options.send('POST', eventsPath(event), body);
      series.made = true;
    } catch (error) {
      if (apiAnswer(error)?.code === 409) return this.#adopt(series);
      const elsewhere = namespaceIsGone(error) ? aboutClusterObject(event) : undefined;
      if (!elsewhere) throw error;
      series.event = elsewhere;
      await this.#make(series);
    }
  }

  /**
   * The object is our own, from an attempt without an answer or from before a
   * restart. So this is at least the second occurrence.
   */
  async #adopt(series: Series): Promise<void> {
    series.made = true;
    series.count = Math.max(series.count, 2);
    await this.#grow(series);
  }

  async #grow(series: Series): Promise<void> {
    const path = `${eventsPath(series.event)}/${this.#nameOf(series)}`;
    const reported = series.count;
    try {
      await this.#options.send('PATCH', path, seriesPatch(series));
    } catch (error) {
      if (apiAnswer(error)?.code !== 404) throw error;
      // The API server has deleted the event, with the earlier occurrences. More may have occurred during the request.
      Object.assign(series, { made: false, first: series.last, count: 1 + series.count - reported });
      await this.#make(series);
    }
  }

  #nameOf({ event, first }: Series): string {
    return eventName(event, this.#options.instance, Math.floor(first / SERIES_MILLISECONDS));
  }

  #drop({ reason, regarding }: CareenEvent, now: number, why: string): void {
    this.#dropped += 1;
    if (now - this.#dropsLoggedAt < DROPS_LOGGED_EVERY_MILLISECONDS) return;
    this.#options.log.warn({ dropped: this.#dropped, event: reason, regarding, why }, 'events dropped');
    this.#dropped = 0;
    this.#dropsLoggedAt = now;
  }

  /** Forgets ended series and full buckets, once in a while. */
  #tidy(now: number): void {
    if (now - this.#tidiedAt < SERIES_MILLISECONDS) return;
    this.#tidiedAt = now;
    for (const [key, { last }] of this.#series)
      if (now - last > SERIES_MILLISECONDS) this.#series.delete(key);
    this.#limits.forgetFull(now);
  }
}

/** Nothing can be made in a namespace that is being deleted, or is gone. */
function namespaceIsGone(error: unknown): boolean {
  const answer = apiAnswer(error);
  return answer?.code === 404 || (answer?.code === 403 && answer.causes.includes('NamespaceTerminating'));
}
