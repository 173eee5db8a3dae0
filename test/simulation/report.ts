/** Adds up what the seeds of a simulation have shown, and prints it. */
import { FAULT_KINDS, type FaultKind } from './faults.ts';
import type { SeedResult } from './run-seed.ts';
import { CRASH_POINTS, CRASH_STEPS, WRITE_KINDS } from './writes.ts';

/** A run counts only when it was disturbed, and on a fleet worth the name. */
const LEAST_HOSTS = 8;
const LEAST_FAULTS = 3;
/** What so many seeds have to reach, and more of them more; fewer only show how far they came. */
const LEAST_SEEDS = 1_000;
const SEEDS_OF_A_FAULT = 50;
/** Some crashes are so rare that fewer seeds need not have them. */
const LEAST_SEEDS_OF_CRASHES = 5_000;
const SEEDS_OF_A_CRASH = 250;

export class Report {
  readonly failures: SeedResult[] = [];
  readonly #faults = new Map<FaultKind, number>();
  readonly #crashes = new Map<string, number>();
  readonly #states = new Map<string, number>();
  #seeds = 0;
  #counted = 0;

  add(result: SeedResult): void {
    this.#seeds += 1;
    const faults = Object.values(result.faults).reduce((sum, count) => sum + count, 0);
    if (result.complaints.length > 0) this.failures.push(result);
    else if (result.hosts >= LEAST_HOSTS && faults >= LEAST_FAULTS) this.#counted += 1;
    for (const kind of FAULT_KINDS) increase(this.#faults, kind, result.faults[kind] ?? 0);
    for (const point of result.crashes) increase(this.#crashes, point, 1);
    for (const state of result.states) increase(this.#states, state, 1);
  }

  get passed(): number {
    return this.#counted;
  }

  /** What of the coverage is missing; nothing is asked of few seeds. */
  get gaps(): string[] {
    const leastFaults = this.#seeds < LEAST_SEEDS ? 0 : this.#seeds / SEEDS_OF_A_FAULT;
    const leastCrashes = this.#seeds < LEAST_SEEDS_OF_CRASHES ? 0 : this.#seeds / SEEDS_OF_A_CRASH;
    const rare = FAULT_KINDS.filter((kind) => (this.#faults.get(kind) ?? 0) < leastFaults);
    const points = CRASH_POINTS.map(({ step, when, write }) => `${step}/${when}/${write}`);
    const uncrashed = points.filter((point) => (this.#crashes.get(point) ?? 0) < leastCrashes);
    return [
      ...rare.map((kind) => `fault "${kind}" came only ${String(this.#faults.get(kind) ?? 0)} times`),
      ...uncrashed.map((point) => `crash ${point} came only ${String(this.#crashes.get(point) ?? 0)} times`),
    ];
  }

  lines(): string[] {
    const quiet = this.#seeds - this.#counted - this.failures.length;
    const counts = [...FAULT_KINDS].map(
      (kind) => `  ${kind.padEnd(26)}${String(this.#faults.get(kind) ?? 0).padStart(8)}`,
    );
    const states = [...this.#states].map(([state, count]) => `${state} ${String(count)}`).join(', ');
    return [
      `${String(this.#seeds)} seeds, ${String(this.#counted)} with at least ${String(LEAST_HOSTS)} hosts and ${String(LEAST_FAULTS)} faults` +
        (quiet > 0 ? ` (${String(quiet)} had fewer and do not count)` : ''),
      `strategies ended: ${states}`,
      'faults injected:',
      ...counts,
      'crashes of the operator, by the running step and the write it died at (before it was sent / after it was carried out):',
      ...this.#crashTable(),
      ...(this.#seeds < LEAST_SEEDS
        ? []
        : [this.gaps.length === 0 ? 'coverage: complete' : `coverage: ${this.gaps.join('; ')}`]),
    ];
  }

  #crashTable(): string[] {
    const width = 30;
    const header = ''.padEnd(width) + WRITE_KINDS.map((write) => write.padStart(12)).join('');
    const rows = CRASH_STEPS.map((step) => {
      const cells = WRITE_KINDS.map((write) => {
        const [before, after] = ['before', 'after'].map(
          (when) => this.#crashes.get(`${step}/${when}/${write}`) ?? 0,
        );
        return `${String(before)}/${String(after)}`.padStart(12);
      });
      return `  ${step.padEnd(width - 2)}${cells.join('')}`;
    });
    return [header, ...rows];
  }
}

function increase<Key>(counts: Map<Key, number>, key: Key, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
