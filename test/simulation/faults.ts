/**
 * The faults in the simulation of a seed. Each seed has its own mix: some kinds often, some never. So rare combinations
 * of a few kinds occur, too.
 */
import { Refusal, type Change } from './world/api-server.ts';
import type { Call } from '../../src/kube/client.ts';
import { CLOUD_FAULTS } from './cloud/cloud-faults.ts';
import { BY_HAND_KINDS } from './by-hand.ts';
import { PROJECT_FAULTS } from './sessions/session-projects.ts';
import { INCIDENT_KINDS } from './incidents/incidents.ts';
import type { JobFate } from './world/job-controller.ts';
import type { Fortune, Fortunes, WatchFortune } from './world/connection.ts';
import type { Random } from './world/random.ts';
import type { Owner } from './world/scheduler.ts';
import { STRATEGIES } from './world/strategies.ts';
import { ROLLBACK_ASKED, UPGRADE_EDITS } from './upgrade-scenario.ts';
import {
  CONSTRAINT_CRASH_DRAWS,
  CRASH_DRAWS,
  ROLLBACK_CRASH_DRAWS,
  SESSION_CRASH_DRAWS,
  UPGRADE_CRASH_DRAWS,
  isElection,
  LEADER,
  writeOf,
  type CrashPoint,
  type WriteKind,
} from './writes.ts';

