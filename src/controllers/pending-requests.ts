import { ABORT_ANNOTATION, REQUEST_ANNOTATION } from '../crds/names.ts';
import type { AnsweredRequest } from '../crds/patch-strategy-status.ts';
import { parseAbort, parseRequest } from '../crds/request.ts';
import { clip } from '../engine/clip.ts';
import type { Answer, RunRequest } from '../engine/requests.ts';
import type { PatchStrategy } from './careen-api.ts';

const KEPT_ANSWERS = 10;

export type PendingRequests = {
  /** What was not answered yet, an abort first: nothing overwrites it. */
  readonly requests: readonly RunRequest[];
  /** The answers to what cannot be read. */
  readonly refused: readonly Answer[];
};

/** What people ask for in the annotations of a strategy and have no answer to. */
export function pendingRequests({ metadata: { annotations }, status }: PatchStrategy): PendingRequests {
  const answered = new Set(status.requests?.map(({ id }) => id));
  const abort = annotations[ABORT_ANNOTATION];
  const request = annotations[REQUEST_ANNOTATION];
  const parsed = [
    ...(abort === undefined ? [] : [{ verb: 'abort' as const, ...parseAbort(abort) }]),
    ...(request === undefined ? [] : [parseRequest(request)]),
  ].filter(({ id }) => !answered.has(id));
  return {
    requests: parsed.flatMap((each) => ('unreadable' in each ? [] : [each])),
    refused: parsed.flatMap((each) => ('unreadable' in each ? [unreadable(each.id, each.unreadable)] : [])),
  };
}

/** The answers as the status keeps them: the last ten, the newest last. */
export function withAnswers(
  before: readonly AnsweredRequest[] | undefined,
  answers: readonly Answer[],
  time: string,
): { readonly requests?: AnsweredRequest[] } {
  const all = [
    ...(before ?? []),
    ...answers.map((answer) => ({ ...answer, message: clip(answer.message), time })),
  ];
  return all.length > 0 ? { requests: all.slice(-KEPT_ANSWERS) } : {};
}

/** The answer to every request while there is no plan. */
export function refuseAll({ requests, refused }: PendingRequests, why: string): readonly Answer[] {
  return [
    ...refused,
    ...requests.map(({ id, verb }): Answer => ({
      id,
      verb,
      answer: 'refused',
      message: `there is no plan: ${why}`,
    })),
  ];
}

function unreadable(id: string, message: string): Answer {
  return { id, answer: 'refused', message };
}
