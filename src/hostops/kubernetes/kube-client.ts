/**
 * Talks to the API server in plain JSON: objects stay as the server wrote them
 * (dates are strings), requests can be cancelled, and connections are shared.
 */
import { ApiException, HttpMethod, KubeConfig, RequestContext } from '@kubernetes/client-node';
import type { KubernetesObject } from '@kubernetes/client-node';
import type { RequestOptions } from 'node:https';
import { Agent, fetch } from 'undici';
import type { Response } from 'undici';

export const FIELD_MANAGER = 'careen';

const PAGE = 500;
const CONNECT_TIMEOUT_MS = 5_000;
const HEADERS_TIMEOUT_MS = 30_000;

/**
 * Shares one pool of HTTP/1.1 connections among all requests; the client as it
 * is opens one per request. The pool is made anew when the keys change, so that
 * rotated files take effect.
 */
export class PooledKubeConfig extends KubeConfig {
  #pool: Agent | undefined;
  #keys = '';

  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    await super.applySecurityAuthentication(context);
    const options: RequestOptions = {};
    await this.applyToHTTPSOptions(options);
    context.setDispatcher(this.#poolFor(options));
  }

  #poolFor({ ca, cert, key, rejectUnauthorized, servername }: RequestOptions): Agent {
    const keys = [ca, cert, key, rejectUnauthorized, servername].map(String).join('\n');
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
    // The pool before is not closed: requests may be on their way to it, and its idle connections end by themselves.
    this.#pool = new Agent({
      allowH2: false,
      headersTimeout: HEADERS_TIMEOUT_MS,
      bodyTimeout: 0, // watches are silent at times; they have an idle limit of their own
      connect: { timeout: CONNECT_TIMEOUT_MS, ...tls },
    });
    return this.#pool;
  }
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;
export type Call = {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
  readonly query?: Query;
  /** A POST sends it as JSON, a PATCH as a JSON merge patch. */
  readonly body?: unknown;
};

/** Makes one request and returns its JSON. Refusals are thrown as ApiException. */
export async function call<T>(config: KubeConfig, request: Call, signal?: AbortSignal): Promise<T> {
  const response = await send(config, request, signal);
  // The shape is the API server's promise for the path that the caller named.
  return (await response.json()) as T;
}

/** Makes one request and returns as soon as its answer begins. */
export async function send(config: KubeConfig, request: Call, signal?: AbortSignal): Promise<Response> {
  const url = urlOf(config, request);
  const context = new RequestContext(url, HttpMethod.GET);
  await config.applySecurityAuthentication(context);
  const dispatcher = context.getDispatcher();
  const response = await fetch(url, {
    method: request.method,
    headers: { Accept: 'application/json', ...context.getHeaders(), ...contentType(request) },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    ...(dispatcher ? { dispatcher } : {}),
    ...(signal ? { signal } : {}),
  });
  if (response.ok) return response;
  throw new ApiException(
    response.status,
    `${request.method} ${request.path}`,
    await response.text(),
    Object.fromEntries(response.headers),
  );
}

export type Page<T> = { readonly items: readonly T[]; readonly resourceVersion: string };
export type Selection = { readonly labelSelector?: string; readonly fieldSelector?: string };
type RawPage<T> = {
  readonly items?: readonly T[] | null;
  readonly metadata?: { readonly continue?: string; readonly resourceVersion?: string };
};

/** Lists in pages, each read when it is asked for. */
export async function* rawPages<T extends KubernetesObject>(
  config: KubeConfig,
  path: string,
  selection: Selection,
  signal?: AbortSignal,
): AsyncGenerator<Page<T>, void, undefined> {
  let next: string | undefined;
  do {
    const query = { ...selection, limit: PAGE, continue: next };
    const { items, metadata } = await call<RawPage<T>>(config, { method: 'GET', path, query }, signal);
    yield { items: items ?? [], resourceVersion: metadata?.resourceVersion ?? '' };
    next = metadata?.continue;
  } while (next);
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

function urlOf(config: KubeConfig, { path, query = {} }: Call): string {
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error('the kubeconfig names no current cluster');
  const url = new URL(cluster.server.replace(/\/$/, '') + path);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== '') url.searchParams.set(name, String(value));
  return url.href;
}

function contentType({ method, body }: Call): Record<string, string> {
  if (body === undefined) return {};
  return { 'Content-Type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' };
}
