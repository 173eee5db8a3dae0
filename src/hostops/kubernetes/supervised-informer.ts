/**
 * Keeps a list of objects as they are in the cluster: lists them, watches them,
 * and begins again after every error, for ever, until it is stopped. What it
 * keeps of an object is up to its owner, and made before the object is stored.
 */
import type { KubeConfig, KubernetesObject } from '@kubernetes/client-node';
import { setTimeout as delay } from 'node:timers/promises';
import { rawPages, type Selection } from './kube-client.ts';
import { explain, httpStatus } from './kube-errors.ts';
import type { Logger } from './logger.ts';
import { isOlder } from './revisions.ts';
import { watchEvents } from './watch-events.ts';

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 30_000;
const GONE = 410;

export type InformerOptions<Raw extends KubernetesObject, T> = {
  readonly config: KubeConfig;
  readonly path: string;
  readonly selection?: Selection;
  /** What is kept of an object; undefined for objects that are of no interest. */
  readonly project: (object: Raw) => T | undefined;
  /** Called after the change is stored. What it throws is logged and goes no further. */
  readonly changed: (before: T | undefined, after: T | undefined) => void;
  /** Called when a watch is up, the first time and after each break. */
  readonly connected?: () => void;
  readonly now: () => number;
  readonly log: Logger;
};

type Entry<T> = { readonly revision: string; readonly value: T };

export class SupervisedInformer<Raw extends KubernetesObject, T> {
  /** Resolves with the end of the first list. It stays open when the informer is stopped before. */
  readonly synced: Promise<void>;
  readonly #options: InformerOptions<Raw, T>;
  readonly #entries = new Map<string, Entry<T>>();
  readonly #stopping = new AbortController();
  readonly #resolveSynced: () => void;
  #started = false;
  #isSynced = false;
  /** Up to where the changes of the cluster are known. Empty: it has to list. */
  #revision = '';
  #up = false;
  #brokenAt: number | undefined;
  #failures = 0;

  constructor(options: InformerOptions<Raw, T>) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.synced = promise;
    this.#resolveSynced = () => resolve(undefined);
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    void this.#run(this.#stopping.signal);
  }

  /** Ends it for good; nothing is delivered afterwards. */
  stop(): void {
    this.#stopping.abort();
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  get(key: string): T | undefined {
    return this.#entries.get(key)?.value;
  }

  /** The revision of an object that is kept. */
  revisionOf(key: string): string | undefined {
    return this.#entries.get(key)?.revision;
  }

  *values(): Generator<T, void, undefined> {
    for (const { value } of this.#entries.values()) yield value;
  }

  /** Up to when its knowledge is good: now while the watch is up, otherwise when that broke. Undefined before the first list. */
  connectedAt(now: number): number | undefined {
    if (!this.#isSynced) return undefined;
    return this.#up ? now : this.#brokenAt;
  }

  /** Takes in an object that was read or written besides, unless the watch has brought something newer already. */
  fold(object: Raw): void {
    const { key, revision } = identityOf(object);
    // Not there, and older than what the watch knows: it was deleted meanwhile.
    if (!this.#entries.has(key) && !isOlder(this.#revision, revision)) return;
    this.#store(key, revision, object);
  }

  /** Takes out an object that was found gone, unless it has changed since `revision` was looked up. */
  forget(key: string, revision: string): void {
    if (this.#entries.get(key)?.revision === revision) this.#remove(key);
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** The only loop: whatever breaks, there is never more than one attempt pending. */
  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (!this.#revision) this.#revision = await this.#list(signal);
        const lively = await this.#watch(signal);
        this.#down();
        if (lively) continue;
        this.#failures++;
      } catch (error) {
        this.#down();
        if (this.#stopped) return;
        this.#failures++;
        const expired = httpStatus(error) === GONE;
        if (expired) this.#revision = '';
        const { path, selection, log } = this.#options;
        log.warn(
          { path, ...selection, failures: this.#failures, error: explain(error) },
          expired ? 'watch expired, listing again' : 'watch broke',
        );
      }
      await delay(pauseAfter(this.#failures), undefined, { signal, ref: false }).catch(() => undefined); // stopped: the loop ends
    }
  }

  async #list(signal: AbortSignal): Promise<string> {
    const { config, path, selection = {} } = this.#options;
    const seen = new Set<string>();
    const had = new Map([...this.#entries].map(([key, { revision }]) => [key, revision]));
    let listedAt = '';
    for await (const page of rawPages<Raw>(config, path, selection, signal)) {
      listedAt ||= page.resourceVersion;
      for (const object of page.items) {
        const { key, revision } = identityOf(object);
        seen.add(key);
        this.#store(key, revision, object);
      }
    }
    signal.throwIfAborted();
    // Deletions that no watch told of. What was folded in during the list is newer than it.
    for (const [key, revision] of had) if (!seen.has(key)) this.forget(key, revision);
    this.#isSynced = true;
    this.#brokenAt = this.#options.now();
    this.#resolveSynced();
    return listedAt;
  }

  /** Watches until the server ends it; says whether the watch brought anything. */
  async #watch(signal: AbortSignal): Promise<boolean> {
    const { config, path, selection = {} } = this.#options;
    let lively = false;
    const opened = (): void => this.#connected();
    for await (const event of watchEvents<Raw>(config, path, selection, this.#revision, opened, signal)) {
      if (signal.aborted) return lively;
      lively = true;
      this.#failures = 0;
      const { key, revision } = identityOf(event.object);
      this.#revision = revision;
      if (event.type === 'BOOKMARK') continue;
      if (event.type !== 'DELETED') this.#store(key, revision, event.object);
      else if (!isOlder(revision, this.revisionOf(key) ?? '')) this.#remove(key);
    }
    return lively;
  }

  #connected(): void {
    this.#up = true;
    this.#guarded(() => this.#options.connected?.());
  }

  #down(): void {
    if (this.#up) this.#brokenAt = this.#options.now();
    this.#up = false;
  }

  #store(key: string, revision: string, object: Raw): void {
    const entry = this.#entries.get(key);
    if (entry && (entry.revision === revision || isOlder(revision, entry.revision))) return;
    this.#guarded(() => {
      const value = this.#options.project(object);
      if (value === undefined) return this.#remove(key);
      this.#entries.set(key, { revision, value });
      this.#options.changed(entry?.value, value);
    });
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#guarded(() => this.#options.changed(entry.value, undefined));
  }

  #guarded(act: () => void): void {
    if (this.#stopped) return;
    try {
      act();
    } catch (error) {
      this.#options.log.warn({ path: this.#options.path, err: error }, 'a handler of the informer failed');
    }
  }
}

/** An object's key in an informer: `namespace/name`, or the name of one without a namespace. */
export function keyOf(namespace: string | undefined, name: string): string {
  return namespace ? `${namespace}/${name}` : name;
}

function identityOf({ metadata }: KubernetesObject): { key: string; revision: string } {
  return { key: keyOf(metadata?.namespace, metadata?.name ?? ''), revision: metadata?.resourceVersion ?? '' };
}

function pauseAfter(failures: number): number {
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** Math.max(failures - 1, 0), LONGEST_PAUSE_MS);
  return pause / 2 + Math.random() * (pause / 2);
}
