import type { Reason } from '../../crds/observed/conditions.ts';
import type { StrategyStatus, StageStatus } from '../../crds/observed/strategy-status.ts';
import type { ExecutionMode, VimProfile } from '../../crds/vocabulary.ts';
import { hasNobodyLeft } from '../../engine/hosts/leavers.ts';
import { CAREEN_ENGINE } from '../../engine/profiles/careen.ts';
import { hasNobodyFor } from '../../engine/run/run-step.ts';
import { currentStage, runningStage, type RunState } from '../../engine/run/run-state.ts';
import { stagesFrom } from '../../engine/run/stage-folds.ts';
import { failedToStage } from '../../engine/hosts/staging-budget.ts';
import type { Instant } from '../../engine/view.ts';
import type { Needs } from '../../planner/hosts/needs.ts';

/** While a strategy waits for a person, its plan follows the fleet at most this often. */
const HELD_PLAN_SECONDS = 300;
/** A failed build is retried this often, even if nothing seems to have changed: more and more seldom. */
const FAILED_BUILD_SECONDS = { first: 30, last: HELD_PLAN_SECONDS } as const;

export type RebuildInput = {
  readonly status: StrategyStatus;
  readonly run: RunState | undefined;
  /** The profile of its plan. A plan of the VIM is never cut: another one would be as large. */
  readonly profile?: VimProfile | undefined;
  readonly mode: ExecutionMode;
  /** Whether a request to apply the plan waits for its answer. */
  readonly applyAsked: boolean;
  readonly specDigest: string;
  /** It looks at every host, so it is read only where a changed fleet matters: never during a run. */
  readonly fleetRevision: string;
  /** The limit of the pool. */
  readonly maxUnavailable: number;
  /** What the hosts of the pool need now; given for a run that was applied. */
  readonly needs?: Needs | undefined;
  /** Whether the pool selects hosts of an older pool. */
  readonly overlaps?: boolean;
  /** Whether a request to skip a host waits for its answer. */
  readonly skipAsked?: boolean;
  /** Whether a request asks a finished strategy to patch what lacks a patch since. */
  readonly restAsked?: boolean;
  /** Whether the next part of the plan is missing, or was changed. */
  readonly isPartLost?: boolean;
  /** How many builds of this spec have failed in a row, as far as this process has seen. */
  readonly failedBuilds?: number;
  readonly now: Instant;
};

export type RebuildVerdict = { readonly rebuild: boolean; readonly wakeAt?: Instant };

/**
 * Whether the plan must be built again. Never while a host is out of service. A
 * run that has ended stays until the spec changes, or `restIsDue`. After an abort a person may
 * also set `Hold` again, or request another plan. Applying the same manifest
 * starts nothing.
 */
export function rebuildNeeded(input: RebuildInput): RebuildVerdict {
  const { status, run, mode, now } = input;
  const record = status.run;
  if (!record || !status.state || status.state === 'building') return { rebuild: true };
  const builtAt = Date.parse(record.builtAt);
  const fleetChanged = (): boolean => record.fleetRevision !== input.fleetRevision;
  if (status.state === 'build-failed') {
    // A host that joins changes the fleet, so an empty pool needs no more than a safety net.
    const seconds = hasReason(status, 'NoHosts') ? HELD_PLAN_SECONDS : failedBuildSeconds(input.failedBuilds);
    const due = builtAt + seconds * 1000;
    const isNews = record.specDigest !== input.specDigest || input.skipAsked === true || fleetChanged();
    return { rebuild: isNews || now >= due, wakeAt: due };
  }
  if (!run) return { rebuild: true };
  if (run.hosts.length > 0 || run.state === 'aborting' || isSessionOpen(run)) return { rebuild: false };
  if (record.specDigest !== input.specDigest) return { rebuild: !stageRuns(run) };
  if (abortEnded(run)) return { rebuild: input.applyAsked || (mode === 'Hold' && run.abortedIn !== 'Hold') };
  if (run.state === 'applied') return { rebuild: run.session === undefined && restIsDue(input, run) };
  if (run.state === 'applying' && (input.isPartLost === true || hasNobodyForStage(run)))
    return { rebuild: true };
  if (!input.profile && limitBelowStage(run, input.maxUnavailable)) return { rebuild: !stageRuns(run) };
  // The status still reports a missing pool. The pool exists now; a new build says what it allows.
  if (run.state === 'ready-to-apply' && hasReason(status, 'PoolNotFound')) return { rebuild: true };
  if (run.state === 'ready-to-apply' && fleetChanged()) {
    const due = builtAt + HELD_PLAN_SECONDS * 1000;
    const begins = mode === 'Run' || input.applyAsked || run.authority !== undefined;
    return { rebuild: begins || now >= due, wakeAt: due };
  }
  return { rebuild: false };
}

