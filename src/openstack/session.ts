/**
 * A session with one cloud: a token of Keystone, the services of its catalogue, and requests to them.
 *
 * The token is renewed before it expires, and once when a service refuses it. Callers at the same time share one
 * authentication. Reads are repeated after errors that may pass; writes never: their error says whether they may have
 * taken effect.
 */
import { AccessKeeper, type Access } from './access.ts';
import { notUnderstood, pageIn } from './answers.ts';
import { endpointOf } from './catalogue.ts';
import { userOf, type Cloud } from './cloud.ts';
import { OpenStackError } from './errors.ts';
import { parseJson } from './identity.ts';
import { isAtLeast, isWithin, rangeOf, type VersionRange } from './microversions.ts';
import type { Asked } from './refusals.ts';
import { ask, jsonHeaders, SYSTEM_CLOCK, type Clock, type Means } from './requests.ts';
import type { HttpAnswer, HttpRequest, Transport } from './transport.ts';

/** The type in the catalogue, which is the name before a microversion too. */
export type Service = 'compute' | 'placement';

export type Call = {
  readonly method: HttpRequest['method'];
  /** The segments below the endpoint, in their plain form: a name may have any character. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly microversion: string;
};

export type SessionOptions = {
  readonly clock?: Clock;
  /** How long the whole answer to one request may take. */
  readonly requestLimitMs?: number;
};

const REQUEST_LIMIT_MS = 60_000;

type Endpoint = { readonly url: string; readonly range: VersionRange };

export class OpenStackSession {
  readonly #cloud: Cloud;
  readonly #means: Means;
  readonly #keeper: AccessKeeper;
  /** Clouds are upgraded, so the endpoints last no longer than the token. */
  readonly #endpoints = new WeakMap<Access, Map<Service, Endpoint>>();

  constructor(cloud: Cloud, transport: Transport, options: SessionOptions = {}) {
    const { credentials } = cloud;
    const secret = credentials.kind === 'password' ? credentials.password : credentials.secret;
    const { clock = SYSTEM_CLOCK, requestLimitMs: limitMs = REQUEST_LIMIT_MS } = options;
    this.#cloud = cloud;
    this.#means = { transport, clock, limitMs, hide: (text) => secret.hideIn(text) };
    this.#keeper = new AccessKeeper(cloud, this.#means);
  }

  /** Ends an authentication that nobody waits for any more. Safe to call twice. */
  close(): void {
    this.#keeper.close();
  }

