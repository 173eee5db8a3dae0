/** HTTP servers of which whoever reaches the port can take little: a few connections at once, and for a short time. */
import { fastify } from 'fastify';
import type { FastifyInstance, FastifyRequest, FastifyServerOptions } from 'fastify';
import { boundConnections } from './bound-connections.ts';

const LONGEST_REQUEST_MILLISECONDS = 5_000;
const LARGEST_HEADERS_BYTES = 8_192;

/** @param longestMilliseconds how long a connection may be open */
export function boundedServer(
  longestMilliseconds: number,
  options: Pick<FastifyServerOptions, 'bodyLimit' | 'routerOptions'> = {},
): FastifyInstance {
  const server = fastify({
    ...options,
    logger: false,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    requestTimeout: LONGEST_REQUEST_MILLISECONDS,
    http: {
      headersTimeout: LONGEST_REQUEST_MILLISECONDS,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: LARGEST_HEADERS_BYTES,
    },
  });
  server.server.on('connection', boundConnections(longestMilliseconds));
  return server;
}

/**
 * Resolves with the base URL, such as `http://127.0.0.1:8080`. Throws when the server cannot listen at the address.
 *
 * @param purpose completes the message "cannot ...", such as `serve metrics`
 */
export async function listen(
  server: FastifyInstance,
  { host, port }: { readonly host: string; readonly port: number },
  purpose: string,
): Promise<string> {
  try {
    return await server.listen({ host, port });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`cannot ${purpose} at ${host}, port ${port}: ${why}; use another address`, {
      cause: error,
    });
  }
}

export function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}
