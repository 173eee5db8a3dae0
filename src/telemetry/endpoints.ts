/**
 * The HTTP server for probes and metrics. `/healthz` checks the event loop only:
 * a probe that needed the API server would restart every replica in an outage.
 * `/readyz` reports whether the replica has the data that it needs.
 *
 * Whoever reaches the port can take little: a connection has one small request
 * without a body, and ten seconds; a connection above the limit closes the oldest
 * one, so a probe is answered however many others are open.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { boundedServer, hasBody, listen } from '../http/bounded-server.ts';

export type EndpointOptions = {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Why the replica is not ready, such as `the nodes are not known yet`; undefined when it is. */
  readonly ready: () => string | undefined;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  /** Milliseconds of a clock that nobody sets: performance.now(). */
  readonly clock: () => number;
};

export type Endpoints = {
  /** The base URL, such as `http://127.0.0.1:8080`. */
  readonly address: string;
  /** Closes the server and its connections. Safe to call twice. */
  close(): Promise<void>;
};

const TICK_MILLISECONDS = 1_000;
const LONGEST_SILENCE_MILLISECONDS = 10_000;

const LONGEST_CONNECTION_MILLISECONDS = 10_000;

/** Serves probes and metrics. Throws when it cannot listen at the address. */
export async function startEndpoints(options: EndpointOptions): Promise<Endpoints> {
  const { ready, metrics, clock } = options;
  const server = boundedServer(LONGEST_CONNECTION_MILLISECONDS);
  server.addHook('onRequest', refuseAllButGet);
  let lastTick = clock();

  server.get('/healthz', async (_request, reply) => {
    const silence = clock() - lastTick;
    if (silence < LONGEST_SILENCE_MILLISECONDS) return reply.type('text/plain').send('ok');
    const seconds = Math.round(silence / 1000);
    return reply.code(503).type('text/plain').send(`the event loop has not turned for ${seconds} s`);
  });
  server.get('/readyz', async (_request, reply) => {
    const reason = ready();
    return reply
      .code(reason === undefined ? 200 : 503)
      .type('text/plain')
      .send(reason ?? 'ok');
  });
  let text: Promise<string> | undefined;
  server.get('/metrics', async (_request, reply) => {
    // Requests at the same time share a text.
    text ??= metrics.text().finally(() => (text = undefined));
    return reply.type(metrics.contentType).send(await text);
  });

  const address = await listen(server, options, 'serve probes and metrics');
  const heartbeat = setInterval(() => {
    lastTick = clock();
  }, TICK_MILLISECONDS);
  return {
    address,
    close: async () => {
      clearInterval(heartbeat);
      await server.close();
    },
  };
}

/** Closes the connection with the answer, and answers before a body is read. */
async function refuseAllButGet(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  reply.header('connection', 'close');
  if (request.method !== 'GET') return reply.code(405).header('allow', 'GET').send();
  return hasBody(request) ? reply.code(413).send() : undefined;
}
