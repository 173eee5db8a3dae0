type Alarm = { readonly at: number; readonly act: () => void };

/** Time that passes only when it is told to; what was arranged happens on the way, in order. */
export class VirtualClock {
  #now: number;
  /** By time; what was arranged first comes first. */
  #alarms: Alarm[] = [];

  constructor(start: number) {
    this.#now = start;
  }

  get now(): number {
    return this.#now;
  }

  /** When the next thing happens; undefined when nothing is arranged. */
  get nextAt(): number | undefined {
    return this.#alarms[0]?.at;
  }

  after(milliseconds: number, act: () => void): void {
    const at = this.#now + milliseconds;
    const index = this.#alarms.findIndex((each) => each.at > at);
    this.#alarms.splice(index < 0 ? this.#alarms.length : index, 0, { at, act });
  }

  /** Lets everything happen that is due until then, each at its own time. A time gone by changes nothing. */
  advanceTo(time: number): void {
    for (let next = this.#alarms[0]; next && next.at <= time; next = this.#alarms[0]) {
      this.#alarms.shift();
      this.#now = Math.max(this.#now, next.at);
      next.act();
    }
    this.#now = Math.max(this.#now, time);
  }
}
