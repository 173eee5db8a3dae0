/** Judges the progress that a strategy reports by the states of its hosts (invariant 6). */
import type { ApiObject, Json } from './world/objects.ts';
import { isAsWellAsBefore, isEmpty, type HostHistory, type HostState } from './host-history.ts';
import { nameOf } from './world/strategies.ts';
import { isDrifted, outagesOf, runIdOf, stageOf, stagesOf, type Stage, type Step } from './seen.ts';
import { STAGED } from './upgrade-scenario.ts';
import { goalsFor, isRollback, rebootRequired, releaseOf, shows } from './wants.ts';

/** The greatest age of the operator's view while watches lag or hang: it cannot know better. */
const OLDEST_VIEW_MS = 150_000;
/** The same while watches work. */
const FRESH_VIEW_MS = 3_000;
const STAGING = 'sw-upgrade-stage-hosts';
const FAILED: ReadonlySet<string> = new Set(['failed', 'timed-out']);
/** Steps that may drain their hosts. */
const EMPTYING: ReadonlySet<string> = new Set(['migrate-instances-from-host', 'lock-hosts']);
/** A drain waits for so long whether a pod comes back that a cordon does not keep away. */
const RETURN_MS = 10_000;

export type ProgressOptions = {
  readonly now: () => number;
  readonly historyOf: (host: string) => HostHistory;
  /** The spec that the plan of a run was built from. */
  readonly specOf: (run: string) => Json;
  /** Whether the pool selects a host with these labels. */
  readonly isMember: (labels: Readonly<Record<string, string>>) => boolean;
  /** Whether a request has left the host out of a run of the strategy with this uid. */
  readonly isSkipped: (uid: string, host: string) => boolean;
  /** Whether watches and requests have worked for so long that the operator's view is fresh. */
  readonly isViewFresh: () => boolean;
  /** How old the facts of a host may be that the operator knows, while all watches and requests work. */
  readonly factsAgeMs: number;
  readonly failed: (complaint: string) => void;
};

export class ProgressCheck {
  readonly #options: ProgressOptions;
  /** When each step of each run was seen to begin. */
  readonly #began = new Map<string, number>();
  readonly #wroteAt = new Map<string, number>();
  /** By run: when its plan was stored. */
  readonly #plannedAt = new Map<string, number>();
  /** By run: the hosts that failed to be staged. */
  readonly #failedToStage = new Map<string, ReadonlySet<string>>();

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  /** Compares a status that the operator wrote with the one before. */
  judge(object: ApiObject, before: ApiObject): void {
    const { uid } = object.metadata;
    const earliest = this.#wroteAt.get(uid) ?? 0;
    this.#wroteAt.set(uid, this.#options.now());
    if (runIdOf(object) !== runIdOf(before)) this.#plannedAt.set(runIdOf(object), this.#options.now());
    this.#staging(object);
    for (const phase of ['applyPhase', 'abortPhase']) {
      const old = stagesOf(before, phase);
      for (const stage of stagesOf(object, phase))
        this.#stage(object, before, phase, stage, stageOf(old, stage.id), earliest);
    }
  }

  /** Remembers who failed to be staged. No more of them are left out than the spec of the run allows. */
  #staging(object: ApiObject): void {
    const run = runIdOf(object);
    const staging = stagesOf(object).filter(({ name }) => name === STAGING);
    if (staging.length === 0) return;
    const before = this.#failedToStage.get(run) ?? new Set<string>();
    const isUnderWay = staging.some(({ inProgress }) => inProgress);
    const now = outagesOf(object).filter(({ result }) => isUnderWay && FAILED.has(result));
    const failed = before.union(new Set(now.map(({ name }) => name)));
    this.#failedToStage.set(run, failed);
    const excused = new Set(staging.flatMap(({ left }) => left)).intersection(failed);
    const most = Number(this.#options.specOf(run)['maxUnstagedHosts'] ?? 0);
    const isOf = (host: string): boolean =>
      !this.#options.isSkipped(object.metadata.uid, host) && !this.#hasLeft(host);
    const counted = [...excused].filter(isOf);
    if (counted.length > most)
      this.#options.failed(`(4) ${counted.join(', ')} were not staged, and ${String(most)} may fail to be`);
  }

