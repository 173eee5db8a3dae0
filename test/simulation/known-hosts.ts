/** The histories of the hosts, and what the operator knows of them. */
import { HostHistory, isEmpty, SEEN_MS, UNSEEN_MS, type HostState } from './host-history.ts';

export type KnownHostsOptions = {
  readonly now: () => number;
  /** Whether watches and requests have worked for so long that the operator's view is fresh. */
  readonly isViewFresh: () => boolean;
};

export class KnownHosts {
  readonly #options: KnownHostsOptions;
  readonly #hosts = new Map<string, HostHistory>();

  constructor(options: KnownHostsOptions) {
    this.#options = options;
  }

  get all(): ReadonlyMap<string, HostHistory> {
    return this.#hosts;
  }

  of(host: string): HostHistory {
    const known = this.#hosts.get(host);
    if (known) return known;
    const made = new HostHistory();
    this.#hosts.set(host, made);
    return made;
  }

  /**
   * Whether the host has been in this state for so long that the operator knows it. Until then it cannot know better: its
   * watch of the nodes may lag, and a host that was deleted and made again under its name still shows the claim.
   */
  isKnown(host: string, state: (host: HostState) => boolean): boolean {
    const forMs = this.#options.now() - this.of(host).holdsSince(state);
    return forMs > (this.#options.isViewFresh() ? SEEN_MS : UNSEEN_MS);
  }

  /** Whether the operator knows that a run does not hold the host. */
  isKnownAsFreeOf(run: string, host: string): boolean {
    return this.isKnown(host, ({ exists, claim }) => exists && claim?.run !== run);
  }

  /** Whether the operator knows that the host is away, and that something still runs there. */
  isKnownAsBusy(host: string): boolean {
    return this.isKnown(host, (state) => state.claim?.level === 'away' && !isEmpty(state));
  }
}
