/** The faults of the simulated cloud. As with the cluster, each seed has its own mix of a few kinds. */
import type { HttpAnswer, HttpRequest } from '../../../src/openstack/transport.ts';
import type { Random } from '../world/random.ts';
import type { Owner } from '../world/scheduler.ts';
import type { CloudFortune } from './cloud-connection.ts';
import type { MoveFate } from './nova-moves.ts';
import type { CloudServer, MigrationType } from './nova-state.ts';

/** The kinds that only the cloud has. */
export const CLOUD_FAULTS = [
  ...(['Nova: request lost', 'Nova: answer lost', 'Nova: 409', 'Nova: 429', 'Nova: 503'] as const),
  ...(['Nova: slow answer', 'Nova: outage', 'Nova: crash at a write', 'Nova: stop at a write'] as const),
  ...(['token revoked', 'migration fails late', 'request to move forgotten', 'migration cut off'] as const),
  ...(['migration breaks the server', 'service disabled', 'service enabled', 'reason replaced'] as const),
  ...(['server moved by a person', 'server created', 'server deleted', 'server stopped'] as const),
  ...([
    'server resized',
    'compute host down',
    'Nova restarted on a host',
    'claim of a compute host removed',
  ] as const),
] as const;
export type CloudFaultKind = (typeof CLOUD_FAULTS)[number];

const WRITES = ['disable', 'enable', 'move', 'confirm', 'cancel'] as const;
type CloudWrite = (typeof WRITES)[number];

/** The write that a request is; undefined for a read. */
export function cloudWriteOf({ method, body = '' }: HttpRequest): CloudWrite | undefined {
  switch (method) {
    case 'PUT':
      return body.includes('disabled_reason') ? 'disable' : 'enable';
    case 'DELETE':
      return 'cancel';
    case 'POST':
      if (body.includes('"auth"')) return undefined;
      return body.includes('confirmResize') ? 'confirm' : 'move';
    default:
      return undefined;
  }
}

/** The share of seeds in which a kind is switched on. */
const SWITCHED_ON = 0.35;
const RETRIED_MS = 45_000;

export type CloudFaultsOptions = {
  readonly now: () => number;
  readonly random: Random;
  /** Nothing goes wrong but a few moves. */
  readonly isCalm: boolean;
  readonly note: (kind: CloudFaultKind, about: string) => void;
  /** Stops a process for so long, just before this write. */
  readonly stall: (owner: Owner, milliseconds: number, write: string) => void;
  readonly crash: (owner: Owner, write: string, when: 'before' | 'after') => void;
};

type Rates = Readonly<Record<'request' | 'answer' | 'conflict' | 'busy' | 'broken' | 'slow', number>>;
type Point = { readonly write: CloudWrite; readonly when: 'before' | 'after'; left: number };

export class CloudFaults {
  readonly #options: CloudFaultsOptions;
  readonly #rates: Rates;
  readonly #moves: Readonly<Record<'late' | 'forgotten' | 'cut' | 'broken', number>>;
  readonly #crashes: Point[];
  readonly #stalls: { readonly write: CloudWrite; left: number }[];
  /** The hosts and servers about which an answer was lost or late. */
  readonly #troubled = new Set<string>();
  #lateUntil = 0;
  #outageUntil = 0;
  #isOver = false;

