/** The fleets of an adapter that somebody subscribes to: the sums over each pool, and whom to tell when they change. */
import { memoizeByObject } from '../planner/memoize-by-object.ts';
import { Fleet } from './fleet.ts';
import type { HostState } from './host-state.ts';
import type { Scope, Subscription } from './port.ts';

type OpenFleet = { readonly fleet: Fleet; readonly listeners: Set<{ readonly changed: () => void }> };

/** The same key for equal scopes; memoized because every view of a fleet needs it. */
const keyOfScope = memoizeByObject((scope: Scope) => JSON.stringify(scope));

export class OpenFleets {
  readonly #hosts: () => Iterable<HostState>;
  readonly #notify: (listener: () => void) => void;
  readonly #fleets = new Map<string, OpenFleet>();

  /**
   * @param hosts all hosts of the adapter, as they are known now
   * @param notify calls a listener, which may throw
   */
  constructor(hosts: () => Iterable<HostState>, notify: (listener: () => void) => void) {
    this.#hosts = hosts;
    this.#notify = notify;
  }

  /** Keeps the sums over a pool until the subscription ends. */
  open(scope: Scope, changed: () => void): Subscription {
    const key = keyOfScope(scope);
    const open = this.#fleets.get(key) ?? { fleet: new Fleet(scope, this.#hosts()), listeners: new Set() };
    const listener = { changed };
    open.listeners.add(listener);
    this.#fleets.set(key, open);
    return {
      close: () => {
        open.listeners.delete(listener);
        if (open.listeners.size === 0 && this.#fleets.get(key) === open) this.#fleets.delete(key);
      },
    };
  }

  /** Throws when nobody has opened it. */
  of(scope: Scope): Fleet {
    const open = this.#fleets.get(keyOfScope(scope));
    if (!open) throw new Error(`the fleet of pool ${scope.pool} is not open`);
    return open.fleet;
  }

  /** Applies the change of one host, and tells the listeners whom it concerns. */
  change(before: HostState | undefined, after: HostState | undefined): void {
    this.#tell(({ fleet }) => fleet.change(before, after));
  }

  /** Tells all listeners: what is known became current, even when nothing changed. */
  tellAll(): void {
    this.#tell(() => true);
  }

  closeAll(): void {
    this.#fleets.clear();
  }

  #tell(concerns: (open: OpenFleet) => boolean): void {
    for (const open of this.#fleets.values()) {
      if (!concerns(open)) continue;
      for (const { changed } of open.listeners) this.#notify(changed);
    }
  }
}
