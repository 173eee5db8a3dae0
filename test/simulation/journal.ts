/** What is noted while a world runs: the faults that happen in it, and the complaints about the operator. */
import type { FaultKind } from './faults.ts';
import type { Timeline } from './timeline.ts';
import type { Owner } from './world/scheduler.ts';
import type { CrashPoint } from './writes.ts';

export type Notes = {
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  /** `step/when/write`. */
  readonly crashes: readonly string[];
  readonly complaints: readonly string[];
};

/** `note`, `crashed` and `complain` may be handed on by themselves. */
export class Journal {
  readonly #timeline: Timeline;
  readonly #faults: Partial<Record<FaultKind, number>> = {};
  readonly #crashes: string[] = [];
  readonly #complaints: string[] = [];

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  readonly note = (kind: FaultKind, about: string): void => {
    this.#faults[kind] = (this.#faults[kind] ?? 0) + 1;
    this.#timeline.note('fault', `${kind}: ${about}`);
  };

  readonly crashed = ({ name }: Owner, { step, when, write }: CrashPoint): void => {
    this.note('crash', `${name} dies ${when} ${write}, in ${step}`);
    this.#crashes.push(`${step}/${when}/${write}`);
  };

  readonly complain = (complaint: string): void => {
    this.#timeline.note('COMPLAINT', complaint);
    this.#complaints.push(complaint);
  };

  /** The first complaint ends a seed. */
  get isJudged(): boolean {
    return this.#complaints.length > 0;
  }

  get notes(): Notes {
    return { faults: this.#faults, crashes: this.#crashes, complaints: this.#complaints };
  }
}