/** Whether a session keeps its plan: its projects have agreed to it, or hosts that it has closed must be opened first. */
function isSessionOpen({ session, state }: RunState): boolean {
  return session !== undefined && (state === 'applying' || session.closed.length > 0);
}

/** Whether the host on which the open stage does something for all hosts has left. */
function hasNobodyForStage({ apply }: RunState): boolean {
  const stage = runningStage(apply);
  return stage !== undefined && hasNobodyFor({ profile: CAREEN_ENGINE }, stage);
}

/** The pause before the next attempt, after so many failed ones in a row. */
function failedBuildSeconds(failedBuilds = 0): number {
  const { first, last } = FAILED_BUILD_SECONDS;
  return Math.min(first * 2 ** Math.max(failedBuilds - 1, 0), last);
}

function hostsAway({ level, hosts = [] }: StageStatus): number {
  return level === 'away' ? hosts.length : 0;
}

/** Whether the current or a later stage is larger than the pool allows now: such a plan cannot be applied. */
export function limitBelowStage(
  { state, apply }: Pick<RunState, 'state' | 'apply'>,
  maxUnavailable: number,
): boolean {
  return stageAbove({ state, apply }, maxUnavailable) !== undefined;
}

/** The first of the current and later stages that is larger than the pool allows now; of a part to come only its size. */
export function stageAbove(
  { state, apply }: Pick<RunState, 'state' | 'apply'>,
  maxUnavailable: number,
): { readonly stage: number | undefined; readonly hosts: number } | undefined {
  if (state !== 'applying' && state !== 'ready-to-apply') return undefined;
  const atHand = stagesFrom(apply, apply.currentStage).find((each) => hostsAway(each) > maxUnavailable);
  if (atHand) return { stage: atHand.id, hosts: hostsAway(atHand) };
  const largest = apply.later?.largestAway ?? 0;
  return largest > maxUnavailable ? { stage: undefined, hosts: largest } : undefined;
}

/**
 * Whether a run that was applied is planned again. A run that patched nobody is no end: the fleet may have changed. Any
 * other one waits for a request. Without stages, the fleet that the plan was built from had nothing to do.
 */
function restIsDue(input: RebuildInput, run: RunState): boolean {
  const { status, needs, overlaps, restAsked, mode } = input;
  const hasNews = (): boolean => status.run?.fleetRevision !== input.fleetRevision;
  const isSkipped = (host: string): boolean => run.skipped.some(({ name }) => name === host);
  const lacking = needs?.lacking ?? [];
  const patchedNobody = hasPatchedNobody(run);
  const isDue = needs?.hosts === 0 || !lacking.every(isSkipped);
  if (patchedNobody && (overlaps === true || (isDue && hasNews()))) return true;
  if (patchedNobody && run.skipped.length === 0) return false;
  return restAsked === true && lacking.length > 0 && mode !== 'Abort' && mode !== 'Suspend';
}

/**
 * Whether a run that was applied had no host to patch, or lost them all: it goes on when a host lacks a patch. Hosts that
 * failed to be staged wait for a request.
 */
export function hasPatchedNobody({ apply }: RunState): boolean {
  return hasNobodyLeft(apply) && failedToStage(apply) === 0;
}

function abortEnded({ state }: RunState): boolean {
  return state === 'aborted' || state === 'abort-failed' || state === 'abort-timeout';
}

function hasReason({ conditions = [] }: StrategyStatus, wanted: Reason): boolean {
  return conditions.some(({ reason }) => reason === wanted);
}

function stageRuns({ apply }: RunState): boolean {
  return currentStage(apply)?.inProgress ?? false;
}
