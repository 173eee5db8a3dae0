/** A request as a person asks for it, and the annotation that places it. Pure. */
import { ABORT_ANNOTATION, REQUEST_ANNOTATION } from '../../crds/names.ts';
import { parseAbort, parseRequest, type Request } from '../../crds/observed/request.ts';
import { pendingRequests, requestKey, type Requested } from '../../status/requests/requests.ts';

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

/** What is asked for; its id is made when it is placed. */
export type Wish = WithoutId<Request> | { readonly verb: 'abort'; readonly stage?: number };

/** An annotation that is ready to be written. */
export type Placement = {
  readonly id: string;
  readonly verb: Wish['verb'];
  readonly annotation: string;
  readonly value: string;
  /** By which its answer is found. */
  readonly key: string;
};

export function placementOf(wish: Wish, id: string): Placement {
  const { verb } = wish;
  const key = requestKey({ id, verb });
  if (verb !== 'abort')
    return { id, verb, annotation: REQUEST_ANNOTATION, value: JSON.stringify({ id, ...wish }), key };
  const value = wish.stage === undefined ? id : `${id}/${String(wish.stage)}`;
  return { id, verb, annotation: ABORT_ANNOTATION, value, key };
}

/**
 * A new id: who asked, when, and a few letters of chance, such as `jane-20261127-001512-x7k2`.
 * @param chance from 0 up to 1
 */
export function freshId(user: string | undefined, now: Date, chance: number): string {
  const who = (user ?? '').replaceAll(/[^A-Za-z0-9._-]/g, '').slice(0, 30) || 'careen';
  const [date = '', time = ''] = now.toISOString().split('T');
  const letters = Math.floor(chance * 36 ** 4)
    .toString(36)
    .padStart(4, '0');
  return `${who}-${date.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}-${letters}`;
}

/**
 * Why a request must not be placed now: it would replace one that has no answer yet. Undefined when it may be.
 * @param command how kubectl names the object, such as `-n careen-hosts patchstrategy/kernel`
 */
export function mayNotBePlaced(
  strategy: Requested,
  { annotation }: Pick<Placement, 'annotation'>,
  object: { readonly words: string; readonly command: string },
): string | undefined {
  const value = strategy.metadata.annotations[annotation];
  const before = value === undefined ? undefined : unansweredIn(strategy, annotation, value);
  if (before === undefined) return undefined;
  return (
    `request ${before.id}${before.verb === undefined ? '' : ` (${before.verb})`} of ${object.words} has no answer yet: ` +
    `wait for it, or withdraw it by kubectl annotate ${object.command} ${annotation}-`
  );
}

function unansweredIn(
  strategy: Requested,
  annotation: string,
  value: string,
): { readonly id: string; readonly verb?: string } | undefined {
  const placed =
    annotation === ABORT_ANNOTATION ? { verb: 'abort', ...parseAbort(value) } : parseRequest(value);
  const { requests, refused } = pendingRequests(strategy);
  const key = requestKey(placed);
  return [...requests, ...refused].find((each) => requestKey(each) === key);
}
