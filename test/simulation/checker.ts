/**
 * Judges a simulated world by the invariants of architecture §6; the numbers in the complaints are theirs. It sees
 * every change of every object, and knows the operator by these changes only: it shares no line with the engine, the
 * planner or the controllers (a test checks its imports).
 */
import { at, type Change, type Objects } from './world/api-server.ts';
import { daemonSetOf, nodeOf } from './world/cluster.ts';
import { jobEnded } from './world/job-controller.ts';
import { REPEATED } from './world/connection.ts';
import type { ApiObject, Json } from './world/objects.ts';
import { isSession, refOf, strategiesOf, type StrategyRef } from './world/strategies.ts';
import { ContainerCheck } from './container-check.ts';
import { EndCheck } from './end-check.ts';
import { EpochCheck } from './epoch-check.ts';
import { EvictionCheck } from './eviction-check.ts';
import { HostHistory, isEmpty, UNSEEN_MS, type HostState } from './host-history.ts';
import { ProgressCheck } from './progress-check.ts';
import { RequestCheck } from './request-check.ts';
import {
  claimOf,
  epochOf,
  isEnding,
  isSuspended,
  limitOf,
  modeOf,
  openManualOf,
  outagesOf,
  permitsOf,
  plansTheSame,
  runIdOf,
  selects,
  stateOf,
  type Claim,
} from './seen.ts';
import { SessionCheck } from './sessions/session-check.ts';
import { UpgradeCheck } from './upgrade-check.ts';

