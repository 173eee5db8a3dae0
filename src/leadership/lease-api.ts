/** The Lease on the API server. Every write is guarded by uid and resourceVersion, a creation by the name. */
import type { KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import { call, FIELD_MANAGER, type Call } from '../kube/client.ts';
import { ConflictError, httpStatus } from '../kube/errors.ts';
import type { LeaseFacts, Write } from './lease-verdict.ts';

const NOT_FOUND = 404;
const CONFLICT = 409;

const leaseSchema = z.object({
  metadata: z.object({ uid: z.string(), resourceVersion: z.string() }),
  spec: z
    .object({
      holderIdentity: z.string().nullish(),
      leaseDurationSeconds: z.number().nullish(),
      leaseTransitions: z.number().nullish(),
    })
    .default({}),
});

export type LeaseApiOptions = {
  readonly config: KubeConfig;
  readonly namespace: string;
  readonly name: string;
  /** Our name as the holder of the Lease. */
  readonly identity: string;
  readonly leaseSeconds: number;
};

export class LeaseApi {
  readonly #options: LeaseApiOptions;

  constructor(options: LeaseApiOptions) {
    this.#options = options;
  }

  /** The path of the Leases in the namespace. */
  get collection(): string {
    return `/apis/coordination.k8s.io/v1/namespaces/${this.#options.namespace}/leases`;
  }

  /** The Lease as it is now; undefined when there is none. */
  async read(signal: AbortSignal): Promise<LeaseFacts | undefined> {
    try {
      return leaseFacts(await call(this.#options.config, { method: 'GET', path: this.#path }, signal));
    } catch (error) {
      if (httpStatus(error) === NOT_FOUND) return undefined;
      throw error;
    }
  }

  /** Makes us the holder, or renews. Returns the Lease as stored. Throws ConflictError when somebody else was first. */
  async write(write: Write, signal: AbortSignal): Promise<LeaseFacts> {
    const { name, identity, leaseSeconds } = this.#options;
    const renewTime = microTime(new Date());
    const renewal = { leaseDurationSeconds: leaseSeconds, renewTime };
    const ours = { ...renewal, holderIdentity: identity, acquireTime: renewTime };
    switch (write.kind) {
      case 'create': {
        const body = {
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          metadata: { name },
          spec: { ...ours, leaseTransitions: 0 },
        };
        return this.#send({ method: 'POST', path: this.collection, body }, [CONFLICT], signal);
      }
      case 'take':
        return this.#patch(write.lease, { ...ours, leaseTransitions: write.lease.transitions + 1 }, signal);
      case 'renew':
        return this.#patch(write.lease, renewal, signal);
    }
  }

  /** Releases the Lease: it then has no holder. Throws ConflictError when somebody else was first. */
  async release(lease: LeaseFacts, signal: AbortSignal): Promise<LeaseFacts> {
    return this.#patch(lease, { holderIdentity: '', renewTime: microTime(new Date()) }, signal);
  }

  get #path(): string {
    return `${this.collection}/${this.#options.name}`;
  }

  async #patch({ uid, revision }: LeaseFacts, spec: object, signal: AbortSignal): Promise<LeaseFacts> {
    const body = { metadata: { uid, resourceVersion: revision }, spec };
    return this.#send({ method: 'PATCH', path: this.#path, body }, [CONFLICT, NOT_FOUND], signal);
  }

  /** `conflicts`: the HTTP statuses that mean that somebody else was first. */
  async #send(request: Call, conflicts: readonly number[], signal: AbortSignal): Promise<LeaseFacts> {
    try {
      const query = { fieldManager: FIELD_MANAGER };
      return leaseFacts(await call(this.#options.config, { ...request, query }, signal));
    } catch (error) {
      if (!conflicts.includes(httpStatus(error) ?? 0)) throw error;
      throw new ConflictError(`Lease ${this.#path} changed meanwhile`, { cause: error });
    }
  }
}

/** The facts of a Lease from the API server. Throws ZodError when the object is no Lease. */
export function leaseFacts(object: unknown): LeaseFacts {
  const { metadata, spec } = leaseSchema.parse(object);
  const seconds = spec.leaseDurationSeconds ?? undefined;
  return {
    uid: metadata.uid,
    revision: metadata.resourceVersion,
    holder: spec.holderIdentity ?? '',
    leaseMs: seconds === undefined ? undefined : seconds * 1000,
    transitions: spec.leaseTransitions ?? 0,
  };
}

/** The MicroTime of the API server: six digits after the point. */
function microTime(time: Date): string {
  return time.toISOString().replace('Z', '000Z');
}
