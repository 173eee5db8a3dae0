/**
 * Reads objects as they are now. Which version that is it asks the server each
 * time; the object itself, with all its status, is sent only when that version is
 * not known already, and once when several ask at the same time.
 */

type Version = { readonly uid: string; readonly resourceVersion: string };
type Versioned = { readonly metadata: Version };

/** Where objects are read; both resolve with undefined when there is none at that path. */
export type VersionedSource<T extends Versioned> = {
  version(path: string): Promise<Version | undefined>;
  whole(path: string): Promise<T | undefined>;
};

export class VersionedReader<T extends Versioned> {
  readonly #source: VersionedSource<T>;
  readonly #known = new Map<string, T>();
  readonly #reading = new Map<string, Promise<T | undefined>>();

  constructor(source: VersionedSource<T>) {
    this.#source = source;
  }

  /** The object, no older than this call; undefined when there is none. */
  async read(path: string): Promise<T | undefined> {
    const version = await this.#source.version(path);
    if (!version) {
      this.forget(path);
      return undefined;
    }
    const known = this.#known.get(path);
    if (isOf(version, known)) return known;
    const begunBefore = await this.#reading.get(path);
    if (isOf(version, begunBefore)) return begunBefore;
    return this.#reading.get(path) ?? this.#readWhole(path);
  }

  /** Takes in an object as it became by an own write. */
  keep(path: string, object: T): void {
    this.#known.set(path, object);
  }

  /** The next read brings the whole object. */
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
