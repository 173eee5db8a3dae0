/** The objects of one kind in all namespaces, as a watch has them. Nothing is written. */
import type { KubernetesObject } from '@kubernetes/client-node';
import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import type { Client } from '../kube/client.ts';
import { SupervisedInformer } from '../kube/informer.ts';
import type { Log } from '../kube/log.ts';

/** A watch that has failed begins again within seconds. */
const LONGEST_WAIT_MS = 5_000;

/** What each watch of ours needs. */
export type WatchOptions = {
  readonly config: Client;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
};

type WatchedObjectsOptions<T> = WatchOptions & {
  /** Of the collection. */
  readonly path: string;
  /** Objects that it cannot read are left out. */
  readonly schema: z.ZodType<T>;
  readonly changed: (before: T | undefined, after: T | undefined) => void;
};

export class WatchedObjects<T> {
  readonly #informer: SupervisedInformer<KubernetesObject, T>;
  readonly #path: string;

  constructor({ config, log, clock, path, schema, changed }: WatchedObjectsOptions<T>) {
    this.#path = path;
    this.#informer = new SupervisedInformer<KubernetesObject, T>({
      ...{ config, path, now: clock, log },
      project: (object) => schema.safeParse(object).data,
      changed,
    });
  }

  start(): void {
    this.#informer.start();
  }

  stop(): void {
    this.#informer.stop();
  }

  /** Resolves once the objects are known. Throws when they are not within some seconds: nothing is decided without them. */
  async known(): Promise<void> {
    if (this.#informer.isSynced) return;
    const isKnown = this.#informer.synced.then(() => true);
    const isLate = delay(LONGEST_WAIT_MS, false, { ref: false });
    if (await Promise.race([isKnown, isLate])) return;
    throw new Error(`${this.#path} cannot be read: ${this.#informer.failure ?? 'no answer yet'}`);
  }

  get(namespace: string, name: string): T | undefined {
    return this.#informer.get(`${namespace}/${name}`);
  }

  get all(): readonly T[] {
    return [...this.#informer.values()];
  }

  /** Stores an object that a request has returned, unless the watch has a newer one. */
  keep(object: KubernetesObject): void {
    this.#informer.upsert(object);
  }
}
