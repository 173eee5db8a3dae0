/** A cloud that answers as a test says, and a clock that only the test moves: for faults that a real cloud cannot repeat. */
import type { Cloud } from '../../../src/openstack/cloud.ts';
import type { Clock } from '../../../src/openstack/requests.ts';
import { Secret } from '../../../src/openstack/secret.ts';
import { OpenStackSession } from '../../../src/openstack/session.ts';
import type { HttpAnswer, HttpRequest, Transport } from '../../../src/openstack/transport.ts';

export const PASSWORD = 'pa55-of-careen';
export const KEYSTONE = 'https://keystone.test/v3';
export const NOVA = 'https://nova.test/v2.1';
export const PLACEMENT = 'https://placement.test';

const PLACEMENT_VERSION = { id: 'v1.0', max_version: '1.39', min_version: '1.0' };

export const CLOUD: Cloud = {
  name: 'lab',
  authUrl: KEYSTONE,
  credentials: {
    kind: 'password',
    user: { name: 'careen', domain: { name: 'Default' } },
    password: new Secret(PASSWORD),
    scope: { project: { id: 'p1' } },
  },
  region: 'RegionOne',
  interface: 'public',
  caText: undefined,
  verify: true,
};

export function answer(status: number, body?: unknown, headers: Record<string, string> = {}): HttpAnswer {
  return {
    ...{ status, headers: new Map(Object.entries(headers)) },
    text: body === undefined ? '' : JSON.stringify(body),
  };
}

/** An error of the network as undici gives it. */
export function networkError(code: string, syscall?: string): Error {
  const cause = Object.assign(new Error(code), { code, ...(syscall && { syscall }) });
  return new TypeError('fetch failed', { cause });
}

export type Reaction =
  HttpAnswer | Error | ((request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>);

export class ScriptedCloud {
  readonly clock = new ScriptedClock();
  /** Such as `GET https://nova.test/v2.1/servers`, in their order. */
  readonly requests: HttpRequest[] = [];
  endpoint = NOVA;
  versions: unknown = { version: { id: 'v2.1', version: '2.96', min_version: '2.1' } };
  lifetimeSeconds = 3600;
  tokens = 0;
  readonly #reactions = new Map<string, Reaction[]>();

  /** Whether its catalogue has Placement. */
  hasPlacement = false;

  /** How a request such as `GET https://…` is answered: by each reaction once, and by the last from then on. */
  on(request: string, ...reactions: readonly Reaction[]): void {
    this.#reactions.set(request, [...reactions]);
  }

  session(requestLimitMs = 10_000, cloud: Cloud = CLOUD): OpenStackSession {
    return new OpenStackSession(cloud, this.transport, { clock: this.clock, requestLimitMs });
  }

  asked(request: string): readonly HttpRequest[] {
    return this.requests.filter(({ method, url }) => `${method} ${url}` === request);
  }

  readonly transport: Transport = async (request, signal) => {
    this.requests.push(request);
    const name = `${request.method} ${request.url}`;
    const reactions = this.#reactions.get(name);
    const reaction = reactions && reactions.length > 1 ? reactions.shift() : reactions?.[0];
    if (reaction instanceof Error) throw reaction;
    if (typeof reaction === 'function') return reaction(request, signal);
    return reaction ?? this.#usual(name);
  };

  /** What Keystone and Nova answer unless the test says otherwise. */
  #usual(name: string): HttpAnswer {
    if (name === `POST ${KEYSTONE}/auth/tokens`) return this.token();
    if (name === `GET ${NOVA}/`) return answer(200, this.versions);
    if (name === `GET ${PLACEMENT}/`) return answer(200, { versions: [PLACEMENT_VERSION] });
    throw new Error(`the test has no answer to ${name}`);
  }

  /** The next token. Keystone's clock is a day ahead. */
  token(): HttpAnswer {
    this.tokens += 1;
    const issued = this.clock.now() + 86_400_000;
    const at = { interface: 'public', region_id: 'RegionOne' };
    const placement = { type: 'placement', endpoints: [{ ...at, url: PLACEMENT }] };
    const token = {
      issued_at: new Date(issued).toISOString(),
      expires_at: new Date(issued + this.lifetimeSeconds * 1000).toISOString(),
      user: { id: 'u1' },
      catalog: [
        { type: 'compute', endpoints: [{ ...at, url: this.endpoint }] },
        ...(this.hasPlacement ? [placement] : []),
      ],
    };
    return answer(201, { token }, { 'x-subject-token': `token-${String(this.tokens)}` });
  }
}

type Sleeper = { readonly untilMs: number; readonly wake: () => void };

class ScriptedClock implements Clock {
  #nowMs = Date.UTC(2026, 10, 27);
  readonly #sleepers = new Set<Sleeper>();

  readonly now = (): number => this.#nowMs;

  readonly sleep = async (milliseconds: number, signal: AbortSignal): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const sleeper = { untilMs: this.#nowMs + milliseconds, wake: () => resolve(undefined) };
    this.#sleepers.add(sleeper);
    signal.addEventListener('abort', () => reject(new Error('the sleep was aborted')));
    await promise.finally(() => this.#sleepers.delete(sleeper));
  };

  /** Lets this much time pass, after everything that needs none. */
  async advance(milliseconds: number): Promise<void> {
    await settled();
    this.#nowMs += milliseconds;
    for (const { untilMs, wake } of this.#sleepers) if (untilMs <= this.#nowMs) wake();
    await settled();
  }
}

/** Resolves when nothing is left to do without time or answers. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}
