/** One seed: its world, its faults, its people, and its end. */
import { ApiServer } from './world/api-server.ts';
import { Cluster } from './world/cluster.ts';
import { AT_ONCE } from './world/job-controller.ts';
import { usePlatformOf } from './world/platform.ts';
import { Random } from './world/random.ts';
import { Scheduler } from './world/scheduler.ts';
import { ByHand } from './by-hand.ts';
import { Checker } from './checker.ts';
import { fateOf, Incidents, type Fate } from './incidents/incidents.ts';
import { CloudRun, hasCloud } from './cloud/run-cloud.ts';
import { hasSessions, SessionRun } from './sessions/run-sessions.ts';
import { endWorld, type WorldResult } from './ending.ts';
import { FAULT_KINDS, Faults, type FaultKind } from './faults.ts';
import { Journal } from './journal.ts';
import { Mishaps } from './mishaps.ts';
import { People } from './people.ts';
import { Replicas } from './replicas.ts';
import { stateText } from './rest.ts';
import { changeBy, POOL, scenarioOf, type Scenario } from './scenario.ts';
import { strategiesOf, textOf, type StrategyRef } from './world/strategies.ts';
import type { UpgradeWay } from './upgrade-scenario.ts';
import { Timeline, type WriteLine } from './timeline.ts';
import { stepsOf } from './writes.ts';

const START = Date.UTC(2026, 10, 25, 9);
/** In a calm seed, a strategy may look at rest before its hosts have come. */
const SHORTEST_MS = 15_000;
const NO_HOST = 'no host at first';
/** Each stage is a part of its own. */
const TINY_PARTS = { wholeBytes: 0, partBytes: 1, endedStages: 4 } as const;
/** A strategy that has not ended by then never ends. */
const LONGEST_MS = 3 * 3_600_000;

export type SeedResult = WorldResult & {
  readonly seed: number;
  readonly hosts: number;
  /** Nothing happened in it that a run does not have to endure. */
  readonly isCalm: boolean;
  /** Undefined without an UpgradeStrategy. */
  readonly upgrades: UpgradeWay | undefined;
  /** How many migrations there were in its cloud; undefined without one. */
  readonly migrations: number | undefined;
  /** How many hosts its sessions have maintained; undefined without sessions. */
  readonly maintained: number | undefined;
};

/**
 * The worlds of a seed: a cluster with nodes, in some seeds an OpenStack, and in some a cluster with maintenance sessions.
 * One does not know the others. Each seed has sessions where only they are run.
 */
export const WORLDS = ['nodes', 'cloud', 'sessions'] as const;
export type World = (typeof WORLDS)[number];

/** Runs a seed to its end, or to its first complaint. */
export async function runSeed(
  seed: number,
  writeLine?: WriteLine,
  worlds: readonly World[] = WORLDS,
): Promise<SeedResult> {
  let result = worlds.includes('nodes') ? await runNodes(seed, writeLine) : nothingOf(seed);
  const goesOn = (): boolean => result.complaints.length === 0;
  if (goesOn() && worlds.includes('cloud') && hasCloud(seed)) {
    const { migrations, ...cloud } = await runCloud(seed, writeLine);
    result = { ...withPart(result, 'cloud', cloud), migrations };
  }
  const isOnlySessions = worlds.every((each) => each === 'sessions');
  if (goesOn() && worlds.includes('sessions') && (isOnlySessions || hasSessions(seed))) {
    const { maintained, ...sessions } = await runSessions(seed, writeLine);
    result = { ...withPart(result, 'sessions', sessions), maintained };
  }
  return result;
}

/** Adds the run of a further world to the result of a seed. */
function withPart(result: SeedResult, world: World, part: WorldResult): SeedResult {
  const faults: Partial<Record<FaultKind, number>> = { ...result.faults };
  for (const kind of FAULT_KINDS)
    if (part.faults[kind] !== undefined) faults[kind] = (faults[kind] ?? 0) + part.faults[kind];
  return {
    ...result,
    faults,
    crashes: [...result.crashes, ...part.crashes],
    complaints: part.complaints.map((each) => `${world}: ${each}`),
    states: [...result.states, ...part.states],
    virtualMs: result.virtualMs + part.virtualMs,
    revision: result.revision + part.revision,
  };
}

async function runNodes(seed: number, writeLine: WriteLine | undefined): Promise<SeedResult> {
  return onPlatform((scheduler) => new SeedRun(seed, scheduler, writeLine).run());
}

async function runCloud(seed: number, writeLine: WriteLine | undefined): ReturnType<CloudRun['run']> {
  return onPlatform((scheduler) => {
    const timeline = new Timeline(writeLine, () => scheduler.now - START);
    timeline.note('--', 'the cloud of the seed');
    return new CloudRun(seed, scheduler, timeline).run();
  });
}

async function runSessions(seed: number, writeLine: WriteLine | undefined): ReturnType<SessionRun['run']> {
  return onPlatform((scheduler) => {
    const timeline = new Timeline(writeLine, () => scheduler.now - START);
    timeline.note('--', 'the sessions of the seed');
    return new SessionRun(seed, scheduler, timeline).run();
  });
}

