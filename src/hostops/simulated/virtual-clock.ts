type Alarm = { readonly at: number; readonly act: () => void };

/** Time that passes only in `advanceTo`, which runs the scheduled actions in order. */
export class VirtualClock {
  #now: number;
  /** Sorted by time; for equal times, in the order of the calls of `after`. */
  #alarms: Alarm[] = [];

  constructor(start: number) {
    this.#now = start;
  }

  get now(): number {
    return this.#now;
  }

  /** The time of the next action; undefined when none is scheduled. */
  get nextAt(): number | undefined {
    return this.#alarms[0]?.at;
  }

  after(milliseconds: number, act: () => void): void {
    const at = this.#now + milliseconds;
    const index = this.#alarms.findIndex((each) => each.at > at);
    this.#alarms.splice(index < 0 ? this.#alarms.length : index, 0, { at, act });
  }

  /** Runs all actions that are due until then, each at its own time. A time in the past changes nothing. */
  advanceTo(time: number): void {
    for (let next = this.#alarms[0]; next && next.at <= time; next = this.#alarms[0]) {
      this.#alarms.shift();
      this.#now = Math.max(this.#now, next.at);
      next.act();
    }
    this.#now = Math.max(this.#now, time);
  }
}
