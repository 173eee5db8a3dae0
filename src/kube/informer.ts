/**
 * Keeps a current list of objects of the cluster. It lists them, watches them,
 * and retries after every error until it is stopped. Its owner decides which
 * parts of an object are stored.
 *
 * The first list is a stream where the server has it: each object is stored by itself, and the watch is the rest of the
 * same answer. Otherwise, and for later lists, it reads pages.
 */
import type { KubernetesObject } from '@kubernetes/client-node';
import { setTimeout as delay } from 'node:timers/promises';
import { currentRevision, rawPages, type Client, type Detail, type Selection } from './client.ts';
import { explain } from './errors.ts';
import { identityOf, KeptObjects, type Keeping } from './kept-objects.ts';
import type { Log } from './log.ts';
import { isOlder } from './resource-versions.ts';
import { canResume, isRefusedStream, pauseAfter } from './retries.ts';
import { listIn, type Listed } from './streamed-list.ts';
import { SilentWatch, watchEvents, type WatchEvent } from './watch-events.ts';

/** A kind with changes gets a bookmark every minute. The silence of a kind without changes costs two small requests. */
const IDLE_LIMIT_MS = 90_000;
const STOPPED = 'it was stopped';

/** The errors of the functions in it are logged and otherwise ignored. */
export type InformerOptions<Raw extends KubernetesObject, T> = Omit<Keeping<Raw, T>, 'guarded'> & {
  readonly config: Client;
  readonly path: string;
  readonly selection?: Selection;
  /** How much of an object a list delivers: all of it by default. */
  readonly listAs?: Detail;
  /** How much of an object the watch delivers: all of it by default. */
  readonly changesAs?: Detail;
  /** Called when a watch is up, the first time and after each break. */
  readonly connected?: () => void;
  /** Called when a read shows that the cluster was restored from a backup. */
  readonly wentBack?: () => void;
  /** The silence after which the watch is replaced, because its connection may be broken; 90 s by default. */
  readonly idleLimitMs?: number;
  readonly now: () => number;
  readonly log: Log;
};

type Events<T> = AsyncGenerator<WatchEvent<T>, void, undefined>;

export class SupervisedInformer<Raw extends KubernetesObject, T> {
  /** Resolves at the end of the first list. Never resolves when the informer is stopped earlier. */
  readonly synced: Promise<void>;
  /** Resolves at the end of the first list, or with its first failure if there is one, such as a missing right. */
  readonly firstAnswer: Promise<string | undefined>;
  readonly #options: InformerOptions<Raw, T>;
  readonly #idleLimitMs: number;
  readonly #kept: KeptObjects<Raw, T>;
  readonly #stopping = new AbortController();
  readonly #resolveSynced: () => void;
  readonly #resolveFirstAnswer: (failure: string | undefined) => void;
  #started = false;
  #isSynced = false;
  #hasToList = true;
  /** A stream broke before its list was whole: the next list is read in pages. */
  #streamBroke = false;
  /** Resolved by the list that somebody waits for. */
  readonly #asked: ((failure: string | undefined) => void)[] = [];
  /** The resource version up to which the changes are known. */
  #revision = '';
  /** Ends the open watch, for a new list. */
  #again = new AbortController();
  #up = false;
  #connections = 0;
  #heardAt = 0;
  #failure: string | undefined;
  #failures = 0;

  constructor(options: InformerOptions<Raw, T>) {
    this.#options = options;
    this.#idleLimitMs = options.idleLimitMs ?? IDLE_LIMIT_MS;
    const { project, changed } = options;
    this.#kept = new KeptObjects({ project, changed, guarded: (act) => this.#guarded(act) });
    const synced = Promise.withResolvers<undefined>();
    this.synced = synced.promise;
    this.#resolveSynced = () => synced.resolve(undefined);
    const firstAnswer = Promise.withResolvers<string | undefined>();
    this.firstAnswer = firstAnswer.promise;
    this.#resolveFirstAnswer = firstAnswer.resolve;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    void this.#run(this.#stopping.signal);
  }

