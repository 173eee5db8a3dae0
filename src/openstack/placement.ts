/**
 * The calls of Placement, which knows what each host has and who uses it.
 *
 * Placement lists providers at once, without pages. It has no list of the inventories, usages, traits or allocations of
 * several providers: those cost a request for each provider.
 */
import { z } from 'zod';
import { understood } from './answers.ts';
import type { OpenStackSession } from './session.ts';

/** Parents of providers; since Queens. */
const MICROVERSION = '1.14';

const amounts = z.record(z.string(), z.number());

const providersSchema = z.object({
  resource_providers: z.array(
    z
      .object({
        uuid: z.string(),
        name: z.string(),
        generation: z.number(),
        parent_provider_uuid: z.string().nullish(),
      })
      .transform(({ parent_provider_uuid: parent, ...rest }) => ({ ...rest, parent: parent ?? undefined })),
  ),
});
/** A host, by its hypervisor's hostname, or a part of one. */
export type ResourceProvider = Readonly<z.infer<typeof providersSchema>['resource_providers'][number]>;

const inventoriesSchema = z.object({
  inventories: z.record(
    z.string(),
    z
      .object({ total: z.number(), reserved: z.number(), allocation_ratio: z.number(), max_unit: z.number() })
      .transform(({ allocation_ratio: allocationRatio, max_unit: maxUnit, ...rest }) => ({
        ...rest,
        ...{ allocationRatio, maxUnit },
      })),
  ),
});
/** What a provider has of a class such as `VCPU`: `(total - reserved) * allocationRatio` can be allocated. */
export type Inventory = Readonly<z.infer<typeof inventoriesSchema>['inventories'][string]>;

const usagesSchema = z.object({ usages: amounts });
const traitsSchema = z.object({ traits: z.array(z.string()) });
const allocationsSchema = z.object({
  allocations: z.record(z.string(), z.object({ resources: amounts })),
});

export class Placement {
  readonly #session: OpenStackSession;

  constructor(session: OpenStackSession) {
    this.#session = session;
  }

  /** All providers, in one request. */
  async providers(signal: AbortSignal): Promise<readonly ResourceProvider[]> {
    return (await this.#read(['resource_providers'], providersSchema, signal)).resource_providers;
  }

  /** By resource class. */
  async inventories(provider: string, signal: AbortSignal): Promise<Readonly<Record<string, Inventory>>> {
    return (await this.#readOf(provider, 'inventories', inventoriesSchema, signal)).inventories;
  }

  /** The sums over all consumers, by resource class. */
  async usages(provider: string, signal: AbortSignal): Promise<Readonly<Record<string, number>>> {
    return (await this.#readOf(provider, 'usages', usagesSchema, signal)).usages;
  }

  async traits(provider: string, signal: AbortSignal): Promise<readonly string[]> {
    return (await this.#readOf(provider, 'traits', traitsSchema, signal)).traits;
  }

  /** By consumer, which is a server, or a migration while it holds the place that the server leaves. */
  async allocations(
    provider: string,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Readonly<Record<string, number>>>> {
    const { allocations } = await this.#readOf(provider, 'allocations', allocationsSchema, signal);
    return new Map(Object.entries(allocations).map(([consumer, { resources }]) => [consumer, resources]));
  }

  async #readOf<T>(provider: string, what: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    return this.#read(['resource_providers', provider, what], schema, signal);
  }

  async #read<T>(path: readonly string[], schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    const call = { method: 'GET', path, microversion: MICROVERSION } as const;
    const answer = await this.#session.request('placement', call, signal);
    return understood(schema, answer, `placement: GET /${path.join('/')}`);
  }
}
