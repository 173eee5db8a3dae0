/** The sessions of a seed: their world, its faults, projects and people, and its end. Only some seeds have them. */
import { Checker } from '../checker.ts';
import { endWorld, type WorldResult } from '../ending.ts';
import { Faults } from '../faults.ts';
import { Journal } from '../journal.ts';
import { Mishaps } from '../mishaps.ts';
import { People } from '../people.ts';
import { Replicas } from '../replicas.ts';
import { stateText } from '../rest.ts';
import { POOL } from '../scenario.ts';
import { stateOf } from '../seen.ts';
import type { Timeline } from '../timeline.ts';
import { ApiServer, at } from '../world/api-server.ts';
import { Cluster } from '../world/cluster.ts';
import { AT_ONCE, type JobFate } from '../world/job-controller.ts';
import { Random } from '../world/random.ts';
import type { Scheduler } from '../world/scheduler.ts';
import { isSession, nameOf, strategiesOf } from '../world/strategies.ts';
import { stepsOf } from '../writes.ts';
import { SessionBudgets } from './session-budgets.ts';
import { SessionProjects } from './session-projects.ts';
import { sessionScenarioOf, type SessionScenario } from './session-scenario.ts';
import { sessionOf } from './session-view.ts';
import { TenantConstraints } from './tenant-constraints.ts';

/** The share of seeds with sessions. */
const SHARE = 0.125;
const CALM = 0.15;
/** In a calm seed, a session may look at rest before it has begun. */
const SHORTEST_MS = 15_000;
/** A session that has not ended by then never ends. */
const LONGEST_MS = 4 * 3_600_000;

export type SessionsResult = WorldResult & {
  /** How many hosts the sessions have maintained. */
  readonly maintained: number;
};

export function hasSessions(seed: number): boolean {
  return Random.named(seed, 'sessions').chance(SHARE);
}

export class SessionRun {
  readonly #random: Random;
  /** Draws what was added later: so the other draws of a seed stay as they were. */
  readonly #later: Random;
  readonly #scheduler: Scheduler;
  readonly #timeline: Timeline;
  readonly #journal: Journal;
  readonly #startedAt: number;
  readonly #isCalm: boolean;
  readonly #scenario: SessionScenario;
  readonly #server: ApiServer;
  readonly #checker: Checker;
  readonly #faults: Faults;
  readonly #cluster: Cluster;
  readonly #projects: SessionProjects;
  readonly #constraints: TenantConstraints | undefined;
  readonly #budgets: SessionBudgets | undefined;
  readonly #people: People;
  readonly #replicas: Replicas;
  readonly #mishaps: Mishaps;

  constructor(seed: number, scheduler: Scheduler, timeline: Timeline) {
    this.#random = Random.named(seed, 'what happens to sessions');
    this.#later = Random.named(seed, 'constraints of sessions');
    this.#scheduler = scheduler;
    this.#timeline = timeline;
    this.#journal = new Journal(timeline);
    this.#startedAt = scheduler.now;
    this.#isCalm = this.#random.chance(CALM);
    this.#scenario = sessionScenarioOf(this.#random.fork(), this.#later.fork(), this.#isCalm);
    this.#server = new ApiServer(() => scheduler.now);
    this.#server.listen((change) => timeline.change(change));
    this.#checker = this.#makeChecker();
    this.#faults = this.#makeFaults();
    this.#cluster = this.#makeCluster();
    const { note } = this.#journal;
    const { hosts, limit, strategies, projects, minAvailable, demands } = this.#scenario;
    const shared = { server: this.#server, scheduler, hosts, limit, strategies, note };
    const isOperator = (by: string): boolean => Replicas.wrote(by);
    const acting = { cluster: this.#cluster, isCalm: this.#isCalm, isOperator };
    this.#constraints =
      demands &&
      new TenantConstraints({ ...shared, isCalm: this.#isCalm, demands, random: this.#later.fork() });
    this.#budgets =
      demands?.workflow === 'kubernetes' ? new SessionBudgets({ ...shared, minAvailable }) : undefined;
    this.#projects = new SessionProjects({
      ...{ ...shared, ...acting, projects, minAvailable, random: this.#random.fork() },
      ...this.#laterWays(),
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
    this.#scenario.set(this.#server, this.#cluster, () => {
      this.#constraints?.set();
      this.#budgets?.set();
    });
    if (this.#isCalm) this.#faults.stop();
    await this.#replicas.start();
    await (this.#isCalm ? this.#endure() : this.#disturb());
    await this.#end();
    if (this.#isCalm && !this.#journal.isJudged) this.#judgeCalm();
    if (this.#handlesFailed()) await this.#end();
    this.#replicas.end();
    const sessions = this.#server.list('maintenancesessions').flatMap((each) => sessionOf(each) ?? []);
    return {
      ...this.#journal.notes,
      states: strategiesOf(this.#server).map((each) => (isSession(each) ? '' : 'beside ') + stateText(each)),
      virtualMs: this.#scheduler.now - this.#startedAt,
      revision: this.#server.revision,
      maintained: sessions.flatMap(({ hosts }) => hosts.filter(({ maintained }) => maintained)).length,
    };
  }

  async #disturb(): Promise<void> {
    const disturbedMs = this.#random.int(120_000, 400_000);
    this.#mishaps.plan(disturbedMs, [0, 4]);
    this.#constraints?.plan(disturbedMs);
    await this.#scheduler.runUntil(this.#startedAt + disturbedMs, () => this.#journal.isJudged);
    this.#faults.stop();
    this.#projects.settle();
    this.#constraints?.settle();
    this.#people.settle();
    this.#timeline.note('--', 'no more faults');
    await this.#scheduler.runUntil(this.#replicas.stalledUntil, () => this.#journal.isJudged);
  }

  /** What projects do in the seeds that draw it. */
  #laterWays(): Pick<ConstructorParameters<typeof SessionProjects>[0], 'moreTime' | 'constraints'> {
    const { extendSeconds: seconds } = this.#scenario;
    const constraints = this.#constraints;
    return {
      moreTime: seconds === undefined ? undefined : { seconds, random: this.#later.fork() },
      constraints: constraints && {
        actionOf: (uid) => constraints.actionOf(uid),
        random: this.#later.fork(),
      },
    };
  }

  /** Nothing goes wrong, and every project agrees. */
  async #endure(): Promise<void> {
    await this.#scheduler.runUntil(this.#startedAt + SHORTEST_MS, () => this.#journal.isJudged);
  }

  /** Every session is done. */
  #judgeCalm(): void {
    for (const each of strategiesOf(this.#server))
      if (stateOf(each) !== 'applied')
        this.#journal.complain(
          `(4) ${nameOf(each)} is ${String(stateOf(each))}, and nothing went wrong: ${String(at(each.status, 'message'))}`,
        );
  }

  /** Failed sessions go on, or are aborted or deleted, or everything is deleted. Returns whether more can happen. */
  #handlesFailed(): boolean {
    if (this.#journal.isJudged) return false;
    this.#timeline.note('--', 'failed sessions are restarted or deleted');
    if (!this.#random.chance(0.3)) return this.#people.handleFailed();
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
      isReturning: () => false,
      clockErrorMs: () => this.#replicas.clockErrorMs,
      failed: this.#journal.complain,
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
      ...(this.#scenario.demands ? { crashesOfConstraints: this.#later.fork() } : {}),
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
}
