/** ConfigMaps for tests of the client: cheap objects that no controller acts on, and an informer of them. */
import { CoreV1Api } from '@kubernetes/client-node';
import type { KubeConfig, V1ConfigMap } from '@kubernetes/client-node';
import { SupervisedInformer, type InformerOptions } from '../../../src/kube/informer.ts';
import { eventually } from '../eventually.ts';

const namespace = 'default';

/** Their path in the API. */
export const CONFIG_MAPS = `/api/v1/namespaces/${namespace}/configmaps`;

export class ConfigMaps {
  readonly #core: CoreV1Api;
  #changes = 0;

  /** The config must not go through the proxy under test. */
  constructor(config: KubeConfig) {
    this.#core = config.makeApiClient(CoreV1Api);
  }

  async create(...names: readonly string[]): Promise<void> {
    for (const name of names) {
      // The server records field managers only in an object that has some from the start.
      const metadata = { name, labels: { made: 'for-a-test' } };
      await this.#core.createNamespacedConfigMap({ namespace, body: { metadata } });
    }
  }

  async change(name: string): Promise<void> {
    const metadata = { name };
    const data = { change: String(++this.#changes) };
    await this.#core.replaceNamespacedConfigMap({ namespace, name, body: { metadata, data } });
  }

  async remove(...names: readonly string[]): Promise<void> {
    for (const name of names) await this.#core.deleteNamespacedConfigMap({ namespace, name });
  }

  async removeAll(): Promise<void> {
    await this.#core.deleteCollectionNamespacedConfigMap({ namespace });
  }

  /** The revision of each on the server. */
  async revisions(): Promise<Record<string, string>> {
    const { items } = await this.#core.listNamespacedConfigMap({ namespace });
    return sorted(items.map(({ metadata }) => [metadata?.name ?? '', metadata?.resourceVersion ?? '']));
  }
}

export type WatchedConfigMaps = {
  readonly informer: SupervisedInformer<V1ConfigMap, readonly [name: string, revision: string]>;
  /** Its log. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  /** Waits until it has the server's objects, and has reported them. */
  agrees(server: ConfigMaps, seconds?: number): Promise<void>;
};

/** Starts an informer. Its objects and its reports are compared with the server separately. */
export function watchConfigMaps(
  config: KubeConfig,
  options: Partial<Pick<InformerOptions<V1ConfigMap, unknown>, 'idleLimitMs' | 'connected'>> = {},
): WatchedConfigMaps {
  const told = new Map<string, string>();
  const log: Record<string, unknown>[] = [];
  const note = (fields: Readonly<Record<string, unknown>>): void => void log.push({ ...fields });
  const informer: WatchedConfigMaps['informer'] = new SupervisedInformer({
    config,
    path: CONFIG_MAPS,
    project: ({ metadata }) => [metadata?.name ?? '', metadata?.resourceVersion ?? ''] as const,
    changed: (before, after) => {
      if (after) told.set(...after);
      else if (before) told.delete(before[0]);
    },
    now: Date.now,
    log: { info: note, warn: note },
    ...options,
  });
  informer.start();
  const agrees = async (server: ConfigMaps, seconds = 15): Promise<void> => {
    let seen = {};
    const look = async (): Promise<boolean> => {
      const [actual, kept, heard] = [await server.revisions(), sorted(informer.values()), sorted(told)];
      seen = { actual, kept, heard, failure: informer.failure };
      return [kept, heard].every((each) => JSON.stringify(each) === JSON.stringify(actual));
    };
    await eventually('the informer agrees with the server', look, { seconds, describe: () => seen });
  };
  return { informer, log, agrees };
}

function sorted(entries: Iterable<readonly [string, string]>): Record<string, string> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}