async function onPlatform<T>(run: (scheduler: Scheduler) => Promise<T>): Promise<T> {
  const scheduler = new Scheduler(START);
  usePlatformOf(scheduler);
  try {
    return await run(scheduler);
  } finally {
    usePlatformOf(undefined);
  }
}

/** The result of a seed of which only the cloud is run. */
function nothingOf(seed: number): SeedResult {
  return {
    ...{ seed, hosts: 0, faults: {}, isCalm: false, crashes: [], complaints: [], states: [] },
    ...{ upgrades: undefined, virtualMs: 0, revision: 0, migrations: undefined, maintained: undefined },
  };
}

class SeedRun {
  readonly #seed: number;
  readonly #random: Random;
  readonly #scheduler: Scheduler;
  readonly #timeline: Timeline;
  readonly #journal: Journal;
  readonly #scenario: Scenario;
  readonly #server: ApiServer;
  readonly #cluster: Cluster;
  readonly #checker: Checker;
  readonly #faults: Faults;
  readonly #fate: Fate;
  readonly #incidents: Incidents;
  readonly #people: People;
  readonly #replicas: Replicas;
  readonly #mishaps: Mishaps;
  /** Hosts that came later, and that a run was asked to patch. */
  readonly #toBePatched: { readonly strategy: StrategyRef; readonly host: string }[] = [];
  /** Draws when people ask for a rollback; undefined in a seed in which nobody does. */
  readonly #rollbacks: Random | undefined;

