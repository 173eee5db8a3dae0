/**
 * An HTTP proxy on loopback for the faults of single requests: it holds a request
 * until a test releases it, answers in the API server's place, or changes the
 * request. Everything else goes to the API server over TLS, with the client's
 * own token; watches are streamed.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { bufferFromFileOrString } from '@kubernetes/client-node';
import type { KubeConfig } from '@kubernetes/client-node';
import { Agent } from 'undici';
import type { Dispatcher } from 'undici';
import { pathTemplate } from '../audit/path-template.ts';
import { listening } from './loopback.ts';

export type ProxiedRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Parsed from JSON; undefined where there is none. */
  readonly body: unknown;
};
export type Match = (request: ProxiedRequest) => boolean;

export type Answer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
};

export type HeldRequest = {
  readonly request: ProxiedRequest;
  /**
   * Sends it on, also when its client has gone meanwhile, and returns what the
   * API server answered. `edit` changes the body, to take a precondition out of it.
   */
  release(edit?: (body: unknown) => unknown): Promise<Received>;
  /** Sends it on, and keeps the answer from its client until `deliver`: it is done, and the client does not know. */
  carryOut(): Promise<Received & { readonly deliver: () => void }>;
};
type Received = { readonly status: number; readonly body: unknown };

/** One request on its way through the proxy. */
type Exchange = {
  readonly request: ProxiedRequest;
  readonly headers: Readonly<Record<string, string>>;
  readonly outgoing: ServerResponse;
};
type Rule = { readonly match: Match; times: number; readonly act: (exchange: Exchange) => Promise<void> };

/** Headers of one connection only, or set again for the next one. */
const NOT_FORWARDED = new Set(['connection', 'content-length', 'host', 'keep-alive', 'transfer-encoding']);

export class HoldingProxy {
  readonly #server: Server;
  #port = 0;
  readonly #target: string;
  readonly #agent: Agent;
  readonly #requests = new Map<string, number>();
  readonly #rules: Rule[] = [];
  readonly #watches = new Set<ServerResponse>();
  readonly #listeners: ((request: ProxiedRequest) => void)[] = [];