  #hasLeft(host: string): boolean {
    const { historyOf, isMember } = this.#options;
    const hasLeft = ({ exists, labels }: HostState): boolean => !exists || !isMember(labels);
    return historyOf(host).wasDeleted || historyOf(host).wasSince(0, hasLeft);
  }

  /** Judges a host of a strategy that is applied. `isAsked`: somebody asked for its patches after it had joined. */
  atEnd(strategy: ApiObject, host: string, isAsked: boolean): void {
    const { spec = {} } = strategy;
    const history = this.#options.historyOf(host);
    const { now: state, wasDeleted } = history;
    const goals = goalsFor(spec, state);
    // A plan is made when the first host of a pool joins. A host that joins after it waits for a request, and the status
    // has to say so.
    const plannedAt = this.#plannedAt.get(runIdOf(strategy)) ?? Infinity;
    const isLate = !isAsked && history.joinedAt > plannedAt - FRESH_VIEW_MS && isDrifted(strategy);
    if (state.exists && !wasDeleted && !isLate && !goals.every((id) => shows(spec, id, state)))
      this.#options.failed(`(6) ${nameOf(strategy)} is applied, and ${host} lacks ${goals.join(', ')}`);
  }

  #stage(
    object: ApiObject,
    before: ApiObject,
    phase: string,
    stage: Stage,
    old: Stage | undefined,
    earliest: number,
  ): void {
    for (const host of stage.left.filter((each) => !old?.left.includes(each)))
      if (!this.#options.isSkipped(object.metadata.uid, host)) this.#left(object, stage, host);
    for (const step of stage.steps) {
      const was = runIdOf(object) === runIdOf(before) ? old?.steps[step.id]?.result : undefined;
      if (was === step.result) continue;
      const key = [object.metadata.uid, runIdOf(object), phase, stage.id, step.id].join('/');
      if (was === undefined || was === 'initial') this.#began.set(key, earliest);
      const shown = this.#shows(object, before, stage, step);
      const since = Math.max(0, (this.#began.get(key) ?? 0) - OLDEST_VIEW_MS);
      if (step.result === 'success') this.#success(stage, step, since, shown);
      if (step.result === 'timed-out' && phase === 'applyPhase')
        this.#timeout(stage, step, this.#endsBy(object, step, shown));
    }
    if (
      stage.result === 'success' &&
      old?.result !== 'success' &&
      stage.steps.some(({ result }) => result !== 'success')
    )
      this.#options.failed(`(6) stage ${String(stage.id)} succeeded, and not all its steps did`);
  }

  /**
   * What ends a step on a host, where its success shows less or more. With a profile of the VIM a lock is done once it has
   * emptied its hosts. A Job or a person may hold up work that a host shows already.
   */
  #endsBy(object: ApiObject, { name }: Step, shown: Shows | undefined): Shows | undefined {
    const run = runIdOf(object);
    if (name === 'sw-patch-hosts' || name === 'reboot-hosts') return undefined;
    if (name !== 'lock-hosts' || this.#options.specOf(run)['profile'] === undefined) return shown;
    return (host, state) => shown?.(host, state) === true && this.#showsEmpty(state, run);
  }

  #left(object: ApiObject, { id }: Stage, host: string): void {
    const { historyOf, now, isMember, specOf, failed } = this.#options;
    const history = historyOf(host);
    const hasLeft = ({ exists, labels }: HostState): boolean => !exists || !isMember(labels);
    const spec = specOf(runIdOf(object));
    const release = releaseOf(spec);
    // An upgrade goes on without a host that left before it was staged, or that others have staged for another release.
    const isUnstaged = ({ labels }: HostState): boolean => labels[STAGED] !== release;
    const goesOn =
      release !== undefined &&
      !isRollback(spec) &&
      (history.wasSince(0, hasLeft) ||
        history.wasSince(now() - OLDEST_VIEW_MS, isUnstaged) ||
        this.#failedToStage.get(runIdOf(object))?.has(host) === true);
    if (!history.wasDeleted && !goesOn && !history.wasSince(now() - OLDEST_VIEW_MS, hasLeft))
      failed(`(6) stage ${String(id)} goes on without ${host}, which has not left`);
  }

  #success(stage: Stage, step: Step, since: number, shown: Shows | undefined): void {
    for (const host of shown ? remaining(stage, step) : []) {
      if (this.#options.historyOf(host).wasSince(since, (state) => shown?.(host, state) === true)) continue;
      this.#options.failed(
        `(6) ${step.name} of stage ${String(stage.id)} succeeded, and ${host} never showed it`,
      );
    }
  }

  /**
   * An operator that reads before it gives up sees a long-standing state. No step ends on a host that somebody
   * uncordoned.
   */
  #timeout(stage: Stage, step: Step, shown: Shows | undefined): void {
    const hosts = remaining(stage, step);
    if (!shown || hosts.length === 0) return;
    const isClosed = ({ closed }: HostState): boolean =>
      closed || stage.level === 'touched' || step.name === 'unlock-hosts';
    const since = hosts.map((host) =>
      this.#options.historyOf(host).holdsSince((state) => isClosed(state) && shown(host, state)),
    );
    const forMs = this.#options.now() - Math.max(...since);
    const waitsMs = (EMPTYING.has(step.name) ? RETURN_MS : 0) + this.#options.factsAgeMs;
    if (forMs > waitsMs + (this.#options.isViewFresh() ? FRESH_VIEW_MS : OLDEST_VIEW_MS))
      this.#options.failed(
        `(6) ${step.name} of stage ${String(stage.id)} timed out, and was done for ${String(forMs / 1000)} s`,
      );
  }

  /** The state that a host shows after a step succeeded on it; undefined for steps without hosts. */
  #shows(object: ApiObject, before: ApiObject, stage: Stage, { name }: Step): Shows | undefined {
    const { level, patches } = stage;
    const run = runIdOf(object);
    const spec = this.#options.specOf(run);
    const holds = (state: HostState): boolean => state.claim?.run === run;
    const isVerified = (host: string, state: HostState): boolean =>
      state.ready &&
      isAsWellAsBefore(state) &&
      patches.every((id) => shows(spec, id, state)) &&
      this.#rebooted(before, object, host, state);
    switch (name) {
      case 'lock-hosts':
        return (_, state) => holds(state) && state.closed && state.claim?.level !== 'closed';
      case 'move-instances':
      case 'await-empty':
        return (_, state) => !state.exists || state.pods === 0;
      case 'migrate-instances-from-host':
        return (_, state) => !state.exists || this.#showsEmpty(state, run);
      case 'sw-patch-hosts':
        // The VIM has no step that verifies. What others had locked is rebooted later.
        if (spec['profile'] === undefined) return undefined;
        return (host, state) => rebootsLater(stage, host) || isVerified(host, state);
      case 'verify':
        return (host, state) => isVerified(host, state) && (level === 'away' || !holds(state));
      case 'reboot-hosts':
        return (host, state) => isVerified(host, state) && !holds(state);
      case 'unlock-hosts':
        // A host that a person uncordoned and cordoned again unseen is released as its claim found it (host-history.ts).
        return (_, state) =>
          !holds(state) &&
          (!state.exists ||
            !state.closed ||
            state.closedByOthers ||
            state.looksAsBefore ||
            state.leftLocked ||
            // An abort of the VIM undoes a lock that never began, of a host that another run holds.
            state.claim !== undefined);
      default:
        return undefined;
    }
  }

  /** While watches lag, the operator does not see in time that a pod has returned, or that somebody removed the claim. */
  #showsEmpty(state: HostState, run: string): boolean {
    if (state.claim?.run === run && isEmpty(state)) return true;
    const isOurs = state.claim?.run === run || state.lostClaimOf === run;
    return isOurs && state.pods === 0 && !this.#options.isViewFresh();
  }

  #rebooted(before: ApiObject, after: ApiObject, host: string, { bootId }: HostState): boolean {
    const outage = [...outagesOf(after), ...outagesOf(before)].find(({ name }) => name === host);
    const spec = this.#options.specOf(runIdOf(after));
    const isRequired = outage?.patches.some((id) => rebootRequired(spec, id)) === true;
    return !isRequired || outage.bootIdBefore === undefined || outage.bootIdBefore !== bootId;
  }
}

/** The hosts of a step. All hosts of its stage are closed at the first step that closes some. */
function remaining({ hosts, left }: Stage, step: Step): readonly string[] {
  const own = step.name === 'lock-hosts' ? hosts : (step.hosts ?? hosts);
  return own.filter((host) => !left.includes(host));
}

function rebootsLater({ steps }: Stage, host: string): boolean {
  return steps.some(({ name, hosts }) => name === 'reboot-hosts' && hosts?.includes(host) !== false);
}

type Shows = (host: string, state: HostState) => boolean;