  constructor(seed: number, scheduler: Scheduler, writeLine: WriteLine | undefined) {
    this.#seed = seed;
    this.#random = new Random(seed);
    this.#scheduler = scheduler;
    this.#timeline = new Timeline(writeLine, () => scheduler.now - START);
    this.#journal = new Journal(this.#timeline);
    this.#fate = fateOf(seed);
    const { isCalm } = this.#fate;
    this.#scenario = scenarioOf(this.#random.fork(), {
      isCalm,
      hostsAfterMs: hostsAfterMs(seed, this.#fate),
      ofUpgrades: Random.named(seed, 'upgrades'),
      ofStorage: Random.named(seed, 'storage hosts of upgrades'),
      ofRollbacks: Random.named(seed, 'rollbacks of upgrades'),
      ofHands: Random.named(seed, 'patches by hand'),
      ofProfiles: Random.named(seed, 'profiles of the VIM'),
    });
    this.#rollbacks = this.#scenario.hasRollbacks ? Random.named(seed, 'times of rollbacks') : undefined;
    this.#server = new ApiServer(() => scheduler.now);
    this.#server.listen((change) => this.#timeline.change(change));
    this.#checker = this.#makeChecker();
    this.#faults = this.#makeFaults();
    this.#cluster = this.#makeCluster();
    const { note } = this.#journal;
    const shared = { scheduler, server: this.#server, ...this.#scenario, note };
    ByHand.begin({ ...shared, cluster: this.#cluster, isCalm, random: Random.named(seed, 'persons') });
    this.#people = new People({ ...shared, random: this.#random.fork() });
    this.#replicas = new Replicas({
      ...{ ...shared, random: this.#random.fork(), timeline: this.#timeline, fortunes: this.#faults },
      evict: (pod, by) => this.#cluster.evict(pod, by),
      streamsLists: seed % 2 === 0,
      ...(seed % 3 === 0 ? { partLimits: TINY_PARTS } : {}),
      admit: (request) => this.#incidents.admit(request),
    });
    const acting = { cluster: this.#cluster, people: this.#people, replicas: this.#replicas };
    this.#mishaps = new Mishaps({ ...shared, ...acting, random: this.#random.fork() });
    this.#incidents = new Incidents({
      ...{ ...shared, cluster: this.#cluster, seed, fate: this.#fate },
      expectPatched: (strategy, host) => this.#toBePatched.push({ strategy, host }),
    });
  }

  async run(): Promise<SeedResult> {
    this.#scenario.set(this.#server, this.#cluster, this.#scheduler);
    if (this.#fate.kinds.has(NO_HOST)) this.#journal.note(NO_HOST, 'they come later');
    if (this.#fate.isCalm) this.#faults.stop();
    await this.#replicas.start();
    if (this.#fate.isCalm) await this.#endure();
    else await this.#disturb();
    await this.#end();
    if (this.#handlesFailed()) await this.#end();
    await this.#rollBack();
    this.#replicas.end();
    return this.#result();
  }

  async #disturb(): Promise<void> {
    const disturbedMs = this.#random.int(90_000, 240_000);
    this.#mishaps.plan(disturbedMs);
    this.#planRollbacks(disturbedMs);
    await this.#scheduler.runUntil(START + disturbedMs, () => this.#journal.isJudged);
    this.#faults.stop();
    this.#incidents.stop();
    this.#people.settle();
    this.#timeline.note('--', 'no more faults');
    await this.#scheduler.runUntil(this.#replicas.stalledUntil, () => this.#journal.isJudged);
  }

  /** People ask for rollbacks while faults happen. */
  #planRollbacks(disturbedMs: number): void {
    const random = this.#rollbacks;
    for (let left = random?.int(0, 2) ?? 0; random && left > 0; left -= 1)
      this.#scheduler.after(random.int(20_000, disturbedMs), () => this.#people.rollBack(random));
  }

  /** People ask for rollbacks, or for the release again, when all runs have ended. */
  async #rollBack(): Promise<void> {
    const random = this.#rollbacks;
    for (let left = random?.int(0, 3) ?? 0; random && left > 0 && !this.#journal.isJudged; left -= 1) {
      this.#people.rollBack(random);
      await this.#end();
    }
  }

  /** Only mild incidents happen: the run has to endure them. */
  async #endure(): Promise<void> {
    await this.#scheduler.runUntil(START + SHORTEST_MS, () => this.#journal.isJudged);
    await this.#end();
    this.#incidents.stop();
    if (this.#journal.isJudged) return;
    this.#checker.atCalmEnd(this.#scenario.hosts, (strategy) =>
      this.#toBePatched.filter((each) => textOf(each.strategy) === textOf(strategy)).map(({ host }) => host),
    );
  }

  #result(): SeedResult {
    return {
      ...this.#journal.notes,
      ...{ seed: this.#seed, hosts: this.#scenario.hosts.length },
      isCalm: this.#fate.isCalm,
      upgrades: this.#scenario.upgrades,
      states: strategiesOf(this.#server).map(stateText),
      virtualMs: this.#scheduler.now - START,
      revision: this.#server.revision,
      migrations: undefined,
      maintained: undefined,
    };
  }

  /** Failed runs are restarted, released or deleted, or everything is deleted. Returns whether more can happen. */
  #handlesFailed(): boolean {
    if (this.#journal.isJudged) return false;
    this.#timeline.note('--', 'failed runs are restarted, released or deleted');
    if (!this.#random.chance(0.15)) return this.#people.handleFailed();
    this.#people.deleteAll();
    return true;
  }

  async #end(): Promise<void> {
    await endWorld({
      ...{ scheduler: this.#scheduler, server: this.#server, journal: this.#journal, longestMs: LONGEST_MS },
      isIdle: () => this.#faults.isViewFresh,
      judge: () => this.#checker.atEnd(),
    });
  }

  #makeChecker(): Checker {
    return new Checker({
      ...{ server: this.#server, now: () => this.#scheduler.now, pool: POOL },
      wasAnswered: (path) => this.#faults.wasAnswered(path),
      isViewFresh: () => this.#faults.isViewFresh && this.#replicas.areAwake,
      isOperator: (by) => Replicas.wrote(by),
      ledForMs: () => this.#replicas.leader?.ledForMs ?? 0,
      isReturning: (host) => this.#cluster.isReturning(host),
      failed: this.#journal.complain,
    });
  }

  #makeFaults(): Faults {
    return new Faults({
      now: () => this.#scheduler.now,
      random: this.#random.fork(),
      lags: Random.named(this.#seed, 'own watch lags'),
      crashesOfUpgrades: this.#scenario.upgrades
        ? Random.named(this.#seed, 'crashes of upgrades')
        : undefined,
      crashesOfRollbacks: this.#rollbacks && Random.named(this.#seed, 'crashes of rollbacks'),
      note: this.#journal.note,
      interfere: (request) => this.#people.interfere(request),
      stepsOf: (request) => stepsOf(this.#server, request),
      stall: (owner, milliseconds, write) => this.#mishaps.stall(owner, milliseconds, write),
      crash: (owner, point) => {
        this.#journal.crashed(owner, point);
        this.#replicas.kill(owner);
      },
    });
  }

  #makeCluster(): Cluster {
    const random = this.#random.fork();
    return new Cluster(this.#server, this.#scheduler, this.#random.fork(), {
      ...{ changeBy, minAvailable: this.#scenario.apps },
      fateOf: (host, action) => this.#faults.fateOf(host, action),
      evictedAgain: (pod, by) => this.#checker.evictedAgain(pod, by),
      rebootMs: () => random.int(5_000, 30_000),
      leaveMs: () => random.int(500, 15_000),
      startOf: (job) => this.#incidents.startOf(job) ?? AT_ONCE,
      ran: (job) => this.#checker.containerStarts(job),
      comesBack: (host) => this.#incidents.comesBack(host),
      heldMs: (pod) => this.#incidents.heldMs(pod),
      returnsTo: (pod) => this.#incidents.returnsTo(pod),
    });
  }
}

/** When the hosts come; 0: before everything else. */
function hostsAfterMs(seed: number, { kinds }: Fate): number {
  return kinds.has(NO_HOST) ? Random.named(seed, NO_HOST).int(2_000, 6_000) : 0;
}
