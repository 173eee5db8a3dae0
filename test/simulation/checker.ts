/**
 * Judges a simulated world by the invariants of architecture §6; the numbers in the complaints are theirs. It sees
 * every change of every object, and knows the operator by these changes only: it shares no line with the engine, the
 * planner or the controllers (a test checks its imports).
 */
import type { Change, Objects } from './world/api-server.ts';
import { daemonSetOf, nodeOf } from './world/cluster.ts';
import { REPEATED } from './world/connection.ts';
import type { ApiObject, Json } from './world/objects.ts';
import { refOf, strategiesOf, type StrategyRef } from './world/strategies.ts';
import { ContainerCheck } from './container-check.ts';
import { EndCheck } from './end-check.ts';
import { EpochCheck } from './epoch-check.ts';
import { EvictionCheck } from './eviction-check.ts';
import { IN_FLIGHT_MS, type HostState } from './host-history.ts';
import { JobCheck } from './job-check.ts';
import { KnownHosts } from './known-hosts.ts';
import { OutageCheck } from './outage-check.ts';
import { PermitCheck } from './permit-check.ts';
import { ProgressCheck } from './progress-check.ts';
import { RequestCheck } from './request-check.ts';
import { claimOf, outagesOf, permitsOf, runIdOf, selects, type Claim } from './seen.ts';
import { SessionCheck } from './sessions/session-check.ts';
import { SuspendCheck } from './suspend-check.ts';
import { UpgradeCheck } from './upgrade-check.ts';

const RUN_LABEL = 'careen.dev/run';

export type CheckerOptions = {
  readonly server: Objects;
  readonly now: () => number;
  /** Whether a process of the operator made a change. */
  readonly isOperator: (by: string) => boolean;
  readonly pool: string;
  /** Whether every answer to a request with this path reached its sender, without much delay. */
  readonly wasAnswered: (path: string) => boolean;
  /** Whether watches and requests have worked for so long that the operator's view is fresh. */
  readonly isViewFresh: () => boolean;
  /** How long a process has led; 0 while none does. */
  readonly ledForMs: () => number;
  /** Whether a pod that has just left the host is about to start there again. */
  readonly isReturning: (host: string) => boolean;
  /** False: no write to a host is refused when somebody else has changed it just before. Others judge those then. */
  readonly writesAreGuarded?: boolean;
  /** Whether a late write has closed the host, which no server could refuse. */
  readonly wasClosedLate?: (host: string) => boolean;
  /** How old the facts of a host may be that the operator knows, while all watches and requests work. */
  readonly factsAgeMs?: number;
  /** By how much the clocks of processes may differ from the time; absent: by nothing. */
  readonly clockErrorMs?: () => number;
  readonly failed: (complaint: string) => void;
};

export class Checker {
  readonly #options: CheckerOptions;
  readonly #hosts: KnownHosts;
  readonly #progress: ProgressCheck;
  readonly #upgrades: UpgradeCheck;
  readonly #sessions: SessionCheck;
  readonly #epochs: EpochCheck;
  readonly #evictions: EvictionCheck;
  readonly #containers: ContainerCheck;
  readonly #requests: RequestCheck;
  readonly #end: EndCheck;
  readonly #suspensions: SuspendCheck;
  readonly #permits: PermitCheck;
  readonly #outages: OutageCheck;
  readonly #jobs: JobCheck;
  /** By the uid of a pod: who evicted it. */
  readonly #evictedBy = new Map<string, string>();
  /** By run: the spec that its plan was built from, without its orders. */
  readonly #builtFrom = new Map<string, Json>();
  /** By run: who wrote its status last. */
  readonly #leaders = new Map<string, string>();
  /** By host. */
  readonly #claimRemovedAt = new Map<string, number>();

