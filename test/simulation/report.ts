/** Adds up the results of the seeds of a simulation, and prints them. */
import { CLOUD_FAULTS } from './cloud/cloud-faults.ts';
import { PROJECT_FAULTS } from './sessions/session-projects.ts';
import { FAULT_KINDS, type FaultKind } from './faults.ts';
import type { SeedResult } from './run-seed.ts';
import { ROLLBACK_ASKED, UPGRADE_EDITS, UPGRADE_WAYS, type UpgradeWay } from './upgrade-scenario.ts';
import {
  CRASH_POINTS,
  CRASH_STEPS,
  OF_SESSIONS,
  OF_UPGRADES,
  SESSION_STEPS,
  UPGRADE_STEPS,
  WRITE_KINDS,
} from './writes.ts';

/** The kinds of fault that only a part of the seeds can have. */
const OF_PARTS: ReadonlySet<string> = new Set([...CLOUD_FAULTS, ...PROJECT_FAULTS]);
const UPGRADE_FAULTS: ReadonlySet<string> = new Set([...UPGRADE_EDITS, ROLLBACK_ASKED]);

/** A seed counts only with this many hosts and faults. */
const LEAST_HOSTS = 8;
const LEAST_FAULTS = 3;
/**
 * The least number of each kind of fault, and of crashes in each place, among so many seeds; for fewer seeds it is only
 * reported. Only a third of the seeds have an upgrade, and few of those reach its end: of crashes in its steps, and of edits
 * of upgrades, fewer are asked for, and of the crashes those of a step together. Only a quarter of the seeds have a cloud,
 * and an eighth have sessions.
 */
const LEAST = [
  { seeds: 5_000, faults: 100, crashes: 5, upgradeEdits: 25, upgradeCrashes: 1, cloudFaults: 25 },
  { seeds: 1_000, faults: 20, crashes: 1, upgradeEdits: 5, upgradeCrashes: 0, cloudFaults: 2 },
] as const;

export class Report {
  readonly failures: SeedResult[] = [];
  readonly #faults = new Map<FaultKind, number>();
  readonly #crashes = new Map<string, number>();
  readonly #states = new Map<string, number>();
  readonly #upgrades = new Map<UpgradeWay, number>();
  #seeds = 0;
  #calm = 0;
  #clouds = 0;
  #sessions = 0;
  #maintained = 0;
  #migrations = 0;
  #disturbed = 0;
  #passed = 0;

  add(result: SeedResult): void {
    this.#seeds += 1;
    const faults = Object.values(result.faults).reduce((sum, count) => sum + count, 0);
    const isDisturbed = result.hosts >= LEAST_HOSTS && (faults >= LEAST_FAULTS || result.isCalm);
    if (result.isCalm) this.#calm += 1;
    if (isDisturbed) this.#disturbed += 1;
    if (result.complaints.length > 0) this.failures.push(result);
    else if (isDisturbed) this.#passed += 1;
    if (result.upgrades) increase(this.#upgrades, result.upgrades, 1);
    if (result.migrations !== undefined) this.#clouds += 1;
    this.#migrations += result.migrations ?? 0;
    if (result.maintained !== undefined) this.#sessions += 1;
    this.#maintained += result.maintained ?? 0;
    for (const kind of FAULT_KINDS) increase(this.#faults, kind, result.faults[kind] ?? 0);
    for (const point of result.crashes) increase(this.#crashes, point, 1);
    for (const state of result.states) increase(this.#states, state, 1);
  }

  get passed(): number {
    return this.#passed;
  }

  /** The missing coverage. */
  get gaps(): string[] {
    const least = this.#least;
    if (!least) return [];
    const leastOf = (kind: FaultKind): number => {
      if (OF_PARTS.has(kind)) return least.cloudFaults;
      return UPGRADE_FAULTS.has(kind) ? least.upgradeEdits : least.faults;
    };
    const rare = FAULT_KINDS.filter((kind) => (this.#faults.get(kind) ?? 0) < leastOf(kind));
    const ways = UPGRADE_WAYS.filter((way) => (this.#upgrades.get(way) ?? 0) < least.faults);
    const points = CRASH_POINTS.map((point) => ({
      ...point,
      name: `${point.step}/${point.when}/${point.write}`,
    }));
    const uncrashed = points
      .filter(({ step, name }) => !ofPart(step) && (this.#crashes.get(name) ?? 0) < least.crashes)
      .map(({ name }) => name);
    const crashesIn = (wanted: string): number =>
      points
        .filter(({ step }) => step === wanted)
        .reduce((sum, { name }) => sum + (this.#crashes.get(name) ?? 0), 0);
    const steps = [...UPGRADE_STEPS, ...SESSION_STEPS].filter(
      (step) => crashesIn(step) < least.upgradeCrashes,
    );
    return [
      ...rare.map((kind) => `fault "${kind}" came only ${String(this.#faults.get(kind) ?? 0)} times`),
      ...ways.map(
        (way) => `an UpgradeStrategy, ${way}, came only ${String(this.#upgrades.get(way) ?? 0)} times`,
      ),
      ...steps.map((step) => `crashes in ${step} came only ${String(crashesIn(step))} times`),
      ...uncrashed.map((point) => `crash ${point} came only ${String(this.#crashes.get(point) ?? 0)} times`),
    ];
  }

  get #least(): (typeof LEAST)[number] | undefined {
    return LEAST.find(({ seeds }) => this.#seeds >= seeds);
  }

  lines(): string[] {
    const quiet = this.#seeds - this.#disturbed;
    const counts = [...FAULT_KINDS].map(
      (kind) => `  ${kind.padEnd(33)}${String(this.#faults.get(kind) ?? 0).padStart(8)}`,
    );
    const states = [...this.#states].map(([state, count]) => `${state} ${String(count)}`).join(', ');
    return [
      `${String(this.#seeds)} seeds, ${String(this.#disturbed)} with at least ${String(LEAST_HOSTS)} hosts and ${String(LEAST_FAULTS)} faults` +
        (quiet > 0 ? ` (${String(quiet)} had fewer and do not count)` : '') +
        (this.failures.length > 0 ? `; ${String(this.failures.length)} failed` : ''),
      `${String(this.#calm)} calm ones, with mild incidents only`,
      `with an UpgradeStrategy: ${this.#ways()}`,
      `with an OpenStack: ${String(this.#clouds)}, with ${String(this.#migrations)} migrations`,
      `with maintenance sessions: ${String(this.#sessions)}, with ${String(this.#maintained)} maintained hosts`,
      `strategies ended: ${states}`,
      'faults injected:',
      ...counts,
      'crashes of the operator, by the running step and the write it died at (before it was sent / after it was carried out):',
      ...this.#crashTable(),
      ...(this.#least === undefined
        ? []
        : [this.gaps.length === 0 ? 'coverage: complete' : `coverage: ${this.gaps.join('; ')}`]),
    ];
  }

  #ways(): string {
    return UPGRADE_WAYS.map((way) => `${String(this.#upgrades.get(way) ?? 0)} ${way}`).join(', ');
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

/** Whether only a part of the seeds has such a step. */
function ofPart(step: string): boolean {
  return OF_UPGRADES.has(step) || OF_SESSIONS.has(step);
}

function increase<Key>(counts: Map<Key, number>, key: Key, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
