/**
 * Requests in the annotations of a strategy, and their answers in its status. An abort and another request are told
 * apart by their annotation, so the same id in both names two requests.
 */
import {
  ABORT_ANNOTATION,
  RELEASE_FINALIZER,
  REQUEST_ANNOTATION,
  SEEN_ANNOTATION,
} from '../../crds/names.ts';
import type { StrategySpec } from '../../crds/spec/strategy-spec.ts';
import type { AnsweredRequest } from '../../crds/observed/answered-request.ts';
import type { StrategyStatus } from '../../crds/observed/strategy-status.ts';
import { parseAbort, parseRequest } from '../../crds/observed/request.ts';
import { statusText } from '../../crds/text/status-text.ts';
import type { Answer, RunRequest } from '../../engine/turn.ts';
import { digest, specDigest } from '../../planner/digest.ts';
import { isPlacedHere, type Origin } from './request-origin.ts';

const KEPT_ANSWERS = 10;

/** Marks an answered request that no annotation holds any more. */
const NOWHERE = 'none';

/** The parts of a stored object that hold requests and their answers. */
export type Requested = {
  readonly metadata: Origin & {
    readonly uid: string;
    readonly annotations: Readonly<Record<string, string>>;
    readonly finalizers: readonly string[];
  };
  readonly spec: StrategySpec;
  readonly status: StrategyStatus;
};

/** Tells requests apart: by their annotation, and by their id in it. */
export function requestKey({
  id,
  verb,
}: {
  readonly id: string;
  readonly verb?: string | undefined;
}): string {
  return `${verb === 'abort' ? 'abort' : 'request'}/${id}`;
}

export type PendingRequests = {
  /** The unanswered requests, an abort first: it has an annotation of its own, so no other request overwrites it. */
  readonly requests: readonly RunRequest[];
  /** The answers to unreadable requests, and to one that waited while the spec was edited. */
  readonly refused: readonly Answer[];
  /** All requests in the annotations, answered or not. */
  readonly placed: Placed;
};

/** The digest of each annotation, by the key of the request that it holds. */
export type Placed = ReadonlyMap<string, string>;

/** The requests in the annotations of a strategy that have no answer yet. */
export function pendingRequests({ metadata: { annotations }, spec, status }: Requested): PendingRequests {
  const entries = new Map(status.requests?.map((each) => [requestKey(each), each]));
  const abort = annotations[ABORT_ANNOTATION];
  const request = annotations[REQUEST_ANNOTATION];
  const aborts = abort === undefined ? [] : [{ verb: 'abort' as const, ...parseAbort(abort) }];
  const others = request === undefined ? [] : [parseRequest(request)];
  const placed = new Map([
    ...aborts.map((each) => [requestKey(each), digest(abort)] as const),
    ...others.map((each) => [requestKey(each), digest(request)] as const),
  ]);
  const requests: RunRequest[] = [];
  const refused: Answer[] = [];
  for (const each of [...aborts, ...others]) {
    const entry = entries.get(requestKey(each));
    if (entry && entry.answer !== 'waiting') continue;
    if ('unreadable' in each) refused.push(refusal(each, each.unreadable));
    else if (entry && entry.specDigest !== specDigest(spec)) refused.push(refusal(each, EDITED));
    else requests.push(each);
  }
  return { requests, refused, placed };
}

const EDITED =
  'the spec was edited after this was placed: review the plan, then place it again with another id';

/** The requests that a pass did not answer: they wait, and are valid for the present spec only. */
export function waitingRequests(
  { requests }: PendingRequests,
  answers: readonly Answer[],
  spec: StrategySpec,
): readonly WaitingRequest[] {
  const answered = new Set(answers.map(requestKey));
  return requests
    .filter((each) => !answered.has(requestKey(each)))
    .map(({ id, verb }) => ({
      ...{ id, verb, answer: 'waiting', specDigest: specDigest(spec) },
      message: 'it is answered when Suspend ends; an edit of the spec before that ends it',
    }));
}

export type WaitingRequest = Omit<AnsweredRequest, 'time' | 'answer'> & { readonly answer: 'waiting' };

/**
 * The requests that the status keeps: the last ten, the newest last. The answer to a request that is still in the
 * annotations is never dropped: without it the request would count as new. A waiting request that was withdrawn is
 * dropped, and one that waits on keeps its time. Each records the annotation that holds it.
 */
export function withAnswers(
  before: readonly AnsweredRequest[] | undefined,
  answers: readonly (Answer | WaitingRequest)[],
  time: string,
  placed: Placed,
): { readonly requests?: AnsweredRequest[] } {
  const now = new Map(answers.map((each) => [requestKey(each), each]));
  const waits = (key: string): boolean =>
    placed.has(key) && (now.get(key)?.answer ?? 'waiting') === 'waiting';
  const kept = (before ?? []).filter((each) => each.answer !== 'waiting' || waits(requestKey(each)));
  const known = new Set(kept.map(requestKey));
  const all = [
    ...kept,
    ...answers
      .filter((each) => !known.has(requestKey(each)))
      .map((each) => ({ ...each, message: statusText(each.message), time })),
  ];
  const others = all.filter((each) => !placed.has(requestKey(each)));
  const surplus = new Set(others.slice(0, Math.max(0, all.length - KEPT_ANSWERS)));
  const remaining = all.filter((each) => !surplus.has(each));
  return all.length > 0 ? { requests: remaining.map((each) => ({ ...each, ...placeOf(each, placed) })) } : {};
}

function placeOf(request: AnsweredRequest, placed: Placed): Pick<AnsweredRequest, 'placed'> {
  return { placed: placed.get(requestKey(request)) ?? NOWHERE };
}

/**
 * Whether somebody has placed an answered request again between these two records of it, or another request with its id.
 * An earlier version recorded no place.
 */
export function isPlacedAgain(before: AnsweredRequest, after: AnsweredRequest): boolean {
  return (
    before.placed !== undefined &&
    after.placed !== undefined &&
    after.placed !== NOWHERE &&
    after.placed !== before.placed
  );
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
  return withAnswers(strategy.status.requests, answers, time, pending.placed);
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
 * status. Its answers would be lost, too: the requests in its annotations may have been carried out already. They are
 * refused, except where they were placed on this very object and nobody has seen them yet. The first write of the status
 * stores these refusals together with the uid.
 */
export function withoutOldRequests(strategy: Requested, time: string): StrategyStatus {
  const { status, metadata } = strategy;
  if (status.uid !== undefined || status.run || status.requests) return status;
  const { annotations, finalizers, uid } = metadata;
  const isLost = finalizers.includes(RELEASE_FINALIZER) || annotations[SEEN_ANNOTATION] === uid;
  const old = Object.entries(annotations).filter(([key]) => isLost || !isPlacedHere(metadata, key));
  const pending = pendingRequests({
    ...strategy,
    metadata: { ...metadata, annotations: Object.fromEntries(old) },
  });
  const cause = isLost
    ? 'the status was lost, so this may have been carried out already'
    : 'this came with the object, as in a restored copy, or the spec was edited since, so it may be an old one';
  const refusals = refuseAll(pending, `${cause}: place it again with another id`);
  return { ...status, ...withAnswers(undefined, refusals, time, pending.placed) };
}

function refusal({ id, verb }: { readonly id: string; readonly verb?: string }, message: string): Answer {
  return { id, ...(verb === undefined ? {} : { verb }), answer: 'refused', message };
}
