/**
 * Reads current objects. Each read asks the server for the current version. It
 * requests the whole object, with its status, only when that version is not known
 * yet, and only once for several readers at the same time.
 */

import { isOlder } from './resource-versions.ts';

type Version = { readonly uid: string; readonly resourceVersion: string };
type Versioned = { readonly metadata: Version };

/** The source of objects. Both functions resolve with undefined when there is no object at the path. */
export type VersionedSource<T extends Versioned> = {
  version(path: string): Promise<Version | undefined>;
  whole(path: string): Promise<T | undefined>;
};

export class VersionedReader<T extends Versioned> {
  readonly #source: VersionedSource<T>;
  readonly #wentBack: () => void;
  readonly #known = new Map<string, T>();
  readonly #reading = new Map<string, Promise<T | undefined>>();

  /** @param wentBack called when a read shows that the cluster was restored from a backup */
  constructor(source: VersionedSource<T>, wentBack: () => void) {
    this.#source = source;
    this.#wentBack = wentBack;
  }

  /** The object, no older than this call; undefined when there is none. */
  async read(path: string): Promise<T | undefined> {
    const before = this.#known.get(path);
    const version = await this.#source.version(path);
    if (!version) {
      this.forget(path);
      return undefined;
    }
    const known = this.#known.get(path);
    if (isOf(version, known)) return known;
    // The cluster was restored from a backup: it gives the same versions once more, to other contents. A version that
    // our own write made during the read is newer than the answer without that.
    if (before && isOlder(version.resourceVersion, before.metadata.resourceVersion)) {
      this.#known.clear();
      this.#wentBack();
    }
    const begunBefore = await this.#reading.get(path);
    if (isOf(version, begunBefore)) return begunBefore;
    return this.#reading.get(path) ?? this.#readWhole(path);
  }

  /** The object as this process knew it last, whatever the server has now. */
  lastKnown(path: string): T | undefined {
    return this.#known.get(path);
  }

  /** Stores the object that our own write returned. */
  keep(path: string, object: T): void {
    this.#known.set(path, object);
  }

  /** Makes the next read request the whole object. */
  forget(path: string): void {
    this.#known.delete(path);
  }

  async #readWhole(path: string): Promise<T | undefined> {
    const reading = this.#source.whole(path);
    this.#reading.set(path, reading);
    try {
      const object = await reading;
      if (object) this.keep(path, object);
      return object;
    } finally {
      this.#reading.delete(path);
    }
  }
}

function isOf(version: Version, object: Versioned | undefined): boolean {
  return object?.metadata.uid === version.uid && object.metadata.resourceVersion === version.resourceVersion;
}