  /** Stops it for good; nothing is delivered afterwards. */
  stop(): void {
    this.#stopping.abort();
    for (const resolve of this.#asked.splice(0)) resolve(STOPPED);
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  get(key: string): T | undefined {
    return this.#kept.get(key);
  }

  /** The revision of a stored object; undefined when there is none. */
  revisionOf(key: string): string | undefined {
    return this.#kept.revisionOf(key);
  }

  values(): Iterable<T> {
    return this.#kept.values();
  }

  /** Why the last list or watch failed; undefined while the watch is up, and before the first attempt has ended. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /**
   * The time up to which the list is current: `now` while the watch is up, otherwise the time of the last message from
   * the server. Undefined before the first list.
   */
  connectedAt(now: number): number | undefined {
    if (!this.#isSynced) return undefined;
    return this.#up ? now : this.#heardAt;
  }

  /** Which connection is up, counted from 1. Undefined while none is, and before the first list. */
  get connection(): number | undefined {
    return this.#isSynced && this.#up ? this.#connections : undefined;
  }

  /** Stores an object that another request read or wrote, unless the watch has already delivered a newer one. */
  upsert(object: Raw): void {
    const { key, revision } = identityOf(object);
    // The object is not stored, and older than the watch: it was deleted meanwhile.
    if (this.#kept.revisionOf(key) === undefined && !isOlder(this.#revision, revision)) return;
    this.#kept.store(object);
  }

  /**
   * Reads one object from the server, in the way that `request` does. The answer counts more than the watch: an object
   * that is gone (undefined) is not stored again by a late event, and one that is older than the stored one replaces it.
   * That cannot be a late answer: the cluster was restored from a backup, and everything is listed anew.
   */
  async refresh(key: string, request: () => Promise<Raw | undefined>): Promise<Raw | undefined> {
    const [uid, before] = [this.#kept.uidOf(key), this.#kept.revisionOf(key)];
    const object = await request();
    if (object) {
      const { revision } = identityOf(object);
      if (before !== undefined && isOlder(revision, before)) {
        void this.listAgain();
        this.#guarded(() => this.#options.wentBack?.());
      }
      this.upsert(object);
    } else if (this.#kept.uidOf(key) === uid) {
      this.#kept.removeGone(key);
    }
    return object;
  }

  /**
   * Forgets the future of a restored cluster, and lists again at once. Resolves at the end of that list, or with its
   * failure: it is repeated then, unless the informer was stopped.
   */
  async listAgain(): Promise<string | undefined> {
    if (this.isStopped) return STOPPED;
    this.#forgetRevisions();
    this.#hasToList = true;
    this.#again.abort();
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    this.#asked.push(resolve);
    return promise;
  }

  get isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** The only loop: at most one attempt is pending at any time. */
  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#again = new AbortController();
      try {
        await this.#attempt(signal);
      } catch (error) {
        this.#up = false;
        if (this.isStopped) return;
        // An attempt that failed by itself is repeated after a pause, even when a list was asked for meanwhile.
        if (error === this.#again.signal.reason) {
          this.#hasToList = true;
          continue;
        }
        const pauseMs = this.#failed(error);
        await delay(pauseMs, undefined, { signal, ref: false }).catch(() => undefined); // stopped: the loop ends
      }
    }
  }

  /** Lists, if that is due, and watches. */
  async #attempt(signal: AbortSignal): Promise<void> {
    const untilAgain = AbortSignal.any([signal, this.#again.signal]);
    if (this.#mayStream) return this.#stream(untilAgain);
    const { config, path, selection = {}, listAs } = this.#options;
    if (this.#hasToList) await this.#list(rawPages<Raw>(config, path, selection, signal, listAs), signal);
    await this.#watch(untilAgain);
  }

  /**
   * Only while no revision is known: the objects of a stream come before the revision that shows whether the cluster was
   * restored from a backup.
   */
  get #mayStream(): boolean {
    const { config, listAs = 'object', changesAs = 'object' } = this.#options;
    const isFirst = this.#hasToList && this.#revision === '';
    return isFirst && !this.#streamBroke && !config.listsInPages && listAs === changesAs;
  }

  /** Records a failure. Returns the pause before the next attempt, in milliseconds. */
  #failed(error: unknown): number {
    const { path, selection, log } = this.#options;
    this.#failures++;
    this.#failure = explain(error);
    this.#resolveFirstAnswer(this.#failure);
    if (!canResume(error)) this.#hasToList = true;
    log.warn(
      { path, ...selection, failures: this.#failures, error: this.#failure },
      this.#hasToList ? 'watch failed, listing again' : 'watch broke',
    );
    return pauseAfter(this.#failures, error);
  }

  async #list(source: AsyncIterable<Listed<Raw>>, signal: AbortSignal): Promise<void> {
    // A list that is asked for while this one is under way is made after it.
    const asked = this.#asked.splice(0);
    let failure: string | undefined;
    try {
      await this.#listOnce(source, signal);
    } catch (error) {
      failure = explain(error);
      throw error;
    } finally {
      // The next list is the answer.
      if (failure !== undefined && this.#again.signal.aborted && !this.isStopped) this.#asked.push(...asked);
      else for (const resolve of asked) resolve(failure);
    }
  }

  async #listOnce(source: AsyncIterable<Listed<Raw>>, signal: AbortSignal): Promise<void> {
    const beganAt = this.#options.now();
    const seen = new Set<string>();
    let listedAt = '';
    for await (const { items, gone = [], resourceVersion } of source) {
      listedAt ||= resourceVersion;
      this.#forgetTheFuture(listedAt);
      for (const object of items) {
        seen.add(identityOf(object).key);
        this.#kept.store(object);
      }
      for (const object of gone) seen.delete(identityOf(object).key);
    }
    signal.throwIfAborted();
    this.#kept.removeUnlisted(seen, listedAt);
    this.#revision = listedAt;
    this.#hasToList = this.#asked.length > 0;
    this.#streamBroke = false;
    this.#isSynced = true;
    this.#heardAt = beganAt;
    this.#resolveSynced();
    this.#resolveFirstAnswer(undefined);
  }

  /** A cluster restored from a backup counts from an earlier revision. */
  #forgetTheFuture(revision: string): void {
    if (!isOlder(revision, this.#revision)) return;
    this.#forgetRevisions();
    this.#revision = revision;
  }

  #forgetRevisions(): void {
    this.#revision = '';
    this.#kept.forgetRevisions();
  }

  /** Lists and watches with one request. A server that refuses this lists in pages from then on. */
  async #stream(signal: AbortSignal): Promise<void> {
    const { config, path, log } = this.#options;
    const events = this.#open(undefined, () => undefined, signal);
    try {
      await this.#list(listIn(events, path), signal);
    } catch (error) {
      this.#streamBroke = !isRefusedStream(error) && error !== signal.reason;
      await events.return();
      if (!isRefusedStream(error)) throw error;
      config.listsInPages = true;
      log.info({ path, error: explain(error) }, 'the server streams no lists: they are read in pages');
      return;
    }
    this.#connected();
    await this.#follow(events, signal, true);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const events = this.#open(this.#revision, () => this.#connected(), signal);
    await this.#follow(events, signal, false);
  }

  #open(resourceVersion: string | undefined, opened: () => void, signal: AbortSignal): Events<Raw> {
    const { config, path, selection = {}, changesAs: as = 'object' } = this.#options;
    const watch = { path, selection, as, resourceVersion, idleLimitMs: this.#idleLimitMs, opened };
    return watchEvents<Raw>(config, watch, signal);
  }

  /** Watches until the watch must be replaced, which is no failure. Throws when it failed, or brought nothing at all. */
  async #follow(events: Events<Raw>, signal: AbortSignal, lively: boolean): Promise<void> {
    const { config, path, selection = {} } = this.#options;
    let isLively = lively;
    try {
      for await (const event of events) {
        if (signal.aborted) return;
        isLively = true;
        this.#take(event);
      }
    } catch (error) {
      if (!(error instanceof SilentWatch)) throw error;
      this.#up = false;
      this.#failures = 0;
      // A watch from a revision that does not exist yet stays silent.
      const soon = AbortSignal.any([signal, AbortSignal.timeout(this.#idleLimitMs)]);
      // A list that was asked for during this read stays due.
      if (isOlder(await currentRevision(config, path, selection, soon), this.#revision))
        this.#hasToList = true;
      return;
    }
    this.#up = false;
    if (!isLively) throw new Error(`the watch of ${path} ended before it brought anything`);
  }

  #take({ type, object }: WatchEvent<Raw>): void {
    this.#revision = identityOf(object).revision;
    this.#heardAt = this.#options.now();
    this.#failures = 0;
    if (type === 'BOOKMARK') return;
    if (type === 'DELETED') this.#kept.removeDeleted(object);
    else this.#kept.store(object);
  }

  #connected(): void {
    this.#up = true;
    this.#connections++;
    this.#heardAt = this.#options.now();
    this.#failure = undefined;
    this.#guarded(() => this.#options.connected?.());
  }

  #guarded(act: () => void): void {
    if (this.isStopped) return;
    try {
      act();
    } catch (error) {
      this.#options.log.warn({ path: this.#options.path, err: error }, 'a handler of the informer failed');
    }
  }
}
