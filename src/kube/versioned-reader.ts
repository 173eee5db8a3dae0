/**
 * Reads objects. An object that was read or written before is current as long as a watch shows no later version of it:
 * then nothing is requested. Otherwise each read asks the server for the current version, and requests the whole
 * object, with its status, only when that version is not known yet, and only once for several readers at the same time.
 */

import { isOlder } from './resource-versions.ts';

type Version = { readonly uid: string; readonly resourceVersion: string };
type Versioned = { readonly metadata: Version };

/** The source of objects. Both functions resolve with undefined when there is no object at the path. */
export type VersionedSource<T extends Versioned> = {
  version(path: string): Promise<Version | undefined>;
  whole(path: string): Promise<T | undefined>;
};

/** A watch of the objects. It may lag, so nothing that it shows is proof: a write is guarded by the version. */
export type WatchedVersions = {
  /** Which connection of the watch is up, counted from 1; undefined while none is, and before the first list. */
  readonly connection: number | undefined;
  /** The latest version that the watch has shown; undefined for an object that it has not shown, or that is gone. */
  version(path: string): Version | undefined;
};

const NO_WATCH: WatchedVersions = { connection: undefined, version: () => undefined };

/** An object as a read or an own write returned it. */
type Known<T> = {
  readonly object: T;
  /** The connection of the watch that was up then: a later one may be to a cluster that was restored from a backup. */
  readonly connection: number | undefined;
  /** When the request for it began, or when the own write ended, by `monotonic`. */
  readonly confirmedAt: number;
};

export class VersionedReader<T extends Versioned> {
  readonly #source: VersionedSource<T>;
  readonly #wentBack: () => void;
  readonly #monotonic: () => number;
  readonly #known = new Map<string, Known<T>>();
  readonly #reading = new Map<string, Promise<T | undefined>>();
  /** By path: when a write failed. What was known then may be outdated. */
  readonly #doubtedAt = new Map<string, number>();
  #watch = NO_WATCH;

  /** @param wentBack called when a read shows that the cluster was restored from a backup; it must call `forgetAll` */
  constructor(
    source: VersionedSource<T>,
    wentBack: () => void,
    monotonic: () => number = () => performance.now(),
  ) {
    this.#source = source;
    this.#wentBack = wentBack;
    this.#monotonic = monotonic;
  }

  /** Trusts this watch from now on. */
  follow(watch: WatchedVersions): void {
    this.#watch = watch;
  }

  /** The object, as the watch has it or later; no older than this call where no watch is trusted. */
  async read(path: string): Promise<T | undefined> {
    const known = this.#known.get(path);
    return known && this.#isTrusted(path, known) ? known.object : this.readNow(path);
  }

  /** The object, no older than this call; undefined when there is none. */
  async readNow(path: string): Promise<T | undefined> {
    const before = this.#known.get(path);
    const [connection, confirmedAt] = [this.#watch.connection, this.#monotonic()];
    const version = await this.#source.version(path);
    if (!version) {
      this.forget(path);
      return undefined;
    }
    const known = this.#known.get(path);
    if (known && isOf(version, known.object)) {
      const later = Math.max(known.confirmedAt, confirmedAt);
      this.#known.set(path, { object: known.object, connection, confirmedAt: later });
      return known.object;
    }
    // The cluster was restored from a backup: it gives the same versions once more, to other contents. A version that
    // our own write made during the read is newer than the answer without that.
    if (before && isOlder(version.resourceVersion, before.object.metadata.resourceVersion)) this.#wentBack();
    const begunBefore = await this.#reading.get(path);
    if (isOf(version, begunBefore)) return begunBefore;
    return this.#reading.get(path) ?? this.#readWhole(path);
  }

  /**
   * Whether the server still has this version of the object. Asks only when no read or write has shown it since that
   * time, by `monotonic`.
   */
  async isCurrent(path: string, version: Version, since: number): Promise<boolean> {
    const known = this.#known.get(path);
    if (known && known.confirmedAt >= since && !this.#isDoubted(path, known))
      return isOf(version, known.object);
    return isOf(version, await this.readNow(path));
  }

  /** The version that the watch shows; undefined while it is not up, and for an object that it has not shown. */
  shown(path: string): (Version & { readonly connection: number }) | undefined {
    const { connection } = this.#watch;
    const version = this.#watch.version(path);
    return connection === undefined || !version ? undefined : { ...version, connection };
  }

  /** The object as this process knew it last, whatever the server has now. */
  lastKnown(path: string): T | undefined {
    return this.#known.get(path)?.object;
  }

  /** Stores the object that our own write returned. */
  keep(path: string, object: T): void {
    const { connection } = this.#watch;
    this.#known.set(path, { object, connection, confirmedAt: this.#monotonic() });
  }

  /** A write failed: the object has changed, or the write may have changed it. The next read asks the server. */
  doubt(path: string): void {
    this.#doubtedAt.set(path, this.#monotonic());
  }

  /** Makes the next read request the whole object. */
  forget(path: string): void {
    this.#known.delete(path);
    this.#doubtedAt.delete(path);
  }

  /** Trusts no version any more. */
  forgetAll(): void {
    this.#known.clear();
    this.#doubtedAt.clear();
  }

  #isDoubted(path: string, { confirmedAt }: Known<T>): boolean {
    return confirmedAt <= (this.#doubtedAt.get(path) ?? -Infinity);
  }

  #isTrusted(path: string, known: Known<T>): boolean {
    const { connection } = this.#watch;
    if (connection === undefined || known.connection !== connection || this.#isDoubted(path, known))
      return false;
    const { uid, resourceVersion } = known.object.metadata;
    const shown = this.#watch.version(path);
    if (shown?.uid !== uid) return false;
    return shown.resourceVersion === resourceVersion || isOlder(shown.resourceVersion, resourceVersion);
  }

  async #readWhole(path: string): Promise<T | undefined> {
    const [connection, confirmedAt] = [this.#watch.connection, this.#monotonic()];
    const reading = this.#source.whole(path);
    this.#reading.set(path, reading);
    try {
      const object = await reading;
      const known = this.#known.get(path)?.object;
      // An own write ended meanwhile.
      if (object && known && isNewer(known, object)) return known;
      if (object) this.#known.set(path, { object, connection, confirmedAt });
      return object;
    } finally {
      this.#reading.delete(path);
    }
  }
}

function isNewer({ metadata: known }: Versioned, { metadata: read }: Versioned): boolean {
  return known.uid === read.uid && isOlder(read.resourceVersion, known.resourceVersion);
}

function isOf(version: Version, object: Versioned | undefined): boolean {
  return object?.metadata.uid === version.uid && object.metadata.resourceVersion === version.resourceVersion;
}