const EFFECT = 'careen.dev/effect';
const HOST = 'careen.dev/host';
const RUN_LABEL = 'careen.dev/run';
/** A write that was decided before a suspension may be in flight for so long. */
const IN_FLIGHT_MS = 180_000;
/** The same while watches, requests and processes work: the time from reading a host to the write that follows. */
const SEEN_MS = 10_000;

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
  readonly #hosts = new Map<string, HostHistory>();
  readonly #progress: ProgressCheck;
  readonly #upgrades: UpgradeCheck;
  readonly #sessions: SessionCheck;
  readonly #epochs: EpochCheck;
  readonly #evictions: EvictionCheck;
  readonly #containers: ContainerCheck;
  readonly #requests: RequestCheck;
  readonly #end: EndCheck;
  /** The effects whose Job was started. */
  readonly #started = new Set<string>();
  /** By the uid of a pod: who evicted it. */
  readonly #evictedBy = new Map<string, string>();
  readonly #suspendedAt = new Map<string, number>();
  /** By run: the spec that its plan was built from, without its orders. */
  readonly #builtFrom = new Map<string, Json>();
  /** By the uid of a strategy, and by run: who wrote its status last. */
  readonly #lastWriter = new Map<string, string>();
  readonly #leaders = new Map<string, string>();
  #pausedAt: number | undefined;
  /** By the uid of a suspended strategy: the epoch of its run when the operator saw the suspension. */
  readonly #suspendedIn = new Map<string, number>();

  readonly #claimRemovedAt = new Map<string, number>();

  constructor(options: CheckerOptions) {
    this.#options = options;
    const { now, failed, isViewFresh } = options;
    const specOf = (run: string): Json => this.#builtFrom.get(run) ?? {};
    this.#progress = new ProgressCheck({
      now,
      specOf,
      failed,
      isViewFresh,
      historyOf: (host) => this.#historyOf(host),
      isMember: (labels) => selects(options.server.get('hostpools', options.pool), labels),
      isSkipped: (uid, host) => this.#requests.isSkipped(uid, host),
      factsAgeMs: options.factsAgeMs ?? 0,
    });
    this.#upgrades = new UpgradeCheck({
      ...{ specOf, failed, stateOf: (host) => this.#historyOf(host).now },
      isKnown: (host, state) => this.#isKnown(host, state),
    });
    this.#sessions = new SessionCheck({
      ...{ ...options, clockErrorMs: options.clockErrorMs ?? (() => 0) },
      hasLeft: (host) => this.#historyOf(host).wasSince(0, (state) => !this.#isMember(state)),
    });
    this.#epochs = new EpochCheck(failed);
    this.#evictions = new EvictionCheck({ now, failed, hostOf: (host) => this.#historyOf(host) });
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
      stateOf: (host) => this.#historyOf(host).now,
      mayHaveChanged: (run, host) => this.#containers.mayHaveStarted(run, host, this.#leaders.get(run)),
      wasClosedLate: options.wasClosedLate ?? (() => false),
      recordLost: (run) => {
        this.#upgrades.recordLost(run);
        this.#hosts.forEach((history) => history.recordLost(now(), run));
      },
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
        return this.#job(change);
      case 'hostpools':
        return this.#pool(change);
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

  #historyOf(host: string): HostHistory {
    const known = this.#hosts.get(host);
    if (known) return known;
    const made = new HostHistory();
    this.#hosts.set(host, made);
    return made;
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
    const history = this.#historyOf(name);
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
    if (!mayBeLate) this.#epochs.claims(claim.run, by, `${name} was claimed`);
    const strategy = this.#strategyOf(claim.run);
    if (claim.level === 'closed') this.#sessions.closes(name, claim);
    else this.#takes(name, claim, strategy);
    // A take-over claims again what may be in flight: in Suspend, or before an abort or a deletion ends the outages.
    const suspendedIn = this.#suspendedIn.get(strategy?.metadata.uid ?? '') ?? Infinity;
    const isTakenOver = strategy && (isEnding(strategy) || claim.epoch > suspendedIn);
    if (!isTakenOver) this.#notSuspended(claim.run, `${name} was claimed`, by, `/api/v1/nodes/${name}`);
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
    const busySince = this.#historyOf(name).holdsSince(({ pods }) => pods > 0);
    if (claim.level === 'away') this.#sessions.takesAway(name, claim, this.#options.now() - busySince);
  }

  #released(name: string, { run }: Claim, by: string): void {
    const what = `${name} was released`;
    this.#notSuspended(run, what, by, `/api/v1/nodes/${name}`);
    // A sweep may remove a claim of no known run late: nobody adopts that claim.
    const strategy = this.#strategyOf(run);
    if (strategy && outagesOf(strategy).some((outage) => outage.name === name))
      this.#epochs.acts(run, by, what);
  }

  /** A process that has seen the suspension has nothing in flight for the run, except requests without an answer. */
  #notSuspended(run: string, what: string, by: string, path: string): void {
    const strategy = this.#strategyOf(run);
    if (!strategy || stateOf(strategy) !== 'applying') return;
    const { uid } = strategy.metadata;
    const knows =
      isSuspended(strategy) && this.#lastWriter.get(uid) === by && this.#options.wasAnswered(path);
    const since = this.#suspendedAt.get(uid) ?? Infinity;
    const mayBeLate = !this.#options.isViewFresh() || !this.#options.wasAnswered(path);
    // Whatever its watch shows: the process asks whether the strategy has changed before it acts without a write.
    if (knows || this.#options.now() - since > (mayBeLate ? IN_FLIGHT_MS : SEEN_MS))
      this.#fail(`(4) ${what} in Suspend`);
  }

  #pod(change: Change): void {
    const { object, before, by, type } = change;
    const host = nodeOf(object);
    this.#evictions.seen(change);
    if (leaves(object)) {
      const { server, isReturning, now } = this.#options;
      const pods = server.list('pods').filter((each) => nodeOf(each) === host && leaves(each));
      this.#historyOf(host).pods(now(), pods.length, isReturning(host));
    }
    if (!this.#options.isOperator(by) || by.endsWith(REPEATED)) return;
    if (type === 'DELETED') this.#fail(`(2) pod ${object.metadata.name} was deleted, not evicted`);
    this.#evictedBy.set(object.metadata.uid, by);
    const run = this.#historyOf(host).now.claim?.run ?? this.#sessions.emptying(host);
    if (type === 'MODIFIED' && before?.metadata.deletionTimestamp === undefined) {
      this.#evictions.evicted(object);
      if (run !== undefined) this.#sessions.evicts(run, object);
    }
    if (before?.metadata.deletionTimestamp === undefined)
      this.leaves(host, `pod ${object.metadata.name} was evicted`, by, evictionOf(object));
    else if (run !== undefined)
      this.#notSuspended(run, `pod ${object.metadata.name} was evicted`, by, evictionOf(object));
    if (run !== undefined && this.#options.wasAnswered(evictionOf(object))) this.#upgrades.evicts(run, host);
  }

  /** Judges that something is asked to leave a host, with a request to this path. */
  leaves(host: string, what: string, by: string, path: string): void {
    const run = this.#historyOf(host).now.claim?.run ?? this.#sessions.emptying(host);
    // An eviction carries no epoch: one that an earlier leader sent may still arrive.
    if (
      run === undefined &&
      this.#isKnown(host, ({ claim }) => claim === undefined) &&
      this.#options.wasAnswered(path)
    )
      this.#fail(`(4) ${what} from ${host}, which nobody holds`);
    if (run !== undefined) this.#notSuspended(run, what, by, path);
  }

  /**
   * Whether the host has been in this state for so long that the operator knows it. Until then it cannot know better: its
   * watch of the nodes may lag, and a host that was deleted and made again under its name still shows the claim.
   */
  #isKnown(host: string, state: (host: HostState) => boolean): boolean {
    const forMs = this.#options.now() - this.#historyOf(host).holdsSince(state);
    return forMs > (this.#options.isViewFresh() ? SEEN_MS : UNSEEN_MS);
  }

  /** A process that knows of an eviction does not repeat it; another process may have sent one at the same time. */
  evictedAgain(pod: ApiObject, by: string): void {
    const { name, uid } = pod.metadata;
    if (this.#evictedBy.get(uid) === by && this.#options.wasAnswered(evictionOf(pod)))
      this.#fail(`(5) pod ${name} was evicted twice by ${by}`);
  }

  #job({ object, before, by }: Change): void {
    const { annotations = {}, labels = {}, uid } = object.metadata;
    const [key, host, run] = [annotations[EFFECT] ?? '', annotations[HOST] ?? '', labels[RUN_LABEL] ?? ''];
    const isSuspended = object.spec?.['suspend'] === true;
    if (isSuspended && before?.spec?.['suspend'] === false) this.#containers.withdrawn(run, host, by);
    if (jobEnded(object)) {
      this.#containers.ended(object);
      this.#upgrades.jobEnded(object);
    }
    if (isSuspended || before?.spec?.['suspend'] !== true) return;
    // A late Job of an earlier leader does nothing: it is suspended, and is removed.
    if (this.#started.has(key)) this.#fail(`(5) a second Job was started for effect ${key}`);
    this.#started.add(key);
    this.#notSuspended(run, `a Job was started on ${host}`, by, pathOf(object));
    this.#epochs.acts(run, by, `a Job was started on ${host}`);
    const writer = this.#lastWriter.get(this.#strategyOf(run)?.metadata.uid ?? '');
    if (this.#requests.isSkipped(run, host) && writer === by)
      this.#fail(`(4) a Job was started on ${host}, which a request leaves out of the run`);
    const isNotHeld = ({ exists, claim }: HostState): boolean => exists && claim?.run !== run;
    // A late write of an earlier leader may start it on another host of that name.
    if (this.#isKnown(host, isNotHeld) && this.#options.wasAnswered(pathOf(object)))
      this.#fail(`(4) a Job was started on ${host}, which ${run} does not hold`);
    const strategy = this.#strategyOf(run);
    this.#upgrades.jobStarts(object, strategy);
    const outages = strategy ? outagesOf(strategy) : [];
    const isRecorded = outages.some(({ name, jobs }) => name === host && jobs.includes(uid));
    // The record was there when the start was decided: others removed it while the process stood still.
    const isLate = this.#options.now() - this.#end.lostAt(run) < IN_FLIGHT_MS;
    if (!isRecorded && !isLate)
      this.#fail(`(5) a Job was started on ${host} before its strategy had recorded it`);
    if (Number(object.spec?.['backoffLimit']) !== 0)
      this.#fail(`(5) a Job was started on ${host} that may run more than once`);
    const isBusy = (state: HostState): boolean => state.claim?.level === 'away' && !isEmpty(state);
    const needsEmpty = this.#upgrades.needsEmpty(run, host);
    if (needsEmpty && this.#isKnown(host, isBusy)) this.#fail(`(2) a Job was started on ${host} under a pod`);
    const busy = this.#options.server
      .list('jobs')
      .filter(
        (job) =>
          job.metadata.annotations?.[HOST] === host && job.spec?.['suspend'] !== true && !jobEnded(job),
      );
    if (busy.length > 1) this.#fail(`(5) two Jobs run on ${host} at once`);
  }

  /** The container of a Job starts. */
  containerStarts(job: ApiObject): void {
    this.#containers.started(job);
    const { annotations = {}, labels = {} } = job.metadata;
    const [host, run] = [annotations[HOST] ?? '', labels[RUN_LABEL] ?? ''];
    const strategy = this.#strategyOf(run);
    const isLost = ({ claim, lostClaimOf }: HostState): boolean => claim?.run !== run && lostClaimOf !== run;
    // In Suspend, when others have removed the record of the run, and while no process leads, nobody withdraws it.
    const isWatched = strategy && !isSuspended(strategy) && this.#options.ledForMs() > SEEN_MS;
    if (isWatched && this.#isKnown(host, isLost))
      this.#fail(`(4) a container of ${run} started on ${host}, which it does not hold`);
  }

  #pool(change: Change): void {
    const { object, before, type, by } = change;
    if (type === 'DELETED') return;
    this.#pausedAt = object.spec?.['paused'] === true ? (this.#pausedAt ?? this.#options.now()) : undefined;
    if (this.#options.isOperator(by)) this.#epochs.pool(change);
    const permits = permitsOf(object);
    const old = new Set(permitsOf(before).map(({ host, run }) => `${run}/${host}`));
    const granted = permits.filter(({ host, run }) => !old.has(`${run}/${host}`));
    if (new Set(permits.map(({ host }) => host)).size < permits.length)
      this.#fail(`(5) a host has two permits`);
    // A take-over only raises the epoch. It cannot know the claim of a run that others have removed, which arrived after its
    // permit was freed and waits for the sweep.
    const isTakeOver = before !== undefined && before.status?.['epoch'] !== object.status?.['epoch'];
    for (const [name, { now }] of isTakeOver ? [] : this.#hosts) {
      const permit = permits.find(({ host }) => host === name);
      if (
        now.claim &&
        now.claim.level !== 'closed' &&
        permit?.run !== now.claim.run &&
        !this.#end.isUnseen(now.claim.run)
      )
        this.#fail(
          `(5) ${name} is claimed by ${now.claim.run}, and its permit is ${permit ? `that of ${permit.run}` : 'gone'}`,
        );
    }
    if (granted.length === 0) return;
    if (object.spec?.['paused'] === true) this.#fail('(4) a permit was granted while the pool is paused');
    if (granted.some(({ level }) => level === 'away'))
      this.#limit(
        object,
        permits.filter(({ level }) => level === 'away').map(({ host }) => host),
      );
  }

  #limit(pool: ApiObject, permitted: readonly string[]): void {
    const away = new Set(permitted);
    const earliest = this.#options.now() - UNSEEN_MS;
    const isMember = ({ exists, claim, labels }: HostState): boolean =>
      exists && (claim !== undefined || selects(pool, labels));
    for (const [name, history] of this.#hosts) {
      const isOut = history.holdsSince(
        (state) => isMember(state) && !state.claim && (state.closed || !state.ready),
      );
      if (history.now.claim?.level === 'away' || isOut < earliest) away.add(name);
    }
    // The largest number of hosts that the operator may still know of.
    const hosts = [...this.#hosts.values()].filter((history) => history.wasSince(earliest, isMember));
    const limit = limitOf(pool, hosts.length);
    if (away.size > limit)
      this.#fail(`(1) ${[...away].join(', ')} are or may be away, the pool allows ${String(limit)}`);
  }

  #strategy({ object, before, type, by }: Change): void {
    const { uid } = object.metadata;
    if (modeOf(object) !== 'Suspend') this.#suspendedAt.delete(uid);
    else if (!this.#suspendedAt.has(uid)) this.#suspendedAt.set(uid, this.#options.now());
    if (type !== 'MODIFIED' || !before || !this.#options.isOperator(by)) return;
    this.#lastWriter.set(uid, by);
    this.#leaders.set(runIdOf(object), by);
    if (runIdOf(object) !== runIdOf(before)) this.#builtFrom.set(runIdOf(object), before.spec ?? {});
    if (!isSuspended(object)) this.#suspendedIn.delete(uid);
    else if (!isSuspended(before)) this.#suspendedIn.set(uid, epochOf(object));
    const known = new Set(outagesOf(before).map(({ name }) => name));
    const opened = outagesOf(object)
      .map(({ name }) => name)
      .filter((name) => !known.has(name));
    if (opened.length > 0) this.#begun(object, before, opened);
    this.#upgrades.written(object, before, opened);
    this.#sessions.written(object, before);
    for (const { name, uncordoned } of outagesOf(object)) {
      const history = this.#historyOf(name);
      const { claim, lostClaimOf } = history.now;
      if (uncordoned && (claim?.run ?? lostClaimOf) === runIdOf(object))
        history.seenOpen(this.#options.now());
    }
    this.#asked(object, before);
    this.#requests.judge(object, before);
    this.#progress.judge(object, before);
    this.#end.written(object);
    this.#epochs.strategy(object, before, by);
  }

  /** Persons are asked, as Jobs are started, only on hosts that the run holds, and that are empty where it empties them. */
  #asked(object: ApiObject, before: ApiObject): void {
    const run = runIdOf(object);
    const known = new Set(openManualOf(before).map(({ host, since }) => `${host}/${since}`));
    for (const { host, since } of openManualOf(object)) {
      if (known.has(`${host}/${since}`)) continue;
      this.#containers.asked(run, host);
      const isNotHeld = ({ exists, claim }: HostState): boolean => exists && claim?.run !== run;
      if (this.#isKnown(host, isNotHeld))
        this.#fail(`(4) a person was asked to work on ${host}, which ${run} does not hold`);
      const isBusy = (state: HostState): boolean => state.claim?.level === 'away' && !isEmpty(state);
      if (this.#upgrades.needsEmpty(run, host) && this.#isKnown(host, isBusy))
        this.#fail(`(2) a person was asked to work on ${host} under a pod`);
    }
  }

  /** A write is guarded by the version that it was decided on: so `before` is the operator's view. */
  #begun(object: ApiObject, before: ApiObject, hosts: readonly string[]): void {
    const what = `(4) an outage of ${hosts.join(', ')} began`;
    if (before.metadata.deletionTimestamp !== undefined) this.#fail(`${what} after the strategy was deleted`);
    if (stateOf(object) !== 'applying') this.#fail(`${what} in state ${String(stateOf(object))}`);
    // What was agreed with the projects of a session stands until its end.
    if (!isSession(object) && !plansTheSame(this.#builtFrom.get(runIdOf(object)) ?? {}, before.spec ?? {}))
      this.#fail(`${what} after the spec was edited`);
    const mode = modeOf(before);
    const stage = Number(at(object.status, 'applyPhase', 'currentStage'));
    const through = Number(at(before.spec, 'execution', 'throughStage') ?? Infinity);
    const authority = Number(at(object.status, 'run', 'authority', 'throughStage') ?? -1);
    const allowed = mode === 'Run' ? Math.max(through, authority) : mode === 'Hold' ? authority : -1;
    if (stage > allowed)
      this.#fail(
        `${what} in stage ${String(stage)}, in mode ${mode} those to ${String(allowed)} are allowed`,
      );
    const pausedMs = this.#options.now() - (this.#pausedAt ?? Infinity);
    if (pausedMs > (this.#options.isViewFresh() ? SEEN_MS : IN_FLIGHT_MS))
      this.#fail(`${what} while the pool is paused`);
    const pool = this.#options.server.get('hostpools', this.#options.pool);
    const permits = permitsOf(pool);
    const hasLeft = ({ exists, claim, labels }: HostState): boolean =>
      exists && !claim && !selects(pool, labels);
    for (const name of hosts)
      if (this.#isKnown(name, hasLeft)) this.#fail(`(1) an outage of ${name} began, which had left the pool`);
    for (const name of hosts)
      // The permit of a host that is gone may have been freed meanwhile.
      if (
        this.#historyOf(name).now.exists &&
        !permits.some(({ host, run }) => host === name && run === runIdOf(object))
      )
        this.#fail(`${what} without a permit for ${name}`);
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

function pathOf({ metadata: { namespace = '', name } }: ApiObject): string {
  return `/apis/batch/v1/namespaces/${namespace}/jobs/${name}`;
}
