/**
 * Lets time pass in a simulation; only arranged events happen. One event happens at a time, with everything that
 * follows from it, before the next event. So the same seed gives the same run on every machine.
 */
import { setImmediate } from 'node:timers';

/** The owner of the running code: a simulated process, with the globals that a real process has for itself. */
export type Owner = {
  readonly name: string;
  /** False: killed; nothing of it happens any more. */
  readonly isAlive: boolean;
  /** Stopped until then, as by SIGSTOP or a suspended machine. */
  readonly stoppedUntil: number;
  /** By how much its wall clock is wrong, in milliseconds. */
  readonly clockErrorMs: number;
  /** The values of its Math.random. */
  readonly chance: () => number;
};

export type Task = { cancel(): void };
type Entry = {
  at: number;
  readonly order: number;
  readonly owner: Owner | undefined;
  act: (() => void) | undefined;
};

export class Scheduler {
  #now: number;
  #order = 0;
  #owner: Owner | undefined;
  /** A binary heap, the next first. */
  readonly #heap: Entry[] = [];

  constructor(start: number) {
    this.#now = start;
  }

  get now(): number {
    return this.#now;
  }

  /** The process whose code runs now; undefined while the world itself acts. */
  get owner(): Owner | undefined {
    return this.#owner;
  }

  /** Arranges something for later, on behalf of a process or of the world. */
  after(milliseconds: number, act: () => void, owner?: Owner): Task {
    const at = this.#now + Math.max(0, milliseconds);
    const entry: Entry = { at, order: this.#order++, owner, act };
    this.#push(entry);
    return { cancel: () => (entry.act = undefined) };
  }

  /** Runs the events that are due until then, and sets the time to it. Ends early when `ended` returns true. */
  async runUntil(time: number, ended: () => boolean = () => false): Promise<void> {
    while (!ended()) {
      const next = this.#heap[0];
      if (!next || next.at > time) break;
      this.#pop();
      await this.#happen(next);
    }
    if (!ended()) this.#now = Math.max(this.#now, time);
  }

  /** Runs code of a process now, with everything that follows at once. */
  async as(owner: Owner, act: () => void): Promise<void> {
    this.#owner = owner;
    act();
    await settled();
    this.#owner = undefined;
  }

  async #happen(entry: Entry): Promise<void> {
    const { act, owner } = entry;
    if (!act || owner?.isAlive === false) return;
    if (owner && owner.stoppedUntil > entry.at) {
      this.#push({ ...entry, at: owner.stoppedUntil });
      return;
    }
    this.#now = Math.max(this.#now, entry.at);
    if (owner) await this.as(owner, act);
    else act();
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent])) break;
      heap[at] = heap[parent] ?? entry;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child += 1;
      const least = heap[child];
      if (!least || !isBefore(least, last)) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Entry | undefined, b: Entry | undefined): boolean {
  if (!a || !b) return a !== undefined;
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Resolves when no promise has work left. */
async function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