  private constructor(config: KubeConfig) {
    const cluster = config.getCurrentCluster();
    const ca = cluster && bufferFromFileOrString(cluster.caFile, cluster.caData);
    if (!ca) throw new Error('the kubeconfig that the proxy should lead to names no cluster with a CA');
    this.#target = cluster.server;
    this.#agent = new Agent({ allowH2: false, bodyTimeout: 0, connect: { ca } });
    this.#server = createServer((incoming, outgoing) => {
      // A connection that breaks on either side breaks on the other, as it would without the proxy.
      this.#handle(incoming, outgoing).catch(() => outgoing.destroy());
    });
  }

  /** Listens on a free port for the API server of the kubeconfig's current context. */
  static async start(config: KubeConfig): Promise<HoldingProxy> {
    const proxy = new HoldingProxy(config);
    proxy.#port = await listening(proxy.#server);
    return proxy;
  }

  /** The server for a kubeconfig; its user needs a token, because certificates end here. */
  get url(): string {
    return `http://127.0.0.1:${String(this.#port)}`;
  }

  /** The number of forwarded requests, by method and path such as `PATCH /api/v1/nodes/{name}`; a watch is `WATCH`. */
  get requests(): ReadonlyMap<string, number> {
    return this.#requests;
  }

  /** Catches the next request that matches; resolves when it arrives. All others pass. */
  hold(match: Match): Promise<HeldRequest> {
    const { promise, resolve } = Promise.withResolvers<HeldRequest>();
    this.#addRule(match, 1, async (exchange) => {
      const release: HeldRequest['release'] = async (edit = (body) => body) => {
        const answer = await this.#ask(exchange, edit(exchange.request.body));
        give(exchange.outgoing, answer);
        return answer;
      };
      const carryOut: HeldRequest['carryOut'] = async () => {
        const answer = await this.#ask(exchange, exchange.request.body);
        return { ...answer, deliver: () => give(exchange.outgoing, answer) };
      };
      resolve({ request: exchange.request, release, carryOut });
    });
    return promise;
  }

  /**
   * Holds every request that matches until `release`, those that a client repeats after its timeout
   * among them; `arrived` resolves with the first. After the release all are sent on.
   */
  holdAll(match: Match): { readonly arrived: Promise<void>; release(): void } {
    const arrived = Promise.withResolvers<undefined>();
    const released = Promise.withResolvers<undefined>();
    this.#addRule(match, Infinity, async (exchange) => {
      arrived.resolve(undefined);
      await released.promise;
      give(exchange.outgoing, await this.#ask(exchange, exchange.request.body));
    });
    return { arrived: arrived.promise, release: () => released.resolve(undefined) };
  }

  /** Answers the next requests that match, which the API server never sees. */
  respond(match: Match, answer: Answer, times = 1): void {
    this.#addRule(match, times, async ({ outgoing }) => give(outgoing, answer));
  }

  /** Calls `act` as soon as each of the next requests that match was sent on and has its answer. */
  after(match: Match, act: () => void, times = 1): void {
    this.#addRule(match, times, async (exchange) => {
      give(exchange.outgoing, await this.#ask(exchange, exchange.request.body));
      act();
    });
  }

  /** Lets the API server carry out the next matching requests, and gives their client another answer. */
  misreport(match: Match, answer: Answer, times = 1): void {
    this.#addRule(match, times, async (exchange) => {
      await this.#ask(exchange, exchange.request.body);
      give(exchange.outgoing, answer);
    });
  }

  /** Sends the next matching requests to another URL. */
  rewrite(match: Match, change: (url: URL) => URL, times = 1): void {
    this.#addRule(match, times, async (exchange) => {
      const { pathname, searchParams } = change(new URL(pathOf(exchange.request), this.#target));
      await this.#forward({
        ...exchange,
        request: { ...exchange.request, path: pathname, query: searchParams },
      });
    });
  }

  /** Sends the next matching requests on after a delay. */
  slow(match: Match, milliseconds: number, times = 1): void {
    this.#addRule(match, times, async (exchange) => {
      await delay(milliseconds);
      await this.#forward(exchange);
    });
  }

  /** Reports each request on arrival. */
  notice(listener: (request: ProxiedRequest) => void): void {
    this.#listeners.push(listener);
  }

  /** From now on everything passes, except requests that are already held. */
  reset(): void {
    this.#rules.splice(0);
    this.#listeners.splice(0);
  }

  /** Ends all watches at once, and nothing else. Returns their number. */
  cutWatches(): number {
    for (const outgoing of this.#watches) outgoing.destroy();
    return this.#watches.size;
  }

  /** Ends all connections of clients at once, watches among them. */
  cut(): void {
    this.#server.closeAllConnections();
  }

  /** Ends everything; held requests are lost. Safe to call twice. */
  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#server.close(() => resolve(undefined));
    this.cut();
    await promise;
    await this.#agent.destroy();
  }

  #addRule(match: Match, times: number, act: Rule['act']): void {
    this.#rules.push({ match, times, act });
  }

  async #handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    outgoing.on('error', () => undefined); // the client has gone
    const { pathname, searchParams } = new URL(incoming.url ?? '/', this.#target);
    const body = await text(incoming);
    const request = {
      method: incoming.method ?? 'GET',
      path: pathname,
      query: searchParams,
      body: body ? (JSON.parse(body) as unknown) : undefined,
    };
    for (const listener of this.#listeners) listener(request);
    const exchange = { request, headers: forwarded(incoming.headers), outgoing };
    const rule = this.#rules.find(({ match, times }) => times > 0 && match(request));
    if (!rule) return this.#forward(exchange);
    rule.times--;
    await rule.act(exchange);
  }

  /** Streams the answer through as it arrives. */
  async #forward(exchange: Exchange): Promise<void> {
    const { request, outgoing } = exchange;
    const gone = new AbortController();
    outgoing.once('close', () => gone.abort());
    if (isWatch(request)) {
      this.#watches.add(outgoing);
      outgoing.once('close', () => this.#watches.delete(outgoing));
    }
    const { statusCode, headers, body } = await this.#send(exchange, request.body, {}, gone.signal);
    outgoing.writeHead(statusCode, forwarded(headers));
    outgoing.flushHeaders(); // a watch may be silent for a while
    await pipeline(body, outgoing);
  }

  /** Waits for the whole answer. */
  async #ask(exchange: Exchange, body: unknown): Promise<Received> {
    const answer = await this.#send(exchange, body, { 'accept-encoding': 'identity' });
    return { status: answer.statusCode, body: await answer.body.json() };
  }

  #send(
    { request, headers }: Exchange,
    body: unknown,
    moreHeaders: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    this.#count(request);
    return this.#agent.request({
      origin: this.#target,
      path: pathOf(request),
      method: request.method,
      headers: { ...headers, ...moreHeaders },
      body: body === undefined ? null : JSON.stringify(body),
      ...(signal ? { signal } : {}),
    });
  }

  #count(request: ProxiedRequest): void {
    const kind = `${isWatch(request) ? 'WATCH' : request.method} ${pathTemplate(request.path)}`;
    this.#requests.set(kind, (this.#requests.get(kind) ?? 0) + 1);
  }
}

/** A refusal in the API server's form; `retryAfterSeconds` becomes a header. */
export function statusAnswer(status: number, reason: string, retryAfterSeconds?: number): Answer {
  const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  const message = `injected ${reason}`;
  const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message, code: status };
  return { status, headers, body };
}

function isWatch({ query }: ProxiedRequest): boolean {
  return query.get('watch') === 'true';
}

function pathOf({ path, query }: ProxiedRequest): string {
  return query.size > 0 ? `${path}?${query.toString()}` : path;
}

function forwarded(headers: IncomingMessage['headers']): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => !NOT_FORWARDED.has(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
}

/** Does nothing when the client has gone. */
function give(outgoing: ServerResponse, { status, headers = {}, body }: Answer): void {
  if (outgoing.destroyed) return;
  outgoing.writeHead(status, { 'content-type': 'application/json', ...headers });
  outgoing.end(JSON.stringify(body));
}
