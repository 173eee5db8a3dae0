/** Judges which pods are evicted (invariants 2 and 5). */
import type { Change } from './world/api-server.ts';
import { daemonSetOf, nodeOf } from './world/cluster.ts';
import type { ApiObject } from './world/objects.ts';
import type { HostState } from './host-history.ts';

/** A pod may have been placed just before its host was closed, and its first successor, too. */
const MOST = 2;

export type EvictionOptions = {
  readonly now: () => number;
  readonly hostOf: (name: string) => {
    readonly holdsSince: (holds: (state: HostState) => boolean) => number;
  };
  readonly failed: (complaint: string) => void;
};

export class EvictionCheck {
  readonly #options: EvictionOptions;
  /** By the uid of a pod: when it was made. */
  readonly #madeAt = new Map<string, number>();
  /** By claim, host and app: how many pods were evicted that had come after the host was closed. */
  readonly #evictions = new Map<string, number>();

  constructor(options: EvictionOptions) {
    this.#options = options;
  }

  seen({ object, type }: Change): void {
    if (type === 'ADDED') this.#madeAt.set(object.metadata.uid, this.#options.now());
  }

  /** Judges an eviction that was accepted. */
  evicted(pod: ApiObject): void {
    const { name, uid, labels = {} } = pod.metadata;
    const { failed, hostOf } = this.#options;
    if (daemonSetOf(pod) !== undefined) failed(`(2) pod ${name} of a DaemonSet was evicted`);
    const host = nodeOf(pod);
    const closedSince = hostOf(host).holdsSince(({ claim, closed }) => claim !== undefined && closed);
    if ((this.#madeAt.get(uid) ?? 0) <= closedSince) return;
    const app = labels['app'] ?? '';
    const key = [host, closedSince, app].join('/');
    const count = (this.#evictions.get(key) ?? 0) + 1;
    this.#evictions.set(key, count);
    if (count > MOST)
      failed(`(2) ${String(count)} pods of ${app} were evicted from ${host}, and they keep coming back`);
  }
}
