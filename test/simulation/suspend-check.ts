/** Judges that nothing new happens in Suspend (invariant 4). */
import type { ApiObject } from './world/objects.ts';
import { IN_FLIGHT_MS, SEEN_MS } from './host-history.ts';
import { epochOf, isEnding, isSuspended, modeOf, stateOf, type Claim } from './seen.ts';

export type SuspendCheckOptions = {
  readonly now: () => number;
  readonly wasAnswered: (path: string) => boolean;
  readonly isViewFresh: () => boolean;
  readonly strategyOf: (run: string) => ApiObject | undefined;
  readonly failed: (complaint: string) => void;
};

export class SuspendCheck {
  readonly #options: SuspendCheckOptions;
  /** By the uid of a strategy. */
  readonly #suspendedAt = new Map<string, number>();
  /** By the uid of a suspended strategy: the epoch of its run when the operator saw the suspension. */
  readonly #suspendedIn = new Map<string, number>();
  /** By the uid of a strategy: who wrote its status last. */
  readonly #lastWriter = new Map<string, string>();

  constructor(options: SuspendCheckOptions) {
    this.#options = options;
  }

  lastWriterOf(strategy: ApiObject | undefined): string | undefined {
    return this.#lastWriter.get(strategy?.metadata.uid ?? '');
  }

  /** A strategy has changed. */
  changed(strategy: ApiObject): void {
    const { uid } = strategy.metadata;
    if (modeOf(strategy) !== 'Suspend') this.#suspendedAt.delete(uid);
    else if (!this.#suspendedAt.has(uid)) this.#suspendedAt.set(uid, this.#options.now());
  }

  /** A process of the operator has written the status of a strategy. */
  written(strategy: ApiObject, before: ApiObject, by: string): void {
    const { uid } = strategy.metadata;
    this.#lastWriter.set(uid, by);
    if (!isSuspended(strategy)) this.#suspendedIn.delete(uid);
    else if (!isSuspended(before)) this.#suspendedIn.set(uid, epochOf(strategy));
  }

  /** Judges a claim. A take-over claims again what may be in flight: in Suspend, or before an abort or a deletion ends the outages. */
  claimed(name: string, { run, epoch }: Claim, by: string): void {
    const strategy = this.#options.strategyOf(run);
    const suspendedIn = this.#suspendedIn.get(strategy?.metadata.uid ?? '') ?? Infinity;
    const isTakenOver = strategy && (isEnding(strategy) || epoch > suspendedIn);
    if (!isTakenOver) this.forbids(run, `${name} was claimed`, by, `/api/v1/nodes/${name}`);
  }

  /**
   * Judges something that may not happen in Suspend, asked for at this path. A process that has seen the suspension has
   * nothing in flight for the run, except requests without an answer.
   */
  forbids(run: string, what: string, by: string, path: string): void {
    const strategy = this.#options.strategyOf(run);
    if (!strategy || stateOf(strategy) !== 'applying') return;
    const { uid } = strategy.metadata;
    const knows =
      isSuspended(strategy) && this.#lastWriter.get(uid) === by && this.#options.wasAnswered(path);
    const since = this.#suspendedAt.get(uid) ?? Infinity;
    const mayBeLate = !this.#options.isViewFresh() || !this.#options.wasAnswered(path);
    // Whatever its watch shows: the process asks whether the strategy has changed before it acts without a write.
    if (knows || this.#options.now() - since > (mayBeLate ? IN_FLIGHT_MS : SEEN_MS))
      this.#options.failed(`(4) ${what} in Suspend`);
  }
}