  constructor(options: CheckerOptions) {
    this.#options = options;
    const { now, failed, isViewFresh } = options;
    const specOf = (run: string): Json => this.#builtFrom.get(run) ?? {};
    const strategyOf = (run: string): ApiObject | undefined => this.#strategyOf(run);
    this.#hosts = new KnownHosts({ now, isViewFresh });
    this.#suspensions = new SuspendCheck({ ...options, strategyOf });
    this.#progress = new ProgressCheck({
      now,
      specOf,
      failed,
      isViewFresh,
      historyOf: (host) => this.#hosts.of(host),
      isMember: (labels) => selects(options.server.get('hostpools', options.pool), labels),
      isSkipped: (uid, host) => this.#requests.isSkipped(uid, host),
      factsAgeMs: options.factsAgeMs ?? 0,
    });
    this.#upgrades = new UpgradeCheck({
      ...{ specOf, failed, stateOf: (host) => this.#hosts.of(host).now },
      isKnown: (host, state) => this.#hosts.isKnown(host, state),
    });
    this.#sessions = new SessionCheck({
      ...{ ...options, clockErrorMs: options.clockErrorMs ?? (() => 0) },
      hasLeft: (host) => this.#hosts.of(host).wasSince(0, (state) => !this.#isMember(state)),
    });
    this.#epochs = new EpochCheck(failed);
    this.#evictions = new EvictionCheck({ now, failed, hostOf: (host) => this.#hosts.of(host) });
    this.#containers = new ContainerCheck(failed);
    this.#requests = new RequestCheck({ server: options.server, now, failed });
    this.#end = new EndCheck({
      ...{
        server: options.server,
        pool: options.pool,
        isOperator: options.isOperator,
        isViewFresh,
        now,
        failed,
      },
      stateOf: (host) => this.#hosts.of(host).now,
      mayHaveChanged: (run, host) => this.#containers.mayHaveStarted(run, host, this.#leaders.get(run)),
      wasClosedLate: options.wasClosedLate ?? (() => false),
      recordLost: (run) => {
        this.#upgrades.recordLost(run);
        this.#hosts.all.forEach((history) => history.recordLost(now(), run));
      },
    });
    const hosts = this.#hosts;
    this.#permits = new PermitCheck({ now, failed, hosts, isUnseen: (run) => this.#end.isUnseen(run) });
    this.#outages = new OutageCheck({
      ...{ ...options, hosts, specOf },
      pausedMs: () => this.#permits.pausedMs,
      needsEmpty: (run, host) => this.#upgrades.needsEmpty(run, host),
      asked: (run, host) => this.#containers.asked(run, host),
    });
    this.#jobs = new JobCheck({
      ...{ ...options, hosts, strategyOf, suspensions: this.#suspensions, epochs: this.#epochs },
      ...{ containers: this.#containers, upgrades: this.#upgrades, requests: this.#requests, end: this.#end },
    });
    options.server.listen((change) => this.#judge(change));
  }

  #judge(change: Change): void {
    this.#sessions.changed(change);
    switch (change.resource) {
      case 'nodes':
        return this.#node(change);
      case 'pods':
        return this.#pod(change);
      case 'jobs':
        return this.#jobs.changed(change);
      case 'hostpools':
        if (change.type !== 'DELETED' && this.#options.isOperator(change.by)) this.#epochs.pool(change);
        return this.#permits.changed(change);
      case 'patchstrategies':
      case 'upgradestrategies':
      case 'maintenancesessions':
        return this.#strategy(change);
      default:
    }
  }

  #fail(complaint: string): void {
    this.#options.failed(complaint);
  }

  #isMember({ exists, labels }: HostState): boolean {
    return exists && selects(this.#options.server.get('hostpools', this.#options.pool), labels);
  }

  #strategyOf(run: string): ApiObject | undefined {
    return strategiesOf(this.#options.server).find((each) => runIdOf(each) === run);
  }

  #node(change: Change): void {
    const { object, before, type, by } = change;
    const { name } = object.metadata;
    const isOurs = this.#options.isOperator(by);
    const history = this.#hosts.of(name);
    const { closedByOthers, closed, looksOurs } = history.now;
    history.node(this.#options.now(), change, isOurs);
    if (type === 'DELETED') return;
    this.#upgrades.node(change);
    const isJudged = isOurs && this.#options.writesAreGuarded !== false;
    if (isJudged && closed && !history.now.closed && closedByOthers && !looksOurs)
      this.#fail(`(3) ${name} was cordoned by somebody else, and was uncordoned`);
    const [old, claim] = [before && claimOf(before), claimOf(object)];
    if (old && claim && old.run !== claim.run)
      this.#fail(`(5) the claim of ${old.run} on ${name} was replaced by one of ${claim.run}`);
    if (old && claim && claim.epoch < old.epoch)
      this.#fail(
        `(5) the claim on ${name} went back from epoch ${String(old.epoch)} to ${String(claim.epoch)}`,
      );
    if (claim && (!old || (old.level === 'closed' && claim.level === 'away'))) this.#claimed(name, claim, by);
    if (old && !claim && isOurs) this.#released(name, old, by);
  }

  /** Somebody has removed the Lease of a compute host. */
  claimRemoved(host: string): void {
    this.#claimRemovedAt.set(host, this.#options.now());
  }

  #claimed(name: string, claim: Claim, by: string): void {
    // It was in flight when others removed what would have refused it; its sweep follows.
    if (this.#options.now() - this.#end.lostAt(claim.run) < IN_FLIGHT_MS) return;
    // Nothing refuses a late claim of a compute host whose Lease somebody has removed.
    const mayBeLate = this.#options.now() - (this.#claimRemovedAt.get(name) ?? -Infinity) < IN_FLIGHT_MS;
    if (mayBeLate && by.endsWith(REPEATED)) return;
    if (!mayBeLate) this.#epochs.claims(claim.run, by, `${name} was claimed`);
    const strategy = this.#strategyOf(claim.run);
    if (claim.level === 'closed') this.#sessions.closes(name, claim);
    else this.#takes(name, claim, strategy);
    this.#suspensions.claimed(name, claim, by);
  }

  #takes(name: string, claim: Claim, strategy: ApiObject | undefined): void {
    const permits = permitsOf(this.#options.server.get('hostpools', this.#options.pool)).filter(
      ({ host }) => host === name,
    );
    if (permits.length !== 1 || permits[0]?.run !== claim.run)
      this.#fail(
        `(5) ${name} was claimed by ${claim.run}, and has permits of: ${permits.map(({ run }) => run).join(', ') || 'none'}`,
      );
    if (!strategy || !outagesOf(strategy).some((outage) => outage.name === name))
      this.#fail(`(5) ${name} was claimed before its strategy had recorded it`);
    const busySince = this.#hosts.of(name).holdsSince(({ pods }) => pods > 0);
    if (claim.level === 'away') this.#sessions.takesAway(name, claim, this.#options.now() - busySince);
  }

  #released(name: string, { run }: Claim, by: string): void {
    const what = `${name} was released`;
    this.#suspensions.forbids(run, what, by, `/api/v1/nodes/${name}`);
    // A sweep may remove a claim of no known run late: nobody adopts that claim.
    const strategy = this.#strategyOf(run);
    if (strategy && outagesOf(strategy).some((outage) => outage.name === name))
      this.#epochs.acts(run, by, what);
  }

  #pod(change: Change): void {
    const { object, before, by, type } = change;
    const host = nodeOf(object);
    this.#evictions.seen(change);
    if (leaves(object)) {
      const { server, isReturning, now } = this.#options;
      const pods = server.list('pods').filter((each) => nodeOf(each) === host && leaves(each));
      this.#hosts.of(host).pods(now(), pods.length, isReturning(host));
    }
    if (!this.#options.isOperator(by) || by.endsWith(REPEATED)) return;
    if (type === 'DELETED') this.#fail(`(2) pod ${object.metadata.name} was deleted, not evicted`);
    this.#evictedBy.set(object.metadata.uid, by);
    const run = this.#hosts.of(host).now.claim?.run ?? this.#sessions.emptying(host);
    if (type === 'MODIFIED' && before?.metadata.deletionTimestamp === undefined) {
      this.#evictions.evicted(object);
      if (run !== undefined) this.#sessions.evicts(run, object);
    }
    if (before?.metadata.deletionTimestamp === undefined)
      this.leaves(host, `pod ${object.metadata.name} was evicted`, by, evictionOf(object));
    else if (run !== undefined)
      this.#suspensions.forbids(run, `pod ${object.metadata.name} was evicted`, by, evictionOf(object));
    if (run !== undefined && this.#options.wasAnswered(evictionOf(object))) this.#upgrades.evicts(run, host);
  }

  /** The container of a Job starts. */
  containerStarts(job: ApiObject): void {
    this.#jobs.containerStarts(job);
  }

  /** Judges that something is asked to leave a host, with a request to this path. */
  leaves(host: string, what: string, by: string, path: string): void {
    const run = this.#hosts.of(host).now.claim?.run ?? this.#sessions.emptying(host);
    // An eviction carries no epoch: one that an earlier leader sent may still arrive.
    if (
      run === undefined &&
      this.#hosts.isKnown(host, ({ claim }) => claim === undefined) &&
      this.#options.wasAnswered(path)
    )
      this.#fail(`(4) ${what} from ${host}, which nobody holds`);
    if (run !== undefined) this.#suspensions.forbids(run, what, by, path);
  }

  /** A process that knows of an eviction does not repeat it; another process may have sent one at the same time. */
  evictedAgain(pod: ApiObject, by: string): void {
    const { name, uid } = pod.metadata;
    if (this.#evictedBy.get(uid) === by && this.#options.wasAnswered(evictionOf(pod)))
      this.#fail(`(5) pod ${name} was evicted twice by ${by}`);
  }

  #strategy({ object, before, type, by }: Change): void {
    this.#suspensions.changed(object);
    if (type !== 'MODIFIED' || !before || !this.#options.isOperator(by)) return;
    this.#leaders.set(runIdOf(object), by);
    if (runIdOf(object) !== runIdOf(before)) this.#builtFrom.set(runIdOf(object), before.spec ?? {});
    this.#suspensions.written(object, before, by);
    const known = new Set(outagesOf(before).map(({ name }) => name));
    const opened = outagesOf(object)
      .map(({ name }) => name)
      .filter((name) => !known.has(name));
    if (opened.length > 0) this.#outages.begun(object, before, opened);
    this.#upgrades.written(object, before, opened);
    this.#sessions.written(object, before);
    for (const { name, uncordoned } of outagesOf(object)) {
      const history = this.#hosts.of(name);
      const { claim, lostClaimOf } = history.now;
      if (uncordoned && (claim?.run ?? lostClaimOf) === runIdOf(object))
        history.seenOpen(this.#options.now());
    }
    this.#outages.asked(object, before);
    this.#requests.judge(object, before);
    this.#progress.judge(object, before);
    this.#end.written(object);
    this.#epochs.strategy(object, before, by);
  }

  /**
   * Judges the end of a calm seed: these hosts have to be patched by each strategy, unless they were deleted. `askedOf`:
   * those that joined later, and for which somebody asked.
   */
  atCalmEnd(hosts: readonly string[], askedOf: (strategy: StrategyRef) => readonly string[]): void {
    this.#end.calm((strategy) => {
      for (const host of hosts) this.#progress.atEnd(strategy, host, false);
      for (const host of askedOf(refOf(strategy))) this.#progress.atEnd(strategy, host, true);
    });
  }

  /** Judges the end of a seed. */
  atEnd(): void {
    this.#sessions.atEnd();
    this.#end.judge();
  }
}

/** Whether a pod has to leave before its host is empty. */
function leaves(pod: ApiObject): boolean {
  return pod.metadata.labels?.[RUN_LABEL] === undefined && daemonSetOf(pod) === undefined;
}

function evictionOf({ metadata: { namespace = '', name } }: ApiObject): string {
  return `/api/v1/namespaces/${namespace}/pods/${name}/eviction`;
}
