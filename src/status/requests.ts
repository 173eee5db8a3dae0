import { ABORT_ANNOTATION, RELEASE_FINALIZER, REQUEST_ANNOTATION } from '../crds/names.ts';
import type { AnsweredRequest, PatchStrategyStatus } from '../crds/patch-strategy-status.ts';
import { parseAbort, parseRequest } from '../crds/request.ts';
import { truncate } from '../crds/truncate.ts';
import type { Answer, RunRequest } from '../engine/turn.ts';

const KEPT_ANSWERS = 10;

/** The parts of a stored object that requests and their answers stand in. */
export type Requested = {
  readonly metadata: {
    readonly annotations: Readonly<Record<string, string>>;
    readonly finalizers: readonly string[];
  };
  readonly status: PatchStrategyStatus;
};

export type PendingRequests = {
  /** What was not answered yet, an abort first: nothing overwrites it. */
  readonly requests: readonly RunRequest[];
  /** The answers to what cannot be read. */
  readonly refused: readonly Answer[];
  /** The ids of all that stands in the annotations, answered or not. */
  readonly placedIds: ReadonlySet<string>;
};

/** What people ask for in the annotations of a strategy and have no answer to. */
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
 * The answers as the status keeps them: the last ten, the newest last; above all those to what still stands in the
 * annotations, which would be taken for new without them.
 */
export function withAnswers(
  before: readonly AnsweredRequest[] | undefined,
  answers: readonly Answer[],
  time: string,
  standing: ReadonlySet<string>,
): { readonly requests?: AnsweredRequest[] } {
  const all = [
    ...(before ?? []),
    ...answers.map((answer) => ({ ...answer, message: truncate(answer.message), time })),
  ];
  const others = all.filter(({ id }) => !standing.has(id));
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

/** The answers to requests while there is no plan: whoever waits for one gets it. */
export function answersWithoutPlan(
  strategy: Requested,
  why: string,
  time: string,
): { readonly requests?: AnsweredRequest[] } {
  const pending = pendingRequests(strategy);
  const answers = refuseAll(pending, `there is no plan: ${why}`);
  return withAnswers(strategy.status.requests, answers, time, pending.placedIds);
}

/** Whether a request to carry the plan out waits for its answer. */
export function isApplyAsked(strategy: Requested): boolean {
  const asks: readonly RunRequest['verb'][] = ['apply-all', 'apply-stage', 'approve'];
  return pendingRequests(strategy).requests.some(({ verb }) => asks.includes(verb));
}

/**
 * The status as the next plan is built from it. Where it was lost (the finalizer says that hosts were taken before), the
 * answers went with it: what stands in the annotations may have been carried out, so it is refused, never done again.
 */
export function withoutOldRequests(strategy: Requested, time: string): PatchStrategyStatus {
  const { status, metadata } = strategy;
  const lost = !status.run && !status.requests && metadata.finalizers.includes(RELEASE_FINALIZER);
  if (!lost) return status;
  const pending = pendingRequests(strategy);
  const why = 'the status was lost, and with it whether this was carried out: place it again with another id';
  return { ...status, ...withAnswers(undefined, refuseAll(pending, why), time, pending.placedIds) };
}

function unreadable(id: string, message: string): Answer {
  return { id, answer: 'refused', message };
}
