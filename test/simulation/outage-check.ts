/** Judges that outages and the work of persons begin only where and when they may (invariants 1, 2 and 4). */
import { at, type Objects } from './world/api-server.ts';
import type { ApiObject, Json } from './world/objects.ts';
import { isSession } from './world/strategies.ts';
import { IN_FLIGHT_MS, SEEN_MS, type HostState } from './host-history.ts';
import type { KnownHosts } from './known-hosts.ts';
import { modeOf, openManualOf, permitsOf, plansTheSame, runIdOf, selects, stateOf } from './seen.ts';

export type OutageCheckOptions = {
  readonly server: Objects;
  readonly pool: string;
  readonly hosts: KnownHosts;
  readonly isViewFresh: () => boolean;
  /** The spec that the plan of a run was built from. */
  readonly specOf: (run: string) => Json;
  /** How long the pool has been paused; negative while it is not. */
  readonly pausedMs: () => number;
  /** Whether the run empties the host before work begins there. */
  readonly needsEmpty: (run: string, host: string) => boolean;
  /** Learns that a person was asked to work on a host. */
  readonly asked: (run: string, host: string) => void;
  readonly failed: (complaint: string) => void;
};

export class OutageCheck {
  readonly #options: OutageCheckOptions;

  constructor(options: OutageCheckOptions) {
    this.#options = options;
  }

  /** A write is guarded by the version that it was decided on: so `before` is the operator's view. */
  begun(object: ApiObject, before: ApiObject, hosts: readonly string[]): void {
    const what = `(4) an outage of ${hosts.join(', ')} began`;
    if (before.metadata.deletionTimestamp !== undefined)
      this.#options.failed(`${what} after the strategy was deleted`);
    if (stateOf(object) !== 'applying') this.#options.failed(`${what} in state ${String(stateOf(object))}`);
    // What was agreed with the projects of a session stands until its end.
    if (!isSession(object) && !plansTheSame(this.#options.specOf(runIdOf(object)), before.spec ?? {}))
      this.#options.failed(`${what} after the spec was edited`);
    const mode = modeOf(before);
    const stage = Number(at(object.status, 'applyPhase', 'currentStage'));
    const through = Number(at(before.spec, 'execution', 'throughStage') ?? Infinity);
    const authority = Number(at(object.status, 'run', 'authority', 'throughStage') ?? -1);
    const allowed = mode === 'Run' ? Math.max(through, authority) : mode === 'Hold' ? authority : -1;
    if (stage > allowed)
      this.#options.failed(
        `${what} in stage ${String(stage)}, in mode ${mode} those to ${String(allowed)} are allowed`,
      );
    if (this.#options.pausedMs() > (this.#options.isViewFresh() ? SEEN_MS : IN_FLIGHT_MS))
      this.#options.failed(`${what} while the pool is paused`);
    const pool = this.#options.server.get('hostpools', this.#options.pool);
    const permits = permitsOf(pool);
    const hasLeft = ({ exists, claim, labels }: HostState): boolean =>
      exists && !claim && !selects(pool, labels);
    for (const name of hosts)
      if (this.#options.hosts.isKnown(name, hasLeft))
        this.#options.failed(`(1) an outage of ${name} began, which had left the pool`);
    for (const name of hosts)
      // The permit of a host that is gone may have been freed meanwhile.
      if (
        this.#options.hosts.of(name).now.exists &&
        !permits.some(({ host, run }) => host === name && run === runIdOf(object))
      )
        this.#options.failed(`${what} without a permit for ${name}`);
  }

  /** Persons are asked, as Jobs are started, only on hosts that the run holds, and that are empty where it empties them. */
  asked(object: ApiObject, before: ApiObject): void {
    const run = runIdOf(object);
    const known = new Set(openManualOf(before).map(({ host, since }) => `${host}/${since}`));
    for (const { host, since } of openManualOf(object)) {
      if (known.has(`${host}/${since}`)) continue;
      this.#options.asked(run, host);
      if (this.#options.hosts.isKnownAsFreeOf(run, host))
        this.#options.failed(`(4) a person was asked to work on ${host}, which ${run} does not hold`);
      if (this.#options.needsEmpty(run, host) && this.#options.hosts.isKnownAsBusy(host))
        this.#options.failed(`(2) a person was asked to work on ${host} under a pod`);
    }
  }
}
