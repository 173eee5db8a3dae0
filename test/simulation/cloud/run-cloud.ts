/** The cloud of a seed: its world, its faults, its people, and its end. Only some seeds have one. */
import { Checker } from '../checker.ts';
import { endWorld, type WorldResult } from '../ending.ts';
import { Faults } from '../faults.ts';
import { Journal } from '../journal.ts';
import { stall } from '../mishaps.ts';
import { People } from '../people.ts';
import { Replicas } from '../replicas.ts';
import { stateText } from '../rest.ts';
import { POOL } from '../scenario.ts';
import { claimOf, limitOf, outagesOf } from '../seen.ts';
import type { Timeline } from '../timeline.ts';
import { ApiServer } from '../world/api-server.ts';
import { AT_ONCE, JobController, type JobFate } from '../world/job-controller.ts';
import type { ApiObject } from '../world/objects.ts';
import { Random } from '../world/random.ts';
import type { Owner, Scheduler } from '../world/scheduler.ts';
import { refOf, strategiesOf } from '../world/strategies.ts';
import { stepsOf } from '../writes.ts';
import { CloudCheck } from './cloud-check.ts';
import { cloudConnection } from './cloud-connection.ts';
import { CloudFaults } from './cloud-faults.ts';
import { CloudHosts } from './cloud-hosts.ts';
import { CloudPeople } from './cloud-people.ts';
import { cloudScenarioOf, type CloudScenario } from './cloud-scenario.ts';
import { CloudView } from './cloud-view.ts';
import { NovaApi } from './nova-api.ts';
import { NovaMoves } from './nova-moves.ts';
import { NovaState, type NovaEvent } from './nova-state.ts';

/** The share of seeds with a cloud. */
const SHARE = 0.25;
const CALM = 0.15;
/** The share of clouds with a strategy that stops servers. */
const STOPS = 0.25;
const ADMIN = 'admin';
/** Nova is asked every few seconds, and for hypervisors every minute. */
const FACTS_AGE_MS = 75_000;
const SHORTEST_MS = 15_000;
/** A strategy that has not ended by then never ends. */
const LONGEST_MS = 3 * 3_600_000;
const MISHAPS = [
  ...(['abort', 'retry', 'delete', 'hold', 'suspend', 'edit', 'limit changes', 'pool paused'] as const),
  ...(['clock jumps', 'two leaders'] as const),
];
/** Careen expects that its clock and Nova's differ by less than a minute. */
const CLOCK_ERROR_MS = 25_000;

export type CloudResult = WorldResult & {
  /** How many migrations there were. */
  readonly migrations: number;
};

export function hasCloud(seed: number): boolean {
  return Random.named(seed, 'cloud').chance(SHARE);
}

export class CloudRun {
  readonly #random: Random;
  readonly #scheduler: Scheduler;
  readonly #timeline: Timeline;
  readonly #journal: Journal;
  readonly #startedAt: number;
  readonly #isCalm: boolean;
  readonly #scenario: CloudScenario;
  readonly #server: ApiServer;
  readonly #state: NovaState;
  readonly #moves: NovaMoves;
  readonly #view: CloudView;
  readonly #hosts: CloudHosts;
  readonly #jobs: JobController;
  readonly #faults: Faults;
  readonly #cloudFaults: CloudFaults;
  readonly #people: People;
  readonly #cloudPeople: CloudPeople;
  readonly #replicas: Replicas;
  readonly #checker: Checker;
  readonly #check: CloudCheck;

