/** Judges that no process acts for a run in an older epoch than another process did (invariant 5). */
import { at, type Change } from './world/api-server.ts';
import { REPEATED } from './world/connection.ts';
import type { ApiObject } from './world/objects.ts';
import { epochOf, modeOf, runIdOf } from './seen.ts';

/**
 * A leader acts for a run when it writes a decision, starts a Job or releases a host. The writes of a take-over are no
 * acts: they stamp the status, write the claims again, create the claims that may be in flight, and stamp the Jobs.
 * Between these writes, a late write of the earlier leader may still arrive at an object that is not yet stamped.
 * The operator cannot know of it, and need not: nothing depends on the object yet, and it is stamped before the first
 * act.
 */
export class EpochCheck {
  readonly #failed: (complaint: string) => void;
  /** By process: the epoch that it raised the pool to. */
  readonly #epochs = new Map<string, number>();
  /** By run: who acted last. */
  readonly #acting = new Map<string, { readonly by: string; readonly epoch: number }>();
  /** By run: the epoch in which it was taken over in Suspend. */
  readonly #adoptedInSuspend = new Map<string, number>();

  constructor(failed: (complaint: string) => void) {
    this.#failed = failed;
  }

  /** Judges a write of the operator to a pool. */
  pool({ object, before, by }: Change): void {
    const [was, epoch] = [poolEpochOf(before), poolEpochOf(object)];
    if (epoch !== was) this.#epochs.set(by, epoch);
    this.#written(object, by, was);
  }

  /** Judges a write of the operator to a strategy. */
  strategy(object: ApiObject, before: ApiObject, by: string): void {
    const run = runIdOf(object);
    const [was, epoch] = [runIdOf(before) === run ? epochOf(before) : 0, epochOf(object)];
    this.#written(object, by, was);
    const isStamp = was > 0 && epoch > was;
    if (isStamp && modeOf(before) === 'Suspend') this.#adoptedInSuspend.set(run, epoch);
    // Before the take-over, a leader writes at most why it cannot take over.
    if (!isStamp && epoch === this.#epochOf(by)) this.acts(run, by, `${object.metadata.name} was written`);
  }

  /** Judges an act for a run. */
  acts(run: string, by: string, what: string): void {
    this.#judge(run, by, what);
    const epoch = this.#epochOf(by);
    if (epoch >= (this.#acting.get(run)?.epoch ?? 0)) this.#acting.set(run, { by, epoch });
  }

  /**
   * Judges a claim. A take-over may have made it; a claim that was decided follows an act. A take-over in Suspend makes
   * no claim: one of the earlier leader that still arrives is that of the run, as recorded.
   */
  claims(run: string, by: string, what: string): void {
    const adopted = this.#adoptedInSuspend.get(run);
    if (adopted === undefined || adopted !== this.#acting.get(run)?.epoch) this.#judge(run, by, what);
  }

  #judge(run: string, by: string, what: string): void {
    const known = this.#acting.get(run);
    const epoch = this.#epochOf(by);
    if (known && epoch < known.epoch)
      this.#failed(
        `(5) ${what} by ${by} in epoch ${String(epoch)}, when ${known.by} acted in ${String(known.epoch)}`,
      );
  }

  /** Raising the epoch of a pool or a run is the first write of a take-over: it fences off all older writes. */
  #written({ kind, metadata: { name } }: ApiObject, by: string, epoch: number): void {
    const own = this.#epochOf(by);
    if (own < epoch)
      this.#failed(
        `(5) ${kind} ${name} was written by ${by} in epoch ${String(own)}, when it was in ${String(epoch)}`,
      );
  }

  #epochOf(by: string): number {
    const process = by.endsWith(REPEATED) ? by.slice(0, -REPEATED.length) : by;
    return this.#epochs.get(process) ?? 0;
  }
}

function poolEpochOf(pool: ApiObject | undefined): number {
  return Number(at(pool?.status, 'epoch') ?? 0);
}
