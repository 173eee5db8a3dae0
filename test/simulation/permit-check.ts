/** Judges the permits of a pool, and how many hosts are away at once (invariants 1, 4 and 5). */
import type { Change } from './world/api-server.ts';
import type { ApiObject } from './world/objects.ts';
import { UNSEEN_MS, type HostState } from './host-history.ts';
import type { KnownHosts } from './known-hosts.ts';
import { limitOf, permitsOf, selects } from './seen.ts';

export type PermitCheckOptions = {
  readonly now: () => number;
  readonly hosts: KnownHosts;
  /** Whether the operator may not see the claim of this run. */
  readonly isUnseen: (run: string) => boolean;
  readonly failed: (complaint: string) => void;
};

export class PermitCheck {
  readonly #options: PermitCheckOptions;
  #pausedAt: number | undefined;

  constructor(options: PermitCheckOptions) {
    this.#options = options;
  }

  /** How long the pool has been paused; negative while it is not. */
  get pausedMs(): number {
    return this.#options.now() - (this.#pausedAt ?? Infinity);
  }

  changed({ object, before, type }: Change): void {
    if (type === 'DELETED') return;
    this.#pausedAt = object.spec?.['paused'] === true ? (this.#pausedAt ?? this.#options.now()) : undefined;
    const permits = permitsOf(object);
    const old = new Set(permitsOf(before).map(({ host, run }) => `${run}/${host}`));
    const granted = permits.filter(({ host, run }) => !old.has(`${run}/${host}`));
    if (new Set(permits.map(({ host }) => host)).size < permits.length)
      this.#options.failed(`(5) a host has two permits`);
    // A take-over only raises the epoch. It cannot know the claim of a run that others have removed, which arrived after its
    // permit was freed and waits for the sweep.
    const isTakeOver = before !== undefined && before.status?.['epoch'] !== object.status?.['epoch'];
    for (const [name, { now }] of isTakeOver ? [] : this.#options.hosts.all) {
      const permit = permits.find(({ host }) => host === name);
      if (
        now.claim &&
        now.claim.level !== 'closed' &&
        permit?.run !== now.claim.run &&
        !this.#options.isUnseen(now.claim.run)
      )
        this.#options.failed(
          `(5) ${name} is claimed by ${now.claim.run}, and its permit is ${permit ? `that of ${permit.run}` : 'gone'}`,
        );
    }
    if (granted.length === 0) return;
    if (object.spec?.['paused'] === true)
      this.#options.failed('(4) a permit was granted while the pool is paused');
    if (granted.some(({ level }) => level === 'away'))
      this.#limit(
        object,
        permits.filter(({ level }) => level === 'away').map(({ host }) => host),
      );
  }

  #limit(pool: ApiObject, permitted: readonly string[]): void {
    const away = new Set(permitted);
    const earliest = this.#options.now() - UNSEEN_MS;
    const isMember = ({ exists, claim, labels }: HostState): boolean =>
      exists && (claim !== undefined || selects(pool, labels));
    for (const [name, history] of this.#options.hosts.all) {
      const isOut = history.holdsSince(
        (state) => isMember(state) && !state.claim && (state.closed || !state.ready),
      );
      if (history.now.claim?.level === 'away' || isOut < earliest) away.add(name);
    }
    // The largest number of hosts that the operator may still know of.
    const hosts = [...this.#options.hosts.all.values()].filter((history) =>
      history.wasSince(earliest, isMember),
    );
    const limit = limitOf(pool, hosts.length);
    if (away.size > limit)
      this.#options.failed(
        `(1) ${[...away].join(', ')} are or may be away, the pool allows ${String(limit)}`,
      );
  }
}
