/**
 * Talks to the API server in plain JSON: objects stay as the server wrote them
 * (dates are strings), requests can be cancelled, and connections are shared.
 */
import { ApiException, HttpMethod, KubeConfig, RequestContext } from '@kubernetes/client-node';
import type { KubernetesObject } from '@kubernetes/client-node';
import { readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { getGlobalDispatcher, type Dispatcher } from 'undici';
import { z } from 'zod';
import { connectionPool } from '../http/connection-pool.ts';
import { exchange, type Answer } from '../http/exchange.ts';
import { proxyOf } from './proxy.ts';
import { verbOf, type Verb } from './request-verb.ts';

export type { Answer } from '../http/exchange.ts';

export const FIELD_MANAGER = 'careen';

const PAGE = 500;
/** The API server itself ends a request after a minute. */
const ANSWER_LIMIT_MS = 60_000;
const UNAUTHORIZED = 401;

/** The hooks that a process may attach to its client. */
export type ClientHooks = {
  /** Called just before each write request is sent. Throws when this process may not write any more. */
  beforeWrite?: () => void;
  /** Called with the status of each answer, or with `error` when there was no answer. Must not throw. */
  onAnswer?: (verb: Verb, code: number | 'error', path: string) => void;
  /** How long `call` waits for the whole answer, because a connection may break in the middle. A minute by default. */
  answerLimitMs?: number;
  /** Carries the requests in the simulator, which has no server; the network by default. */
  transport?: Transport;
  /** Set once the server has refused to stream a list: all lists are read in pages then. */
  listsInPages?: boolean;
};
export type Client = KubeConfig & ClientHooks;

export type Transport = (request: Call, signal: AbortSignal | undefined) => Promise<Answer>;

/**
 * Shares one pool of HTTP/1.1 connections among all requests; KubeConfig opens
 * one connection for each request. The pool is replaced when the keys or the proxy
 * change, and each request reads the token file, so that rotated files take effect.
 */
export class PooledKubeConfig extends KubeConfig implements ClientHooks {
  beforeWrite?: () => void;
  onAnswer?: (verb: Verb, code: number | 'error', path: string) => void;
  answerLimitMs?: number;
  listsInPages?: boolean;
  #pool: Dispatcher | undefined;
  #keys = '';

  /** The proxy of the current cluster. Throws when its `proxy-url` is none that can be used. */
  get proxy(): URL | undefined {
    const cluster = this.getCurrentCluster();
    return cluster ? proxyOf(cluster) : undefined;
  }

  /** Does not call the inherited method: that makes a pool for each request, and reads the files once more. */
  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    const proxy = this.proxy;
    const options: RequestOptions = {};
    await this.applyToHTTPSOptions(options);
    for (const [name, value] of Object.entries(options.headers ?? {}))
      context.setHeaderParam(name, String(value));
    if (options.auth)
      context.setHeaderParam('Authorization', `Basic ${Buffer.from(options.auth).toString('base64')}`);
    // The client caches the token for a minute, with the newline at its end.
    const file = tokenFileOf(this);
    if (file) context.setHeaderParam('Authorization', `Bearer ${readFileSync(file, 'utf8').trim()}`);
    context.setDispatcher(this.#poolFor(options, proxy));
  }

  #poolFor(
    { ca, cert, key, rejectUnauthorized, servername }: RequestOptions,
    proxy: URL | undefined,
  ): Dispatcher {
    const keys = [ca, cert, key, rejectUnauthorized, servername, proxy].map(String).join('\n');
    if (this.#pool && keys === this.#keys) return this.#pool;
    // Undefined would override the defaults of TLS, hence the spreads.
    const tls = {
      ...(ca ? { ca } : {}),
      ...(cert ? { cert } : {}),
      ...(key ? { key } : {}),
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
      ...(servername ? { servername } : {}),
    };
    this.#keys = keys;
    // The earlier pool is not closed: it may have requests in flight, and its idle connections end by themselves.
    this.#pool = connectionPool(tls, proxy);
    return this.#pool;
  }
}

/** The certificate of every API server has this name, whatever else it has. Pods know the API servers by it. */
const NAME_OF_EACH = 'kubernetes.default.svc';

/**
 * A client with the same credentials and CA for single API servers of a cluster, by the `origin` of its calls. It shows
 * its credentials to API servers only: the certificate must have the name of an API server, so that of a kubelet at the
 * same address is refused.
 */
export function clientOfEach(client: Client): Client {
  const { users, contexts, currentContext, onAnswer, transport } = client;
  const each = new PooledKubeConfig();
  const clusters = client.clusters.map((cluster) => ({ ...cluster, tlsServerName: NAME_OF_EACH }));
  each.loadFromOptions({ users, contexts, currentContext, clusters });
  return Object.assign(each, { ...(onAnswer && { onAnswer }), ...(transport && { transport }) });
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;
/** How much of an object is sent: `metadata` leaves out spec and status. */
export type Detail = 'object' | 'metadata';
export type Call = {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Query;
  /** One of several API servers of the cluster, such as `https://10.0.0.1:6443` (`clientOfEach`). */
  readonly origin?: string;
  /** Sent as JSON. In a PATCH an array is a JSON patch, anything else a JSON merge patch; in a DELETE it is DeleteOptions. */
  readonly body?: unknown;
  /** A list asks for `metadata-list` in place of `metadata`. */
  readonly as?: Detail | 'metadata-list';
  /** Leaves out who wrote which field, a quarter of a node. Servers before Kubernetes 1.38 send it all the same. */
  readonly withoutManagers?: boolean;
  /** The answer may be compressed: it is read whole. What is read as it arrives must not be. */
  readonly readWhole?: boolean;
};

/** Makes one request and returns the JSON of its answer. Throws ApiException when the server refuses the request. */
export async function call<T>(client: Client, request: Call, signal?: AbortSignal): Promise<T> {
  const { answerLimitMs = ANSWER_LIMIT_MS } = client;
  signal?.throwIfAborted();
  const either = new AbortController();
  const abort = (): void => either.abort(signal?.reason);
  signal?.addEventListener('abort', abort);
  const timer = setTimeout(() => {
    const late = `${request.method} ${request.path}: no whole answer within ${String(answerLimitMs / 1000)} s`;
    either.abort(new Error(late));
  }, answerLimitMs);
  try {
    const response = await send(client, { ...request, readWhole: true }, either.signal);
    // The shape is the API server's promise for the path that the caller named.
    return (await response.json()) as T;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/**
 * Makes one request and returns as soon as its answer begins. Throws
 * ApiException when the server refuses the request. After a 401 the request is
 * made once more: the token file may have a new token.
 */
export async function send(client: Client, request: Call, signal?: AbortSignal): Promise<Answer> {
  let response = await attempt(client, request, signal);
  if (response.status === UNAUTHORIZED && tokenFileOf(client)) {
    await response.body?.cancel();
    response = await attempt(client, request, signal);
  }
  if (response.ok) return response;
  throw new ApiException(
    response.status,
    `${request.method} ${request.path}`,
    await response.text(),
    Object.fromEntries(response.headers),
  );
}

async function attempt(client: Client, request: Call, signal?: AbortSignal): Promise<Answer> {
  const carry = client.transport ?? (await overNetwork(client, request));
  if (request.method !== 'GET') client.beforeWrite?.();
  const verb = verbOf(request);
  try {
    const answer = await carry(request, signal);
    client.onAnswer?.(verb, answer.status, request.path);
    return answer;
  } catch (error) {
    client.onAnswer?.(verb, 'error', request.path);
    throw error;
  }
}

/** Does everything that must be awaited before a request is sent. */
async function overNetwork(client: Client, request: Call): Promise<Transport> {
  const { origin, path } = addressOf(client, request);
  const context = new RequestContext(origin, HttpMethod.GET);
  await client.applySecurityAuthentication(context);
  const dispatcher = context.getDispatcher() ?? getGlobalDispatcher();
  const headers = {
    ...{ Accept: acceptOf(request), 'User-Agent': FIELD_MANAGER },
    'Accept-Encoding': request.readWhole === true ? 'gzip' : 'identity',
    ...context.getHeaders(),
    ...contentType(request),
  };
  return async ({ method, body: content }, signal) => {
    const body = content === undefined ? null : JSON.stringify(content);
    return exchange(dispatcher, { origin, path, method, headers, body }, signal);
  };
}

export type Page<T> = { readonly items: readonly T[]; readonly resourceVersion: string };
export type Selection = { readonly labelSelector?: string; readonly fieldSelector?: string };
type RawPage<T> = {
  readonly items?: readonly T[] | null;
  readonly metadata?: { readonly continue?: string; readonly resourceVersion?: string };
};

/** Lists in pages; each page is read on demand. */
export async function* rawPages<T extends KubernetesObject>(
  config: KubeConfig,
  path: string,
  selection: Selection,
  signal?: AbortSignal,
  detail: Detail = 'object',
): AsyncGenerator<Page<T>, void, undefined> {
  const as = detail === 'metadata' ? 'metadata-list' : 'object';
  let next: string | undefined;
  do {
    const query = { ...selection, limit: PAGE, continue: next };
    const page: Call = { method: 'GET', path, query, as, withoutManagers: true };
    const { items, metadata } = await call<RawPage<T>>(config, page, signal);
    yield { items: items ?? [], resourceVersion: metadata?.resourceVersion ?? '' };
    next = metadata?.continue;
  } while (next);
}

/** The current resource version of a list. */
export async function currentRevision(
  config: KubeConfig,
  path: string,
  selection: Selection,
  signal: AbortSignal,
): Promise<string> {
  const query = { ...selection, limit: 1 };
  const { metadata } = await call<RawPage<unknown>>(config, { method: 'GET', path, query }, signal);
  return metadata?.resourceVersion ?? '';
}

/** Lists everything at once; for small lists. */
export async function rawList<T extends KubernetesObject>(
  config: KubeConfig,
  path: string,
  selection: Selection,
  signal?: AbortSignal,
): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const { items } of rawPages<T>(config, path, selection, signal)) all.push(...items);
  return all;
}

function addressOf(
  config: KubeConfig,
  { path, query = {}, origin: another }: Call,
): { origin: string; path: string } {
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error('the kubeconfig names no current cluster');
  const { origin, pathname } = new URL(another ?? cluster.server);
  const parts = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  const asked = parts.length === 0 ? '' : `?${parts.join('&')}`;
  return { origin, path: `${pathname.replace(/\/$/, '')}${encodedPath(path)}${asked}` };
}

/** Encodes each segment. Throws for a name that would lead to another resource, whoever has written it. */
function encodedPath(path: string): string {
  const segments = path.split('/').slice(1);
  if (segments.some((each) => each === '' || each === '.' || each === '..'))
    throw new Error(
      `${JSON.stringify(path)} is no path of the API server: a name in it is empty, "." or ".."`,
    );
  return segments.map((each) => `/${encodeURIComponent(each)}`).join('');
}

function acceptOf({ as = 'object', withoutManagers = false }: Call): string {
  const kind = as === 'metadata' ? 'PartialObjectMetadata' : 'PartialObjectMetadataList';
  const form = as === 'object' ? '' : `;as=${kind};g=meta.k8s.io;v=v1`;
  return `application/json${form}${withoutManagers ? ';drop=metadata.managedFields' : ''}`;
}

function contentType({ method, body }: Call): Record<string, string> {
  if (body === undefined) return {};
  if (method !== 'PATCH') return { 'Content-Type': 'application/json' };
  return { 'Content-Type': `application/${Array.isArray(body) ? 'json-patch' : 'merge-patch'}+json` };
}

const tokenFileSchema = z.looseObject({ config: z.looseObject({ tokenFile: z.string() }) });

/** The token file of the current user, as in a pod; undefined when there is none. */
function tokenFileOf(config: KubeConfig): string | undefined {
  return tokenFileSchema.safeParse(config.getCurrentUser()?.authProvider).data?.config.tokenFile;
}
