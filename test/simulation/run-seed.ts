/** One seed: its world, its faults, its people, and how it ended. */
import type { Logger } from 'pino';
import { operatorMetrics } from '../../src/controllers/operator-metrics.ts';
import { at, ApiServer, type Change } from '../../src/simulation/api-server.ts';
import { Cluster } from '../../src/simulation/cluster.ts';
import { OperatorProcess } from '../../src/simulation/operator-process.ts';
import { usePlatformOf } from '../../src/simulation/platform.ts';
import { Random } from '../../src/simulation/random.ts';
import { Scheduler, type Owner } from '../../src/simulation/scheduler.ts';
import { makeLogger } from '../../src/telemetry/logger.ts';
import { Checker } from './checker.ts';
import { Faults, type FaultKind } from './faults.ts';
import { People } from './people.ts';
import { NEW, OLD, PATCHES, POOL, scenarioOf, WANTED } from './scenario.ts';
import { runningStep, stepsOf, type CrashPoint } from './writes.ts';
import { outagesOf, permitsOf, claimOf, stagesOf, stateOf } from './seen.ts';

const START = Date.UTC(2026, 10, 25, 9);
const MINUTE = 60_000;
/** When nothing has ended by then, it never will. */
const CALM_MS = 75_000;
const LONGEST_MS = 180 * MINUTE;

export type SeedResult = {
  readonly seed: number;
  readonly hosts: number;
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  /** `step/when/write`. */
  readonly crashes: readonly string[];
  readonly complaints: readonly string[];
  readonly states: readonly string[];
  readonly virtualMs: number;
  /** How many writes there were. */
  readonly revision: number;
};

/** Takes a line of the timeline, and its milliseconds since the beginning. */
export type Tell = (time: number, line: string) => void;

const metrics = operatorMetrics(() => Date.now());
const SILENT = makeLogger({ level: 'silent' });

/** Runs a seed to its end. */
export async function runSeed(seed: number, tell?: Tell): Promise<SeedResult> {
  const random = new Random(seed);
  const scheduler = new Scheduler(START);
  usePlatformOf(scheduler);
  try {
    return await new SeedRun(seed, random, scheduler, tell).run();
  } finally {
    usePlatformOf(undefined);
  }
}

class SeedRun {
  readonly #seed: number;
  readonly #random: Random;
  readonly #scheduler: Scheduler;
  readonly #server: ApiServer;
  readonly #cluster: Cluster;
  readonly #checker: Checker;
  readonly #faults: Faults;
  readonly #people: People;
  readonly #scenario: ReturnType<typeof scenarioOf>;
  readonly #counts: Partial<Record<FaultKind, number>> = {};
  readonly #crashes: string[] = [];
  readonly #complaints: string[] = [];
  readonly #processes = new Map<string, OperatorProcess>();
  readonly #tell: (line: string) => void;
  readonly #isTold: boolean;
  #serial = 0;