  /** Makes one request and returns the JSON of its answer; undefined when the answer is empty. Throws OpenStackError. */
  async request(service: Service, call: Call, signal: AbortSignal): Promise<unknown> {
    return this.#withAccess(signal, async (access) => {
      const { url, range } = await this.#endpoint(access, service, signal);
      const asked = requestOf(service, call, url);
      if (!isWithin(range, call.microversion)) return unsupported(service, url, range, call.microversion);
      const { text } = await this.#ask(asked, access, signal);
      return text === '' ? undefined : (parseJson(text) ?? notUnderstood(asked.label, 'it is no JSON'));
    });
  }

  /**
   * Reads a list page by page, each on demand: the items below `key`, and then the page that `<key>_links` names. Only
   * the marker is taken from that link, because its host is often wrong behind a proxy.
   */
  async *pages(
    service: Service,
    call: Call,
    key: string,
    signal: AbortSignal,
  ): AsyncGenerator<readonly unknown[], void, undefined> {
    let marker: string | undefined;
    do {
      const page: Call = { ...call, query: { ...call.query, marker } };
      const answer = await this.request(service, page, signal);
      const { items, next } = pageIn(answer, key, labelOf(service, call));
      yield items;
      if (next !== undefined && next === marker)
        throw new OpenStackError(
          'unexpected-answer',
          `${labelOf(service, call)} has the same page after itself`,
        );
      marker = next;
    } while (marker !== undefined);
  }

  /** The id of the user that the credentials are of: services note it with what was asked for. */
  async userId(signal: AbortSignal): Promise<string> {
    return (await this.#keeper.current(signal)).userId;
  }

  /** Whether the service has this microversion. */
  async supports(service: Service, microversion: string, signal: AbortSignal): Promise<boolean> {
    const { range } = await this.#withAccess(signal, (access) => this.#endpoint(access, service, signal));
    return isWithin(range, microversion);
  }

  /** The first of the microversions that the service has. Throws when it has none of them. */
  async firstSupported(
    service: Service,
    microversions: readonly string[],
    signal: AbortSignal,
  ): Promise<string> {
    const { url, range } = await this.#withAccess(signal, (access) =>
      this.#endpoint(access, service, signal),
    );
    const found = microversions.find((each) => isWithin(range, each));
    return found ?? unsupported(service, url, range, microversions.at(-1) ?? '');
  }

  /** Tries once more, with a new token, when a service refuses the token. It has done nothing then. */
  async #withAccess<T>(signal: AbortSignal, use: (access: Access) => Promise<T>): Promise<T> {
    const access = await this.#keeper.current(signal);
    try {
      return await use(access);
    } catch (error) {
      if (!(error instanceof OpenStackError && error.kind === 'auth')) throw error;
      return use(await this.#keeper.current(signal, access));
    }
  }

  async #endpoint(access: Access, service: Service, signal: AbortSignal): Promise<Endpoint> {
    const known = this.#endpoints.get(access) ?? new Map<Service, Endpoint>();
    this.#endpoints.set(access, known);
    const endpoint = known.get(service) ?? (await this.#discover(access, service, signal));
    known.set(service, endpoint);
    return endpoint;
  }

  async #discover(access: Access, service: Service, signal: AbortSignal): Promise<Endpoint> {
    const url = endpointOf(access.catalogue, service, this.#cloud);
    const asked: Asked = {
      // The catalogues of old installations have the project after the version.
      ...{
        method: 'GET',
        url: `${url.replace(/(\/v\d+(?:\.\d+)?)\/.*$/, '$1')}/`,
        headers: jsonHeaders(false),
      },
      ...{ label: `${service}: GET of its versions`, repeatable: true },
    };
    const range = rangeOf(parseJson((await this.#ask(asked, access, signal)).text));
    if (range) return { url: `${url}${range.missingSegment}`, range };
    throw new OpenStackError('unsupported', `${service} at ${url} names no microversions: it is too old`);
  }

  async #ask(asked: Asked, { token }: Access, signal: AbortSignal): Promise<HttpAnswer> {
    const withToken = { ...asked, headers: { ...asked.headers, 'X-Auth-Token': token.reveal() } };
    const hide = (text: string): string => this.#means.hide(token.hideIn(text));
    try {
      return await ask({ ...this.#means, hide }, withToken, signal);
    } catch (error) {
      if (!(error instanceof OpenStackError && error.kind === 'forbidden')) throw error;
      const remedy = `give ${userOf(this.#cloud.credentials)} a role that permits it, admin by default`;
      throw new OpenStackError('forbidden', `${error.message}: ${remedy}`, error);
    }
  }
}

function requestOf(service: Service, call: Call, endpoint: string): Asked {
  const { method, path, query, body, microversion } = call;
  const version = { 'OpenStack-API-Version': `${service} ${microversion}` };
  return {
    ...{ method, url: `${endpoint}${encodedPath(path)}${encodedQuery(query)}` },
    headers: { ...jsonHeaders(body !== undefined), ...version },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...{ label: labelOf(service, call), repeatable: method === 'GET' },
  };
}

function unsupported(service: Service, url: string, { min, max }: VersionRange, microversion: string): never {
  const age = isAtLeast(microversion, max) ? 'old' : 'new';
  const message = `${service} at ${url} is too ${age}: it has the microversions ${min} to ${max}, and ${microversion} is needed`;
  throw new OpenStackError('unsupported', message);
}

function labelOf(service: Service, { method, path }: Call): string {
  return `${service}: ${method} /${path.join('/')}`;
}

/** Throws for a segment that would lead to another resource, whoever has written it. */
function encodedPath(path: readonly string[]): string {
  if (path.some((each) => each === '' || each === '.' || each === '..'))
    throw new OpenStackError(
      'bad-request',
      `${JSON.stringify(path)} is no path: a name in it is empty, "." or ".."`,
    );
  return path.map((each) => `/${encodeURIComponent(each)}`).join('');
}

function encodedQuery(query: Call['query'] = {}): string {
  const parts = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}
