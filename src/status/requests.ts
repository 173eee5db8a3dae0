import { ABORT_ANNOTATION, RELEASE_FINALIZER, REQUEST_ANNOTATION } from '../crds/names.ts';
import type { AnsweredRequest, PatchStrategyStatus } from '../crds/patch-strategy-status.ts';
import { parseAbort, parseRequest } from '../crds/request.ts';
import { statusText } from '../crds/status-text.ts';
import type { Answer, RunRequest } from '../engine/turn.ts';

const KEPT_ANSWERS = 10;

/** The parts of a stored object that hold requests and their answers. */
export type Requested = {
  readonly metadata: {
    readonly annotations: Readonly<Record<string, string>>;
    readonly finalizers: readonly string[];
  };
  readonly status: PatchStrategyStatus;
};

export type PendingRequests = {
  /** The unanswered requests, an abort first: it has an annotation of its own, so no other request overwrites it. */
  readonly requests: readonly RunRequest[];
  /** The answers to unreadable requests. */
  readonly refused: readonly Answer[];
  /** The ids of all requests in the annotations, answered or not. */
  readonly placedIds: ReadonlySet<string>;
};

/** The requests in the annotations of a strategy that have no answer yet. */
export function pendingRequests({ metadata: { annotations }, status }: Requested): PendingRequests {
  const answered = new Set(status.requests?.map(({ id }) => id));
  const abort = annotations[ABORT_ANNOTATION];
  const request = annotations[REQUEST_ANNOTATION];
  const placed = [
    ...(abort === undefined ? [] : [{ verb: 'abort' as const, ...parseAbort(abort) }]),
    ...(request === undefined ? [] : [parseRequest(request)]),
  ];
  const parsed = placed.filter(({ id }) => !answered.has(id));
  return {
    requests: parsed.flatMap((each) => ('unreadable' in each ? [] : [each])),
    refused: parsed.flatMap((each) => ('unreadable' in each ? [unreadable(each.id, each.unreadable)] : [])),
    placedIds: new Set(placed.map(({ id }) => id)),
  };
}

/**
 * The answers that the status keeps: the last ten, the newest last. The answer to a request that is still in the
 * annotations is never dropped: without it the request would count as new.
 */
export function withAnswers(
  before: readonly AnsweredRequest[] | undefined,
  answers: readonly Answer[],
  time: string,
  placedIds: ReadonlySet<string>,
): { readonly requests?: AnsweredRequest[] } {
  const all = [
    ...(before ?? []),
    ...answers.map((answer) => ({ ...answer, message: statusText(answer.message), time })),
  ];
  const others = all.filter(({ id }) => !placedIds.has(id));
  const surplus = new Set(others.slice(0, Math.max(0, all.length - KEPT_ANSWERS)));
  return all.length > 0 ? { requests: all.filter((each) => !surplus.has(each)) } : {};
}

/** Refuses every request for the same reason. */
export function refuseAll({ requests, refused }: PendingRequests, message: string): readonly Answer[] {
  return [
    ...refused,
    ...requests.map(({ id, verb }): Answer => ({
      id,
      verb,
      answer: 'refused',
      message,
    })),
  ];
}

/** The answers to requests while there is no plan: each is refused, for the reason `why`. */
export function answersWithoutPlan(
  strategy: Requested,
  why: string,
  time: string,
): { readonly requests?: AnsweredRequest[] } {
  const pending = pendingRequests(strategy);
  const answers = refuseAll(pending, `there is no plan: ${why}`);
  return withAnswers(strategy.status.requests, answers, time, pending.placedIds);
}

/** Whether a request to apply the plan waits for its answer. */
export function isApplyAsked(strategy: Requested): boolean {
  const asks: readonly RunRequest['verb'][] = ['apply-all', 'apply-stage', 'approve'];
  return pendingRequests(strategy).requests.some(({ verb }) => asks.includes(verb));
}

/** Whether a request asks a finished strategy for another plan: apply-all, for no plan in particular. */
export function isRestAsked(strategy: Requested): boolean {
  return pendingRequests(strategy).requests.some(
    (request) => request.verb === 'apply-all' && request.plan === undefined,
  );
}

/**
 * The status from which the next plan is built. An object without a status of ours is new, restored, or has lost its
 * status. Its answers would be lost, too: the requests in its annotations may have been carried out already, so they are
 * refused. The first write of the status stores these refusals together with the uid.
 */
export function withoutOldRequests(strategy: Requested, time: string): PatchStrategyStatus {
  const { status, metadata } = strategy;
  if (status.uid !== undefined || status.run || status.requests) return status;
  const pending = pendingRequests(strategy);
  const cause = metadata.finalizers.includes(RELEASE_FINALIZER)
    ? 'the status was lost'
    : 'it was placed before this object had a status, as in a restored copy';
  const why = `${cause}, so this may have been carried out already: place it again with another id`;
  return { ...status, ...withAnswers(undefined, refuseAll(pending, why), time, pending.placedIds) };
}

function unreadable(id: string, message: string): Answer {
  return { id, answer: 'refused', message };
}