  constructor(options: CloudFaultsOptions) {
    const { random, isCalm } = options;
    this.#options = options;
    const rate = (highest: number): number =>
      random.chance(SWITCHED_ON) && !isCalm ? random.next() * highest : 0;
    this.#rates = {
      ...{ request: rate(0.03), answer: rate(0.06), conflict: rate(0.3), busy: rate(0.05) },
      ...{ broken: rate(0.05), slow: rate(0.08) },
    };
    const share = (highest: number): number => (random.chance(SWITCHED_ON) ? random.next() * highest : 0);
    this.#moves = {
      ...{ late: share(isCalm ? 0.1 : 0.5), forgotten: share(isCalm ? 0.05 : 0.25) },
      ...{ cut: isCalm ? 0 : share(0.3), broken: isCalm ? 0 : share(0.15) },
    };
    const count = isCalm ? 0 : random.pick([0, 1, 1, 2]);
    this.#crashes = Array.from({ length: count }, () => ({
      ...{ write: random.pick(WRITES), when: random.pick(['before', 'after'] as const) },
      left: random.int(1, 3),
    }));
    this.#stalls = Array.from({ length: isCalm ? 0 : random.pick([0, 0, 1, 1, 2]) }, () => ({
      ...{ write: random.pick(WRITES), left: random.int(1, 4) },
    }));
  }

  /** From now on there are no faults. */
  stop(): void {
    this.#isOver = true;
    this.#outageUntil = 0;
  }

  /** Nova does not answer for a while. */
  breakDown(milliseconds: number): void {
    if (this.#isOver) return;
    this.#options.note('Nova: outage', `${String(milliseconds)} ms`);
    this.#outageUntil = this.#options.now() + milliseconds;
    this.#areLate(milliseconds + RETRIED_MS);
  }

  fortuneOf(owner: Owner, request: HttpRequest): CloudFortune {
    const { random, now } = this.#options;
    const calm = { thereMs: random.int(1, 20), backMs: random.int(1, 40) };
    if (this.#isOver) return calm;
    const write = cloudWriteOf(request);
    const about = `${request.method} ${request.url.replace(/^http:\/\/[^/]+/, '')}`;
    const crash = write && this.#crashAt(write);
    if (crash) return { ...calm, crash };
    const stallMs = write && this.#stallAt(write);
    if (stallMs !== undefined) {
      this.#trouble(request);
      this.#options.note('Nova: stop at a write', about);
      this.#options.stall(owner, stallMs, write ?? '');
      return { ...calm, thereMs: stallMs + random.int(1, 2_000) };
    }
    if (now() < this.#outageUntil) return { ...calm, lost: 'request' };
    const refusal = this.#refusal(about, write);
    if (refusal) this.#areLate(RETRIED_MS);
    if (refusal) return { ...calm, refusal };
    const lost = this.#strikes('request', 'Nova: request lost', about)
      ? 'request'
      : this.#strikes('answer', 'Nova: answer lost', about)
        ? 'answer'
        : undefined;
    if (lost) this.#trouble(request);
    if (lost) return { ...calm, lost };
    if (!this.#strikes('slow', 'Nova: slow answer', about)) return calm;
    this.#trouble(request);
    return { thereMs: random.int(1, 3_000), backMs: random.int(1_000, 20_000) };
  }

  died(owner: Owner, request: HttpRequest, when: 'before' | 'after'): void {
    this.#options.note('Nova: crash at a write', `${owner.name}, ${when} ${cloudWriteOf(request) ?? ''}`);
    this.#options.crash(owner, cloudWriteOf(request) ?? '', when);
  }

  /** How a move ends. */
  fateOf({ id }: CloudServer, type: MigrationType): MoveFate {
    const { random, note } = this.#options;
    const milliseconds = random.chance(0.15) ? random.int(20_000, 60_000) : random.int(2_000, 15_000);
    if (this.#isOver) return { end: 'success', milliseconds };
    const { late, forgotten, cut, broken } = this.#moves;
    const draw = random.next();
    if (draw < late) {
      note('migration fails late', id);
      return { end: 'late error', milliseconds };
    }
    if (draw < late + forgotten) {
      note('request to move forgotten', id);
      return { end: 'forgotten', milliseconds };
    }
    if (draw < late + forgotten + cut && type === 'live-migration') {
      note('migration cut off', id);
      return { end: 'cut off', milliseconds };
    }
    if (draw > 1 - broken) {
      note('migration breaks the server', id);
      return { end: 'broken', milliseconds };
    }
    return { end: 'success', milliseconds };
  }

  /** Whether every answer about a host or a server reached its sender, and soon. */
  wasAnswered(id: string): boolean {
    return !this.#troubled.has(id);
  }

  get isViewFresh(): boolean {
    return this.#options.now() > this.#lateUntil;
  }

  #areLate(milliseconds: number): void {
    this.#lateUntil = Math.max(this.#lateUntil, this.#options.now() + milliseconds);
  }

  #trouble({ url }: HttpRequest): void {
    for (const part of new URL(url).pathname.split('/')) this.#troubled.add(part);
    this.#areLate(RETRIED_MS);
  }

  #strikes(rate: keyof Rates, kind: CloudFaultKind, about: string): boolean {
    const strikes = this.#options.random.chance(this.#rates[rate]);
    if (strikes) this.#options.note(kind, about);
    return strikes;
  }

  #refusal(about: string, write: CloudWrite | undefined): HttpAnswer | undefined {
    const { random } = this.#options;
    const answer = (
      status: number,
      message: string,
      headers: ReadonlyMap<string, string> = new Map(),
    ): HttpAnswer => ({
      ...{ status, headers },
      text: JSON.stringify({ fault: { code: status, message } }),
    });
    if (this.#strikes('busy', 'Nova: 429', about))
      return answer(429, 'Too many requests', new Map([['retry-after', String(random.int(1, 10))]]));
    if (this.#strikes('broken', 'Nova: 503', about))
      return answer(random.pick([500, 502, 503]), 'Unavailable');
    if (write === 'move' && this.#strikes('conflict', 'Nova: 409', about))
      return answer(409, 'Cannot migrate while the instance is locked');
    return undefined;
  }

  #crashAt(write: CloudWrite): 'before' | 'after' | undefined {
    const crash = this.#crashes.find((each) => each.write === write && each.left-- <= 1);
    if (!crash) return undefined;
    this.#crashes.splice(this.#crashes.indexOf(crash), 1);
    return crash.when;
  }

  #stallAt(write: CloudWrite): number | undefined {
    const stall = this.#stalls.find((each) => each.write === write && each.left-- <= 1);
    if (!stall) return undefined;
    this.#stalls.splice(this.#stalls.indexOf(stall), 1);
    return this.#options.random.int(30_000, 150_000);
  }
}
