/** Watches all relevant objects of an API server from the beginning, so that it misses no short-lived state. */
import { setTimeout as delay } from 'node:timers/promises';
import { Watch, type KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import { POOLS_PATH, strategiesPath } from '../../src/resources/paths.ts';
import { call } from '../../src/kube/client.ts';
import { eventually } from '../support/eventually.ts';
import { complaintsOf, type Seen } from './invariants.ts';

type Kind = Seen['kind'];
const PATHS: Readonly<Record<Kind, string>> = {
  node: '/api/v1/nodes',
  job: '/apis/batch/v1/jobs',
  pod: '/api/v1/pods',
  pool: POOLS_PATH,
  strategy: strategiesPath('PatchStrategy'),
};
const KINDS: readonly Kind[] = ['node', 'job', 'pod', 'pool', 'strategy'];
/** The client ends a watch that is silent for a while: it continues from its last revision. */
const PAUSE_MS = 50;

const metadata = z.looseObject({ resourceVersion: z.string() });
const listSchema = z.looseObject({ metadata, items: z.array(z.looseObject({ metadata })) });
const objectSchema = z.looseObject({ metadata });

export class Witness {
  readonly #config: KubeConfig;
  readonly #history: Seen[] = [];
  /** By kind: the last revision seen. */
  readonly #revisions = new Map<Kind, bigint>();
  readonly #stopping = new AbortController();
  #trouble: string | undefined;

  private constructor(config: KubeConfig) {
    this.#config = config;
  }

  static async start(config: KubeConfig): Promise<Witness> {
    const witness = new Witness(config);
    for (const kind of KINDS) {
      const { metadata: list, items } = await witness.#list(kind);
      for (const item of items) witness.#take(kind, item, false);
      witness.#revisions.set(kind, BigInt(list.resourceVersion));
      void witness.#follow(kind);
    }
    return witness;
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** The violations in a pool so far, each once. Throws when something may have been missed. */
  async complaints(pool: string): Promise<string[]> {
    for (const kind of KINDS) {
      const { items } = await this.#list(kind);
      const newest = items.map((item) => BigInt(item.metadata.resourceVersion));
      await eventually(`the witness has seen each ${kind}`, () =>
        newest.every((revision) => revision <= (this.#revisions.get(kind) ?? 0n)),
      );
    }
    if (this.#trouble !== undefined)
      throw new Error(`the witness may have missed something: ${this.#trouble}`);
    return complaintsOf(this.#history, pool);
  }

  async #list(kind: Kind): Promise<z.infer<typeof listSchema>> {
    return listSchema.parse(await call(this.#config, { method: 'GET', path: PATHS[kind] }));
  }

  async #follow(kind: Kind): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const query = { resourceVersion: String(this.#revisions.get(kind)), allowWatchBookmarks: true };
      const heard = (type: string, object: unknown): void => this.#hear(kind, type, object);
      const watch = new Watch(this.#config);
      const ending = await watch.watch(PATHS[kind], query, heard, () => resolve(undefined));
      const stop = (): void => ending.abort();
      this.#stopping.signal.addEventListener('abort', stop);
      await promise;
      this.#stopping.signal.removeEventListener('abort', stop);
      await delay(PAUSE_MS);
    }
  }

  #hear(kind: Kind, type: string, object: unknown): void {
    if (type === 'ERROR') this.#trouble = `${kind}: ${JSON.stringify(object)}`;
    else if (type === 'BOOKMARK') this.#reached(kind, objectSchema.parse(object).metadata.resourceVersion);
    else this.#take(kind, object, type === 'DELETED');
  }

  #take(kind: Kind, object: unknown, gone: boolean): void {
    const { resourceVersion } = objectSchema.parse(object).metadata;
    // The shape is the API server's promise for the path of the kind.
    this.#history.push({ kind, object, gone, revision: BigInt(resourceVersion) } as Seen);
    this.#reached(kind, resourceVersion);
  }

  #reached(kind: Kind, revision: string): void {
    this.#revisions.set(kind, BigInt(revision));
  }
}