export const FAULT_KINDS = [
  'step fails',
  'step is slow',
  'crash',
  'request lost',
  'answer lost',
  'request twice',
  'stale read',
  'own watch lags',
  'event missed',
  'event twice',
  'conflicting edit',
  '429',
  '409',
  '410',
  '500',
  'host dies',
  'host comes back changed',
  'host not Ready',
  'host added',
  'host changes pool',
  'clock jumps',
  'two leaders',
  'abort',
  'retry',
  'delete',
  'hold',
  'suspend',
  'edit',
  ...UPGRADE_EDITS,
  ROLLBACK_ASKED,
  'limit changes',
  'pool paused',
  'cordon',
  'uncordon',
  ...INCIDENT_KINDS,
  ...BY_HAND_KINDS,
  ...CLOUD_FAULTS,
  ...PROJECT_FAULTS,
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** By then a slow request is answered, and the operator has acted on the answer. */
const SLOW_MS = 15_000;
/** By then a failed request or watch is repeated. */
const RETRIED_MS = 60_000;
/** By then a silent watch is opened again. */
const SILENT_MS = 150_000;

export type FaultsOptions = {
  readonly now: () => number;
  readonly random: Random;
  /** Draws the lags of the watches of our own objects, and nothing else. */
  readonly lags: Random;
  /** Draws the crashes in the steps of upgrades, and nothing else; undefined in a seed without an upgrade. */
  readonly crashesOfUpgrades: Random | undefined;
  /** Draws the crashes in the steps of rollbacks, and nothing else; undefined in a seed without a rollback. */
  readonly crashesOfRollbacks: Random | undefined;
  /** Draws the crashes in the steps of sessions, and nothing else; absent in a world without sessions. */
  readonly crashesOfSessions?: Random;
  /** Draws the crashes in the step of sessions under constraints, and nothing else; absent in a world without them. */
  readonly crashesOfConstraints?: Random;
  readonly note: (kind: FaultKind, about: string) => void;
  /** Makes a change by somebody else just before a write arrives. */
  readonly interfere: (request: Call) => void;
  /** The steps that a write belongs to. */
  readonly stepsOf: (request: Call) => ReadonlySet<string>;
  /** Stops a process for so long, just before this write. */
  readonly stall: (owner: Owner, milliseconds: number, write: string) => void;
  /** Ends a process at this point. */
  readonly crash: (owner: Owner, point: CrashPoint) => void;
};

type RateKind =
  'request lost' | 'answer lost' | 'request twice' | 'conflicting edit' | '429' | '409' | '500' | '410';

const STALL_AT: readonly WriteKind[] = [
  'claim',
  'claim',
  'claim',
  'release',
  'evict',
  'create-job',
  'start-job',
  'status',
  'permits',
];

/** The operator decides on what these watches have shown. */
const OWN: ReadonlySet<string> = new Set([...STRATEGIES, 'hostpools']);

/** The share of seeds in which a kind is switched on. */
const SWITCHED_ON = 0.35;

export class Faults implements Fortunes {
  readonly #options: FaultsOptions;
  readonly #rates: Readonly<Record<RateKind, number>>;
  readonly #events: Readonly<Record<'stale read' | 'event missed' | 'event twice', number>>;
  readonly #ownLags: number;
  readonly #jobs: { readonly fails: number; readonly slow: number };
  /** The writes at which processes die. */
  readonly #crashes: (CrashPoint & { left: number })[];
  /** The writes before which a process stops, perhaps for longer than its Lease lasts. */
  readonly #stalls: { readonly write: WriteKind; left: number }[];
  /** Paths with a lost or late answer. */
  readonly #troubled = new Set<string>();
  #lateUntil = 0;
  #pending: CrashPoint | undefined;
  #isOver = false;

  constructor(options: FaultsOptions) {
    this.#options = options;
    const { random, lags } = options;
    this.#ownLags = lags.chance(SWITCHED_ON) ? lags.next() * 0.4 : 0;
    const rate = (highest: number): number => (random.chance(SWITCHED_ON) ? random.next() * highest : 0);
    this.#rates = {
      ...{ 'request lost': rate(0.03), 'answer lost': rate(0.06), 'request twice': rate(0.06) },
      ...{
        'conflicting edit': rate(0.15),
        '429': rate(0.05),
        '409': rate(0.06),
        '500': rate(0.05),
        '410': rate(0.01),
      },
    };
    this.#events = { 'stale read': rate(0.1), 'event missed': rate(0.04), 'event twice': rate(0.1) };
    this.#jobs = {
      fails: random.chance(0.3) ? random.next() * 0.15 : 0,
      slow: random.chance(0.3) ? random.next() * 0.2 : 0,
    };
    this.#crashes = Array.from({ length: random.pick([0, 1, 1, 2, 2, 3]) }, () => ({
      ...random.pick(CRASH_DRAWS),
      left: random.int(1, 2),
    }));
    this.#crashes.push(
      ...crashesDrawn(options.crashesOfUpgrades, UPGRADE_CRASH_DRAWS),
      ...crashesDrawn(options.crashesOfRollbacks, ROLLBACK_CRASH_DRAWS),
      ...crashesDrawn(options.crashesOfSessions, SESSION_CRASH_DRAWS),
      ...crashesDrawn(options.crashesOfConstraints, CONSTRAINT_CRASH_DRAWS),
    );
    this.#stalls = Array.from({ length: random.pick([0, 0, 0, 1, 1, 2]) }, () => ({
      write: random.pick(STALL_AT),
      left: random.int(1, 5),
    }));
  }

  /** From now on there are no faults. */
  stop(): void {
    this.#isOver = true;
  }

  request(owner: Owner, request: Call): Fortune {
    const { random } = this.#options;
    const calm = { thereMs: random.int(1, 15), backMs: random.int(1, 15) };
    if (this.#isOver || isElection(request)) return calm;
    const write = writeOf(request);
    const crash = write && this.#crashAt(request, write);
    if (crash) return { ...calm, crash };
    const stallMs = write && this.#stallAt(write);
    if (stallMs !== undefined) {
      this.#troubled.add(request.path);
      this.#options.stall(owner, stallMs, write ?? '');
      // The process had checked its right to write, and stopped before the write left.
      return { ...calm, thereMs: stallMs + random.int(1, 2_000) };
    }
    const refusal = this.#refusal(request, write);
    if (refusal) this.#viewsAreLate(RETRIED_MS);
    if (refusal) return { ...calm, refusal };
    if (write && this.#strikes('conflicting edit', write)) this.#options.interfere(request);
    if (write && this.#strikes('request twice', write))
      return { ...calm, repeatedAfterMs: random.int(1, 20_000) };
    const lost = this.#strikes('request lost', request.path)
      ? 'request'
      : this.#strikes('answer lost', request.path)
        ? 'answer'
        : undefined;
    const cutsList = lost !== undefined && request.query?.['sendInitialEvents'] === true;
    const isLost = cutsList || (lost !== undefined && request.query?.['watch'] !== true);
    const isSlow = !isLost && random.chance(0.02);
    if (isLost || isSlow) this.#troubled.add(request.path);
    if (isLost || isSlow) this.#viewsAreLate(isLost ? RETRIED_MS : SLOW_MS);
    if (cutsList) return { ...calm, cutsList };
    if (isLost) return { ...calm, lost };
    return isSlow ? { thereMs: random.int(1, 3000), backMs: random.int(1, 3000) } : calm;
  }

  watch(_owner: Owner, { resource, object }: Change): WatchFortune {
    const { random, note } = this.#options;
    const calm = { lagMs: random.int(1, 30) };
    if (this.#isOver || (resource === 'leases' && object.metadata.name === LEADER)) return calm;
    const { 'stale read': stale, 'event missed': missed, 'event twice': twice } = this.#events;
    // Many passes are made in that time: each must notice that it decides on an old strategy or pool.
    if (OWN.has(resource) && this.#options.lags.chance(this.#ownLags)) {
      const lagMs = this.#options.lags.int(5_000, 60_000);
      note('own watch lags', `watch of ${resource} lags ${String(lagMs)} ms`);
      return { lagMs };
    }
    if (random.chance(missed)) {
      const breaks = random.pick(['error', 'silence', 'gone'] as const);
      this.#viewsAreLate(breaks === 'silence' ? SILENT_MS : RETRIED_MS);
      note(breaks === 'gone' ? '410' : 'event missed', `watch of ${resource}: ${breaks}`);
      return { ...calm, breaks };
    }
    if (random.chance(stale)) {
      const lagMs = random.int(2_000, 40_000);
      this.#viewsAreLate(lagMs);
      note('stale read', `watch of ${resource} lags ${String(lagMs)} ms`);
      return { lagMs };
    }
    if (random.chance(twice)) {
      note('event twice', `watch of ${resource}`);
      return { ...calm, twice: true };
    }
    return calm;
  }

  crash(owner: Owner): void {
    const point = this.#pending;
    this.#pending = undefined;
    if (point) this.#options.crash(owner, point);
  }

  /** Whether all requests to this path were answered, and soon. */
  wasAnswered(path: string): boolean {
    return !this.#troubled.has(path);
  }

  /** Whether the processes' view is no older than some seconds. */
  get isViewFresh(): boolean {
    return this.#options.now() > this.#lateUntil;
  }

  #viewsAreLate(milliseconds: number): void {
    this.#lateUntil = Math.max(this.#lateUntil, this.#options.now() + milliseconds);
  }

  fateOf(host: string, action: string): JobFate {
    const { random, note } = this.#options;
    const milliseconds = random.int(1_000, 8_000);
    if (this.#isOver) return { end: 'success', milliseconds };
    if (random.chance(this.#jobs.fails)) {
      note('step fails', `${action} on ${host}`);
      return { end: random.pick(['failure', 'lie'] as const), milliseconds };
    }
    if (random.chance(this.#jobs.slow)) {
      note('step is slow', `${action} on ${host}`);
      return random.chance(0.3)
        ? { end: 'hang', milliseconds }
        : { end: 'success', milliseconds: milliseconds * random.int(5, 20) };
    }
    return { end: 'success', milliseconds };
  }

  #stallAt(write: WriteKind): number | undefined {
    const { random } = this.#options;
    const stall = this.#stalls.find((each) => each.write === write && each.left-- <= 1);
    if (!stall) return undefined;
    this.#stalls.splice(this.#stalls.indexOf(stall), 1);
    return random.int(30_000, 150_000);
  }

  #strikes(kind: RateKind, about: string): boolean {
    const strikes = this.#options.random.chance(this.#rates[kind]);
    if (strikes) this.#options.note(kind, about);
    return strikes;
  }

  #refusal(request: Call, write: WriteKind | undefined): Refusal | undefined {
    const about = `${request.method} ${request.path}`;
    if (this.#strikes('429', about)) {
      const wait = this.#options.random.chance(0.5)
        ? { retryAfterSeconds: this.#options.random.int(1, 5) }
        : {};
      return new Refusal(429, 'TooManyRequests', 'too many requests, please try again later', wait);
    }
    if (this.#strikes('500', about))
      return new Refusal(
        this.#options.random.pick([500, 503, 504]),
        'InternalError',
        'etcdserver: request timed out',
      );
    if (write && this.#strikes('409', about))
      return new Refusal(409, 'Conflict', 'the object has been modified');
    if (request.query?.['watch'] === true && this.#strikes('410', about))
      return new Refusal(410, 'Expired', 'too old resource version');
    return undefined;
  }

  #crashAt(request: Call, write: WriteKind): 'before' | 'after' | undefined {
    const here = this.#crashes.filter((crash) => crash.write === write);
    const steps = here.length > 0 ? this.#options.stepsOf(request) : new Set();
    for (const crash of here) {
      if (!steps.has(crash.step)) continue;
      crash.left -= 1;
      if (crash.left > 0) continue;
      this.#crashes.splice(this.#crashes.indexOf(crash), 1);
      this.#pending = crash;
      return crash.when;
    }
    return undefined;
  }
}

function crashesDrawn(
  random: Random | undefined,
  draws: readonly CrashPoint[],
): (CrashPoint & { left: number })[] {
  if (!random) return [];
  return Array.from({ length: random.int(0, 3) }, () => ({ ...random.pick(draws), left: random.int(1, 2) }));
}
