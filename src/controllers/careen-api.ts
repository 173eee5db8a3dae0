import { ApiException, CustomObjectsApi, setHeaderOptions, type KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import { hostPoolSpec, hostPoolStatus, type HostPoolStatus } from '../crds/host-pool.ts';
import { GROUP, VERSION } from '../crds/names.ts';
import { patchStrategySpec } from '../crds/patch-strategy-spec.ts';
import { patchStrategyStatus, type PatchStrategyStatus } from '../crds/patch-strategy-status.ts';
import { mergePatch } from './merge-patch.ts';

const metadata = z.object({
  name: z.string(),
  namespace: z.string().default(''),
  uid: z.string(),
  resourceVersion: z.string(),
  generation: z.int(),
  deletionTimestamp: z.unknown().optional(),
  finalizers: z.array(z.string()).default([]),
});
export type Metadata = z.infer<typeof metadata>;

const patchStrategy = z.object({
  metadata,
  spec: patchStrategySpec,
  // A status that somebody spoilt counts as none: then the plan is built again.
  status: patchStrategyStatus.default({}).catch({}),
});
export type PatchStrategy = z.infer<typeof patchStrategy>;

const hostPool = z.object({ metadata, spec: hostPoolSpec, status: hostPoolStatus.default({}) });
export type HostPool = z.infer<typeof hostPool>;

export type StrategyKey = { readonly namespace: string; readonly name: string };

/** Somebody wrote in between: what was decided rests on stale knowledge and is to be decided again. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError';
}

const MERGE_PATCH = setHeaderOptions('Content-Type', 'application/merge-patch+json');
const FIELD_MANAGER = 'careen';
const STRATEGIES = { group: GROUP, version: VERSION, plural: 'patchstrategies' };
const POOLS = { group: GROUP, version: VERSION, plural: 'hostpools' };

/** Our own resources, read from and written to the API server. Every write is guarded by uid and resourceVersion. */
export class CareenApi {
  readonly #objects: CustomObjectsApi;

  constructor(config: KubeConfig) {
    this.#objects = config.makeApiClient(CustomObjectsApi);
  }

  /** The strategy as it is now; undefined when there is none. */
  async strategy(key: StrategyKey): Promise<PatchStrategy | undefined> {
    const found = await unlessMissing(this.#objects.getNamespacedCustomObject({ ...STRATEGIES, ...key }));
    return found === undefined ? undefined : patchStrategy.parse(found);
  }

  /** The pool as it is now; undefined when there is none. */
  async pool(name: string): Promise<HostPool | undefined> {
    const found = await unlessMissing(this.#objects.getClusterCustomObject({ ...POOLS, name }));
    return found === undefined ? undefined : hostPool.parse(found);
  }

  /** Makes the status what is given and returns the strategy as it is then. Throws ConflictError. */
  async writeStatus(strategy: PatchStrategy, status: PatchStrategyStatus): Promise<PatchStrategy> {
    const patch = mergePatch(strategy.status, status);
    if (!patch) return strategy;
    const { namespace, name } = strategy.metadata;
    const body = { metadata: guard(strategy.metadata), status: patch };
    const request = { ...STRATEGIES, namespace, name, body, fieldManager: FIELD_MANAGER };
    const written = this.#objects.patchNamespacedCustomObjectStatus(request, MERGE_PATCH);
    return patchStrategy.parse(await unlessConflict(written, `status of ${namespace}/${name}`));
  }

  /** Replaces the finalizers. Throws ConflictError. */
  async writeFinalizers({ metadata: meta }: PatchStrategy, finalizers: readonly string[]): Promise<PatchStrategy> {
    const { namespace, name } = meta;
    const body = { metadata: { ...guard(meta), finalizers } };
    const request = { ...STRATEGIES, namespace, name, body, fieldManager: FIELD_MANAGER };
    const written = this.#objects.patchNamespacedCustomObject(request, MERGE_PATCH);
    return patchStrategy.parse(await unlessConflict(written, `finalizers of ${namespace}/${name}`));
  }

  /** Replaces the permits of a pool. Throws ConflictError. */
  async writePermits({ metadata: meta, status: before }: HostPool, status: HostPoolStatus): Promise<HostPool> {
    const { name } = meta;
    const body = { metadata: guard(meta), status: mergePatch(before, status) ?? {} };
    const request = { ...POOLS, name, body, fieldManager: FIELD_MANAGER };
    const written = this.#objects.patchClusterCustomObjectStatus(request, MERGE_PATCH);
    return hostPool.parse(await unlessConflict(written, `permits of pool ${name}`));
  }
}

function guard({ uid, resourceVersion }: Metadata): { uid: string; resourceVersion: string } {
  return { uid, resourceVersion };
}

async function unlessMissing(request: Promise<unknown>): Promise<unknown> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof ApiException && error.code === 404) return undefined;
    throw error;
  }
}

async function unlessConflict(request: Promise<unknown>, what: string): Promise<unknown> {
  try {
    return await request;
  } catch (error) {
    if (!(error instanceof ApiException) || (error.code !== 409 && error.code !== 404)) throw error;
    throw new ConflictError(`${what} changed meanwhile`, { cause: error });
  }
}
