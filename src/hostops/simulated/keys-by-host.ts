import type { HostName } from '../../planner/hosts/facts.ts';

/** The keys of what is on each host, in the order in which they came. */
export class KeysByHost {
  readonly #keys = new Map<HostName, Set<string>>();

  on(host: HostName): string[] {
    return [...(this.#keys.get(host) ?? [])];
  }

  add(host: HostName, key: string): void {
    const keys = this.#keys.get(host) ?? new Set();
    this.#keys.set(host, keys.add(key));
  }

  remove(host: HostName, key: string): void {
    this.#keys.get(host)?.delete(key);
  }
}
