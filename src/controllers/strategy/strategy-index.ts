/**
 * What passes have read about the strategies. Their watch delivers metadata only: a strategy may be large, and only those
 * in a namespace that a pool allows are read.
 */
import type { Instant } from '../../engine/view.ts';
import type { Strategy } from '../../resources/stored-strategy.ts';
import { endOf, isKept } from '../../status/finished.ts';
import type { FinishedStrategy } from '../../status/retention.ts';

type Known = {
  readonly poolRef: string;
  /** Its run, and the pool that granted its permits. */
  readonly run: { readonly id: string; readonly pool: string } | undefined;
  /** Whether its run is under way or holds hosts. */
  readonly isOpen: boolean;
  /** When it ended, if the retention of its pool may remove it. */
  readonly endedAt: Instant | undefined;
};

export class StrategyIndex {
  /** Undefined while no pass has read the strategy. In the order of the last turn in `due`. */
  readonly #known = new Map<string, Known | undefined>();
  readonly #runGone: (pool: string) => void;

  /** `runGone` is called with the pool of a run that its strategy does not have any more. */
  constructor(runGone: (pool: string) => void) {
    this.#runGone = runGone;
  }

  /** Adds a strategy that a watch has reported. */
  add(key: string): void {
    if (!this.#known.has(key)) this.#known.set(key, undefined);
  }

  /** Notes the strategy as a pass has read it. */
  note(key: string, strategy: Strategy): void {
    const {
      metadata,
      spec: { poolRef },
      status: { run, state, progress },
    } = strategy;
    const before = this.#known.get(key)?.run;
    const isOpen = state === 'applying' || state === 'aborting' || progress !== undefined;
    const endedAt = isKept(metadata) ? undefined : endOf(strategy);
    this.#known.set(key, { poolRef, run: run && { id: run.id, pool: run.pool }, isOpen, endedAt });
    if (before && before.id !== run?.id) this.#runGone(before.pool);
  }

  delete(key: string): void {
    const run = this.#known.get(key)?.run;
    this.#known.delete(key);
    if (run) this.#runGone(run.pool);
  }

  get keys(): readonly string[] {
    return [...this.#known.keys()];
  }

  /** The strategies that a pool concerns: their spec or their run names it, or nobody has read them yet. */
  ofPool(name: string): readonly string[] {
    return [...this.#known].flatMap(([key, known]) =>
      !known || known.poolRef === name || known.run?.pool === name ? [key] : [],
    );
  }

  /** The finished strategies of a pool that its retention may remove. */
  finishedOf(pool: string): readonly FinishedStrategy[] {
    return [...this.#known].flatMap(([key, known]) =>
      known?.poolRef === pool && known.endedAt !== undefined ? [{ key, endedAt: known.endedAt }] : [],
    );
  }

  /** The strategies to look at again without a change: those with an open run, and some of the others in turn. */
  due(others: number): readonly string[] {
    const open = this.#keysThat((known) => known?.isOpen === true);
    const resting = this.#keysThat((known) => known?.isOpen !== true).slice(0, others);
    for (const key of resting) {
      const known = this.#known.get(key);
      this.#known.delete(key);
      this.#known.set(key, known);
    }
    return [...open, ...resting];
  }

  #keysThat(fits: (known: Known | undefined) => boolean): string[] {
    return [...this.#known].filter(([, known]) => fits(known)).map(([key]) => key);
  }
}
