/**
 * Reads and writes the status of pools, above all their permits. Changes to one
 * pool that arrive during a write share the next write, so strategies do not
 * conflict with each other. The guard of each write detects another writer; the
 * epoch detects another leader.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { HostPoolStatus } from '../../crds/host-pool.ts';
import { epochState, takenOver } from '../../engine/permits/takeover.ts';
import type { MarkedHost } from '../../hostops/port.ts';
import { ConflictError } from '../../kube/errors.ts';
import type { HostPool } from '../../resources/careen-api.ts';

const TRIES = 6;
const RETRY_PAUSE_MILLISECONDS = 10;
const LONGEST_PAUSE_MILLISECONDS = 1_000;

/** The store of pools, as far as the ledger needs it. */
export type PoolStore = {
  /** The pool as it is now; undefined when there is none. */
  pool(name: string): Promise<HostPool | undefined>;
  /** Replaces the status. Throws ConflictError when the pool has changed since it was read. */
  writePool(pool: HostPool, status: HostPoolStatus): Promise<void>;
};

export type PoolLedgerOptions = {
  readonly store: PoolStore;
  /** The hosts of the pool that carry our marks, read past every cache. Called once for each takeover. */
  readonly markedHosts: (pool: HostPool) => Promise<readonly MarkedHost[]>;
  /** Called with a pool as it was stored. */
  readonly stored?: (pool: HostPool) => void;
  /** Called after each write, and before each retry after a conflict. */
  readonly wrote?: (result: 'written' | 'conflict') => void;
  /** Called when the permits of a pool were rebuilt from the claims. */
  readonly rebuilt?: (pool: HostPool) => void;
  /** How long changes are collected before a write. */
  readonly lingerMilliseconds?: number;
};

/** Decides on the status just read; returns the same object when there is nothing to change. */
export type Change<T> = (
  status: HostPoolStatus,
  pool: HostPool,
) => { readonly status: HostPoolStatus; readonly result: T };

/** A change, with the callbacks for its caller. */
type Waiting = {
  readonly decide: (status: HostPoolStatus, pool: HostPool) => HostPoolStatus;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
};

export class PoolLedger {
  readonly #options: PoolLedgerOptions;
  readonly #waiting = new Map<string, Waiting[]>();
  /** The epoch under which this process leads, by the uid of the pool. */
  readonly #epochs = new Map<string, number>();

  constructor(options: PoolLedgerOptions) {
    this.#options = options;
  }

  /**
   * The epoch under which this process leads a pool that was just read. Raises the epoch first, unless this process has
   * done so and nobody has wiped it since. Throws DeposedError when another leader has raised it, and ConflictError
   * when the pool is gone.
   */
  async ensureEpoch(pool: HostPool): Promise<number> {
    const { name, uid } = pool.metadata;
    const own = this.#epochs.get(uid);
    if (own !== undefined && epochState(name, pool.status, own) === 'ours') return own;
    await this.update(name, (status) => ({ status, result: undefined }));
    const raised = this.#epochs.get(uid);
    if (raised === undefined) throw new ConflictError(`HostPool ${name} was deleted or replaced meanwhile`);
    return raised;
  }

  /**
   * Raises the epoch above that of a strategy in the pool, and resolves with it. If another leader wrote the strategy,
   * the pool shows that epoch, too: this throws DeposedError. Otherwise the pool had lost its epoch. Throws
   * ConflictError when the pool is gone.
   */
  async raiseAbove(pool: string, epoch: number): Promise<number> {
    const raised = await this.update(pool, (status) => {
      const result = Math.max(status.epoch ?? 0, epoch + 1);
      return { status: status.epoch === result ? status : { ...status, epoch: result }, result };
    });
    if (raised === undefined) throw new ConflictError(`HostPool ${pool} was deleted meanwhile`);
    return raised;
  }

  /**
   * Changes the status of a pool. Resolves with the result of the change once it is stored; undefined when there is no
   * such pool. Throws DeposedError. Throws ConflictError when each attempt met another writer; nothing is changed then.
   */
  async update<T>(pool: string, change: Change<T>): Promise<T | undefined> {
    let result: T | undefined;
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const entry: Waiting = {
      decide: (status, read) => {
        const decided = change(status, read);
        result = decided.result;
        return decided.status;
      },
      done: () => resolve(undefined),
      failed: reject,
    };
    const queue = this.#waiting.get(pool);
    if (queue) queue.push(entry);
    else {
      const opened = [entry];
      this.#waiting.set(pool, opened);
      void this.#writeAll(pool, opened);
    }
    await promise;
    return result;
  }

  /** Writes the waiting changes of a pool, batch after batch, until none is left. */
  async #writeAll(pool: string, queue: Waiting[]): Promise<void> {
    const { lingerMilliseconds = 0 } = this.#options;
    let pauseForOthers = 0;
    for (;;) {
      await delay(Math.max(lingerMilliseconds, pauseForOthers));
      const batch = queue.splice(0);
      if (batch.length === 0) {
        this.#waiting.delete(pool);
        return;
      }
      try {
        // Another writer gets three times as long as this write took, so the two seldom conflict.
        pauseForOthers = Math.min(3 * (await this.#persist(pool, batch)), LONGEST_PAUSE_MILLISECONDS);
        for (const { done } of batch) done();
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
  }

  /**
   * Makes one write for the batch. Tries again when somebody else wrote in between; each attempt decides on the pool it
   * has just read. Resolves with the milliseconds that the last attempt took.
   */
  async #persist(pool: string, batch: readonly Waiting[]): Promise<number> {
    for (let tried = 1; ; tried++) {
      const startedAt = performance.now();
      try {
        await this.#write(pool, batch);
        return performance.now() - startedAt;
      } catch (error) {
        if (!(error instanceof ConflictError) || tried === TRIES) throw error;
        this.#options.wrote?.('conflict');
        await delay(Math.random() * RETRY_PAUSE_MILLISECONDS * 2 ** tried);
      }
    }
  }

  async #write(name: string, batch: readonly Waiting[]): Promise<void> {
    const { store, stored, wrote, rebuilt } = this.#options;
    const pool = await store.pool(name);
    if (!pool) return;
    const led = await this.#ledStatus(pool);
    let { status } = led;
    for (const { decide } of batch) status = decide(status, pool);
    if (status === pool.status) return;
    await store.writePool(pool, status);
    wrote?.('written');
    stored?.({ ...pool, status });
    if (status.epoch !== undefined) this.#epochs.set(pool.metadata.uid, status.epoch);
    if (led.rebuilt) rebuilt?.(pool);
  }

  async #ledStatus(pool: HostPool): Promise<{ readonly status: HostPoolStatus; readonly rebuilt: boolean }> {
    const own = this.#epochs.get(pool.metadata.uid);
    if (epochState(pool.metadata.name, pool.status, own) === 'ours')
      return { status: pool.status, rebuilt: false };
    return takenOver(pool.status, await this.#options.markedHosts(pool), own);
  }
}
