/** Judges the ends of runs and of a seed: what may stay locked, and how runs may have ended (invariants 4 to 6). */
import { at, type Objects } from './world/api-server.ts';
import type { ApiObject } from './world/objects.ts';
import { isStrategies, nameOf, strategiesOf } from './world/strategies.ts';
import type { HostState } from './host-history.ts';
import { sessionOf } from './sessions/session-view.ts';
import { isFinished, outagesOf, permitsOf, runIdOf, stateOf, type Outage } from './seen.ts';

export type EndOptions = {
  readonly server: Objects;
  readonly pool: string;
  readonly isOperator: (by: string) => boolean;
  readonly isViewFresh: () => boolean;
  readonly now: () => number;
  readonly stateOf: (host: string) => HostState;
  /** Whether a container of the run was started on the host, as far as its leader can know. */
  readonly mayHaveChanged: (run: string, host: string) => boolean;
  /** Learns of each run whose record somebody removes. */
  readonly recordLost: (run: string) => void;
  /** Whether a late write has closed the host, which no server could refuse. */
  readonly wasClosedLate: (host: string) => boolean;
  readonly failed: (complaint: string) => void;
};

export class EndCheck {
  readonly #options: EndOptions;
  /** By run: when somebody removed its record. */
  readonly #lostAt = new Map<string, number>();

  constructor(options: EndOptions) {
    this.#options = options;
    options.server.listen(({ resource, before, object, type, by }) => {
      if (!isStrategies(resource) || !before || options.isOperator(by)) return;
      if (type !== 'DELETED' && runIdOf(object) === runIdOf(before)) return;
      this.#lostAt.set(runIdOf(before), options.now());
      options.recordLost(runIdOf(before));
    });
  }

  /** When somebody removed the record of the run; -Infinity while nobody has. */
  lostAt(run: string): number {
    return this.#lostAt.get(run) ?? -Infinity;
  }

  /** Whether the operator may not see the claim of such a run. */
  isUnseen(run: string): boolean {
    return this.#lostAt.has(run) && !this.#options.isViewFresh();
  }

  /** Judges a status that the operator wrote. */
  written(strategy: ApiObject): void {
    const { server, failed } = this.#options;
    if (isFinished(strategy) && server.list('nodes').length === 0)
      failed(`(6) ${nameOf(strategy)} is finished, and there is no host`);
  }

  /** Whatever happened in a calm seed, a run has to endure it. `applied` learns of each strategy that is applied. */
  calm(applied: (strategy: ApiObject) => void): void {
    for (const strategy of strategiesOf(this.#options.server)) {
      const state = String(stateOf(strategy));
      if (state === 'applied') applied(strategy);
      else if (state !== 'applying')
        this.#options.failed(
          `(4) ${nameOf(strategy)} is ${state}, and nothing went wrong: ${String(at(strategy.status, 'message'))}`,
        );
    }
  }

  /** Everything is released, except hosts that failed and are reported as failed. */
  judge(): void {
    const { server, pool, failed } = this.#options;
    const strategies = strategiesOf(server);
    const kept = new Map(
      strategies.flatMap((each) => outagesOf(each).map(({ name }) => [name, runIdOf(each)] as const)),
    );
    // A session that waits in Hold keeps its hosts closed.
    const waiting = strategies.filter((each) => stateOf(each) === 'applying');
    const closed = new Map(
      waiting.flatMap((each) =>
        (sessionOf(each)?.closed ?? []).map((name) => [name, runIdOf(each)] as const),
      ),
    );
    for (const node of server.list('nodes')) {
      const { name } = node.metadata;
      this.#node(node, kept.get(name) ?? closed.get(name));
    }
    for (const { host, run } of permitsOf(server.get('hostpools', pool)))
      if (kept.get(host) !== run) failed(`(5) the permit of ${run} for ${host} was never freed`);
    for (const strategy of strategies)
      for (const outage of outagesOf(strategy)) this.#kept(runIdOf(strategy), outage);
  }

  #node({ metadata }: ApiObject, keptBy: string | undefined): void {
    const { name, annotations = {} } = metadata;
    const { failed, wasClosedLate } = this.#options;
    const { claim, closed, closedByOthers, looksAsBefore, lostClaimOf } = this.#options.stateOf(name);
    // Others removed the claim and the record of its run: only the taint is left.
    if (lostClaimOf !== undefined && this.#lostAt.has(lostClaimOf)) return;
    if (claim && keptBy !== claim.run) failed(`(4) a claim of ${claim.run} was left on ${name}`);
    const says = keptBy ?? annotations['careen.dev/left-locked'];
    if (!claim && closed && !closedByOthers && !looksAsBefore && says === undefined && !wasClosedLate(name))
      failed(`(4) ${name} was left cordoned, and nothing says why`);
  }

  /** A host that its strategy keeps. One whose claim somebody removed stays as it is. */
  #kept(run: string, { name, level, result }: Outage): void {
    const { failed, mayHaveChanged } = this.#options;
    const { claim } = this.#options.stateOf(name);
    if (result !== 'failed' && result !== 'timed-out')
      failed(`(4) ${name} is kept, and its result is ${result}`);
    if (level === 'away' && claim?.run === run && !mayHaveChanged(run, name))
      failed(`(4) ${name} is kept locked, and nothing was ever started on it`);
  }
}