  constructor(seed: number, random: Random, scheduler: Scheduler, tell: Tell | undefined) {
    this.#seed = seed;
    this.#random = random;
    this.#scheduler = scheduler;
    this.#isTold = tell !== undefined;
    this.#tell = (line) => tell?.(scheduler.now - START, line);
    const scenario = scenarioOf(random.fork());
    this.#scenario = scenario;
    this.#server = new ApiServer(() => scheduler.now);
    const note = (kind: FaultKind, about: string): void => {
      this.#counts[kind] = (this.#counts[kind] ?? 0) + 1;
      this.#tell(`fault      ${kind}: ${about}`);
    };
    const people = new People({ server: this.#server, random: random.fork(), ...scenario, note });
    this.#people = people;
    this.#faults = new Faults({
      random: random.fork(),
      note,
      interfere: (request) => people.interfere(request),
      stepsOf: (request) => stepsOf(this.#server, request),
      stall: (owner, milliseconds, write) => this.#stall(owner, milliseconds, write),
      crash: (owner, point) => this.#crash(owner, point),
    });
    const times = random.fork();
    this.#cluster = new Cluster(this.#server, scheduler, random.fork(), {
      patches: PATCHES,
      minAvailable: scenario.apps,
      fateOf: (host, action) => this.#faults.fateOf(host, action),
      rebootMs: () => times.int(5_000, 30_000),
      evictedAgain: (pod, by) => this.#checker.evictedAgain(pod, by),
      leaveMs: () => times.int(500, 15_000),
    });
    this.#server.listen((change) => this.#show(change));
    this.#checker = new Checker({
      ...{ server: this.#server, now: () => scheduler.now, pool: POOL, wanted: WANTED },
      wasAnswered: (pod) => this.#faults.wasAnswered(`/api/v1/namespaces/apps/pods/${pod}/eviction`),
      isOperator: (by) => by.startsWith('op-'),
      failed: (complaint) => this.#complain(complaint),
    });
  }

  async run(): Promise<SeedResult> {
    this.#scenario.set(this.#server, this.#cluster);
    await this.#boot('a');
    await this.#boot('b');
    const disturbedMs = this.#random.int(90_000, 240_000);
    this.#plan(disturbedMs);
    await this.#scheduler.runUntil(START + disturbedMs);
    this.#faults.stop();
    this.#people.settle();
    this.#tell('-- no more faults');
    await this.#untilAtRest(START + disturbedMs + LONGEST_MS);
    await this.#goOn();
    this.#checkEnd();
    for (const process of this.#processes.values()) process.kill();
    return {
      seed: this.#seed,
      hosts: this.#scenario.hosts.length,
      faults: this.#counts,
      crashes: this.#crashes,
      complaints: this.#complaints,
      states: this.#server.list('patchstrategies').map((each) => stateOf(each) ?? 'none'),
      virtualMs: this.#scheduler.now - START,
      revision: this.#server.revision,
    };
  }

  /** What has failed is taken up again, given back or deleted, and ends as well; sometimes everything is deleted. */
  async #goOn(): Promise<void> {
    if (this.#complaints.length > 0) return;
    this.#checkEnd();
    if (this.#random.chance(0.15)) this.#people.deleteAll();
    else if (!this.#people.takeUpFailed()) return;
    this.#tell('-- what has failed is taken up again, or let go');
    await this.#untilAtRest(this.#scheduler.now + LONGEST_MS);
  }

  /** Waits until everything has been at rest for a while: what a late event or a resync begins is no rest. */
  async #untilAtRest(latest: number): Promise<void> {
    for (;;) {
      await this.#scheduler.runUntil(this.#scheduler.now + CALM_MS);
      if (this.#allAtRest() || this.#complaints.length > 0 || this.#scheduler.now >= latest) break;
      await this.#scheduler.runUntil(latest, () => this.#complaints.length > 0 || this.#allAtRest());
    }
  }

  async #boot(replica: string): Promise<void> {
    this.#serial += 1;
    const name = `op-${replica}${String(this.#serial)}`;
    const process = new OperatorProcess({
      ...{ server: this.#server, scheduler: this.#scheduler, fortunes: this.#faults, name, metrics },
      ...{ log: this.#logger(name), random: this.#random.fork(), leaseSeconds: 60, resyncSeconds: 60 },
      evict: (pod, by) => this.#cluster.evict(pod, by),
      ended: (why) => {
        this.#tell(`process    ${name} ended: ${why}`);
        this.#restart(replica);
      },
    });
    this.#processes.set(replica, process);
    this.#tell(`process    ${name} starts`);
    await process.start();
  }

  #restart(replica: string): void {
    this.#scheduler.after(this.#random.int(500, 8_000), () => void this.#boot(replica));
  }

  #crash(owner: Owner, { step, write, when }: CrashPoint): void {
    const replica = [...this.#processes].find(([, process]) => process === owner)?.[0];
    if (replica === undefined) return;
    this.#processes.get(replica)?.kill();
    this.#crashes.push(`${step}/${when}/${write}`);
    this.#counts.crash = (this.#counts.crash ?? 0) + 1;
    this.#tell(`fault      crash of ${owner.name} ${when} ${write}, in ${step}`);
    this.#restart(replica);
  }

  /** Stops a process, so that another leads when it goes on; people do not wait for that. */
  #stall(owner: Owner, milliseconds: number, write: string): void {
    const process = [...this.#processes.values()].find((each) => each === owner);
    if (!process) return;
    process.stoppedUntil = this.#scheduler.now + milliseconds;
    this.#counts['two leaders'] = (this.#counts['two leaders'] ?? 0) + 1;
    this.#tell(
      `fault      two leaders: ${owner.name} stands still for ${String(milliseconds)} ms, about to write: ${write}`,
    );
    const kind = this.#random.pick(['abort', 'delete', 'hold'] as const);
    if (this.#random.chance(0.6))
      this.#scheduler.after(this.#random.int(0, milliseconds), () => this.#people.act(kind));
  }

  #plan(disturbedMs: number): void {
    const random = this.#random;
    const kinds = [
      'abort',
      'retry',
      'delete',
      'hold',
      'suspend',
      'edit',
      'limit changes',
      'pool paused',
      'cordon',
      'uncordon',
      'host dies',
      'host not Ready',
      'clock jumps',
      'two leaders',
    ] as const;
    const count = random.int(3, 7);
    for (let i = 0; i < count; i += 1) {
      const kind = random.pick(kinds);
      this.#scheduler.after(random.int(5_000, disturbedMs), () => this.#strike(kind));
    }
  }

  #strike(kind: FaultKind): void {
    const { hosts } = this.#scenario;
    const host = this.#random.pick(hosts);
    const note = (about: string): void => {
      this.#counts[kind] = (this.#counts[kind] ?? 0) + 1;
      this.#tell(`fault      ${kind}: ${about}`);
    };
    switch (kind) {
      case 'host dies':
        note(host);
        this.#cluster.removeNode(host);
        if (this.#random.chance(0.6))
          this.#scheduler.after(this.#random.int(5_000, 90_000), () => this.#return(host));
        return;
      case 'host not Ready':
        note(host);
        this.#cluster.setDown(host, 'outage', true);
        this.#scheduler.after(this.#random.int(5_000, 60_000), () =>
          this.#cluster.setDown(host, 'outage', false),
        );
        return;
      case 'clock jumps': {
        const process = this.#process();
        if (!process) return;
        process.clockErrorMs = this.#random.int(-120_000, 120_000);
        return note(`${process.name} by ${String(process.clockErrorMs)} ms`);
      }
      case 'two leaders': {
        const leader = [...this.#processes.values()].find((each) => each.leads);
        if (leader) this.#stall(leader, this.#random.int(20_000, 120_000), 'nothing');
        return;
      }
      default:
        return this.#people.act(kind);
    }
  }

  #process(): OperatorProcess | undefined {
    return this.#random.pick([...this.#processes.values()]);
  }

  #return(host: string): void {
    if (this.#server.get('nodes', host)) return;
    this.#counts['host comes back changed'] = (this.#counts['host comes back changed'] ?? 0) + 1;
    this.#tell(`fault      host comes back changed: ${host}`);
    const labels: Record<string, string> = host.startsWith('c')
      ? { 'node-role.kubernetes.io/control-plane': '' }
      : {};
    this.#cluster.addNode(host, labels, this.#random.pick([OLD, NEW]));
  }

  #allAtRest(): boolean {
    return this.#server.list('patchstrategies').every((strategy) => isAtRest(strategy));
  }

  #checkEnd(): void {
    const endless = this.#server.list('patchstrategies').filter((strategy) => !isAtRest(strategy));
    for (const strategy of endless)
      this.#complain(
        `(4) ${strategy.metadata.name} never ended: ${String(stateOf(strategy))}, ${String(at(strategy.status, 'message'))}`,
      );
    if (this.#complaints.length === 0) this.#checker.atEnd();
  }

  #complain(complaint: string): void {
    this.#tell(`COMPLAINT  ${complaint}`);
    this.#complaints.push(complaint);
  }

  #show({ resource, type, object, by }: Change): void {
    if (!this.#isTold || resource === 'leases') return;
    const { name, resourceVersion } = object.metadata;
    const claim = resource === 'nodes' ? claimOf(object) : undefined;
    const about = {
      nodes: () =>
        `unschedulable=${String(object.spec?.['unschedulable'] === true)} claim=${claim ? `${claim.run}@${String(claim.epoch)}` : 'none'} ready=${JSON.stringify(at(object.status, 'conditions', '0', 'status') ?? object.status?.['conditions'])}`,
      pods: () => String(object.spec?.['nodeName']),
      jobs: () =>
        `suspend=${String(object.spec?.['suspend'])} ${JSON.stringify(object.status?.['conditions'] ?? '')}`,
      hostpools: () =>
        `epoch=${String(object.status?.['epoch'])} limit=${String(object.spec?.['maxUnavailable'])} permits=${permitsOf(
          object,
        )
          .map(({ host, run }) => `${host}:${run}`)
          .join(',')}`,
      patchstrategies: () =>
        `${String(stateOf(object))} ${runningStep(this.#server)} mode=${String(at(object.spec, 'execution', 'mode'))} hosts=${outagesOf(
          object,
        )
          .map((each) => `${each.name}:${each.step}:${each.result}`)
          .join(',')} | ${String(at(object.status, 'message'))}`,
    }[resource]();
    this.#tell(`${by.padEnd(10)} ${type.padEnd(8)} ${resource}/${name}@${resourceVersion} ${about}`);
  }

  /** The operator's own log, as part of the timeline. */
  #logger(name: string): Logger {
    if (!this.#isTold) return SILENT;
    const write = (line: string): void => this.#tell(`${name.padEnd(10)} ${line.trim().slice(0, 400)}`);
    return makeLogger({ level: 'info', destination: { write } });
  }
}

/** Whether nothing more is to come of a strategy by itself. */
function isAtRest(strategy: Parameters<typeof stateOf>[0]): boolean {
  if (strategy.metadata.deletionTimestamp !== undefined) return false;
  const state = stateOf(strategy);
  const stages = stagesOf(strategy);
  if (state === 'ready-to-apply' || state === 'build-failed') return true;
  if (state === 'applying')
    return (
      !stages.some(({ inProgress }) => inProgress) &&
      outagesOf(strategy).length === 0 &&
      Number(at(strategy.status, 'applyPhase', 'currentStage')) >=
        Number(at(strategy.status, 'applyPhase', 'stopAtStage'))
    );
  return ['applied', 'apply-failed', 'apply-timeout', 'aborted', 'abort-failed', 'abort-timeout'].includes(
    String(state),
  );
}
