/** The calls of Placement, which knows what each host has, and how much of that is taken. */
import { z } from 'zod';
import { understood } from './answers.ts';
import type { OpenStackSession } from './session.ts';

/** The summaries have whole trees of providers, and all resource classes; since Rocky. */
const MICROVERSION = '1.29';
/** Every host that has room for any server has a megabyte of memory. */
const LEAST_NEED = 'MEMORY_MB:1';

const providersSchema = z.object({ resource_providers: z.array(z.object({ uuid: z.string() })) });

const candidatesSchema = z.object({
  provider_summaries: z.record(
    z.string(),
    z.object({
      root_provider_uuid: z.string(),
      resources: z.record(z.string(), z.object({ capacity: z.number(), used: z.number() })),
      traits: z.array(z.string()).default([]),
    }),
  ),
});

/** What is free on a host and the parts of it, such as its graphics cards. */
export type HostRoom = {
  /** By resource class, such as `VCPU`; with the allocation ratio, and without what is reserved. */
  readonly free: Readonly<Record<string, number>>;
  /** The same without what is taken. */
  readonly capacity: Readonly<Record<string, number>>;
  /** What its host can do, such as `HW_CPU_X86_AVX2`. */
  readonly traits: ReadonlySet<string>;
};

export class Placement {
  readonly #session: OpenStackSession;

  constructor(session: OpenStackSession) {
    this.#session = session;
  }

  /**
   * The room on each host, by the id of its hypervisor, in one request. A host whose memory is full is not there.
   *
   * Placement has no list of the inventories or the usages of several providers. The candidates for the least need have
   * both. It sends them without pages.
   */
  async rooms(signal: AbortSignal): Promise<ReadonlyMap<string, HostRoom>> {
    const what = 'allocation_candidates';
    const query = { resources: LEAST_NEED };
    const call = { method: 'GET', path: [what], query, microversion: MICROVERSION } as const;
    const answer = await this.#session.request('placement', call, signal);
    const { provider_summaries: providers } = understood(candidatesSchema, answer, `placement: GET /${what}`);
    const trees = Map.groupBy(Object.values(providers), (each) => each.root_provider_uuid);
    return new Map([...trees].map(([root, parts]) => [root, roomOf(parts)]));
  }

  /** The hosts that have a trait, by the ids of their hypervisors, also those that are full. Sent without pages. */
  async hostsWith(trait: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
    const what = 'resource_providers';
    const call = {
      method: 'GET',
      path: [what],
      query: { required: trait },
      microversion: MICROVERSION,
    } as const;
    const answer = await this.#session.request('placement', call, signal);
    const { resource_providers: hosts } = understood(providersSchema, answer, `placement: GET /${what}`);
    return new Set(hosts.map(({ uuid }) => uuid));
  }
}

type Summary = z.infer<typeof candidatesSchema>['provider_summaries'][string];

function roomOf(parts: readonly Summary[]): HostRoom {
  const free: Record<string, number> = {};
  const capacity: Record<string, number> = {};
  for (const { resources } of parts)
    for (const [name, part] of Object.entries(resources)) {
      free[name] = (free[name] ?? 0) + part.capacity - part.used;
      capacity[name] = (capacity[name] ?? 0) + part.capacity;
    }
  return { free, capacity, traits: new Set(parts.flatMap(({ traits }) => traits)) };
}
