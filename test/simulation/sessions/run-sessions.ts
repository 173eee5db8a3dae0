/** The sessions of a seed: their world, its faults, projects and people, and its end. Only some seeds have them. */
import { Checker } from '../checker.ts';
import { Faults, type FaultKind } from '../faults.ts';
import { Mishaps } from '../mishaps.ts';
import { People } from '../people.ts';
import { Replicas } from '../replicas.ts';
import { isAtRest, stateText, untilCalm } from '../rest.ts';
import { POOL } from '../scenario.ts';
import { stateOf } from '../seen.ts';
import type { Timeline } from '../timeline.ts';
import { ApiServer, at } from '../world/api-server.ts';
import { Cluster } from '../world/cluster.ts';
import type { JobFate } from '../world/job-controller.ts';
import type { ApiObject } from '../world/objects.ts';
import { Random } from '../world/random.ts';
import type { Scheduler } from '../world/scheduler.ts';
import { isSession, nameOf, strategiesOf } from '../world/strategies.ts';
import { stepsOf } from '../writes.ts';
import { SessionProjects } from './session-projects.ts';
import { sessionScenarioOf, type SessionScenario } from './session-scenario.ts';
import { sessionOf } from './session-view.ts';

/** The share of seeds with sessions. */
const SHARE = 0.125;
const CALM = 0.15;
/** Longer than any watch stays silent, and longer than the wait for the next resync. */
const CALM_MS = 75_000;
/** By then a process that was stopped is up to date again. */
const WOKEN_MS = 15_000;
/** In a calm seed, a session may look at rest before it has begun. */
const SHORTEST_MS = 15_000;
/** A session that has not ended by then never ends. */
const LONGEST_MS = 4 * 3_600_000;
const AT_ONCE = { afterMs: 0, shows: 'no pod', reason: '' } as const;

export type SessionsResult = {
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  readonly crashes: readonly string[];
  readonly complaints: readonly string[];
  readonly states: readonly string[];
  readonly virtualMs: number;
  readonly revision: number;
  /** How many hosts the sessions have maintained. */
  readonly maintained: number;
};

export function hasSessions(seed: number): boolean {
  return Random.named(seed, 'sessions').chance(SHARE);
}

export class SessionRun {
  readonly #random: Random;
  readonly #scheduler: Scheduler;
  readonly #timeline: Timeline;
  readonly #startedAt: number;
  readonly #isCalm: boolean;
  readonly #scenario: SessionScenario;
  readonly #server: ApiServer;
  readonly #checker: Checker;
  readonly #faults: Faults;
  readonly #cluster: Cluster;
  readonly #projects: SessionProjects;
  readonly #people: People;
  readonly #replicas: Replicas;
  readonly #mishaps: Mishaps;
  readonly #counts: Partial<Record<FaultKind, number>> = {};
  readonly #crashes: string[] = [];
  readonly #complaints: string[] = [];

