import { ApiException, type KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import { hostPoolSpec, hostPoolStatus, type HostPoolStatus } from '../crds/host-pool.ts';
import { GROUP, VERSION } from '../crds/names.ts';
import type { PatchStrategyStatus } from '../crds/patch-strategy-status.ts';
import { call, FIELD_MANAGER, type Detail } from '../kube/client.ts';
import { ConflictError } from '../kube/errors.ts';
import { mergePatch } from '../kube/merge-patch.ts';
import { VersionedReader } from '../kube/versioned-reader.ts';
import { poolPatch } from './pool-patch.ts';
import { afterWrite, metadata, patchStrategy, type Metadata, type PatchStrategy } from './stored-strategy.ts';

const hostPool = z.object({ metadata, spec: hostPoolSpec, status: hostPoolStatus.default({}) });
export type HostPool = z.infer<typeof hostPool>;

/** The answer to a request for metadata only. */
const partial = z.object({ metadata });

/** A pool from a watch; undefined when it cannot be read. */
export function parsePool(object: unknown): HostPool | undefined {
  return hostPool.safeParse(object).data;
}

export type StrategyKey = { readonly namespace: string; readonly name: string };

const BASE = `/apis/${GROUP}/${VERSION}`;
export const STRATEGIES_PATH = `${BASE}/patchstrategies`;
export const POOLS_PATH = `${BASE}/hostpools`;

/** Reads and writes our own resources on the API server. Every write is guarded by uid and resourceVersion. */
export class CareenApi {
  readonly #config: KubeConfig;
  readonly #strategies: VersionedReader<PatchStrategy>;
  readonly #pools: VersionedReader<HostPool>;

  constructor(config: KubeConfig) {
    this.#config = config;
    this.#strategies = this.#readerOf(patchStrategy);
    this.#pools = this.#readerOf(hostPool);
  }

  /** The current strategy; undefined when there is none. Fetches metadata only, unless the object has changed. */
  async strategy(key: StrategyKey): Promise<PatchStrategy | undefined> {
    return this.#strategies.read(strategyPath(key));
  }

  /** The current pool; undefined when there is none. Fetches metadata only, unless the object has changed. */
  async pool(name: string): Promise<HostPool | undefined> {
    return this.#pools.read(poolPath(name));
  }

  /** Replaces the status, and marks it with the uid. Returns the strategy as stored. Throws ConflictError. */
  async writeStatus(strategy: PatchStrategy, status: PatchStrategyStatus): Promise<PatchStrategy> {
    const { uid } = strategy.metadata;
    const patch = mergePatch(strategy.copiedStatus ?? strategy.status, { ...status, uid });
    if (!patch) return strategy;
    return this.#writeStrategy(strategy, '/status', { metadata: guard(strategy.metadata), status: patch });
  }

  /** Replaces the finalizers. Returns the strategy as stored. Throws ConflictError. */
  async writeFinalizers(strategy: PatchStrategy, finalizers: readonly string[]): Promise<PatchStrategy> {
    return this.#writeStrategy(strategy, '', { metadata: { ...guard(strategy.metadata), finalizers } });
  }

  /** Replaces the status of a pool. Sends only the changes. Throws ConflictError. */
  async writePool({ metadata: meta, spec, status: before }: HostPool, status: HostPoolStatus): Promise<void> {
    const path = poolPath(meta.name);
    try {
      const answer = await this.#write(`${path}/status`, poolPatch(meta, before, status), 'metadata');
      this.#pools.keep(path, { metadata: partial.parse(answer).metadata, spec, status });
    } catch (error) {
      this.#pools.forget(path);
      throw error;
    }
  }

  async #writeStrategy(before: PatchStrategy, below: string, body: unknown): Promise<PatchStrategy> {
    const path = strategyPath(before.metadata);
    const written = afterWrite(before, await this.#write(`${path}${below}`, body));
    this.#strategies.keep(path, written);
    return written;
  }

  #readerOf<T extends { metadata: Metadata }>(schema: z.ZodType<T>): VersionedReader<T> {
    return new VersionedReader({
      version: async (path) => {
        const found = await this.#read(path, 'metadata');
        return found === undefined ? undefined : partial.parse(found).metadata;
      },
      whole: async (path) => {
        const found = await this.#read(path);
        return found === undefined ? undefined : schema.parse(found);
      },
    });
  }

  async #read(path: string, as: Detail = 'object'): Promise<unknown> {
    try {
      return await call<unknown>(this.#config, { method: 'GET', path, as });
    } catch (error) {
      if (error instanceof ApiException && error.code === 404) return undefined;
      throw error;
    }
  }

  async #write(path: string, body: unknown, as: Detail = 'object'): Promise<unknown> {
    try {
      return await call<unknown>(this.#config, {
        method: 'PATCH',
        path,
        query: { fieldManager: FIELD_MANAGER },
        body,
        as,
      });
    } catch (error) {
      if (!(error instanceof ApiException) || ![404, 409, 422].includes(error.code)) throw error;
      throw new ConflictError(`${path} changed meanwhile`, { cause: error });
    }
  }
}

function strategyPath({ namespace, name }: StrategyKey): string {
  return `${BASE}/namespaces/${namespace}/patchstrategies/${name}`;
}

function poolPath(name: string): string {
  return `${POOLS_PATH}/${name}`;
}

function guard({ uid, resourceVersion }: Metadata): { uid: string; resourceVersion: string } {
  return { uid, resourceVersion };
}
