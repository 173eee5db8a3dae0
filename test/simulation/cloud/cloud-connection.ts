/** Carries the requests of a process to the simulated cloud, and the answers back, or loses them. */
import type { HttpAnswer, HttpRequest, Transport } from '../../../src/openstack/transport.ts';
import type { Owner, Scheduler } from '../world/scheduler.ts';
import type { NovaApi } from './nova-api.ts';

/** The fate of one request. */
export type CloudFortune = {
  /** The delay on the way there, and back. */
  readonly thereMs: number;
  readonly backMs: number;
  /** Answered without being carried out. */
  readonly refusal?: HttpAnswer;
  readonly lost?: 'request' | 'answer';
  /** The process dies before the request leaves, or after it was carried out and before its answer. */
  readonly crash?: 'before' | 'after';
};

export type CloudConnectionOptions = {
  readonly api: NovaApi;
  readonly scheduler: Scheduler;
  readonly fortuneOf: (owner: Owner, request: HttpRequest) => CloudFortune;
  readonly crash: (owner: Owner, request: HttpRequest, when: 'before' | 'after') => void;
  /** A request is carried out; `sentAt` is when its sender decided to send it. */
  readonly arrives: (owner: Owner, request: HttpRequest, sentAt: number) => void;
  /** The sender learns what Nova knew at a time. */
  readonly answered: (owner: Owner, request: HttpRequest, knownAt: number) => void;
};

/** The system notices a broken connection after a while. */
const RESET_MS = 1_500;

export function cloudConnection(options: CloudConnectionOptions, owner: Owner): Transport {
  const { api, scheduler, fortuneOf, crash, arrives, answered } = options;
  return async (request, signal) =>
    new Promise((resolve, reject) => {
      if (!owner.isAlive) return;
      if (signal.aborted) return reject(reasonOf(signal));
      const sentAt = scheduler.now;
      const fortune = fortuneOf(owner, request);
      if (fortune.crash === 'before') return crash(owner, request, 'before');
      signal.addEventListener('abort', () => reject(reasonOf(signal)), { once: true });
      const fail = (): void => reject(new TypeError('fetch failed', { cause: new Error('read ECONNRESET') }));
      if (fortune.lost === 'request') {
        scheduler.after(RESET_MS, fail, owner);
        return;
      }
      scheduler.after(fortune.thereMs, () => {
        const knownAt = scheduler.now;
        if (!fortune.refusal) arrives(owner, request, sentAt);
        const answer = fortune.refusal ?? api.answer(request, owner.name);
        if (fortune.crash === 'after') return crash(owner, request, 'after');
        if (fortune.lost === 'answer') scheduler.after(RESET_MS, fail, owner);
        else
          scheduler.after(
            fortune.backMs,
            () => {
              if (!signal.aborted && !fortune.refusal) answered(owner, request, knownAt);
              resolve(answer);
            },
            owner,
          );
      });
    });
}

function reasonOf({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason });
}
