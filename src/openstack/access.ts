/** The access to a cloud: one token at a time, renewed before it expires, and shared by all callers. */
import type { Catalogue } from './catalogue.ts';
import { userOf, type Cloud } from './cloud.ts';
import { OpenStackError } from './errors.ts';
import { tokenIn, tokenRequest } from './identity.ts';
import { ask, jsonHeaders, type Means } from './requests.ts';
import type { Secret } from './secret.ts';

export type Access = {
  readonly token: Secret;
  readonly renewAtMs: number;
  readonly userId: string;
  readonly catalogue: Catalogue;
};

/** A token is renewed when this is left of its lifetime, or a tenth of a short one: a request may take a while. */
const MARGIN_MS = 120_000;
/** Keystone can lock a user out after several wrong passwords. */
const PAUSE_AFTER_REFUSAL_MS = 30_000;

export class AccessKeeper {
  readonly #cloud: Cloud;
  readonly #means: Means;
  readonly #closed = new AbortController();
  #access: Access | undefined;
  #pending: Promise<Access> | undefined;
  #refused: { readonly error: OpenStackError; readonly untilMs: number } | undefined;

  constructor(cloud: Cloud, means: Means) {
    this.#cloud = cloud;
    this.#means = means;
  }

  /** Ends an authentication that nobody waits for any more. Safe to call twice. */
  close(): void {
    this.#closed.abort(new OpenStackError('closed', 'the session with OpenStack is closed'));
  }

  /** @param refused is what a service has refused: another is needed, unless somebody has renewed it already */
  async current(signal: AbortSignal, refused?: Access): Promise<Access> {
    signal.throwIfAborted();
    this.#closed.signal.throwIfAborted();
    const access = this.#access;
    if (access && access !== refused && this.#means.clock.now() < access.renewAtMs) return access;
    this.#pending ??= this.#authenticate().finally(() => {
      this.#pending = undefined;
    });
    return untilAborted(this.#pending, signal);
  }

  async #authenticate(): Promise<Access> {
    if (this.#refused && this.#means.clock.now() < this.#refused.untilMs) throw this.#refused.error;
    const { authUrl, credentials } = this.#cloud;
    const asked = {
      ...{ method: 'POST' as const, url: `${authUrl}/auth/tokens`, headers: jsonHeaders(true) },
      body: JSON.stringify(tokenRequest(credentials)),
      // A second token does no harm.
      ...{ label: 'Keystone: POST /auth/tokens', repeatable: true },
    };
    try {
      const { token, lifetimeMs, userId, catalogue } = tokenIn(
        await ask(this.#means, asked, this.#closed.signal),
      );
      const renewAtMs = this.#means.clock.now() + lifetimeMs - Math.min(MARGIN_MS, lifetimeMs / 10);
      this.#access = { token, renewAtMs, userId, catalogue };
      return this.#access;
    } catch (error) {
      throw error instanceof OpenStackError ? this.#explained(error) : error;
    }
  }

  #explained(error: OpenStackError): OpenStackError {
    const { authUrl, credentials } = this.#cloud;
    const because = (words: string): OpenStackError =>
      new OpenStackError(error.kind, `${words} (${error.message})`, error);
    if (error.kind === 'not-found') return because(`${authUrl} is not Keystone's API v3: correct auth_url`);
    if (error.kind !== 'auth') return error;
    const refused = because(`Keystone at ${authUrl} refuses the credentials of ${userOf(credentials)}`);
    this.#refused = { error: refused, untilMs: this.#means.clock.now() + PAUSE_AFTER_REFUSAL_MS };
    return refused;
  }
}

/** The same promise for one caller. It goes on when this caller does not wait any more. */
async function untilAborted<T>(shared: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => {
    const reason: unknown = signal.reason;
    reject(reason instanceof Error ? reason : new Error(String(reason)));
  };
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([shared, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
