/** The watches of single hosts that an adapter was asked for, and whom to tell of news about a host. */
import type { HostName } from '../planner/hosts/facts.ts';
import type { HostWatch } from './port.ts';

type Watcher = {
  readonly changed: (hosts: ReadonlySet<HostName>) => void;
  wanted: ReadonlySet<HostName>;
  inUse: boolean;
};

/** What an adapter does for the hosts that a watch begins or ends to name. */
export type HostWatchersOptions = {
  /** @param inUse whether its instances are wanted while it is neither closed nor claimed */
  readonly acquire: (host: HostName, inUse: boolean) => void;
  readonly release: (host: HostName, inUse: boolean) => void;
  /** Whether the host is observed already, for another watch: no later change would report it. */
  readonly isKnown: (host: HostName) => boolean;
  /** Calls a listener, which may throw. */
  readonly notify: (listener: () => void) => void;
};

export class HostWatchers {
  readonly #options: HostWatchersOptions;
  readonly #watchers = new Set<Watcher>();

  constructor(options: HostWatchersOptions) {
    this.#options = options;
  }

  watch(changed: (hosts: ReadonlySet<HostName>) => void): HostWatch {
    const watcher: Watcher = { changed, wanted: new Set(), inUse: false };
    this.#watchers.add(watcher);
    const want = (hosts: ReadonlySet<HostName>, inUse = false): void => {
      if (this.#watchers.has(watcher)) this.#want(watcher, new Set(hosts), inUse);
    };
    return {
      want,
      close: () => {
        want(new Set());
        this.#watchers.delete(watcher);
      },
    };
  }

  /** Tells the watches of this host. */
  tell(host: HostName): void {
    for (const watcher of this.#watchers) this.#tell(watcher, new Set([host]));
  }

  closeAll(): void {
    this.#watchers.clear();
  }

  #want(watcher: Watcher, hosts: ReadonlySet<HostName>, inUse: boolean): void {
    const { acquire, release, isKnown } = this.#options;
    const { wanted: before, inUse: wasInUse } = watcher;
    Object.assign(watcher, { wanted: hosts, inUse });
    const isSame = inUse === wasInUse;
    const added = isSame ? hosts.difference(before) : hosts;
    for (const host of added) acquire(host, inUse);
    for (const host of isSame ? before.difference(hosts) : before) release(host, wasInUse);
    const known = new Set([...added].filter(isKnown));
    if (known.size > 0) setImmediate(() => this.#tell(watcher, known));
  }

  #tell(watcher: Watcher, hosts: ReadonlySet<HostName>): void {
    if (!this.#watchers.has(watcher)) return;
    const wanted = hosts.intersection(watcher.wanted);
    if (wanted.size > 0) this.#options.notify(() => watcher.changed(wanted));
  }
}