  constructor(seed: number, scheduler: Scheduler, timeline: Timeline) {
    this.#random = Random.named(seed, 'what happens to sessions');
    this.#scheduler = scheduler;
    this.#timeline = timeline;
    this.#startedAt = scheduler.now;
    this.#isCalm = this.#random.chance(CALM);
    this.#scenario = sessionScenarioOf(this.#random.fork(), this.#isCalm);
    this.#server = new ApiServer(() => scheduler.now);
    this.#server.listen((change) => timeline.change(change));
    this.#checker = this.#makeChecker();
    this.#faults = this.#makeFaults();
    this.#cluster = this.#makeCluster();
    const note = (kind: FaultKind, about: string): void => this.#note(kind, about);
    const { hosts, limit, strategies, projects, minAvailable } = this.#scenario;
    const shared = { server: this.#server, scheduler, hosts, limit, strategies, note };
    const isOperator = (by: string): boolean => Replicas.wrote(by);
    const acting = { cluster: this.#cluster, isCalm: this.#isCalm, isOperator };
    this.#projects = new SessionProjects({
      ...{ ...shared, ...acting, projects, minAvailable, random: this.#random.fork() },
    });
    this.#people = new People({ ...shared, random: this.#random.fork() });
    this.#replicas = new Replicas({
      ...{ ...shared, timeline, random: this.#random.fork(), fortunes: this.#faults },
      evict: (pod, by) => this.#cluster.evict(pod, by),
      streamsLists: seed % 2 === 0,
      admit: (request) => request,
    });
    const doing = { cluster: this.#cluster, people: this.#people, replicas: this.#replicas };
    this.#mishaps = new Mishaps({ ...shared, ...doing, random: this.#random.fork() });
  }

  async run(): Promise<SessionsResult> {
    this.#scenario.set(this.#server, this.#cluster);
    if (this.#isCalm) this.#faults.stop();
    await this.#replicas.start();
    await (this.#isCalm ? this.#endure() : this.#disturb());
    await this.#end();
    if (this.#isCalm && !this.#isJudged) this.#judgeCalm();
    if (this.#handlesFailed()) await this.#end();
    this.#replicas.end();
    const sessions = this.#server.list('maintenancesessions').flatMap((each) => sessionOf(each) ?? []);
    return {
      ...{ faults: this.#counts, crashes: this.#crashes, complaints: this.#complaints },
      states: strategiesOf(this.#server).map((each) => (isSession(each) ? '' : 'beside ') + stateText(each)),
      virtualMs: this.#scheduler.now - this.#startedAt,
      revision: this.#server.revision,
      maintained: sessions.flatMap(({ hosts }) => hosts.filter(({ maintained }) => maintained)).length,
    };
  }

  async #disturb(): Promise<void> {
    const disturbedMs = this.#random.int(120_000, 400_000);
    this.#mishaps.plan(disturbedMs, [0, 4]);
    await this.#scheduler.runUntil(this.#startedAt + disturbedMs, () => this.#isJudged);
    this.#faults.stop();
    this.#projects.settle();
    this.#people.settle();
    this.#timeline.note('--', 'no more faults');
    await this.#scheduler.runUntil(this.#replicas.stalledUntil, () => this.#isJudged);
  }

  /** Nothing goes wrong, and every project agrees. */
  async #endure(): Promise<void> {
    await this.#scheduler.runUntil(this.#startedAt + SHORTEST_MS, () => this.#isJudged);
  }

  /** Every session is done. */
  #judgeCalm(): void {
    for (const each of strategiesOf(this.#server))
      if (stateOf(each) !== 'applied')
        this.#complain(
          `(4) ${nameOf(each)} is ${String(stateOf(each))}, and nothing went wrong: ${String(at(each.status, 'message'))}`,
        );
  }

  get #isJudged(): boolean {
    return this.#complaints.length > 0;
  }

  /** Failed sessions go on, or are aborted or deleted, or everything is deleted. Returns whether more can happen. */
  #handlesFailed(): boolean {
    if (this.#isJudged) return false;
    this.#timeline.note('--', 'failed sessions are restarted or deleted');
    if (!this.#random.chance(0.3)) return this.#people.handleFailed();
    this.#people.deleteAll();
    return true;
  }

  /** Waits until nothing more can happen, and judges the result. */
  async #end(): Promise<void> {
    await untilCalm(this.#scheduler, {
      isAtRest: () => this.#restless.length === 0,
      calmMs: CALM_MS,
      latest: this.#scheduler.now + LONGEST_MS,
      ended: () => this.#isJudged,
    });
    if (this.#isJudged) return;
    for (const each of this.#restless) {
      const how = `${String(stateOf(each))}, ${String(at(each.status, 'message'))}`;
      this.#complain(`(4) ${nameOf(each)} never ended: ${how}`);
    }
    if (this.#restless.length === 0) this.#checker.atEnd();
  }

  get #restless(): readonly ApiObject[] {
    return strategiesOf(this.#server).filter((each) => !isAtRest(each));
  }

  #makeChecker(): Checker {
    return new Checker({
      ...{ server: this.#server, now: () => this.#scheduler.now, pool: POOL },
      wasAnswered: (path) => this.#faults.wasAnswered(path),
      isViewFresh: () =>
        this.#faults.isViewFresh && this.#scheduler.now - this.#replicas.stalledUntil > WOKEN_MS,
      isOperator: (by) => Replicas.wrote(by),
      ledForMs: () => this.#replicas.leader?.ledForMs ?? 0,
      isReturning: () => false,
      clockErrorMs: () => this.#replicas.clockErrorMs,
      failed: (complaint) => this.#complain(complaint),
    });
  }

  #makeFaults(): Faults {
    return new Faults({
      now: () => this.#scheduler.now,
      random: this.#random.fork(),
      lags: this.#random.fork(),
      crashesOfUpgrades: undefined,
      crashesOfRollbacks: undefined,
      crashesOfSessions: this.#random.fork(),
      note: (kind, about) => this.#note(kind, about),
      interfere: (request) => this.#people.interfere(request),
      stepsOf: (request) => stepsOf(this.#server, request),
      stall: (owner, milliseconds, write) => this.#mishaps.stall(owner, milliseconds, write),
      crash: (owner, { step, when, write }) => {
        this.#note('crash', `${owner.name} dies ${when} ${write}, in ${step}`);
        this.#crashes.push(`${step}/${when}/${write}`);
        this.#replicas.kill(owner);
      },
    });
  }

  #makeCluster(): Cluster {
    const random = this.#random.fork();
    return new Cluster(this.#server, this.#scheduler, this.#random.fork(), {
      changeBy: ({ metadata: { labels = {} } }) =>
        labels['careen.dev/action'] === 'kubelet' ? { atOnce: { kubeletVersion: 'v1.36.4' } } : {},
      ...{ minAvailable: this.#scenario.minAvailable, cpusOf: this.#scenario.cpusOf },
      fateOf: (host, action) => this.#fateOf(host, action),
      evictedAgain: (pod, by) => this.#checker.evictedAgain(pod, by),
      rebootMs: () => random.int(5_000, 30_000),
      leaveMs: () => random.int(500, 15_000),
      startOf: () => AT_ONCE,
      ran: (job) => this.#checker.containerStarts(job),
      comesBack: () => undefined,
      heldMs: () => 0,
      returnsTo: () => undefined,
      isGivenUp: (pod) => this.#projects.isGivenUp(pod),
    });
  }

  /** Where no fact shows the work, the result of its Job counts: such a Job does not lie. */
  #fateOf(host: string, action: string): JobFate {
    const fate = this.#faults.fateOf(host, action);
    return fate.end === 'lie' && action !== 'kubelet' ? { ...fate, end: 'failure' } : fate;
  }

  #note(kind: FaultKind, about: string): void {
    this.#counts[kind] = (this.#counts[kind] ?? 0) + 1;
    this.#timeline.note('fault', `${kind}: ${about}`);
  }

  #complain(complaint: string): void {
    this.#timeline.note('COMPLAINT', complaint);
    this.#complaints.push(complaint);
  }
}
