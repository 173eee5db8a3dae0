/** The objects of one kind in all namespaces, as a watch has them. Nothing is written. */
import type { KubernetesObject } from '@kubernetes/client-node';
import type { z } from 'zod';
import type { Client } from '../kube/client.ts';
import { SupervisedInformer } from '../kube/informer.ts';
import type { Log } from '../kube/log.ts';

export type WatchedObjectsOptions<T> = {
  readonly config: Client;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Of the collection. */
  readonly path: string;
  /** Objects that it cannot read are left out. */
  readonly schema: z.ZodType<T>;
  readonly changed: (before: T | undefined, after: T | undefined) => void;
};

export class WatchedObjects<T> {
  readonly #informer: SupervisedInformer<KubernetesObject, T>;

  constructor({ config, log, clock, path, schema, changed }: WatchedObjectsOptions<T>) {
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

  /** Resolves once the objects are known, or it is known that they cannot be read. */
  get known(): Promise<unknown> {
    return this.#informer.firstAnswer;
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
