/**
 * Reads pools as they are now. Which version that is it asks the server each
 * time; the pool itself, with all its permits, is sent only when that version is
 * not known already, and once when several ask at the same time.
 */

type Version = { readonly name: string; readonly uid: string; readonly resourceVersion: string };
type Versioned = { readonly metadata: Version };

/** Where pools are read; both resolve with undefined when there is none of that name. */
export type PoolSource<Pool extends Versioned> = {
  version(name: string): Promise<Version | undefined>;
  whole(name: string): Promise<Pool | undefined>;
};

export class PoolReader<Pool extends Versioned> {
  readonly #source: PoolSource<Pool>;
  readonly #known = new Map<string, Pool>();
  readonly #reading = new Map<string, Promise<Pool | undefined>>();

  constructor(source: PoolSource<Pool>) {
    this.#source = source;
  }

  /** The pool, no older than this call; undefined when there is none. */
  async read(name: string): Promise<Pool | undefined> {
    const version = await this.#source.version(name);
    if (!version) {
      this.forget(name);
      return undefined;
    }
    const known = this.#known.get(name);
    if (isOf(version, known)) return known;
    const begunBefore = await this.#reading.get(name);
    if (isOf(version, begunBefore)) return begunBefore;
    return this.#reading.get(name) ?? this.#readWhole(name);
  }

  /** Takes in a pool as it became by an own write. */
  keep(pool: Pool): void {
    this.#known.set(pool.metadata.name, pool);
  }

  /** The next read brings the whole pool. */
  forget(name: string): void {
    this.#known.delete(name);
  }

  async #readWhole(name: string): Promise<Pool | undefined> {
    const reading = this.#source.whole(name);
    this.#reading.set(name, reading);
    try {
      const pool = await reading;
      if (pool) this.keep(pool);
      return pool;
    } finally {
      this.#reading.delete(name);
    }
  }
}

function isOf(version: Version, pool: Versioned | undefined): boolean {
  return pool?.metadata.uid === version.uid && pool.metadata.resourceVersion === version.resourceVersion;
}
