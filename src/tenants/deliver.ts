/** Sends one event to one webhook, and says what became of it. */
import { z } from 'zod';
import { cloudEvent, CLOUD_EVENT_TYPE } from './cloud-event.ts';
import { eventAlarm } from './event-alarm.ts';
import { PostError, type PostAnswer, type PostTransport } from './post.ts';
import type { ReplyLinks } from './reply-links.ts';
import { signature, SIGNATURE_HEADER } from './signature.ts';
import type { ProjectEvent, ToldSession } from './told.ts';
import type { WebhookTarget } from './webhook-target.ts';

/** The answer of a project, in the words of Fenix. */
export type GivenAnswer = {
  readonly state: string;
  readonly instanceActions?: Readonly<Record<string, string>> | undefined;
};

export type Delivery =
  /** The receiver has it. `problem`: its response was to be an answer, and is none. */
  | { readonly kind: 'delivered'; readonly answer?: GivenAnswer; readonly problem?: string }
  /** It is to be sent again, not before `at` (Unix time in milliseconds). */
  | { readonly kind: 'later'; readonly at: number; readonly reason: string }
  /** It would be refused again. */
  | { readonly kind: 'refused'; readonly reason: string };

export type DeliveryMeans = {
  readonly transport: PostTransport;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** From 0 to 1, not 1: spreads the repetitions of many. */
  readonly jitter: () => number;
  readonly links: ReplyLinks | undefined;
};

export type Sending = {
  readonly event: ProjectEvent;
  readonly session: ToldSession;
  readonly target: WebhookTarget;
  /** When the event was sent first, and how many attempts in a row have failed at this target. */
  readonly firstAt: number;
  readonly failures: number;
};

/** Throws only the reason of the signal. */
export async function deliver(
  means: DeliveryMeans,
  sending: Sending,
  signal: AbortSignal,
): Promise<Delivery> {
  const { target } = sending;
  const message = messageOf(means, sending);
  if ('refusal' in message) return { kind: 'refused', reason: message.refusal };
  try {
    const { url, ca, bounds, timeoutSeconds } = target;
    const { headers, body } = message;
    const timeoutMs = timeoutSeconds * 1000;
    return judge(
      means,
      sending,
      await means.transport({ url, headers, body, timeoutMs, ca, bounds }, signal),
    );
  } catch (error) {
    if (!(error instanceof PostError)) throw error;
    return later(means, sending, error.message);
  }
}

type Message = { readonly headers: Readonly<Record<string, string>>; readonly body: string };

function messageOf({ now, links }: DeliveryMeans, sending: Sending): Message | { readonly refusal: string } {
  const { event, session, target, firstAt } = sending;
  const common = { 'User-Agent': 'careen', Accept: 'application/json' };
  if (target.format === 'EventAlarm') {
    if (!links)
      return {
        refusal: 'format EventAlarm needs the server of answers, which is not configured: use CloudEvents',
      };
    const alarm = eventAlarm(event, session, links);
    if (typeof alarm === 'string') return { refusal: alarm };
    const body = JSON.stringify(alarm);
    return {
      headers: { ...common, 'Content-Type': 'application/json', ...signed(target, now(), body) },
      body,
    };
  }
  const body = JSON.stringify(cloudEvent(event, session, { at: firstAt, links }));
  return { headers: { ...common, 'Content-Type': CLOUD_EVENT_TYPE, ...signed(target, now(), body) }, body };
}

/** The time is that of the attempt: the receiver refuses old ones. */
function signed({ secret }: WebhookTarget, now: number, body: string): Record<string, string> {
  return secret ? { [SIGNATURE_HEADER]: signature(secret(), Math.floor(now / 1000), body) } : {};
}

/** Other failures of the receiver are its opinion of this notification; these may pass when somebody repairs it. */
const MAY_PASS = [401, 403, 404, 408, 423, 425, 429];

function judge(means: DeliveryMeans, sending: Sending, { status, retryAfter, text }: PostAnswer): Delivery {
  if (status >= 200 && status < 300) return delivered(sending, status, text);
  if (status >= 300 && status < 400) {
    const reason = `the receiver answered ${String(status)}: redirects are not followed; set spec.url to the new address`;
    return { kind: 'refused', reason };
  }
  const reason = `the receiver answered ${String(status)}`;
  if (status >= 500 || MAY_PASS.includes(status)) return later(means, sending, reason, retryAfter);
  return { kind: 'refused', reason };
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** Half of the pause is fixed, half by chance: the first one is up to a second, and each is twice as long, up to 30 s. */
function later(
  { now, jitter }: DeliveryMeans,
  { failures }: Sending,
  reason: string,
  retryAfter?: string,
): Delivery {
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 10));
  const wished = /^\d{1,4}$/.test(retryAfter ?? '')
    ? Math.min(LONGEST_PAUSE_MS, Number(retryAfter) * 1000)
    : 0;
  return { kind: 'later', at: Math.ceil(now() + Math.max(wished, pause * (0.5 + jitter() / 2))), reason };
}

const answerSchema = z.object({
  state: z.string().max(64),
  instance_actions: z.record(z.string().max(63), z.string().max(64)).optional(),
  /** In place of the above, where the question is about one instance. */
  instance_action: z.string().max(64).optional(),
});

/** Only 200 brings an answer: with any other success the receiver says that it answers later. */
function delivered({ event }: Sending, status: number, text: string | undefined): Delivery {
  if (status !== 200 || text?.trim() === '') return { kind: 'delivered' };
  if (event.replyBy === undefined) return { kind: 'delivered' };
  const answer = answerIn(text, event.instance);
  if (answer) return { kind: 'delivered', answer };
  const form = `{"state": "ACK_${event.state}", "instance_actions": {"<instance>": "MIGRATE"}}`;
  const problem = `the response 200 is no answer: send ${form}, or 202 without a body to answer later`;
  return { kind: 'delivered', problem };
}

function answerIn(text: string | undefined, instance: string | undefined): GivenAnswer | undefined {
  try {
    const answer = answerSchema.parse(JSON.parse(text ?? ''));
    const { state, instance_actions: all, instance_action: one } = answer;
    const instanceActions = instance === undefined || one === undefined ? all : { [instance]: one };
    return { state, ...(instanceActions ? { instanceActions } : {}) };
  } catch {
    return undefined;
  }
}