  constructor(seed: number, scheduler: Scheduler, timeline: Timeline) {
    this.#random = Random.named(seed, 'what happens in the cloud');
    this.#scheduler = scheduler;
    this.#timeline = timeline;
    this.#journal = new Journal(timeline);
    this.#startedAt = scheduler.now;
    this.#isCalm = this.#random.chance(CALM);
    const stopsServers = Random.named(seed, 'servers are stopped for outages').chance(STOPS);
    this.#scenario = cloudScenarioOf(this.#random.fork(), this.#isCalm, stopsServers);
    this.#server = new ApiServer(() => scheduler.now);
    this.#server.listen((change) => timeline.change(change));
    this.#state = new NovaState(() => scheduler.now);
    this.#state.listen((event) => this.#show(event));
    this.#view = new CloudView(this.#server, this.#state, stopsServers);
    this.#checker = this.#makeChecker();
    this.#check = this.#makeCheck();
    this.#faults = this.#makeFaults();
    this.#cloudFaults = this.#makeCloudFaults();
    this.#moves = new NovaMoves({
      ...{ state: this.#state, scheduler, random: this.#random.fork(), atOnce: this.#scenario.atOnce },
      fateOf: (server, type) => this.#cloudFaults.fateOf(server, type),
    });
    const world = { state: this.#state, moves: this.#moves, view: this.#view, scheduler };
    this.#hosts = new CloudHosts({ ...world, random: this.#random.fork() });
    this.#jobs = this.#makeJobs();
    const api = new NovaApi({ ...this.#scenario, state: this.#state, moves: this.#moves });
    const { note } = this.#journal;
    const { hosts, limit } = this.#scenario;
    const strategies = this.#scenario.strategies.map(refOf);
    const shared = { server: this.#server, scheduler, note };
    this.#people = new People({ ...shared, hosts, limit, strategies, random: this.#random.fork() });
    this.#cloudPeople = new CloudPeople({
      ...{ ...world, ...shared, api, hosts: this.#hosts, faults: this.#cloudFaults },
      random: this.#random.fork(),
    });
    const connecting = {
      ...{ api, scheduler },
      fortuneOf: this.#cloudFaults.fortuneOf.bind(this.#cloudFaults),
      crash: this.#cloudFaults.died.bind(this.#cloudFaults),
      arrives: (_owner: Owner, _request: unknown, sentAt: number): void => this.#check.arrives(sentAt),
      answered: ({ name }: Owner, ...known: Tail<Parameters<CloudCheck['answered']>>): void =>
        this.#check.answered(name, ...known),
    };
    this.#replicas = new Replicas({
      ...{ ...shared, timeline, random: this.#random.fork(), fortunes: this.#faults },
      evict: () => undefined,
      streamsLists: seed % 2 === 0,
      admit: (request) => request,
      toCloud: (owner) => cloudConnection(connecting, owner),
    });
  }

  async run(): Promise<CloudResult> {
    const { secret, pool, strategies, fill } = this.#scenario;
    fill(this.#state);
    this.#server.create('secrets', secret, ADMIN);
    this.#server.create('hostpools', pool, ADMIN);
    for (const each of strategies) this.#server.create(refOf(each).resource, each, ADMIN);
    if (this.#isCalm) this.#faults.stop();
    await this.#replicas.start();
    await (this.#isCalm ? this.#endure() : this.#disturb());
    await this.#end();
    if (this.#handlesFailed()) await this.#end();
    if (this.#isCalm && !this.#journal.isJudged) this.#checker.atCalmEnd(this.#scenario.hosts, () => []);
    this.#replicas.end();
    return {
      ...this.#journal.notes,
      states: strategiesOf(this.#server).map((each) => `cloud ${stateText(each)}`),
      virtualMs: this.#scheduler.now - this.#startedAt,
      revision: this.#server.revision,
      migrations: this.#state.migrations.length,
    };
  }

  async #disturb(): Promise<void> {
    const disturbedMs = this.#random.int(120_000, 300_000);
    this.#cloudPeople.plan(disturbedMs);
    for (let left = this.#random.int(0, 4); left > 0; left -= 1) {
      const kind = this.#random.pick(MISHAPS);
      this.#scheduler.after(this.#random.int(5_000, disturbedMs), () => this.#strike(kind));
    }
    await this.#scheduler.runUntil(this.#startedAt + disturbedMs, () => this.#journal.isJudged);
    this.#faults.stop();
    this.#cloudFaults.stop();
    this.#people.settle();
    this.#cloudPeople.settle();
    this.#timeline.note('--', 'no more faults');
    await this.#scheduler.runUntil(this.#replicas.stalledUntil, () => this.#journal.isJudged);
  }

  /** A few moves fail: the run has to endure that. */
  async #endure(): Promise<void> {
    await this.#scheduler.runUntil(this.#startedAt + SHORTEST_MS, () => this.#journal.isJudged);
  }

  #strike(kind: (typeof MISHAPS)[number]): void {
    const { leader } = this.#replicas;
    switch (kind) {
      case 'clock jumps': {
        const process = this.#replicas.any;
        process.clockErrorMs = this.#random.int(-CLOCK_ERROR_MS, CLOCK_ERROR_MS);
        return this.#journal.note(
          kind,
          `that of ${process.name} is wrong by ${String(process.clockErrorMs)} ms`,
        );
      }
      case 'two leaders':
        if (leader) this.#stall(leader, this.#random.int(10_000, 120_000), 'nothing');
        return;
      default:
        return this.#people.act(kind);
    }
  }

  /** Failed runs are restarted, released or deleted, or everything is deleted. Returns whether more can happen. */
  #handlesFailed(): boolean {
    if (this.#journal.isJudged || this.#isCalm) return false;
    this.#timeline.note('--', 'failed runs are restarted, released or deleted');
    this.#cloudPeople.settle();
    if (!this.#random.chance(0.15)) return this.#people.handleFailed();
    this.#people.deleteAll();
    return true;
  }

  async #end(): Promise<void> {
    await endWorld({
      ...{ scheduler: this.#scheduler, server: this.#server, journal: this.#journal, longestMs: LONGEST_MS },
      isIdle: () => this.#isViewFresh && this.#state.servers.every(({ task }) => task === undefined),
      judge: () => {
        this.#checker.atEnd();
        this.#check.atEnd();
      },
    });
  }

  get #isViewFresh(): boolean {
    return this.#faults.isViewFresh && this.#cloudFaults.isViewFresh && this.#replicas.areAwake;
  }

  #makeChecker(): Checker {
    return new Checker({
      ...{ server: this.#view, now: () => this.#scheduler.now, pool: POOL },
      ...{ writesAreGuarded: false, factsAgeMs: FACTS_AGE_MS },
      wasClosedLate: (host) => this.#check.wasClosedLate(host),
      wasAnswered: (path) => this.#wasAnswered(path),
      isViewFresh: () => this.#isViewFresh,
      isOperator: (by) => Replicas.wrote(by),
      ledForMs: () => this.#replicas.leader?.ledForMs ?? 0,
      isReturning: () => false,
      failed: this.#journal.complain,
    });
  }

  #makeCheck(): CloudCheck {
    const pool = (): ApiObject | undefined => this.#server.get('hostpools', POOL);
    const mostAway = (): number => {
      const found = pool();
      return found ? limitOf(found, this.#scenario.hosts.length) : 0;
    };
    const check = new CloudCheck({
      ...{ state: this.#state, limits: this.#scenario.limits, mostAway },
      isOperator: (by) => Replicas.wrote(by),
      isClaimed: (host) => this.#view.isClaimed(host),
      leaves: (host, server, by) =>
        this.#checker.leaves(host, `server ${server} was asked to leave`, by, `/${server}`),
      failed: this.#journal.complain,
    });
    this.#server.listen(({ resource, type, object, before, by }) => {
      if (resource === 'hostpools') check.limitChanged();
      const host = object.metadata.annotations?.['careen.dev/host'];
      if (resource !== 'leases' || host === undefined) return;
      if (type === 'DELETED' && !Replicas.wrote(by)) {
        check.claimLost(host);
        this.#checker.claimRemoved(host);
      }
      const isGivenUp = before && claimOf(before) && !claimOf(object);
      if (isGivenUp && Replicas.wrote(by) && this.#hasFailedOn(host)) check.leftAfterFailure(host);
    });
    return check;
  }

  /** Whether a strategy says that its work on a host has failed. */
  #hasFailedOn(host: string): boolean {
    const outages = this.#server.list('patchstrategies').flatMap(outagesOf);
    return outages.some(
      ({ name, result }) => name === host && (result === 'failed' || result === 'timed-out'),
    );
  }

  /** The checker names a host or a server as the last part of a path. */
  #wasAnswered(path: string): boolean {
    const name = path.split('/').at(-1) ?? '';
    const service = this.#scenario.hosts.includes(name) ? `service-${name}` : name;
    const lease = this.#view.leaseOf(name) ?? path;
    const leases = '/apis/coordination.k8s.io/v1/namespaces/careen-system/leases';
    return (
      [path, lease, leases].every((each) => this.#faults.wasAnswered(each)) &&
      this.#cloudFaults.wasAnswered(service)
    );
  }

  #makeFaults(): Faults {
    return new Faults({
      now: () => this.#scheduler.now,
      random: this.#random.fork(),
      lags: this.#random.fork(),
      crashesOfUpgrades: undefined,
      crashesOfRollbacks: undefined,
      note: this.#journal.note,
      interfere: (request) => this.#people.interfere(request),
      stepsOf: (request) => stepsOf(this.#server, request),
      stall: (owner, milliseconds, write) => this.#stall(owner, milliseconds, write),
      crash: (owner, point) => {
        this.#journal.crashed(owner, point);
        this.#replicas.kill(owner);
      },
    });
  }

  #makeCloudFaults(): CloudFaults {
    return new CloudFaults({
      ...{ now: () => this.#scheduler.now, random: this.#random.fork(), isCalm: this.#isCalm },
      note: this.#journal.note,
      stall: (owner, milliseconds, write) => this.#stall(owner, milliseconds, write),
      crash: (owner) => this.#replicas.kill(owner),
    });
  }

  #makeJobs(): JobController {
    return new JobController(this.#view, this.#scheduler, {
      fateOf: (host, action) => this.#fateOf(host, action),
      startOf: () => AT_ONCE,
      ran: (job) => this.#checker.containerStarts(job),
      patched: (host, job) => this.#hosts.patched(host, job),
      rebooted: (host, job) => this.#hosts.rebooted(host, job, this.#jobs),
    });
  }

