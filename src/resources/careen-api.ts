import { ApiException, type KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import { conditionList, type Condition } from '../crds/observed/conditions.ts';
import type { HostPoolStatus } from '../crds/host-pool.ts';
import { KEPT_STATUS } from '../crds/names.ts';
import { STRATEGY_KIND_NAMES, type StrategyKindName } from '../crds/strategy-kinds.ts';
import type { StrategyStatus } from '../crds/observed/strategy-status.ts';
import { call, FIELD_MANAGER, type Detail } from '../kube/client.ts';
import { ConflictError, fieldsOutsideSchema, httpStatus } from '../kube/errors.ts';
import { guardOperations, jsonPatch, type Operation } from '../kube/json-patch.ts';
import { VersionedReader, type VersionedSource } from '../kube/versioned-reader.ts';
import { lostFields } from './lost-fields.ts';
import { versionsOf, type MetadataWatch } from './metadata-watch.ts';
import { OutdatedKindError } from './outdated-kind-error.ts';
import { keyOfPoolPath, keyOfStrategyPath, poolPath, strategyPath, type StrategyKey } from './paths.ts';
import { poolPatch } from './pool-patch.ts';
import { hostPool, type HostPool } from './stored-pool.ts';
import { guard, pathOf, poolTarget, targetOf, type Target, type Version } from './write-target.ts';
import {
  afterWrite,
  isLeftOf,
  metadata,
  strategySchema,
  type Metadata,
  type Strategy,
} from './stored-strategy.ts';

export type { HostPool };

/** The answer to a request for metadata only. */
const partial = z.object({ metadata });

const withStatus = z.object({ status: z.record(z.string(), z.unknown()).default({}) });

const poolConditions = z.object({
  metadata,
  status: z.object({ conditions: conditionList.default([]).catch([]) }).default({ conditions: [] }),
});
export type PoolConditions = z.infer<typeof poolConditions>;

/** A pool from a watch; undefined when it cannot be read, or when the watch delivers no spec. */
export function parsePool(object: unknown): HostPool | undefined {
  const pool = hostPool.safeParse(object).data;
  return pool?.unreadable === undefined ? pool : undefined;
}

/** What a status says while its kind is outdated; the state only where it had none. */
export type OutdatedStatus = Pick<
  StrategyStatus,
  'state' | 'stages' | 'completionPercentage' | 'conditions'
> & { readonly message: string };

/**
 * Reads and writes our own resources on the API server. Every write is guarded by uid and resourceVersion. The API
 * server refuses a field that the kind does not have, and the answer is compared with what was sent: a write throws
 * OutdatedKindError when not everything is stored.
 */
export class CareenApi {
  readonly #config: KubeConfig;
  readonly #strategies: Readonly<Record<StrategyKindName, VersionedReader<Strategy>>>;
  readonly #pools: VersionedReader<HostPool>;
  /** By path: the version of the object on which a write was last found invalid. */
  readonly #foundInvalid = new Map<string, string>();

  /** @param wentBack called when a read shows that the cluster was restored from a backup */
  constructor(config: KubeConfig, wentBack: () => void = () => undefined) {
    this.#config = config;
    const forgetAll = (): void => {
      for (const kind of STRATEGY_KIND_NAMES) this.#strategies[kind].forgetAll();
      this.#pools.forgetAll();
      wentBack();
    };
    this.#strategies = {
      PatchStrategy: this.#readerOf(strategySchema('PatchStrategy'), forgetAll),
      UpgradeStrategy: this.#readerOf(strategySchema('UpgradeStrategy'), forgetAll),
      MaintenanceSession: this.#readerOf(strategySchema('MaintenanceSession'), forgetAll),
    };
    this.#pools = this.#readerOf(hostPool, forgetAll);
  }

  /** Trusts a watch of the strategies of a kind: `strategy` then requests only what it has shown as changed. */
  followStrategies(kind: StrategyKindName, watch: MetadataWatch): void {
    this.#strategies[kind].follow(versionsOf(watch, keyOfStrategyPath));
  }

  /** Trusts a watch of the pools, in the same way. */
  followPools(watch: MetadataWatch): void {
    this.#pools.follow(versionsOf(watch, keyOfPoolPath));
  }

  /**
   * The strategy, as old as the watch at most; undefined when there is none. Without a watch that is up it is current, and
   * only its metadata is fetched, unless the object has changed.
   */
  async strategy(key: StrategyKey): Promise<Strategy | undefined> {
    return this.#strategies[key.kind].read(strategyPath(key));
  }

  /** Which version of a strategy its watch shows, and over which connection; undefined while it shows none. */
  shownStrategy(key: StrategyKey): (Version & { readonly connection: number }) | undefined {
    return this.#strategies[key.kind].shown(strategyPath(key));
  }

  /** Drops a strategy from memory. The next read requests it. */
  forgetStrategy(key: StrategyKey): void {
    this.#strategies[key.kind].forget(strategyPath(key));
  }

  /** The strategy, no older than this call; undefined when there is none. */
  async strategyNow(key: StrategyKey): Promise<Strategy | undefined> {
    return this.#strategies[key.kind].readNow(strategyPath(key));
  }

  /**
   * Makes sure that a strategy has not changed since it was read. Asks the server only when no read or write has shown
   * that since `since` (by `performance.now`). Throws ConflictError.
   */
  async confirmStrategy(strategy: Pick<Strategy, 'kind' | 'metadata'>, since: number): Promise<void> {
    const path = pathOf(strategy);
    if (await this.#strategies[strategy.kind].isCurrent(path, strategy.metadata, since)) return;
    throw new ConflictError(`${path} changed meanwhile`);
  }

  /** The metadata of a strategy that is not read; undefined when there is none. */
  async strategyMetadata(key: StrategyKey): Promise<Metadata | undefined> {
    const found = await this.#read(strategyPath(key), 'metadata');
    return found === undefined ? undefined : partial.parse(found).metadata;
  }

  /** Writes fields of the status of a strategy that is not read. Throws ConflictError and OutdatedKindError. */
  async writeUnreadStatus(kind: StrategyKindName, meta: Metadata, status: StrategyStatus): Promise<void> {
    await this.#write(
      targetOf({ kind, metadata: meta }),
      '/status',
      { metadata: guard(meta), status },
      'metadata',
    );
  }

  /** The pool, as old as the watch at most, like `strategy`; undefined when there is none. */
  async pool(name: string): Promise<HostPool | undefined> {
    return this.#pools.read(poolPath(name));
  }

  /** The same for a pool as `confirmStrategy`. */
  async confirmPool({ metadata: version }: Pick<HostPool, 'metadata'>, since: number): Promise<void> {
    const path = poolPath(version.name);
    if (await this.#pools.isCurrent(path, version, since)) return;
    throw new ConflictError(`${path} changed meanwhile`);
  }

  /**
   * The strategy with its whole status, although the API server may drop fields of it now: `complete` is false when this
   * process has not read it before, and nobody has kept the status.
   */
  async strategyOfOutdatedKind(
    key: StrategyKey,
  ): Promise<{ readonly strategy: Strategy; readonly complete: boolean } | undefined> {
    const path = strategyPath(key);
    const found = await this.#read(path);
    if (found === undefined) return undefined;
    const strategy = strategySchema(key.kind).parse(found);
    const { metadata: meta, suspendedBy } = strategy;
    const { status: stored } = withStatus.parse(found);
    const known = this.#strategies[key.kind].lastKnown(path);
    // Another leader may have continued the run since this process read it.
    if (known?.metadata.uid === meta.uid && isLeftOf(stored, known.status)) {
      const isEdited = known.metadata.generation !== meta.generation;
      // The edited spec counts, as far as the kind has its fields: it may hold an order that stops the run.
      const current = isEdited ? { ...strategy, status: known.status } : { ...known, metadata: meta };
      return { strategy: current, complete: true };
    }
    return { strategy, complete: suspendedBy !== undefined };
  }

  /**
   * Replaces the status, and marks it with the uid. Sends only the changes. Returns the strategy as stored. Throws ConflictError and
   * OutdatedKindError.
   */
  async writeStatus(strategy: Strategy, wish: StrategyStatus): Promise<Strategy> {
    const status = { ...wish, uid: strategy.metadata.uid };
    const changes = statusPatch(strategy, status);
    if (changes.length === 0) return strategy;
    const body = [...guardOperations(strategy.metadata), ...changes];
    return this.#stored(strategy, await this.#write(targetOf(strategy), '/status', body), status);
  }

  /**
   * Says in a status that the kind is outdated. The write drops the fields that the kind does not have, so it keeps the
   * whole status where every version of the kind keeps unknown fields. Throws ConflictError and OutdatedKindError.
   */
  async suspend(strategy: Strategy, said: OutdatedStatus): Promise<void> {
    const { metadata: meta, status, replacedStatus } = strategy;
    const kept = status.run?.actions ? { run: { actions: { [KEPT_STATUS]: status } } } : {};
    const body = { metadata: guard(meta), status: { ...said, ...kept } };
    const answer = await this.#write(targetOf(strategy), '/status', body, 'metadata');
    this.#strategies[strategy.kind].keep(pathOf(strategy), {
      ...strategy,
      metadata: partial.parse(answer).metadata,
      ...(status.run?.actions ? { suspendedBy: said.message } : { status: { ...status, ...said } }),
      ...(replacedStatus ? { replacedStatus: { ...replacedStatus, ...said } } : {}),
    });
  }

  /** Stores the status again that was kept while the kind was outdated. Throws ConflictError and OutdatedKindError. */
  async resume(strategy: Strategy): Promise<Strategy> {
    const { message = null, conditions = null, run, ...rest } = strategy.status;
    const actions = { ...run?.actions, [KEPT_STATUS]: null };
    const patch = { ...rest, message, conditions, run: { ...run, actions } };
    const body = { metadata: guard(strategy.metadata), status: patch };
    return this.#stored(strategy, await this.#write(targetOf(strategy), '/status', body), strategy.status);
  }

  /** Replaces the finalizers. Returns the strategy as stored. Throws ConflictError and OutdatedKindError. */
  async writeFinalizers(strategy: Strategy, finalizers: readonly string[]): Promise<Strategy> {
    return this.#writeMetadata(strategy, { finalizers });
  }

  /**
   * Deletes a strategy as it was read; its finalizer, if any, keeps it until it is finalized. Throws ConflictError when
   * it has changed since, or is gone.
   */
  async deleteStrategy(strategy: Strategy): Promise<void> {
    const path = pathOf(strategy);
    const { uid, resourceVersion } = strategy.metadata;
    const body = { propagationPolicy: 'Background', preconditions: { uid, resourceVersion } };
    try {
      await call(this.#config, { method: 'DELETE', path, body });
    } catch (error) {
      const status = httpStatus(error);
      if (status !== 404 && status !== 409) throw error;
      throw new ConflictError(`${path} changed meanwhile`, { cause: error });
    } finally {
      this.#strategies[strategy.kind].doubt(path);
    }
  }

  /** Adds or replaces annotations. Returns the strategy as stored. Throws ConflictError and OutdatedKindError. */
  async writeAnnotations(
    strategy: Strategy,
    annotations: Readonly<Record<string, string>>,
  ): Promise<Strategy> {
    return this.#writeMetadata(strategy, { annotations });
  }

  /** Replaces the status of a pool. Sends only the changes. Throws ConflictError and OutdatedKindError. */
  async writePool(pool: HostPool, status: HostPoolStatus): Promise<void> {
    const { metadata: meta, status: before } = pool;
    const path = poolPath(meta.name);
    try {
      const answer = await this.#write(
        poolTarget(meta),
        '/status',
        poolPatch(meta, before, status),
        'metadata',
      );
      this.#pools.keep(path, { ...pool, metadata: partial.parse(answer).metadata, status });
    } catch (error) {
      this.#pools.forget(path);
      throw error;
    }
  }

  /** The metadata and the conditions of a pool whose kind may be outdated; undefined when there is no such pool. */
  async poolConditions(name: string): Promise<PoolConditions | undefined> {
    const found = await this.#read(poolPath(name));
    return found === undefined ? undefined : poolConditions.parse(found);
  }

  /**
   * Says in the status of a pool why no pass is made. When its own kind is outdated, the write drops fields: the epoch is
   * removed with them, so that the next leader rebuilds the permits from the claims. Throws OutdatedKindError and
   * ConflictError.
   */
  async suspendPool(
    { metadata: meta }: PoolConditions,
    conditions: readonly Condition[],
    isOutdated: boolean,
  ): Promise<void> {
    const status = { conditions, ...(isOutdated ? { epoch: null } : {}) };
    await this.#write(poolTarget(meta), '/status', { metadata: guard(meta), status }, 'metadata');
    this.#pools.forget(poolPath(meta.name));
  }

  async #writeMetadata(before: Strategy, change: object): Promise<Strategy> {
    const body = { metadata: { ...guard(before.metadata), ...change } };
    return this.#stored(before, await this.#write(targetOf(before), '', body), before.status);
  }

  /** The strategy as a write returned it, if its status is all that it should be. */
  #stored(before: Strategy, answer: unknown, status: StrategyStatus): Strategy {
    const path = pathOf(before);
    const reader = this.#strategies[before.kind];
    const lost = lostFields(status, withStatus.parse(answer).status, 'status');
    if (lost.length > 0) {
      // Only this process still knows what the API server has dropped.
      reader.keep(path, { ...afterWrite(before, answer, status), status });
      const { words, plural } = targetOf(before);
      throw new OutdatedKindError(words, plural, lost);
    }
    const stored = afterWrite(before, answer, status);
    reader.keep(path, stored);
    return stored;
  }

  #readerOf<T extends { metadata: Metadata }>(
    schema: z.ZodType<T>,
    wentBack: () => void,
  ): VersionedReader<T> {
    const source: VersionedSource<T> = {
      version: async (path) => {
        const found = await this.#read(path, 'metadata');
        return found === undefined ? undefined : partial.parse(found).metadata;
      },
      whole: async (path) => {
        const found = await this.#read(path);
        return found === undefined ? undefined : schema.parse(found);
      },
    };
    return new VersionedReader(source, wentBack);
  }

  async #read(path: string, as: Detail = 'object'): Promise<unknown> {
    try {
      return await call<unknown>(this.#config, { method: 'GET', path, as });
    } catch (error) {
      if (error instanceof ApiException && error.code === 404) return undefined;
      throw error;
    }
  }

  async #write(
    { path: object, kind, words, plural, version }: Target,
    below: '' | '/status',
    body: unknown,
    as: Detail = 'object',
  ): Promise<unknown> {
    const path = `${object}${below}`;
    const query = { fieldManager: FIELD_MANAGER, fieldValidation: 'Strict' };
    try {
      return await call<unknown>(this.#config, { method: 'PATCH', path, query, body, as });
    } catch (error) {
      (kind === undefined ? this.#pools : this.#strategies[kind]).doubt(object);
      const fields = fieldsOutsideSchema(error);
      if (fields.length > 0) throw new OutdatedKindError(words, plural, fields, { cause: error });
      if (!this.#isConflict(object, version, error)) throw error;
      throw new ConflictError(`${path} changed meanwhile`, { cause: error });
    }
  }

  /**
   * Whether a write was refused because the object has changed. A precondition that fails may be answered as an invalid
   * object (422), and so is a status that the API server or a policy does not accept. That one is refused again, for the
   * same version of the object.
   */
  #isConflict(path: string, { uid, resourceVersion }: Version, error: unknown): boolean {
    const status = httpStatus(error);
    if (status !== 422) return status === 404 || status === 409;
    const version = `${uid}/${resourceVersion}`;
    if (this.#foundInvalid.get(path) === version) return false;
    this.#foundInvalid.set(path, version);
    return true;
  }
}

/** What must change in a stored status; one that is no status of this object is replaced. */
function statusPatch({ status: before, replacedStatus }: Strategy, status: StrategyStatus): Operation[] {
  if (replacedStatus || Object.keys(before).length === 0)
    return [{ op: 'add', path: '/status', value: status }];
  return jsonPatch(before, status, '/status');
}
