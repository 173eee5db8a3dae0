/** Hosts that requests leave out of a run, while its plan is built: the host may be what prevents the plan. Pure. */
import type { StrategyStatus } from '../../crds/observed/strategy-status.ts';
import { againstSkip } from '../../engine/hosts/skips.ts';
import type { Answer } from '../../engine/turn.ts';
import { specDigest } from '../../planner/digest.ts';
import type { HostName } from '../../planner/hosts/facts.ts';
import { isRestAsked, pendingRequests, withAnswers, type Requested } from './requests.ts';

export type PoolHosts = { readonly pool: string; readonly isHost: (name: HostName) => boolean };

/** Whether a request to skip a host waits for its answer. */
export function isSkipAsked(strategy: Requested): boolean {
  return pendingRequests(strategy).requests.some(({ verb }) => verb === 'skip-host');
}

/**
 * The status from which the next plan is built, with the hosts that its run skips, the controllers that it knew, and the
 * answers to requests to skip. The first write of the build stores all of them.
 */
export function withSkips(
  strategy: Requested,
  before: StrategyStatus,
  { pool, isHost }: PoolHosts,
  time: string,
): StrategyStatus {
  const asked = { ...strategy, status: before };
  const isRest = isSameRun(asked);
  const skipped = isRest ? [...(before.skipped ?? [])] : [];
  const { requests, placed } = pendingRequests(asked);
  const answers: Answer[] = [];
  for (const request of requests) {
    if (request.verb !== 'skip-host') continue;
    const { id, verb, host } = request;
    const against = againstSkip(host, skipped, isHost(host), pool);
    if (against === undefined) skipped.push({ name: host, request: id });
    answers.push({
      ...{ id, verb, answer: against === undefined ? 'accepted' : 'refused' },
      message: against ?? `${host} is left out of this run`,
    });
  }
  const { skipped: _earlier, controllers, ...kept } = before;
  return {
    ...kept,
    ...(skipped.length > 0 ? { skipped } : {}),
    ...(controllers && isRest && !waitsToBegin(before) ? { controllers } : {}),
    ...(answers.length > 0 ? withAnswers(before.requests, answers, time, placed) : {}),
  };
}

/** A plan that has not begun follows the fleet, also when a controller leaves. */
function waitsToBegin({ state, applyPhase }: StrategyStatus): boolean {
  return state === 'ready-to-apply' && applyPhase?.startTime === undefined;
}

/** Whether the next plan is for the rest of the same run. Without a record the build has begun, and has decided that. */
function isSameRun(strategy: Requested): boolean {
  const { run, state } = strategy.status;
  if (!run) return true;
  const hasEnded =
    state === 'aborted' ||
    state === 'abort-failed' ||
    state === 'abort-timeout' ||
    (state === 'applied' && isRestAsked(strategy));
  return !hasEnded && run.specDigest === specDigest(strategy.spec);
}