  /** Where no fact shows the work, the result of its Job counts: such a Job does not lie. */
  #fateOf(host: string, action: string): JobFate {
    const fate = this.#faults.fateOf(host, action);
    return fate.end === 'lie' && action !== 'kernel' ? { ...fate, end: 'failure' } : fate;
  }

  #stall(owner: Owner, milliseconds: number, write: string): void {
    const { note } = this.#journal;
    const doing = { people: this.#people, replicas: this.#replicas, scheduler: this.#scheduler };
    stall({ ...doing, random: this.#random, note }, owner, milliseconds, write);
  }

  #show(event: NovaEvent): void {
    switch (event.kind) {
      case 'service': {
        const { host, disabled, silentSince } = event.after;
        const state = disabled ? `disabled (${disabled.reason})` : 'enabled';
        return this.#timeline.note(
          event.by,
          `SERVICE  ${host} ${state}${silentSince === undefined ? '' : ', silent'}`,
        );
      }
      case 'server': {
        const { id = '', host, status, task = 'idle' } = event.after ?? {};
        return this.#timeline.note(event.by, `SERVER   ${id} on ${String(host)}, ${String(status)}, ${task}`);
      }
      case 'migration': {
        const { id, server, type, status, source, dest = 'none' } = event.after;
        return this.#timeline.note(
          'nova',
          `MOVE     ${String(id)} ${type} of ${server} from ${source} to ${dest}: ${status}`,
        );
      }
      case 'asked': {
        const { act, server, by, refusal = 'accepted' } = event;
        return this.#timeline.note(by, `ASKS     ${act} ${server.id} off ${server.host}: ${refusal}`);
      }
    }
  }
}

type Tail<All extends readonly unknown[]> = All extends readonly [unknown, ...infer Rest] ? Rest : never;
