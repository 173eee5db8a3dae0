import type { PatchStrategyStatus } from '../crds/patch-strategy-status.ts';
import type { ExecutionMode } from '../crds/vocabulary.ts';
import type { RunState } from '../engine/run-state.ts';
import type { Instant } from '../engine/view.ts';

/** While a strategy waits for a person its plan follows the fleet, at most so often. */
const HELD_PLAN_SECONDS = 300;
/** A build that failed is tried again so often, even if nothing seems to have changed. */
const FAILED_BUILD_SECONDS = 30;

export type RebuildInput = {
  readonly status: PatchStrategyStatus;
  readonly run: RunState | undefined;
  readonly mode: ExecutionMode;
  /** Whether a request to carry the plan out waits for its answer. */
  readonly applyAsked: boolean;
  readonly specDigest: string;
  readonly fleetRevision: string;
  /** The limit of the pool. */
  readonly maxUnavailable: number;
  readonly now: Instant;
};

export type RebuildVerdict = { readonly rebuild: boolean; readonly wakeAt?: Instant };

/**
 * Whether the plan is to be built anew. Never while a host is out of service;
 * a run that has ended stays as it is until the spec changes, or until a person
 * who aborted it sets `Hold` again, or asks for another: applying the same
 * manifest starts nothing.
 */
export function rebuildNeeded(input: RebuildInput): RebuildVerdict {
  const { status, run, mode, now } = input;
  const record = status.run;
  if (!record || !status.state || status.state === 'building') return { rebuild: true };
  const builtAt = Date.parse(record.builtAt);
  const fleetChanged = record.fleetRevision !== input.fleetRevision;
  if (status.state === 'build-failed') {
    const due = builtAt + FAILED_BUILD_SECONDS * 1000;
    return { rebuild: record.specDigest !== input.specDigest || fleetChanged || now >= due, wakeAt: due };
  }
  if (!run) return { rebuild: true };
  if (run.hosts.length > 0 || run.state === 'aborting') return { rebuild: false };
  if (record.specDigest !== input.specDigest) return { rebuild: !stageRuns(run) };
  if (abortEnded(run)) return { rebuild: input.applyAsked || (mode === 'Hold' && run.abortedIn !== 'Hold') };
  if (limitBelowStage(run, input.maxUnavailable)) return { rebuild: !stageRuns(run) };
  if (run.state === 'ready-to-apply' && poolWasGone(status)) return { rebuild: true };
  if (run.state === 'ready-to-apply' && fleetChanged) {
    const due = builtAt + HELD_PLAN_SECONDS * 1000;
    const begins = mode === 'Run' || input.applyAsked || run.authority !== undefined;
    return { rebuild: begins || now >= due, wakeAt: due };
  }
  return { rebuild: false };
}

/** Whether a stage that is still to come is larger than the pool allows now: then the plan cannot be carried out. */
export function limitBelowStage({ state, apply }: RunState, maxUnavailable: number): boolean {
  if (state !== 'applying' && state !== 'ready-to-apply') return false;
  return apply.stages
    .slice(apply.currentStage)
    .some(({ level, hosts = [] }) => level === 'away' && hosts.length > maxUnavailable);
}

function abortEnded({ state }: RunState): boolean {
  return state === 'aborted' || state === 'abort-failed' || state === 'abort-timeout';
}

/** The status still says that there is no pool; a new build says what the one that there is now allows. */
function poolWasGone({ conditions = [] }: PatchStrategyStatus): boolean {
  return conditions.some(({ reason }) => reason === 'PoolNotFound');
}

function stageRuns({ apply }: RunState): boolean {
  return apply.stages[apply.currentStage]?.inProgress ?? false;
}
